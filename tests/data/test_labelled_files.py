"""Folders, tables and files of tags: what is read, and how what is wrong is named."""

import logging

import pytest

import keras_seqcv as ks
from keras_seqcv.data import read_labelled_texts, read_tagged_texts


def test_a_folder_for_each_label(tmp_path):
    for name, text in {"pos/2.txt": " fine\n", "pos/10.txt": "good", "neg/0.txt": "bäd\n", "unsup/1.txt": "?"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "neg" / "notes.md").write_text("not a text")
    (tmp_path / ".hidden").mkdir()
    found = read_labelled_texts(tmp_path, labels=["neg", "pos"])
    assert found.texts == ["bäd", "good", "fine"] and found.labels == ["neg", "pos", "pos"]
    assert found.places[1] == str(tmp_path / "pos" / "10.txt")
    assert read_labelled_texts(tmp_path).names == ["neg", "pos", "unsup"]
    with pytest.raises(ValueError, match=r"there is none for \['neutral'\]"):
        read_labelled_texts(tmp_path, labels=["neg", "neutral"])


@pytest.mark.parametrize(
    ("name", "content", "columns"),
    [
        ("a.tsv", 'how good\tpos\nhow "bad\tneg\n', None),
        ("a.tsv", '\ufeffSentence\tLabel\r\nhow good\tpos\r\n\r\nhow "bad\tneg\r\n', None),
        ("a.csv", 'id,sentiment,review\n1,pos,how good\n2,neg,"how ""bad"\n', None),
        ("a.csv", 'pos,how good\nneg,"how ""bad"', (1, 0)),
        ("a.txt", 'what\tmood\thow\nx\tpos\thow good\nx\tneg\thow "bad\n', ("how", "mood")),
        ("a.txt", 'x\tpos\thow good\nx\tneg\thow "bad\n', (-1, 1)),
    ],
)
def test_tables(tmp_path, name, content, columns):
    path = tmp_path / name
    path.write_bytes(content.encode())
    found = read_labelled_texts(path, columns)
    assert found.texts == ["how good", 'how "bad'] and found.labels == ["pos", "neg"]
    assert not found.per_step and found.names == ["neg", "pos"]


def test_a_quoted_text_may_take_lines(tmp_path):
    (tmp_path / "a.csv").write_text('text,label\n"one\ntwo",pos\nthree,neg\n')
    found = read_labelled_texts(tmp_path / "a.csv")
    assert found.texts == ["one\ntwo", "three"] and found.places[1].endswith("a.csv, line 4")


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (b"good\tpos\nbad\n", {}, r"a\.tsv, line 2: expected 2 columns, received 1: 'bad'"),
        (b"good\tpos\n  \tneg\n", {}, r"a\.tsv, line 2: expected a text, received an empty one"),
        (b"good\tpos\nbad\t \n", {}, r"a\.tsv, line 2: expected a label, received an empty one"),
        (b"good\tpos\nb\xffd\tneg\n", {}, r"a\.tsv, line 2: not valid UTF-8 \(byte 0xff\)"),
        (b"good\tpos\nbad\tneg\n", {"labels": ["pos", "neutral"]}, r"line 2: expected one of .* received 'neg'"),
        (b"a\tb\tc\n", {}, r"a\.tsv, line 1: expected a text and its label, or a header"),
        (b"a\tb\n", {"columns": (0, 2)}, "`columns` must be two of its 2 columns"),
        (b"a\tb\n", {"columns": ("a", "label")}, r"\['label'\] is not in \['a', 'b'\]"),
        (b"text\tlabel\n", {}, "expected texts with labels, found none"),
        (b"", {}, "expected texts with labels, found none"),
        (b"a\tb\n", {"wrong": "drop"}, '`wrong` must be "raise" or "skip"'),
    ],
)
def test_what_is_wrong_with_a_table_is_named(tmp_path, content, options, message):
    (tmp_path / "a.tsv").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_labelled_texts(tmp_path / "a.tsv", **options)


