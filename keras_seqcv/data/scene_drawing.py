"""Draws a scene: coloured shapes with soft edges on a light, uneven, grainy background."""

import functools
import math
from collections.abc import Sequence

import numpy as np

from keras_seqcv.data.scene_objects import SceneObject

PALETTE = {
    "red": (214, 34, 40),
    "orange": (250, 136, 16),
    "yellow": (244, 216, 32),
    "green": (34, 148, 62),
    "blue": (36, 84, 212),
    "purple": (146, 58, 176),
    "black": (34, 34, 36),
}
_COLOR_JITTER, _LIGHT, _GRAIN = 12, 8, 5
_FINER = 8  # each mask is drawn so many times larger, then averaged


def draw(rng: np.random.Generator, objects: Sequence[SceneObject], image_size: int) -> np.ndarray:
    """Returns the picture, uint8 (H, W, 3)."""
    picture = background(rng, image_size)
    for thing in objects:
        picture.paste(color_of(rng, thing), thing.box, mask(thing.shape, thing.box[2] - thing.box[0]))
    return grainy(rng, picture)


def background(rng: np.random.Generator, image_size: int):
    """A light picture, a bit darker on one side; `PIL.Image`."""
    from PIL import Image

    base = 212 + 26 * rng.random(3)  # light and grain keep it below 256
    slope = _LIGHT * (2 * rng.random(2) - 1)
    steps = np.linspace(-1, 1, image_size)
    light = slope[0] * steps[:, None] + slope[1] * steps  # (H, W)
    return Image.fromarray((base + light[..., None]).astype("uint8"))


def color_of(rng: np.random.Generator, thing: SceneObject) -> tuple[int, int, int]:
    """The colour of an object, never quite the same."""
    shift = _COLOR_JITTER * (2 * rng.random(3) - 1)
    return tuple((np.array(PALETTE[thing.color]) + shift).clip(0, 255).astype(int).tolist())


def grainy(rng: np.random.Generator, picture) -> np.ndarray:
    """The picture as a camera sees it, uint8 (H, W, 3)."""
    grain = rng.integers(-_GRAIN, _GRAIN + 1, (*picture.size[::-1], 3), "int8")
    return (np.asarray(picture, "int16") + grain).clip(0, 255).astype("uint8")


@functools.lru_cache(maxsize=256)
def mask(shape: str, diameter: int):
    """How much of each pixel of its box a shape covers, as a grey `PIL.Image` of `diameter` by `diameter` pixels."""
    from PIL import Image, ImageDraw

    side = _FINER * diameter
    picture = Image.new("L", (side, side))
    pen, end = ImageDraw.Draw(picture), side - 1
    if shape in ("circle", "ring"):
        pen.ellipse((0, 0, end, end), 255)
        if shape == "ring":
            pen.ellipse((0.25 * end, 0.25 * end, 0.75 * end, 0.75 * end), 0)
    else:
        pen.polygon([(x * end, y * end) for x, y in _corners(shape)], 255)
    return picture.reduce(_FINER)


def _corners(shape: str) -> list[tuple[float, float]]:
    """The corners of a shape in a box of side 1, which it touches on all four sides."""
    if shape == "square":
        return [(0, 0), (1, 0), (1, 1), (0, 1)]
    if shape == "triangle":
        return [(0.5, 0), (1, 1), (0, 1)]
    if shape == "cross":
        a, b = 1 / 3, 2 / 3
        return [(a, 0), (b, 0), (b, a), (1, a), (1, b), (b, b), (b, 1), (a, 1), (a, b), (0, b), (0, a), (a, a)]
    # A star: five points on a circle, five hollows between them, stretched to the box.
    turns = [(math.pi * i / 5, 1.0 if i % 2 == 0 else 0.45) for i in range(10)]
    points = [(radius * math.sin(turn), -radius * math.cos(turn)) for turn, radius in turns]
    low, high = ([f(axis) for axis in zip(*points)] for f in (min, max))
    return [((x - low[0]) / (high[0] - low[0]), (y - low[1]) / (high[1] - low[1])) for x, y in points]
