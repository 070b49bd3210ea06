"""Files that go together line by line: what is read, and what is said about files that do not."""

import gzip

import pytest

import keras_seqcv as ks

tfds = pytest.importorskip("tensorflow_datasets")


def write(path, text, encoding="utf-8"):
    data = text if isinstance(text, bytes) else text.encode(encoding)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def test_files_plain_and_compressed_and_lists(tmp_path):
    wanted = ks.data.TextPairs(["ein Hund", "zwei  Äpfel\u2028rot"], ["a dog", "two red apples"])
    german = "\ufeffein Hund \r\nzwei  Äpfel\u2028rot\n"  # a mark at the beginning, two kinds of line ends
    for name in ("train.de", "train.de.gz"):
        source = write(tmp_path / name, german)
        assert ks.data.read_translations(source, wanted.targets) == wanted
        assert ks.data.read_translations(str(source), write(tmp_path / "train.en", "a dog\ntwo red apples")) == wanted


def test_what_is_wrong_is_named_with_file_and_line(tmp_path):
    source = write(tmp_path / "a.de", "eins\n\ndrei\n")
    target = write(tmp_path / "a.en", "one\ntwo\nthree\n")
    with pytest.raises(ValueError, match=r"a\.de, line 2 is empty, \S+a\.en, line 2 is 'two'"):
        ks.data.read_translations(source, target)
    with pytest.raises(ValueError, match=r"a\.de, line 2 is empty, `target\[1\]` is empty too"):
        ks.data.read_translations(source, ["one", " ", "three"])
    with pytest.raises(ValueError, match=r"a\.de and \S+b\.en .* received 3 and 2 lines"):
        ks.data.read_translations(source, write(tmp_path / "b.en", "one\ntwo\n"))
    with pytest.raises(ValueError, match=r"c\.de, line 2: not valid UTF-8 \(byte 0xe9\)"):
        ks.data.read_translations(write(tmp_path / "c.de", "eins\ncafé\n", "latin-1"), target)
    with pytest.raises(ValueError, match=r"missing\.de: cannot be read: No such file"):
        ks.data.read_translations(tmp_path / "missing.de", target)
    broken = write(tmp_path / "d.de.gz", "eins\nzwei\ndrei\n")
    broken.write_bytes(broken.read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"d\.de\.gz: cannot be read"):
        ks.data.read_translations(broken, target)
    (tmp_path / "e.de.gz").write_bytes(b"eins\n")
    with pytest.raises(ValueError, match=r"e\.de\.gz: cannot be read"):
        ks.data.read_translations(tmp_path / "e.de.gz", target)
    empty = write(tmp_path / "empty", "")
    with pytest.raises(ValueError, match="received none"):
        ks.data.read_translations(empty, empty)
    with pytest.raises(TypeError, match=r"`source\[1\]` must be a str"):
        ks.data.read_translations(["eins", 2], target)
    with pytest.raises(TypeError, match="`target` must be a file or a list of str, received NoneType"):
        ks.data.read_translations(source, None)


def test_many_empty_lines_are_counted():
    with pytest.raises(ValueError, match=r"`source\[0\]` is empty.*\(and 15 more\)"):
        ks.data.read_translations([""] * 20, ["one"] * 20)


class TinyTranslate(tfds.core.GeneratorBasedBuilder):
    """Three pairs for training and two for validation, in the form of the sets of translations."""

    VERSION = tfds.core.Version("1.0.0")
    PAIRS = {"train": [("eins", "one"), (" zwei\n", "two"), ("drei", "three")], "validation": [("vier", "four")] * 2}

    def _info(self):
        features = tfds.features.Translation(languages=("de", "en"))
        return tfds.core.DatasetInfo(builder=self, features=features, supervised_keys=("de", "en"))

    def _split_generators(self, dl_manager):
        return {name: self._generate_examples(pairs) for name, pairs in self.PAIRS.items()}

    def _generate_examples(self, pairs):
        for k, (german, english) in enumerate(pairs):
            yield k, {"de": german, "en": english}


class TinyTranslateWithoutText(TinyTranslate):
    PAIRS = {"train": [("eins", "one"), ("", "two")]}


@pytest.fixture
def sets(tmp_path, monkeypatch):
    import functools
    import importlib.resources
    import importlib.util
    import sys

    from keras_seqcv.data.tfds_translations import translations_builder

    builder = functools.partial(translations_builder, data_dir=str(tmp_path / "sets"))
    monkeypatch.setattr("keras_seqcv.data.translation_sources.translations_builder", builder)
    if importlib.util.find_spec("importlib_resources") is None:
        monkeypatch.setitem(sys.modules, "importlib_resources", importlib.resources)


def test_sets_of_tensorflow_datasets(sets):
    words = ks.data.Words("eins zwei drei vier one two three four")
    train, valid = ks.data.translations("tfds:tiny_translate", batch_size=2, vocabularies=(words, words))
    assert sorted(zip(train.texts, train.references)) == [("drei", "three"), ("eins", "one"), ("zwei", "two")]
    assert valid.texts == ["vier", "vier"] and valid.references == ["four", "four"]
    turned, _ = ks.data.translations("tfds:tiny_translate", vocabularies=(words, words), languages=("en", "de"))
    assert sorted(turned.texts) == ["one", "three", "two"] and sorted(turned.references) == ["drei", "eins", "zwei"]
    with pytest.raises(ValueError, match=r"`languages` must be two of \['de', 'en'\].*'fr'"):
        ks.data.translations("tfds:tiny_translate", vocabularies=(words, words), languages=("fr", "de"))
    with pytest.raises(TypeError, match="`target` must be None"):
        ks.data.translations("tfds:tiny_translate", ["one"], vocabularies=(words, words))
    with pytest.raises(ValueError, match="train, example .: expected a sentence in 'de'"):
        ks.data.translations("tfds:tiny_translate_without_text", vocabularies=(words, words))
