"""Clips, of whatever kind, as RGB arrays: folders of frames, animated pictures, video files."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from keras_seqcv.image_files import checked_size, decoded

PICTURES = (".avif", ".bmp", ".jfif", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
ANIMATED = (".apng", ".gif", ".webp")
VIDEOS = (".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ogv", ".webm", ".wmv")


def load_video(source, size: int | tuple[int, int] | None = None, frames: int | None = None) -> np.ndarray:
    """Returns a clip as RGB frames of one size.

    Args:
        source: a folder of pictures, in the order of their names, numbers by their value; an animated GIF, PNG or WebP
            file; a video file (needs PyAV, `pip install "keras_seqcv[video]"`); an array (T, H, W, 3), (T, H, W, 1) or
            (T, H, W), uint8; or an object with such `frames`, as `ks.data.moving_scenes` gives.
        size: (H, W), or int for both; see `load_image`. None: as it is.
        frames: how many are kept, evenly spaced, of a clip that has more. None: all.

    Returns:
        (T, H, W, 3) uint8.

    Raises:
        ImportError: a video file is wanted and PyAV is not installed.
        TypeError: a source of another type, or an array that is not uint8.
        ValueError: naming the file: there is none, it has no frames, or frames of several sizes, or cannot be decoded.

    Example:
        >>> from PIL import Image
        >>> first, *others = [Image.new("RGB", (40, 30), (k, 0, 0)) for k in (0, 80, 160)]
        >>> first.save("clip.gif", save_all=True, append_images=others)
        >>> ks.data.load_video("clip.gif").shape, ks.data.load_video("clip.gif", size=16, frames=2).shape
        ((3, 30, 40, 3), (2, 16, 16, 3))
    """
    return decoded_video(source, None, checked_size(size, "size"), frames)[0]


def decoded_video(
    source, name: str | None, size: tuple[int, int] | None, frames: int | None = None
) -> tuple[np.ndarray, int]:
    """`load_video`, and how many frames the clip has; `name`: that of an array in error messages."""
    source = getattr(source, "frames", source)
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        pictures, names = frame_files(path) if path.is_dir() else _of_file(path)
        return sized_frames(pictures, names, size, frames), len(pictures)
    return _of_array(source, name or "`source`", size, frames)


def _of_array(source, name: str, size, frames: int | None) -> tuple[np.ndarray, int]:
    if not hasattr(source, "__array__"):
        expected = "a path, an array (T, H, W, 3) or an object with frames"
        raise TypeError(f"{name}: expected {expected}, received {type(source).__name__}")
    array = np.asarray(source)
    if array.dtype != np.uint8:
        raise TypeError(f"{name}: expected uint8, received {array.dtype}")
    array = array[..., None] if array.ndim == 3 else array
    if array.ndim != 4 or array.shape[3] not in (1, 3) or 0 in array.shape:
        raise ValueError(f"{name}: expected shape (T, H, W, 3), (T, H, W, 1) or (T, H, W), received {array.shape}")
    whole, array = len(array), array[evenly(len(array), frames)]
    if size in (None, array.shape[1:3]):
        return np.array(np.broadcast_to(array, (*array.shape[:3], 3)), order="C"), whole
    return np.stack([decoded(frame, name, size) for frame in array]), whole


def evenly(length: int, frames: int | None) -> np.ndarray:
    """Numbers of at most `frames` of `length` frames, evenly spaced; the middle of each part.

    Example:
        >>> from keras_seqcv.data.video_files import evenly
        >>> evenly(9, 3).tolist(), evenly(2, 3).tolist()
        ([1, 4, 7], [0, 1])
    """
    if frames is None or length <= frames:
        return np.arange(length)
    return ((np.arange(frames) + 0.5) * length / frames).astype(int)


def is_clip(path: Path) -> bool:
    """Whether this is a folder or a file whose name is that of a clip."""
    return path.is_dir() or path.suffix.lower() in (*ANIMATED, *VIDEOS)


def sized_frames(pictures: Sequence, names: Sequence[str], size, frames: int | None) -> np.ndarray:
    """Pictures of one size as an array; `size` and `frames` are those that are wanted."""
    first = None
    arrays = []
    for picture, name in [(pictures[k], names[k]) for k in evenly(len(pictures), frames)]:
        array = decoded(picture, name, None)
        first = first or array.shape
        if array.shape != first:
            had, has = (f"{shape[1]} x {shape[0]}" for shape in (first, array.shape))
            raise ValueError(f"{name}: expected frames of one size, {had} as {names[0]} has, received {has}")
        arrays.append(array if size is None else decoded(array, name, size))
    return np.stack(arrays)


def frame_files(folder: Path) -> tuple[list[Path], list[str]]:
    """Frames, and what they are called."""
    files = [p for p in folder.iterdir() if p.suffix.lower() in PICTURES and not p.name.startswith(".")]
    if not files:
        raise ValueError(f"{folder}: expected a folder of frames ({', '.join(PICTURES)}), it has none")
    files.sort(key=lambda p: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", p.name)])
    return files, [str(path) for path in files]


def _of_file(path: Path) -> tuple[list, list[str]]:
    """Likewise, of an animation or a video."""
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file")
    if not path.stat().st_size:
        raise ValueError(f"{path}: the file is empty")
    return file_frames(path, path.suffix, str(path))


def file_frames(file, suffix: str, name: str) -> tuple[list, list[str]]:
    """Frames of an animation or a video, and what they are called.

    Args:
        file: path, or file that is open.
        suffix: the ending of its name.
        name: what errors call it.
    """
    reads = _of_video if suffix.lower() in VIDEOS else _of_animation
    try:
        pictures = list(reads(file, name))
    except ImportError:
        raise
    except Exception as error:  # a damaged file lets Pillow and FFmpeg raise nearly anything
        raise ValueError(f"{name}: cannot be decoded ({type(error).__name__}: {error})") from error
    if not pictures:
        raise ValueError(f"{name}: expected a clip, it has no frames")
    return pictures, [f"{name}, frame {number}" for number in range(len(pictures))]


def _of_animation(file, name: str) -> Iterator[Image.Image]:
    with Image.open(file) as picture:
        for number in range(getattr(picture, "n_frames", 1)):
            picture.seek(number)
            # Each frame as it is shown, by itself: an animation is no picture to `load_image`.
            yield Image.fromarray(np.asarray(picture.convert("RGBA")))


def _of_video(file, name: str) -> Iterator[np.ndarray]:
    try:
        import av
    except ImportError as error:
        raise ImportError(f'reading {name} needs PyAV: pip install "keras_seqcv[video]"') from error
    with av.open(file if hasattr(file, "read") else os.fspath(file)) as container:
        if not container.streams.video:
            raise ValueError("it has no pictures")
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24")
