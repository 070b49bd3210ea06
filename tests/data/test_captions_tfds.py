"""captions of sets of tensorflow_datasets, against a small set that is built here, without any network."""

import functools
import gc
import importlib.resources.abc
import importlib.util
import sys

import numpy as np
import pytest

from keras_seqcv.data import Words, captions
from keras_seqcv.data.tfds_captions import captions_builder

tfds = pytest.importorskip("tensorflow_datasets")
WORDS = Words("picture number has words 0 1 2 3 4 5 6 7 8 9 10 11")


class _Pictures(tfds.core.GeneratorBasedBuilder):
    """Twelve pictures, each with one caption more than the one before; in the form of coco_captions."""

    VERSION = tfds.core.Version("1.0.0")
    PARTS = {"train": range(8), "val": range(8, 12)}
    KEYS = ("image/filename", "captions")

    def _info(self):
        words = tfds.features.Sequence({"text": np.str_, "id": np.int64})
        features = {"image": tfds.features.Image(encoding_format="png"), self.KEYS[0]: np.str_, self.KEYS[1]: words}
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {name: self._generate_examples(numbers) for name, numbers in self.PARTS.items()}

    def _generate_examples(self, numbers):
        for k in numbers:
            texts = [{"text": f" picture number {k} has {n} words", "id": n} for n in range(1 + k % 3)]
            yield k, {"image": np.full((5 + k, 6, 3), 9 * k, "uint8"), self.KEYS[0]: f"{k}.png", self.KEYS[1]: texts}


class TinyCaptions(_Pictures):
    pass


class TinyCaptionsOnePart(_Pictures):
    PARTS = {"train": range(10)}


class TinyCaptionsOther(_Pictures):
    KEYS = ("image/filename", "words")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    # What a user sets by TFDS_DATA_DIR, which is read at the import.
    builder = functools.partial(captions_builder, data_dir=str(tmp_path / "sets"))
    monkeypatch.setattr("keras_seqcv.data.caption_sources.captions_builder", builder)
    # tensorflow_datasets 4.9.10 builds no set without this package, and does not ask for it.
    if importlib.util.find_spec("importlib_resources") is None:
        monkeypatch.setitem(sys.modules, "importlib_resources", importlib.resources)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    return temporary


def dataset(name, **options):
    return captions(f"tfds:{name}", image_size=4, batch_size=3, vocabulary=WORDS, verbose=0, **options)


def check(data, numbers):
    assert sorted(data.names) == sorted(f"{k}.png" for k in numbers)
    found = []
    for inputs, targets, weights in data:
        for item, image, target, weight in zip(inputs["item"].numpy(), inputs["image"], targets, weights.numpy()):
            k = int(data.names[item].removesuffix(".png"))
            assert (image.numpy() == 9 * k).all()
            found.append((k, WORDS.decode(target[: int(weight.sum())].numpy())))
    assert sorted(found) == [
        (k, f"picture number {k} has {n} words") for k in sorted(numbers) for n in range(1 + k % 3)
    ]


def test_a_set_with_two_parts(folder):
    train, valid = dataset("tiny_captions")
    check(train, range(8))
    check(valid, range(8, 12))
    assert len(list(folder.glob("keras_seqcv_*"))) == 2
    del train, valid
    gc.collect()
    assert not list(folder.glob("keras_seqcv_*"))
    check(dataset("tiny_captions", validation=0), range(8))
    train, valid = dataset("tiny_captions", train="val", valid="train[:50%]")
    check(train, range(8, 12))
    assert len(valid.names) == 4


def test_a_set_with_one_part(folder):
    train, valid = dataset("tiny_captions_one_part", validation=0.3)
    numbers = [int(name.removesuffix(".png")) for name in valid.names]
    check(valid, numbers)
    check(train, set(range(10)) - set(numbers))
    assert len(numbers) == 3


def test_bad_sets_and_parts(folder):
    with pytest.raises(ValueError, match=r'features "image" and "captions", tiny_captions_other has .*\'words\''):
        dataset("tiny_captions_other")
    with pytest.raises(ValueError, match="(?s)middle"):
        dataset("tiny_captions", train="middle")
    with pytest.raises(ValueError, match="`train` and `valid` have 4 pictures in common"):
        dataset("tiny_captions", train="train", valid="train[:4]")
    with pytest.raises(TypeError, match="`valid` must be None or the name of a split, received list"):
        dataset("tiny_captions", valid=["1.png"])
    with pytest.raises(ValueError, match="`captions` must be None for a set that has captions of its own"):
        captions("tfds:tiny_captions", [["a"]], vocabulary=WORDS)


def test_hint_where_it_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(ImportError, match=r'pip install "keras_seqcv\[tfds\]"'):
        dataset("coco_captions")
