"""Frames as an animated picture that any browser and notebook shows."""

import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from keras_seqcv.placing import placed

_LEAST_SECONDS = 0.02  # browsers show what is quicker at a tenth of a second


def check_gif(path: str | os.PathLike) -> None:
    """Raises ValueError if a path does not end in .gif."""
    if Path(path).suffix.lower() != ".gif":
        raise ValueError(f"`path` must end in .gif, received {os.fspath(path)!r}")


def save_gif(path: str | os.PathLike, frames: Sequence[np.ndarray], seconds: float = 0.2, last: float = 2.0) -> None:
    """Writes frames as a GIF that begins again and again, whole or not at all.

    Args:
        path: the file, .gif.
        frames: list of uint8 (H, W, 3), or (H, W) in grey, all of one size, one at least.
        seconds: how long a frame is shown, at least 0.02.
        last: how long the last one is shown.

    Raises:
        TypeError, ValueError: an argument is not as above.
        OSError: naming `path`, if it cannot be written.

    Example:
        >>> from keras_seqcv.inspection.animation import save_gif
        >>> save_gif("fade.gif", [np.full((8, 8, 3), v, "uint8") for v in (0, 128, 255)])
        >>> ks.data.load_video("fade.gif").shape
        (3, 8, 8, 3)
    """
    check_gif(path)
    if isinstance(frames, np.ndarray) and frames.ndim < 3 or not len(frames):
        raise ValueError(f"`frames` must be one picture at least, received {np.shape(frames)}")
    shape = np.shape(frames[0])
    for k, frame in enumerate(frames):
        if np.asarray(frame).dtype != np.uint8:
            raise TypeError(f"`frames[{k}]` must be uint8, received {np.asarray(frame).dtype}")
        if np.shape(frame) != shape or len(shape) not in (2, 3) or shape[2:] not in ((), (3,)):
            raise ValueError(f"`frames[{k}]` must be (H, W, 3) or (H, W), as the others, received {np.shape(frame)}")
    for name, value in (("seconds", seconds), ("last", last)):
        if not value >= _LEAST_SECONDS:
            raise ValueError(f"`{name}` must be at least {_LEAST_SECONDS}, received {value!r}")
    pictures = [Image.fromarray(np.asarray(frame)) for frame in frames]
    times = [round(1000 * seconds)] * (len(pictures) - 1) + [round(1000 * last)]
    file = io.BytesIO()
    pictures[0].save(file, "gif", save_all=True, append_images=pictures[1:], duration=times, loop=0, optimize=True)
    with placed(Path(path), folder=False) as temporary:
        temporary.write_bytes(file.getvalue())
