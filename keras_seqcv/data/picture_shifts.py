"""`PictureShifts`: pictures moved by some pixels, for training."""

import numpy as np

from keras_seqcv.data.int_ranges import check_ranges


class PictureShifts:
    """Moves each picture by so many pixels at most, down and across, each way as likely as the others.

    What leaves the picture is gone, and what comes in is black.

    Args:
        pixels: the most, int >= 0, less than the side of the pictures.

    Raises:
        TypeError, ValueError: for another number.

    Example:
        >>> shifts = ks.data.PictureShifts(1)
        >>> shifts(np.full((2, 3, 3, 1), 9, "uint8"), np.random.default_rng(0))[0, ..., 0].tolist()
        [[9, 9, 9], [9, 9, 9], [0, 0, 0]]
    """

    def __init__(self, pixels: int):
        check_ranges(("pixels", pixels, 0, None))
        self.pixels = int(pixels)

    def __call__(self, images: np.ndarray, chance: np.random.Generator) -> np.ndarray:
        """Pictures (B, H, W, C), and random numbers -> pictures of the same shape.

        Raises:
            ValueError: the pictures are not larger than the shift.
        """
        count, height, width, depth = images.shape
        if self.pixels >= min(height, width):
            raise ValueError(f"`pixels` must be below the side of the pictures, {images.shape[1:3]}, is {self.pixels}")
        border = self.pixels
        room = np.zeros((count, height + 2 * border, width + 2 * border, depth), images.dtype)
        room[:, border : border + height, border : border + width] = images
        down, across = chance.integers(0, 2 * border + 1, (2, count))
        windows = np.lib.stride_tricks.sliding_window_view(room, (height, width), axis=(1, 2))
        return np.moveaxis(windows[np.arange(count), down, across], 1, -1)
