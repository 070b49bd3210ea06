"""Drawn clips in which something happens that no single frame can tell: data that needs no download."""

import functools
from collections.abc import Sequence

import numpy as np

from keras_seqcv.data.int_ranges import check_ranges
from keras_seqcv.data.scene_drawing import background, color_of, grainy, mask
from keras_seqcv.data.scene_motions import MOTIONS, WAYS, move
from keras_seqcv.data.scene_objects import COLORS, SHAPES, SIZES, SceneObject, diameter_of

_LEAST_FRAMES, _MOST_FRAMES = 8, 1000
_LEAST_SIZE = 24  # below it a small object has no shape


def moving_scenes(
    count: int, seed: int = 0, image_size: int = 32, frames: int | tuple[int, int] = (12, 20)
) -> "MovingScenes":
    """Clips of coloured shapes, labelled with what happens: as a whole, and frame by frame.

    An object is "still", moves "left", "right", "up" or "down", "bounces" (turns back, as if off a wall), "appears" or
    "disappears". Scene i has label i mod 8 and depends on `seed` and i alone: a longer set begins with the shorter one.

    A single frame taken by chance says nothing of the label: it looks the same, in distribution, whatever happens. So
    what leaves the picture on one side comes in on the other; no wall is drawn; and as an object that appears or
    disappears is not there in half of the frames, it has another beside it, as half of the other objects do. That one
    does nothing. Where two are in one place, the one to which something happens is in front.

    The label of a frame is what has changed since the frame before: one of the four ways, "bounces" in the first frame
    on the way back, "appears" and "disappears" in the first frame with or without the object, else "still". Of the
    first frame it is "still".

    Args:
        count: how many clips, at least 0.
        seed: int, at least 0.
        image_size: side of the picture in pixels, from 24 to 1024.
        frames: T, from 8 to 1000, or (least, most): each length as likely as the others.

    Returns:
        A `MovingScenes`: a sequence of `MovingScene`. A clip is drawn in about a millisecond, when it is asked for.

    Raises:
        TypeError: an argument is not an int.
        ValueError: an argument is out of its range.

    Example:
        >>> train, valid = ks.data.moving_scenes(4000, seed=1), ks.data.moving_scenes(500, seed=2)
        >>> train[5]
        <moving scene 5: a large purple square bounces, a small orange ring, 20 frames>
        >>> train[5].frames.shape, train[5].frame_labels[:5]
        ((20, 32, 32, 3), ['still', 'down', 'down', 'down', 'down'])
        >>> train.names
        ('still', 'left', 'right', 'up', 'down', 'bounces', 'appears', 'disappears')
    """
    span = (frames, frames) if isinstance(frames, (int, np.integer)) else frames
    if not isinstance(span, (tuple, list)) or len(span) != 2:
        raise TypeError(f"`frames` must be an int or (least, most), received {frames!r}")
    check_ranges(
        ("count", count, 0, None),
        ("seed", seed, 0, None),
        ("image_size", image_size, _LEAST_SIZE, 1024),
        *(("frames", number, _LEAST_FRAMES, _MOST_FRAMES) for number in span),
    )
    if span[0] > span[1]:
        raise ValueError(f"`frames` must be (least, most), received {frames!r}")
    return MovingScenes(range(int(count)), (int(seed), int(image_size), int(span[0]), int(span[1])))


class MovingScenes(Sequence):
    """A set of clips, made by `moving_scenes`. It has a length, can be indexed, cut and gone through.

    Attributes:
        names: all labels.
        labels: for each clip its label.
        frame_labels: for each clip a list of str.

    Example:
        >>> scenes = ks.data.moving_scenes(20)
        >>> len(scenes), len(scenes[2:5]), scenes[2:5].labels
        (20, 3, ['right', 'up', 'down'])
    """

    names = MOTIONS

    def __init__(self, indices: range, settings: tuple[int, int, int, int]):
        self._indices, self._settings = indices, settings

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index):
        """The clip of this number, or of a slice another set."""
        if isinstance(index, slice):
            return MovingScenes(self._indices[index], self._settings)
        return MovingScene(self._indices[index], *self._settings)

    def __repr__(self) -> str:
        return f"<{len(self)} moving scenes>"

    @functools.cached_property
    def labels(self) -> list[str]:
        return [scene.label for scene in self]

    @functools.cached_property
    def frame_labels(self) -> list[list[str]]:
        return [scene.frame_labels for scene in self]


