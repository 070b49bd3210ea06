"""What happens in a drawn clip, and where that leaves the object to which it happens, frame by frame."""

import dataclasses

import numpy as np

WAYS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}  # (x, y)
MOTIONS = ("still", *WAYS, "bounces", "appears", "disappears")
_BACK = {"left": "right", "right": "left", "up": "down", "down": "up"}
_SPEEDS = (1 / 32, 2.5 / 32)  # of the picture's side, a frame
_BEFORE_TURN = 3  # frames at least on each side of it


@dataclasses.dataclass(frozen=True)
class Motion:
    """What happens to one object.

    Args:
        labels: list of T str, for each frame what has changed since the one before; of the first frame "still".
        offsets: (T, 2) float, how far it is from where it began, (x, y) in parts of the picture's side.
        visible: (T,) bool.
    """

    labels: list
    offsets: np.ndarray
    visible: np.ndarray


def move(rng: np.random.Generator, label: str, frames: int) -> Motion:
    """What happens in `frames` frames of a clip of this label.

    Example:
        >>> from keras_seqcv.data.scene_motions import move
        >>> motion = move(np.random.default_rng(0), "bounces", 8)
        >>> motion.labels
        ['still', 'down', 'down', 'down', 'bounces', 'up', 'up', 'up']
        >>> bool(np.allclose(motion.offsets[2], motion.offsets[4]))
        True
    """
    labels, visible = ["still"] * frames, np.ones(frames, bool)
    offsets = np.zeros((frames, 2))
    if label in ("appears", "disappears"):
        # Each moment but the first as likely as the others: in half of all frames the object is there.
        moment = int(rng.integers(1, frames))
        labels[moment] = label
        visible[moment:] = label == "appears"
        visible[:moment] = label == "disappears"
    elif label != "still":
        names = list(WAYS)
        direction = names[int(rng.integers(len(names)))] if label == "bounces" else label
        labels[1:] = [direction] * (frames - 1)
        if label == "bounces":
            turn = int(rng.integers(_BEFORE_TURN, frames - _BEFORE_TURN + 1))
            labels[turn:] = [label, *[_BACK[direction]] * (frames - turn - 1)]
        speed = _SPEEDS[0] + (_SPEEDS[1] - _SPEEDS[0]) * rng.random()
        steps = [(0, 0)]
        for name in labels[1:]:
            steps.append(WAYS[_BACK[direction] if name == "bounces" else name])
        offsets = speed * np.cumsum(steps, axis=0)  # (T, 2)
    return Motion(labels, offsets, visible)
