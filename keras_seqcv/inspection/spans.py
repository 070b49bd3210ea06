"""Stretches of a text as arrays."""

from collections.abc import Iterable

import numpy as np


def filled(length: int, spans: Iterable[tuple[int, int]]) -> np.ndarray:
    """Zeros (length,), and ones from the first place of each span up to its last, which is not in it.

    Example:
        >>> from keras_seqcv.inspection.spans import filled
        >>> filled(5, [(1, 3), (4, 5)])
        array([0., 1., 1., 0., 1.])
    """
    found = np.zeros(length)
    for first, last in spans:
        found[first:last] = 1
    return found


def depth_of(length: int, changes: Iterable[tuple[int, int | None]]) -> np.ndarray:
    """How deep each place of a text lies, (length,), of (place, change) in order: never below 0, and None sets it to 0.

    Example:
        >>> from keras_seqcv.inspection.spans import depth_of
        >>> depth_of(5, [(0, -1), (1, 1), (2, 1), (4, None)])
        array([0., 1., 2., 2., 0.])
    """
    found, depth, since = np.zeros(length), 0, 0
    for place, change in changes:
        found[since:place] = depth
        depth, since = (0 if change is None else max(depth + change, 0)), place
    found[since:] = depth
    return found
