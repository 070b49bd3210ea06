"""Few lengths to which many are padded, chosen so that little is padded."""

import numpy as np


def bucket_limits(lengths, count: int) -> np.ndarray:
    """At most `count` limits, so that the sum of all lengths, each padded to the least limit that holds it, is least.

    Args:
        lengths: (N,) int.
        count: of limits, at least 1.

    Returns:
        int array, rising; the last one is the longest length.

    Example:
        >>> from keras_seqcv.data.length_buckets import bucket_limits
        >>> bucket_limits([3, 9, 4, 3, 10], 2).tolist()
        [4, 10]
    """
    sizes, counts = np.unique(np.asarray(lengths), return_counts=True)
    below = np.concatenate([[0], np.cumsum(counts)])  # rows shorter than each size; at the end all of them
    number = len(sizes)
    # cost[i, j]: of a bucket with the sizes i ... j, all padded to size j.
    cost = np.where(
        np.arange(number)[:, None] <= np.arange(number), (below[None, 1:] - below[:-1, None]) * sizes, np.inf
    )
    least, begins = cost[0], []  # least[j]: of the sizes 0 ... j in so many buckets; begins: where the last one begins
    for _ in range(min(count, number) - 1):
        sums = np.concatenate([[0.0], least[:-1]])[:, None] + cost  # (i, j), the last bucket from i to j
        begins.append(sums.argmin(axis=0))
        least = sums.min(axis=0)
    limits, last = [], number - 1
    for begin in reversed(begins):
        limits.append(sizes[last])
        last = begin[last] - 1
        if last < 0:
            return np.array(limits[::-1])
    return np.array([*limits, sizes[last]][::-1])
