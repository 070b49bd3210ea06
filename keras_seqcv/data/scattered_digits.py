"""Digits put somewhere into larger pictures: translated, among clutter, or several in a row."""

import numpy as np

from keras_seqcv.data.image_sets import LabelledImages
from keras_seqcv.data.int_ranges import check_ranges

_CLUTTER = 8  # side of a piece of clutter in pixels, as in the paper
_MOST_PIECES = 100
_FAINT = 25  # how bright a pixel is that counts as part of a digit
_ATTEMPTS = 50


def scattered_digits(
    digits: LabelledImages,
    count: int,
    seed: int = 0,
    image_size: int | tuple[int, int] = 60,
    per_image: int | tuple[int, int] = 1,
    clutter: int = 0,
    clutter_size: int = _CLUTTER,
) -> LabelledImages:
    """Puts digits at random places of larger black pictures, and pieces of other digits around them.

    Where pictures have several digits, no two share a column, and labels are in order from left to right. What overlaps
    with clutter is as bright as the brighter one. Picture i depends on `seed`, the arguments and i alone.

    Args:
        digits: what digits are taken from, by chance; it has one label for each picture, black backgrounds, and is
            smaller than the new pictures.
        count: N, how many pictures, at least 0.
        seed: int, at least 0.
        image_size: (H, W) of the new pictures in pixels, or int for both.
        per_image: how many digits each picture has; or (least, most): each number as likely as the others.
        clutter: how many pieces of digits lie in each picture, from 0 to 100.
        clutter_size: side of such a piece in pixels.

    Returns:
        `LabelledImages`: images (N, H, W, C), labels (N,) with `per_image=1`, else (N, S), -1 behind the last.

    Raises:
        TypeError: an argument of another type.
        ValueError: an argument is out of its range, or so many digits do not fit into the picture.

    Example:
        >>> digits = ks.data.drawn_digits(100)
        >>> ks.data.scattered_digits(digits, 20, clutter=4)
        <20 pictures 60 x 60 x 1, 10 labels>
        >>> ks.data.scattered_digits(digits, 20, image_size=(40, 80), per_image=(1, 2))
        <20 pictures 40 x 80 x 1, 10 labels in rows of up to 2>

    Reference:
        Mnih et al.: Recurrent Models of Visual Attention. arXiv 1406.6247, 2014, section 4.1.
        Ba et al.: Multiple Object Recognition with Visual Attention. arXiv 1412.7755, 2014, section 4.1.
    """
    size, span = _checked(digits, count, seed, image_size, per_image, clutter, clutter_size)
    crops = [_cropped(image) for image in digits.images]
    images = np.zeros((int(count), *size, digits.image_shape[2]), "uint8")
    labels = np.full((int(count), span[1]), -1, "int32")
    for i in range(int(count)):
        chance = np.random.default_rng(np.random.SeedSequence(int(seed), spawn_key=(i,)))
        chosen = _placed(chance, images[i], crops, span)
        labels[i, : len(chosen)] = digits.labels[chosen]
        for _ in range(clutter):
            _add_piece(chance, images[i], digits.images, clutter_size)
    return LabelledImages(images, labels[:, 0] if per_image == 1 else labels, digits.names)


def _checked(digits, count, seed, image_size, per_image, clutter, clutter_size) -> tuple:
    """(H, W), and the least and the most number of digits."""
    if not isinstance(digits, LabelledImages):
        raise TypeError(f"`digits` must be ks.data.LabelledImages, received {type(digits).__name__}")
    if digits.most is not None or not len(digits):
        raise ValueError(f"`digits` must have one label for each picture, and one picture at least, received {digits}")
    size = (image_size, image_size) if isinstance(image_size, (int, np.integer)) else image_size
    span = (per_image, per_image) if isinstance(per_image, (int, np.integer)) else per_image
    for name, pair, words in (("image_size", size, "(height, width)"), ("per_image", span, "(least, most)")):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise TypeError(f"`{name}` must be an int or {words}, received {pair!r}")
    check_ranges(
        ("count", count, 0, None),
        ("seed", seed, 0, None),
        *(("image_size", number, 1, 4096) for number in size),
        *(("per_image", number, 1, 20) for number in span),
        ("clutter", clutter, 0, _MOST_PIECES),
        ("clutter_size", clutter_size, 1, min(digits.image_shape[:2])),
    )
    if span[0] > span[1]:
        raise ValueError(f"`per_image` must be (least, most), received {per_image!r}")
    height, width, _ = digits.image_shape
    if size[0] < height or size[1] < width:
        raise ValueError(f"`image_size` must be {(height, width)}, that of `digits`, or more, received {tuple(size)}")
    return tuple(int(n) for n in size), tuple(int(n) for n in span)


def _cropped(image: np.ndarray) -> np.ndarray:
    """The digit without the black around it."""
    bright = image.max(axis=2) >= _FAINT
    if not bright.any():
        return image
    rows, columns = (np.flatnonzero(bright.any(axis=axis)) for axis in (1, 0))
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _placed(chance, image: np.ndarray, crops: list, span: tuple[int, int]) -> np.ndarray:
    """Puts digits into the picture, from left to right; returns their numbers."""
    number = int(chance.integers(span[0], span[1] + 1))
    height, width = image.shape[:2]
    for _ in range(_ATTEMPTS):
        chosen = chance.integers(len(crops), size=number)
        spare = width - sum(crops[k].shape[1] for k in chosen)
        if spare >= 0:
            break
    else:
        raise ValueError(f"`per_image`: {number} digits side by side do not fit into a width of {width} pixels")
    gaps = np.diff(np.sort(chance.integers(0, spare + 1, size=number)), prepend=0)
    left = 0
    for k, gap in zip(chosen, gaps, strict=True):
        crop = crops[k]
        left += int(gap)
        top = int(chance.integers(0, height - crop.shape[0] + 1))
        image[top : top + crop.shape[0], left : left + crop.shape[1]] = crop
        left += crop.shape[1]
    return chosen


def _add_piece(chance, image: np.ndarray, sources: np.ndarray, side: int) -> None:
    """A square of another digit, somewhere."""
    source = sources[int(chance.integers(len(sources)))]
    top, left = (int(chance.integers(0, n - side + 1)) for n in source.shape[:2])
    down, across = (int(chance.integers(0, n - side + 1)) for n in image.shape[:2])
    there = image[down : down + side, across : across + side]
    np.maximum(there, source[top : top + side, left : left + side], out=there)
