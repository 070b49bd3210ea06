"""Texts whose tokens are known numbers, and streams joined again."""

import numpy as np
import tensorflow as tf
from hypothesis import settings

few = settings(max_examples=25, deadline=None)


def collected(streams):
    """All batches of a stream as arrays, joined in time: (B, n T)."""
    batches = [tf.nest.flatten(tuple(element)) for element in streams.as_numpy_iterator()]
    return [np.concatenate(arrays, axis=1) for arrays in zip(*batches)]


def numbers(count):
    """A text of `count` different characters."""
    return "".join(chr(0x4E00 + i) for i in range(count))