class MovingScene:
    """One clip, of a `MovingScenes`. Each part of it is made at its first use.

    Attributes:
        label: what happens.
        frame_labels: list of T str, for each frame what has changed since the one before.
        frames: uint8 (T, H, W, 3).
        objects: tuple of one or two `SceneObject`, where they are at first; it happens to `objects[0]`.

    Example:
        >>> scene = ks.data.moving_scenes(10)[6]
        >>> scene.label, scene.frame_labels.count("appears"), len(scene.objects)
        ('appears', 1, 2)
    """

    def __init__(self, index: int, seed: int, image_size: int, least: int, most: int):
        self.index, self.seed, self.image_size = index, seed, image_size
        self.label = MOTIONS[index % len(MOTIONS)]
        chance = self._chance(0)
        self._length = int(chance.integers(least, most + 1))
        self._motion = move(chance, self.label, self._length)

    def __len__(self) -> int:
        """T, how many frames."""
        return self._length

    def __repr__(self) -> str:
        first, *others = (f"a {thing.size} {thing.color} {thing.shape}" for thing in self.objects)
        verb = "is still" if self.label == "still" else self.label
        verb = f"moves {verb}" if verb in WAYS else verb
        return f"<moving scene {self.index}: {', '.join([f'{first} {verb}', *others])}, {self._length} frames>"

    @property
    def frame_labels(self) -> list[str]:
        return list(self._motion.labels)

    @functools.cached_property
    def objects(self) -> tuple[SceneObject, ...]:
        chance = self._chance(1)
        count = 2 if self.label in ("appears", "disappears") or chance.random() < 0.5 else 1
        colors = chance.permutation(len(COLORS))
        return tuple(_thing(chance, COLORS[colors[k]], self.image_size) for k in range(count))

    @functools.cached_property
    def frames(self) -> np.ndarray:
        chance = self._chance(2)
        paper = background(chance, self.image_size)
        colors = [color_of(chance, thing) for thing in self.objects]
        pictures = np.empty((self._length, self.image_size, self.image_size, 3), "uint8")
        for t in range(self._length):
            picture = paper.copy()
            for k in range(len(self.objects) - 1, -1, -1):
                if k > 0 or self._motion.visible[t]:
                    offset = self._motion.offsets[t] * self.image_size if k == 0 else (0, 0)
                    _paste(picture, self.objects[k], colors[k], offset)
            pictures[t] = grainy(chance, picture)
        return pictures

    def _chance(self, part: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(self.index, part)))


def _thing(chance: np.random.Generator, color: str, image_size: int) -> SceneObject:
    """An object anywhere, perhaps half over the border."""
    shape, size = SHAPES[int(chance.integers(len(SHAPES)))], SIZES[int(chance.integers(len(SIZES)))]
    diameter = diameter_of(chance, size, image_size)
    left, top = (int(n) for n in chance.integers(0, image_size, 2))
    return SceneObject(shape, color, size, (left, top, left + diameter, top + diameter))


def _paste(picture, thing: SceneObject, color, offset) -> None:
    """Draw an object that has moved by so many pixels; what is over a border comes in on the other side."""
    side, diameter = picture.width, thing.box[2] - thing.box[0]
    left, top = (round(start + shift) % side for start, shift in zip(thing.box, offset))
    for x in {left, left - side} if left + diameter > side else (left,):
        for y in {top, top - side} if top + diameter > side else (top,):
            picture.paste(color, (x, y, x + diameter, y + diameter), mask(thing.shape, diameter))
