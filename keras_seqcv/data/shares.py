"""A share for validation, by chance."""

import numpy as np


def random_shares(count: int, validation: float, seed: int, noun: str) -> tuple[list[int], list[int]]:
    """Returns the numbers of 0 ... count - 1 for training, and those for validation, each rising.

    Args:
        count: how many there are.
        validation: share for validation, in [0, 1).
        seed: of the choice.
        noun: what there are, for errors.

    Raises:
        ValueError: a share that leaves nothing to a part.

    Example:
        >>> from keras_seqcv.data.shares import random_shares
        >>> [len(part) for part in random_shares(5, 0.4, 0, "text")]
        [3, 2]
    """
    chosen = round(count * validation)
    if validation and not 0 < chosen < count:
        received = f"`validation`={validation} of {count}, which is {chosen}"
        raise ValueError(f"training and validation need a {noun} each at least, received {received}")
    order = np.random.default_rng(seed).permutation(count)
    return sorted(int(k) for k in order[chosen:]), sorted(int(k) for k in order[:chosen])
