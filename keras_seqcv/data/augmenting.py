"""What is done to pictures and clips for training, by a function of the user."""

from collections.abc import Callable

import numpy as np


def augmented(augment: Callable, pixels: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """What the function makes of pictures or frames.

    Raises:
        ValueError: it returns another shape or type than it was given.

    Example:
        >>> from keras_seqcv.data.augmenting import augmented
        >>> augmented(lambda pixels, chance: 255 - pixels, np.zeros((1, 2), "uint8"), None).tolist()
        [[255, 255]]
    """
    found = np.asarray(augment(pixels, chance))
    if found.shape != pixels.shape or found.dtype != pixels.dtype:
        expected, received = (f"{some.dtype} of shape {some.shape}" for some in (pixels, found))
        raise ValueError(f"`augment` must return {expected}, as it was given, received {received}")
    return found
