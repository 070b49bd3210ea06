"""Texts to try vocabularies with, and what their graph forms must give."""

import tensorflow as tf
from hypothesis import settings
from hypothesis import strategies as st

UNICODE = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
# Letters of several scripts, marks, joiners, spaces and punctuation, close together.
TRICKY = st.text(st.sampled_from(list("aZé1ßΣσİ中अी\u0301\u200d'’-‐ \t\n\r\u00a0\u2028.,!?(\"“”🙂<>_²½")), max_size=20)
TEXT = st.one_of(UNICODE, TRICKY)
few = settings(max_examples=40, deadline=None)


def graph(function, *dtypes):
    return tf.function(function, input_signature=[tf.TensorSpec([None] * rank, dtype) for rank, dtype in dtypes])


def assert_encoded(ids, lengths, expected):
    """The padded ids (B, P) and lengths (B,) are those of the list `expected`."""
    assert ids.dtype == tf.int32 and lengths.dtype == tf.int32
    assert lengths.numpy().tolist() == [len(row) for row in expected]
    assert ids.shape == (len(expected), max((len(row) for row in expected), default=0))
    for row, wanted in zip(ids.numpy(), expected):
        assert row.tolist() == list(wanted) + [0] * (len(row) - len(wanted))
