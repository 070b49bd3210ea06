"""What stands in a drawn scene, where, and what is meant by left, top, above and large.

Objects stand near the points of a grid of 3 by 3, one at most at each. So two of them are either in line, to within a
tenth of the picture, or a fifth of it and more apart: whether one is left of the other can always be told.
"""

import dataclasses

import numpy as np

SHAPES = ("circle", "square", "triangle", "star", "ring", "cross")
COLORS = ("red", "orange", "yellow", "green", "blue", "purple", "black")
SIZES = ("small", "large")
ATTRIBUTES = {"size": SIZES, "color": COLORS, "shape": SHAPES}
MOST_OBJECTS = 6
LEAST_IMAGE_SIZE = 48  # below it, two large neighbours may touch and a small star is a blot

# All in parts of the picture's side.
_GRID = (0.19, 0.50, 0.81)
_JITTER = 0.035
_DIAMETERS = {"small": (0.15, 0.18), "large": (0.25, 0.28)}
_APART = 0.155  # halfway between the most that is in line and the least that is not
_ATTEMPTS = 20
_ALIKE = 0.3  # how often an object takes over the shape, and how often the colour, of another one


@dataclasses.dataclass(frozen=True)
class SceneObject:
    """One object of a scene.

    Args:
        shape: "circle", "square", "triangle", "star", "ring" or "cross".
        color: "red", "orange", "yellow", "green", "blue", "purple" or "black".
        size: "small" (about a sixth of the picture's side) or "large" (about a quarter).
        box: (left, top, right, bottom) in pixels; columns left to right - 1 and rows top to bottom - 1 are its own.

    Example:
        >>> thing = ks.data.SceneObject("star", "red", "small", (10, 20, 20, 30))
        >>> thing.center
        (15.0, 25.0)
    """

    shape: str
    color: str
    size: str
    box: tuple[int, int, int, int]

    @property
    def center(self) -> tuple[float, float]:
        """The middle of the box, (x, y) in pixels."""
        left, top, right, bottom = self.box
        return (left + right) / 2, (top + bottom) / 2

    def matches(self, size: str | None, color: str | None, shape: str | None) -> bool:
        """Whether the object has these attributes; None stands for any."""
        return size in (None, self.size) and color in (None, self.color) and shape in (None, self.shape)


def position(thing: SceneObject, image_size: int) -> str:
    """Where the centre is, by thirds: "top left", "top", "top right", "left", "middle", ..., "bottom right"."""
    x, y = (int(3 * coordinate / image_size) for coordinate in thing.center)
    words = [word for word in (("top", "", "bottom")[y], ("left", "", "right")[x]) if word]
    return " ".join(words) or "middle"


def is_related(first: SceneObject, relation: str, second: SceneObject, image_size: int) -> bool:
    """Whether `first` is "left" or "right" of `second`, or "above" or "below" it. Diagonally, two of them hold."""
    axis, sign = {"left": (0, -1), "right": (0, 1), "above": (1, -1), "below": (1, 1)}[relation]
    return sign * (first.center[axis] - second.center[axis]) > _APART * image_size


def arrange(rng: np.random.Generator, image_size: int, max_objects: int) -> tuple[SceneObject, ...]:
    """Returns from 1 to `max_objects` objects that do not touch, no two with the same shape, colour and size."""
    count = 1 + int(rng.random() * max_objects)
    kinds = _different_kinds(rng, count)
    cells = rng.random(9).argsort()[:count].tolist()
    low, high = np.array([_DIAMETERS[size] for size, _, _ in kinds]).T
    diameters = (image_size * (low + (high - low) * rng.random(count))).astype(int)  # (N,)
    grid = np.array([(_GRID[cell % 3], _GRID[cell // 3]) for cell in cells])  # (N, 2)
    for attempt in range(_ATTEMPTS + 1):
        # Less and less jitter: on the grid itself any two have room.
        jitter = _JITTER * (1 - attempt / _ATTEMPTS) * (2 * rng.random((count, 2)) - 1)
        starts = np.rint(image_size * (grid + jitter) - diameters[:, None] / 2).astype(int)
        boxes = [(x, y, x + d, y + d) for (x, y), d in zip(starts.tolist(), diameters.tolist())]
        if not any(_touch(boxes[i], boxes[j]) for i in range(count) for j in range(i)):
            break
    return tuple(SceneObject(shape, color, size, box) for (size, color, shape), box in zip(kinds, boxes))


def diameter_of(rng: np.random.Generator, size: str, image_size: int) -> int:
    """A diameter in pixels, drawn from those of a size."""
    low, high = _DIAMETERS[size]
    return int(image_size * (low + (high - low) * rng.random()))


def _different_kinds(rng: np.random.Generator, count: int) -> list[tuple[str, str, str]]:
    """(size, color, shape) of each object; often alike in part, so that there is something to count and to tell."""
    kinds = []
    while len(kinds) < count:
        alike, *draws = rng.random(5).tolist()
        size, color, shape = (words[int(draw * len(words))] for words, draw in zip((SIZES, COLORS, SHAPES), draws))
        if kinds and alike < 2 * _ALIKE:
            model = kinds[int(draws[3] * len(kinds))]
            color, shape = (model[1], shape) if alike < _ALIKE else (color, model[2])
        if (size, color, shape) not in kinds:
            kinds.append((size, color, shape))
    return kinds


def _touch(a: tuple, b: tuple) -> bool:
    """Whether there is no free row and no free column of pixels between two boxes."""
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]
