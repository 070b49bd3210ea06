"""The likeliest words of all beams against a sort."""

import numpy as np
import pytest
import tensorflow as tf

from keras_seqcv.decoding.likely_words import largest, likely_words
from tests.decoding.beam_runs import INF


@pytest.mark.parametrize("size", [1, 2, 63, 64, 257, 4000, 10007])
@pytest.mark.parametrize("count", [1, 2, 10, 31])
def test_largest_is_top_k(size, count):
    """With many equal numbers, and with -inf, the same places in the same order."""
    rng = np.random.default_rng(size)
    count = min(count, size)
    for values in (
        rng.normal(0, 1, (5, size)),
        rng.integers(0, 4, (5, size)),
        np.where(rng.random((5, size)) < 0.01, 1, -INF),
    ):
        a = tf.constant(values, tf.float32)
        for result, expected in zip(largest(a, count), tf.math.top_k(a, count)):
            np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("offset", [0.0, -3000.0])
def test_likely_words_beside_those_struck_out(offset):
    """Three beams, one of which does not exist; the order does not suffer from scores that are far from zero."""
    rng = np.random.default_rng(0)
    logits, scores = rng.normal(0, 5, (6, 900)).astype("float32"), rng.normal(offset, 1, (2, 3)).astype("float32")
    scores[0, 1] = -INF
    struck = np.where(rng.random((6, 900)) < 0.5, -INF, 0.0).astype("float32")
    log_p, beams, words = likely_words(tf.constant(logits), tf.constant(scores), 20, struck)
    exact = logits.astype("float64")
    exact = exact - np.log(np.exp(exact).sum(1, keepdims=True)) + struck + scores.reshape(6, 1)
    exact = exact.reshape(2, 2700)
    order = np.argsort(-exact, axis=1)[:, :20]
    np.testing.assert_array_equal(beams, order // 900)
    np.testing.assert_array_equal(words, order % 900)
    np.testing.assert_allclose(log_p, np.take_along_axis(exact, order, 1), rtol=1e-6, atol=1e-5)


def test_likely_words_of_impossible_beams():
    """After one beam nothing can be said, another does not exist: they come last, with -inf and without NaN."""
    logits = np.array([[-INF] * 3, [0.0, -INF, 0.0], [1.0, 2.0, 3.0]], "float32")
    log_p, beams, words = likely_words(tf.constant(logits), tf.constant([[-1.0, -2.0, -INF]]), 9)
    np.testing.assert_allclose(log_p[0], [-2 - np.log(2)] * 2 + [-INF] * 7, rtol=1e-6)
    assert list(zip(beams[0].numpy(), words[0].numpy()))[:5] == [(1, 0), (1, 2), (0, 0), (0, 1), (0, 2)]


def test_likely_words_of_a_very_unlikely_beam():
    """In float32 -30000 and -30000.0001 are the same; the likelier word is the likelier one all the same."""
    _, _, words = likely_words(tf.constant([[1.0, 1.0001, 1.0002]]), tf.constant([[-30000.0]]), 3)
    assert words.numpy().tolist() == [[2, 1, 0]]
