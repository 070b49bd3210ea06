"""Pieces of words, against sentencepiece itself, in Python and in the graph."""

import sys

import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from tests.data.vocabulary_oracles import graph

sentencepiece = pytest.importorskip("sentencepiece")
PAIRS = ks.data.number_sentences(200)
TEXTS = [*PAIRS.sources[:5], *PAIRS.targets[:5], "Ein Äpfel", "zwölfhundert", "one  two", "twenty-one!"]


@pytest.fixture(scope="module", params=["bpe", "unigram"])
def words(request):
    return ks.data.Subwords(PAIRS.sources + PAIRS.targets, size=150, algorithm=request.param)


def processor(words):
    import base64

    return sentencepiece.SentencePieceProcessor(model_proto=base64.b64decode(words.get_config()["model"]))


def test_ids_and_pieces_are_those_of_sentencepiece(words):
    theirs = processor(words)
    assert len(words) == 150 and words.tokens[:4] == ["<pad>", "<start>", "<end>", "<unk>"]
    for text in TEXTS:
        assert words.encode(text).tolist() == theirs.encode(text) and words.encode(text).dtype == np.int32
        assert words.split(text) == theirs.encode(text, out_type=str)
        if words.unknown_id not in words.encode(text):
            assert words.decode(words.encode(text)) == theirs.decode(theirs.encode(text)) == " ".join(text.split())
    assert words.encode("twenty-one!").tolist().count(words.unknown_id) >= 1  # neither mark is in the texts


def test_text_of_fewer_ids_is_the_beginning_and_reserved_ids_are_silent(words):
    ids = words.encode(PAIRS.targets[0])
    whole = words.decode(ids)
    assert words.decode([1, *ids, 2, 0]) == whole == PAIRS.targets[0]
    for count in range(len(ids)):
        assert whole.startswith(words.decode(ids[:count]))
    assert words.decode([]) == ""


def test_ids_become_text_in_the_graph(words):
    rows = [words.encode(text) for text in TEXTS]
    longest = max(map(len, rows)) + 1
    ids = np.array([[*row, *[2] * (longest - len(row))] for row in rows], "int32")
    found = graph(words.decode_tensor, (2, tf.int32), (1, tf.int32))(ids, np.array([len(row) for row in rows]))
    assert [text.decode() for text in found.numpy()] == [words.decode(row) for row in rows]
    with pytest.raises(ValueError, match="encode it before"):
        words.encode_tensor(["ein"])
    assert not words.encodes_in_graph


def test_a_vocabulary_comes_back_from_its_config(words):
    again = ks.data.vocabulary_from_json(words.to_json())
    assert again == words and hash(again) == hash(words)
    assert again.encode("zwei hundert").tolist() == words.encode("zwei hundert").tolist()
    assert ks.data.Subwords(PAIRS.sources + PAIRS.targets, size=150, algorithm=words.algorithm) == words


def test_lower_case_and_files(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("ÄPFEL Birnen\n" * 30, encoding="utf-8")
    words = ks.data.Subwords(path, size=16, lowercase=True)
    assert words.decode(words.encode("Äpfel BIRNEN")) == "äpfel birnen"
    assert ks.data.vocabulary_from_json(words.to_json()).lowercase


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, ValueError, "neither"),
        ({"texts": "a b", "model": b"x", "size": 9}, ValueError, "both"),
        ({"texts": "a b"}, TypeError, "size"),
        ({"texts": "a b", "size": 4}, ValueError, "size"),
        ({"texts": "a b", "size": 5000}, ValueError, "`size`=5000 does not suit the texts"),
        ({"texts": " \n", "size": 9}, ValueError, "no words"),
        ({"texts": 3, "size": 9}, TypeError, "texts"),
        ({"texts": "a b", "size": 9, "algorithm": "word"}, ValueError, "algorithm"),
        ({"texts": "a b", "size": 9, "lowercase": 1}, TypeError, "lowercase"),
        ({"model": b"no model"}, ValueError, "no model of sentencepiece"),
    ],
)
def test_wrong_arguments_are_named(options, error, message):
    with pytest.raises(error, match=message):
        ks.data.Subwords(**options)


def test_a_model_with_other_reserved_ids_is_refused():
    import io

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a b c d"] * 9), model_writer=model, vocab_size=9, minloglevel=2
    )
    with pytest.raises(ValueError, match="reserved pieces"):
        ks.data.Subwords(model=model.getvalue())


def test_hint_where_it_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(ImportError, match=r'pip install "keras_seqcv\[subwords\]"'):
        ks.data.Subwords("a b", size=9)
