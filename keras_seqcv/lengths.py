"""Padded lengths: a few, that come again and again, because XLA compiles a loop anew for each."""

from collections.abc import Iterator, Sequence

import numpy as np


def rounded_length(length: int) -> int:
    """The least of 4, 8, 12, 16, 24, 32, 48, 64, 96 ... that is not below `length`.

    From 8 on these are the lengths to which the recurrent layers pad their loops by themselves.

    Example:
        >>> from keras_seqcv.lengths import rounded_length
        >>> [rounded_length(n) for n in (1, 8, 9, 13, 17, 100, 129)]
        [4, 8, 12, 16, 24, 128, 192]
    """
    if length <= 16:
        return max(4, -(-length // 4) * 4)
    power = 1 << (int(length) - 1).bit_length()  # the least power of two
    return power // 4 * 3 if length <= power // 4 * 3 else power


def batches_by_length(lengths: Sequence[int], batch_size: int) -> Iterator[np.ndarray]:
    """Yields the places of rows that are to be read together: from the shortest to the longest.

    Example:
        >>> from keras_seqcv.lengths import batches_by_length
        >>> [some.tolist() for some in batches_by_length([5, 2, 9], 2)]
        [[1, 0], [2]]
    """
    order = np.argsort(np.asarray(lengths), kind="stable")
    for k in range(0, len(order), batch_size):
        yield order[k : k + batch_size]


def padded(rows: Sequence[np.ndarray], steps: int | None = None) -> np.ndarray:
    """Rows (T_i, ...) of one dtype as one array (B, T, ...), zeros behind each.

    Args:
        rows: arrays.
        steps: T. None: the longest row, by `rounded_length`.

    Example:
        >>> from keras_seqcv.lengths import padded
        >>> padded([np.array([4, 5]), np.array([6])]).tolist()
        [[4, 5, 0, 0], [6, 0, 0, 0]]
    """
    steps = rounded_length(max(len(row) for row in rows)) if steps is None else steps
    array = np.zeros((len(rows), steps, *rows[0].shape[1:]), rows[0].dtype)
    for k, row in enumerate(rows):
        array[k, : len(row)] = row
    return array
