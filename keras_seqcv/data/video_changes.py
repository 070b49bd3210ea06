"""Random changes to clips for training: the same for all frames of a clip, so that what moves is still what moves."""

import numpy as np

from keras_seqcv.data.int_ranges import check_ranges


class VideoChanges:
    """Shifts, mirrors and lightens clips by chance.

    Args:
        shift: pixels at most, to each side and up and down; the border is repeated.
        mirror: whether left and right are exchanged in half of the clips. Not where left and right are told apart.
        light: brightness is multiplied by a factor of 1 - light to 1 + light, in [0, 1).
        contrast: differences from the mean likewise, in [0, 1).

    Call arguments:
        frames: (T, H, W, 3) uint8. chance: `np.random.Generator`.

    Returns:
        frames of the same shape, uint8.

    Raises:
        TypeError, ValueError: for an argument that is not as above.

    Example:
        >>> change = ks.data.VideoChanges(shift=2, mirror=True, light=0.1)
        >>> change(np.zeros((3, 8, 8, 3), "uint8"), np.random.default_rng(0)).shape
        (3, 8, 8, 3)
    """

    def __init__(self, shift: int = 0, mirror: bool = False, light: float = 0.0, contrast: float = 0.0):
        check_ranges(("shift", shift, 0, None))
        if not isinstance(mirror, bool):
            raise TypeError(f"`mirror` must be a bool, received {mirror!r}")
        for name, value in (("light", light), ("contrast", contrast)):
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1:
                raise ValueError(f"`{name}` must lie in [0, 1), received {value!r}")
        self.shift, self.mirror, self.light, self.contrast = shift, mirror, light, contrast

    def __call__(self, frames: np.ndarray, chance: np.random.Generator) -> np.ndarray:
        height, width = frames.shape[1:3]
        down, right = (int(n) for n in chance.integers(-self.shift, self.shift + 1, 2))
        rows = (np.arange(height) - down).clip(0, height - 1)
        columns = (np.arange(width) - right).clip(0, width - 1)
        if self.mirror and chance.random() < 0.5:
            columns = columns[::-1]
        frames = frames[:, rows[:, None], columns]
        if not self.light and not self.contrast:
            return frames
        light, contrast = (1 + most * (2 * chance.random() - 1) for most in (self.light, self.contrast))
        mean = float(frames.mean())
        table = (np.arange(256) - mean) * contrast + mean * light
        return table.round().clip(0, 255).astype("uint8")[frames]
