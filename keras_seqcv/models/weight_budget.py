"""How much memory the weights of a model may take while it is made from a config."""

import contextlib
import math
import threading
from collections.abc import Iterator

import keras

# Beside what is in the file: a model may be saved before its optimizer has begun, and be very small.
_FREE_BYTES = 2**26
_MOST_GROWTH = 8
_budget = threading.local()
_lock = threading.RLock()
_users = 0


@contextlib.contextmanager
def weights_up_to(size: int) -> Iterator[None]:
    """Raise ValueError in this thread as soon as the weights that are made take more than a file of `size` explains.

    A config is a few bytes that can ask for a matrix of terabytes. Its weights are in the file, too, so that it cannot
    rightly ask for much more than there is: eight times as much (the slots of an optimizer) and 64 MB.

    Args:
        size: bytes of the weights in the file.

    Example:
        >>> from keras_seqcv.models.weight_budget import weights_up_to
        >>> with weights_up_to(100):
        ...     keras.layers.Dense(2**20).build((None, 2**20))
        Traceback (most recent call last):
        ...
        ValueError: a weight of shape (1048576, 1048576): the model would have 4194304 MB of weights, the file has 0 MB
    """
    before = getattr(_budget, "left", None)
    _budget.size, _budget.left = size, _FREE_BYTES + _MOST_GROWTH * size
    try:
        with _counting():
            yield
    finally:
        _budget.left = before


@contextlib.contextmanager
def _counting() -> Iterator[None]:
    """`keras.Variable` counts what it takes, while somebody loads.

    Keras has no public place before a variable takes its memory: this is the one private name, with its signature in
    the tests. Threads without a budget are let through.
    """
    global _users
    with _lock:
        _users += 1
        if _users == 1:
            keras.Variable._initialize_with_initializer = _counted(keras.Variable._initialize_with_initializer)
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                own = keras.Variable._initialize_with_initializer
                keras.Variable._initialize_with_initializer = own.__wrapped__


def _counted(make):
    def initialize(self, initializer):
        left = getattr(_budget, "left", None)
        if left is not None:
            size = math.prod(self.shape) * _bytes_of(self.dtype)
            if size > left:
                total = _FREE_BYTES + _MOST_GROWTH * _budget.size - left + size
                sizes = f"the model would have {total >> 20} MB of weights, the file has {_budget.size >> 20} MB"
                raise ValueError(f"a weight of shape {tuple(self.shape)}: {sizes}")
            _budget.left = left - size
        return make(self, initializer)

    initialize.__wrapped__ = make
    return initialize


def _bytes_of(dtype: str) -> int:
    digits = "".join(c for c in dtype if c.isdigit())  # "float8_e4m3fn" is taken for more than it is
    return max(1, int(digits[:2] or 8) // 8)
