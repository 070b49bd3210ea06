"""Digits drawn from fonts, each a little different: data that needs no download."""

import functools
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_seqcv.data.image_sets import LabelledImages
from keras_seqcv.data.int_ranges import check_ranges

_FINER = 4  # a digit is drawn so many times larger, and then averaged
_LEAST_SIZE = 12  # below it digits are blots
_MESH = 3  # a digit is bent by moving the corners of so many times so many squares
_TILT, _SLANT, _BEND = 0.25, 0.3, 0.035  # radians; columns a row; of the picture's side
_HEIGHTS = (0.62, 0.74)  # of a digit, in parts of the picture's side, as in MNIST
_WIDTHS = (0.75, 1.25)  # of a digit, in parts of what it is in the font
_STROKES = (0.0, 0.05)  # what is added around the lines, in parts of the picture's side


def drawn_digits(
    count: int, seed: int = 0, image_size: int = 28, fonts: Sequence[str | os.PathLike] | None = None
) -> LabelledImages:
    """White digits on black, as in MNIST: tilted, slanted, bent, thin or bold, wide or narrow.

    Digit i has label i mod 10, and depends on `seed`, `image_size` and i alone: a longer set begins with the shorter
    one. A digit is drawn in about a third of a millisecond.

    Args:
        count: N, how many, at least 0.
        seed: int, at least 0.
        image_size: H = W in pixels, from 12 to 512.
        fonts: TrueType or OpenType files, from which each digit takes one by chance. None: the font that Pillow brings.

    Returns:
        `LabelledImages`: images (N, H, W, 1), labels (N,), names "0" to "9".

    Raises:
        TypeError: an argument is not an int, `fonts` no sequence of paths.
        ValueError: an argument is out of its range, a font cannot be read (it is named), or Pillow has no FreeType.

    Example:
        >>> digits = ks.data.drawn_digits(1000, seed=1)
        >>> digits, digits.labels[:12].tolist()
        (<1000 pictures 28 x 28 x 1, 10 labels>, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1])
    """
    check_ranges(("count", count, 0, None), ("seed", seed, 0, None), ("image_size", image_size, _LEAST_SIZE, 512))
    files = _checked_fonts(fonts)
    images = np.empty((int(count), image_size, image_size, 1), "uint8")
    labels = np.arange(int(count), dtype="int32") % 10
    for i, label in enumerate(labels):
        chance = np.random.default_rng(np.random.SeedSequence(int(seed), spawn_key=(i,)))
        images[i, ..., 0] = _drawn(chance, str(label), int(image_size), files)
    return LabelledImages(images, labels, tuple("0123456789"))


def _checked_fonts(fonts) -> tuple[str | None, ...]:
    if fonts is None:
        fonts = [None]
    elif isinstance(fonts, (str, bytes, os.PathLike)) or not isinstance(fonts, Sequence):
        raise TypeError(f"`fonts` must be a sequence of files, or None, received {fonts!r:.80}")
    elif not fonts:
        raise ValueError("`fonts` must be one file at least, or None, received none")
    files = tuple(None if font is None else os.fspath(font) for font in fonts)
    for file in files:
        _font(file, 20)  # so that one that cannot be read is found before anything is drawn
    return files


@functools.lru_cache(maxsize=64)
def _font(file: str | None, size: int):
    from PIL import ImageFont, features

    if not features.check("freetype2"):
        raise ValueError("drawn_digits needs a Pillow with FreeType, this one has none")
    if file is None:
        return ImageFont.load_default(size)
    try:
        return ImageFont.truetype(file, size)
    except OSError as error:
        raise ValueError(f"{Path(file)}: no font that can be read: {error}") from error


def _drawn(chance: np.random.Generator, digit: str, image_size: int, files) -> np.ndarray:
    """(H, W) uint8."""
    from PIL import Image, ImageDraw

    side = image_size * _FINER
    font = _font(files[int(chance.integers(len(files)))], side)
    page = Image.new("L", (2 * side, 2 * side))  # room for what the font takes
    stroke = round(chance.uniform(*_STROKES) * side)
    ImageDraw.Draw(page).text((side, side), digit, 255, font, anchor="mm", stroke_width=stroke)
    box = page.getbbox()
    height = chance.uniform(*_HEIGHTS) * side
    across, down = (box[2] - box[0]), (box[3] - box[1])
    scale = np.array([height / down * chance.uniform(*_WIDTHS), height / down])
    scale = scale * min(1.0, 0.8 * side / (across * scale[0]))  # a wide one stays inside
    middle = np.array([box[0] + box[2], box[1] + box[3]]) / 2
    corners = _corners(chance, side) / scale + middle
    picture = page.transform((side, side), Image.Transform.MESH, _mesh(corners, side), Image.Resampling.BILINEAR)
    return np.asarray(picture.reduce(_FINER))


def _corners(chance: np.random.Generator, side: int) -> np.ndarray:
    """Where the corners of the mesh come from, as (x, y) from the middle of the digit, (M + 1, M + 1, 2)."""
    steps = np.linspace(-0.5, 0.5, _MESH + 1) * side
    corners = np.stack(np.meshgrid(steps, steps), axis=-1)
    tilt, slant = chance.uniform(-_TILT, _TILT), chance.uniform(-_SLANT, _SLANT)
    turn = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    corners = corners @ turn
    corners[..., 0] += slant * corners[..., 1]
    return corners + chance.normal(0.0, _BEND * side, corners.shape)


def _mesh(corners: np.ndarray, side: int) -> list:
    """What Pillow wants: boxes of the new picture, each with the four corners that it comes from."""
    edges = [round(k * side / _MESH) for k in range(_MESH + 1)]
    mesh = []
    for r in range(_MESH):
        for c in range(_MESH):
            box = (edges[c], edges[r], edges[c + 1], edges[r + 1])
            # In Pillow's order: upper left, lower left, lower right, upper right.
            quad = [corners[r, c], corners[r + 1, c], corners[r + 1, c + 1], corners[r, c + 1]]
            mesh.append((box, tuple(float(x) for corner in quad for x in corner)))
    return mesh