def test_what_is_wrong_can_be_skipped_and_nothing_else_is_lost(tmp_path, caplog):
    (tmp_path / "a.tsv").write_bytes(b"good\tpos\nb\xffd\tneg\nalone\n\tneg\nodd\tother\nbad\tneg\n")
    with caplog.at_level(logging.WARNING, logger="keras_seqcv"):
        found = read_labelled_texts(tmp_path / "a.tsv", labels=["neg", "pos"], wrong="skip")
    assert found.texts == ["good", "bad"]
    told = caplog.text
    assert "4 are wrong and skipped, 2 are left" in told
    for problem in ("line 2: not valid UTF-8", "line 3: expected 2 columns", "line 4: expected a text", "line 5: exp"):
        assert problem in told


def test_files_of_a_folder_that_are_wrong(tmp_path):
    for name, content in {"neg/0.txt": b"bad", "pos/0.txt": b"go\nod \xff", "pos/1.txt": b" \n"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=r"pos.0\.txt, line 2: not valid UTF-8"):
        read_labelled_texts(tmp_path)
    (tmp_path / "pos" / "0.txt").write_bytes(b"good")
    with pytest.raises(ValueError, match=r"pos.1\.txt: expected a text, received an empty one"):
        read_labelled_texts(tmp_path)
    assert len(read_labelled_texts(tmp_path, wrong="skip")) == 2
    with pytest.raises(ValueError, match="cannot be read"):
        read_labelled_texts(tmp_path / "nothing.tsv", wrong="skip")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="expected a folder of .txt files for each label"):
        read_labelled_texts(tmp_path / "empty")


def test_tags_with_tabs_and_with_spaces(tmp_path):
    (tmp_path / "tabs").write_text("New York\tCITY\nis\tO\n\n\nU.S.\tLAND\n")
    found = read_tagged_texts(tmp_path / "tabs")
    assert found.texts == [["New York", "is"], ["U.S."]] and found.labels == [["CITY", "O"], ["LAND"]]
    assert found.per_step and found.names == ["CITY", "LAND", "O"] and found.places[1].endswith("tabs, line 5")
    (tmp_path / "conll").write_text("-DOCSTART- -X- -X- O\r\n\r\nEU NNP I-NP I-ORG\r\nrejects VBZ I-VP O\r\n")
    assert read_tagged_texts(tmp_path / "conll").labels == [["I-ORG", "O"]]
    assert read_tagged_texts(tmp_path / "conll", (0, 1)).labels == [["NNP", "VBZ"]]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("a\tO\nstar\n", {}, r"tags, line 2: expected 2 columns.*received 1"),
        ("a\tO\nstar\t\n", {}, r"tags, line 2: expected a word and its tag"),
        ("a\tO\nstar\tTHING\n", {"labels": ["O"]}, r"tags, line 2: expected one of the labels \['O'\].*'THING'"),
        ("a\tO\n", {"columns": (0, 2)}, "tags, line 1: expected 2 columns"),
        ("\n\n", {}, "expected texts with labels, found none"),
    ],
)
def test_what_is_wrong_with_tags_is_named(tmp_path, content, options, message):
    (tmp_path / "tags").write_text(content)
    with pytest.raises(ValueError, match=message):
        read_tagged_texts(tmp_path / "tags", **options)


def test_a_wrong_sentence_is_skipped_as_a_whole(tmp_path):
    (tmp_path / "tags").write_text("a\tO\nstar\n\nit\tO\nis\tO\n\nred\tX\n")
    found = read_tagged_texts(tmp_path / "tags", labels=["O"], wrong="skip")
    assert found.texts == [["it", "is"]]


def test_vocabularies_of_texts_and_of_words():
    texts = ks.data.LabelledTexts(["Good", "bad bad"], ["p", "n"], ["", ""])
    assert texts.words(lowercase=True).tokens[4:] == ["bad", "good"]
    tagged = ks.data.LabelledTexts([["U.S.", "army"]], [["LAND", "O"]], [""])
    assert set(tagged.words().tokens[4:]) == {"U", ".", "S", "army"}
    assert len(texts.chosen([1])) == 1 and texts.chosen([1]).labels == ["n"]
