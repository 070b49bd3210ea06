"""Checks of whole numbers that lie in a range."""

import numpy as np

_LARGEST = np.iinfo("int64").max


def check_ranges(*arguments: tuple) -> None:
    """Raises an error that names the first argument that is no int, or out of its range.

    Args:
        *arguments: (name, value, least, most); most may be None.

    Raises:
        TypeError, ValueError: as said.

    Example:
        >>> from keras_seqcv.data.int_ranges import check_ranges
        >>> check_ranges(("count", 3, 0, None), ("seed", -1, 0, None))
        Traceback (most recent call last):
        ValueError: `seed` must be at least 0, received -1
    """
    for name, value, least, most in arguments:
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise TypeError(f"`{name}` must be an int, received {type(value).__name__} {value!r}")
        if not least <= value <= (_LARGEST if most is None else most):
            expected = f"at least {least}" if most is None else f"from {least} to {most}"
            raise ValueError(f"`{name}` must be {expected}, received {value}")
