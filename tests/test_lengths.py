"""Padded lengths are those of the recurrent loops; batches by length hold everything once."""

import numpy as np
import tensorflow as tf

from keras_seqcv.layers.loops import padded_length
from keras_seqcv.lengths import batches_by_length, padded, rounded_length


def test_lengths_are_those_of_the_loops():
    lengths = [*range(5, 70), 100, 383, 384, 385, 1000, 5000]
    assert [rounded_length(n) for n in lengths if n > 8] == [
        int(padded_length(tf.constant(n))) for n in lengths if n > 8
    ]
    assert all(rounded_length(n) >= n for n in range(1, 2000)) and rounded_length(3) == 4 and rounded_length(5) == 8


def test_batches_by_length():
    lengths = np.random.default_rng(0).integers(1, 50, 23)
    batches = list(batches_by_length(lengths, 5))
    assert sorted(np.concatenate(batches)) == list(range(23)) and [len(b) for b in batches] == [5, 5, 5, 5, 3]
    assert list(lengths[np.concatenate(batches)]) == sorted(lengths)


def test_rows_are_padded_behind():
    rows = [np.ones((3, 2), "float32"), 2 * np.ones((5, 2), "float32")]
    array = padded(rows)
    assert array.shape == (2, 8, 2) and array.dtype == "float32"
    np.testing.assert_array_equal(array.sum((1, 2)), [6, 20])
    assert not array[0, 3:].any() and padded(rows, 5).shape == (2, 5, 2)
