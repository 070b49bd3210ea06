"""Clips, of whatever kind, as RGB arrays: folders of frames, animated pictures, video files."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from keras_seqcv.image_files import check_pixels, checked_size, decoded

PICTURES = (".avif", ".bmp", ".jfif", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
ANIMATED = (".apng", ".gif", ".webp")
VIDEOS = (".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ogv", ".webm", ".wmv")
# Of one clip, when it is decoded and has the size that is wanted: a small file may hold hours of black.
MOST_BYTES = 2**30
MOST_FRAMES = 20_000


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
        ValueError: naming the file: there is none, it has no frames, or frames of several sizes, or cannot be decoded;
            or it has more than 20,000 frames, or more than 1 GB of them in the size that is wanted
            (`keras_seqcv.data.video_files.MOST_FRAMES`, `MOST_BYTES`).

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
        if not path.is_dir():
            return _of_file(path, size, frames)
        files, names = frame_files(path)
        return sized_frames(files, names, size, frames), len(files)
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
    kept = evenly(len(pictures), frames)
    arrays = list(_decoded(((pictures[k], names[k]) for k in kept), size))
    return _stacked(arrays)


def _decoded(pictures: Iterable, size) -> Iterator[tuple]:
    """(array in the size that is wanted, shape before, name) of each (picture, name); raises ValueError if too many.

    A frame has its size as soon as it is decoded, so that a clip of many large ones takes little memory.
    """
    total = 0
    for number, (picture, name) in enumerate(pictures):
        array = decoded(picture, name, None)
        sized = array if size is None else decoded(array, name, size)
        total += sized.nbytes
        if total > MOST_BYTES or number >= MOST_FRAMES:
            most = f"{MOST_FRAMES} frames and {MOST_BYTES >> 20} MB of them"
            raise ValueError(
                f"{name}: expected a clip of at most {most}, there is more; give a smaller size, or cut it"
            )
        yield sized, array.shape, name


def _stacked(found: list[tuple]) -> np.ndarray:
    _, first, called = found[0]
    for _, shape, name in found:
        if shape != first:
            had, has = (f"{one[1]} x {one[0]}" for one in (first, shape))
            raise ValueError(f"{name}: expected frames of one size, {had} as {called} has, received {has}")
    return np.stack([array for array, _, _ in found])


def frame_files(folder: Path) -> tuple[list[Path], list[str]]:
    """Frames, and what they are called."""
    files = [p for p in folder.iterdir() if p.suffix.lower() in PICTURES and not p.name.startswith(".")]
    if not files:
        raise ValueError(f"{folder}: expected a folder of frames ({', '.join(PICTURES)}), it has none")
    files.sort(key=lambda p: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", p.name)])
    return files, [str(path) for path in files]


def _of_file(path: Path, size, frames: int | None) -> tuple[np.ndarray, int]:
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file")
    if not path.stat().st_size:
        raise ValueError(f"{path}: the file is empty")
    return file_frames(path, path.suffix, str(path), size, frames)


def file_frames(file, suffix: str, name: str, size, frames: int | None) -> tuple[np.ndarray, int]:
    """Frames of an animation or a video as an array, and how many it has.

    Args:
        file: path, or file that is open.
        suffix: the ending of its name.
        name: what errors call it.
        size, frames: those that are wanted.
    """
    reads = _of_video if suffix.lower() in VIDEOS else _of_animation
    found = list(_decoded(_named(reads(file, name), name), size))
    return _stacked([found[k] for k in evenly(len(found), frames)]), len(found)


def _named(pictures: Iterator, name: str) -> Iterator[tuple]:
    """(frame, name) of each; raises ValueError that names the file, whatever is wrong with it."""
    number = 0
    try:
        for picture in pictures:
            yield picture, f"{name}, frame {number}"
            number += 1
    except (ImportError, GeneratorExit):
        raise
    except Exception as error:  # a damaged file lets Pillow and FFmpeg raise nearly anything
        raise ValueError(f"{name}: cannot be decoded ({type(error).__name__}: {error})") from error
    if not number:
        raise ValueError(f"{name}: expected a clip, it has no frames")


def _of_animation(file, name: str) -> Iterator[Image.Image]:
    with Image.open(file) as picture:
        check_pixels(picture)
        while True:
            # Each frame as it is shown, by itself: an animation is no picture to `load_image`.
            yield Image.fromarray(np.asarray(picture.convert("RGBA")))
            try:
                picture.seek(picture.tell() + 1)
            except EOFError:
                return


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
