"""text_streams of several documents: borders, weights, and the split between them."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from keras_seqcv.data import Words, text_streams
from tests.data.stream_oracles import collected, few, numbers


@few
@given(st.lists(st.integers(1, 12), min_size=1, max_size=8), st.integers(1, 3), st.integers(1, 5))
def test_reset_and_weight(lengths, batch_size, steps):
    total = sum(lengths)
    if total < batch_size * steps + 1:
        return
    text = numbers(total)
    cuts = np.cumsum([0, *lengths])
    documents = [text[a:b] for a, b in zip(cuts[:-1], cuts[1:])]
    streams = text_streams(documents, batch_size, steps)
    reset, tokens, targets, weights = collected(streams)
    np.testing.assert_array_equal(tokens.ravel(), np.arange(tokens.size))
    starts = set(cuts[:-1].tolist())
    np.testing.assert_array_equal(reset, [[token in starts for token in row] for row in tokens.tolist()])
    np.testing.assert_array_equal(weights, [[token not in starts for token in row] for row in targets.tolist()])
    assert weights.dtype == np.float32 and reset.dtype == bool


def test_element_spec_does_not_depend_on_their_number():
    ints, spec = tf.TensorSpec((1, 2), tf.int32), None
    for documents in (["abcd"], ("ab", b"cd"), ["a", "b", "cd"]):
        spec = text_streams(documents, 1, 2).element_spec
        inputs = {"tokens": ints, "reset": tf.TensorSpec((1, 2), tf.bool)}
        assert spec == (inputs, ints, tf.TensorSpec((1, 2), tf.float32))


def test_files_and_texts_together(tmp_path, monkeypatch):
    monkeypatch.setattr("keras_seqcv.data.documents.BLOCK_BYTES", 5)
    path = tmp_path / "text.txt"
    path.write_text("a file of its own")
    mixed = text_streams(["some text", path, b"and more"], 2, 3)
    plain = text_streams(["some text", "a file of its own", "and more"], 2, 3)
    for mine, theirs in zip(collected(mixed), collected(plain), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_split_between_documents_where_one_ends_near():
    text = numbers(100)
    train, valid = text_streams([text[:50], text[50:77], text[77:]], 1, 5, validation=0.2)
    assert collected(valid)[1][0, 0] == 77
    assert train.dropped + train.batches * 5 + 1 == 77


def test_else_a_document_is_cut():
    text = numbers(100)
    train, valid = text_streams([text[:50], text[50:]], 1, 5, validation=0.2)
    reset, tokens, *_ = collected(valid)
    assert tokens[0, 0] == 80 and reset[0].tolist() == [True] + [False] * (reset.shape[1] - 1)
    assert collected(train)[0].sum() == 2


def test_empty_and_wrong_documents(tmp_path):
    with pytest.raises(ValueError, match=r"`text\[1\]` is an empty text"):
        text_streams(["abc", "", "d"], 1, 2)
    with pytest.raises(ValueError, match=r"`text\[1\]` is an empty text"):
        text_streams(["abc", " "], 1, 2, vocabulary=Words("abc"))
    with pytest.raises(TypeError, match=r"`text\[1\]`.*int"):
        text_streams(["abc", 3], 1, 2)
    with pytest.raises(ValueError, match="no documents"):
        text_streams([], 1, 2)
