"""What people have: folders, lists and arrays of pictures, and sets by name, each with captions."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path, PurePath

import numpy as np

from keras_seqcv.data.caption_files import CaptionSet, read_captions
from keras_seqcv.data.picture_splits import split_pictures
from keras_seqcv.data.tfds_captions import captions_builder, load_tfds_captions
from keras_seqcv.data.tfds_sets import validation_split

_TFDS = "tfds:"


@dataclasses.dataclass(frozen=True)
class Captioned:
    """Pictures with captions, and which of them are for what.

    Args:
        names, captions: as in `CaptionSet`.
        sources: for each name what `ImageStore` takes.
        train, valid: numbers of pictures.
    """

    names: list[str]
    captions: list[list[str]]
    sources: list
    train: list[int]
    valid: list[int]


def captioned(images, captions, train, valid, validation: float, seed: int) -> Captioned:
    """Reads all but the pictures. Arguments, and what is raised, as of `captions`."""
    if isinstance(images, str) and images.startswith(_TFDS):
        return _tfds(images.removeprefix(_TFDS), captions, train, valid, validation, seed)
    if isinstance(images, (str, os.PathLike)):
        names, texts, sources = _folder(Path(images), captions)
    elif isinstance(images, np.ndarray):
        sources = list(_checked_pictures(images))
        names, texts = [str(k) for k in range(len(images))], _checked_captions(captions, len(images))
    elif isinstance(images, (list, tuple)):
        names, sources = _paths(images)
        texts = _checked_captions(captions, len(images))
    else:
        expected = 'a folder, a list of paths, an array or "tfds:name"'
        raise TypeError(f"`images` must be {expected}, received {type(images).__name__}")
    return Captioned(names, texts, sources, *split_pictures(names, train, valid, validation, seed))


def _folder(folder: Path, captions) -> tuple[list[str], list[list[str]], list[Path]]:
    if not folder.is_dir():
        received = "a file" if folder.exists() else "nothing there"
        raise ValueError(
            f"`images` must be a folder, a list of paths, an array or a name, received {folder}: {received}"
        )
    if captions is None or isinstance(captions, (str, os.PathLike)):
        captions = read_captions(folder if captions is None else captions)
    if not isinstance(captions, CaptionSet):
        expected = "a file, a folder, a CaptionSet or None for text files beside the pictures"
        raise TypeError(f"`captions` of a folder must be {expected}, received {type(captions).__name__}")
    for name in captions.names:
        # A file of captions that came from elsewhere reads no other files than those of the folder.
        if PurePath(name).is_absolute() or ".." in PurePath(name).parts:
            raise ValueError(f"`captions` must name pictures inside of {folder}, received {name!r}")
    texts = _checked_captions(captions.captions, len(captions.names))
    if len(set(captions.names)) < len(captions.names):
        raise ValueError(f"`captions` must name each picture once, received {len(captions.names)} names, some alike")
    return list(captions.names), texts, [folder / name for name in captions.names]


def _paths(images: Sequence) -> tuple[list[str], list[Path]]:
    for k, path in enumerate(images):
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"`images[{k}]` must be a path, received {type(path).__name__}")
    names = [os.fspath(path) for path in images]
    if not names:
        raise ValueError("`images` must hold a picture at least, received an empty list")
    seen = {}
    for k, name in enumerate(names):
        if seen.setdefault(name, k) != k:
            raise ValueError(f"`images[{k}]` is `images[{seen[name]}]` already: {name}")
    return names, [Path(name) for name in names]


def _checked_pictures(images: np.ndarray) -> np.ndarray:
    if images.dtype != np.uint8:
        raise TypeError(f"`images` must be uint8, received {images.dtype}")
    if images.ndim != 4 or images.shape[3] != 3 or 0 in images.shape:
        raise ValueError(f"`images` must have shape (N, H, W, 3), N >= 1, received {images.shape}")
    return images


def _checked_captions(captions, count: int) -> list[list[str]]:
    """Returns captions (list per picture) without space around them, or raises TypeError or ValueError."""
    expected = f"a list of {count} lists of str, one for each picture"
    if isinstance(captions, (str, bytes, dict)) or not isinstance(captions, Sequence):
        raise TypeError(f"`captions` must be {expected}, received {type(captions).__name__}")
    if len(captions) != count:
        raise ValueError(f"`captions` must be {expected}, received {len(captions)}")
    checked = []
    for k, some in enumerate(captions):
        if not isinstance(some, (list, tuple)):
            raise TypeError(f"`captions[{k}]` must be a list of str, received {type(some).__name__}")
        if not some:
            raise ValueError(f"`captions[{k}]` must hold a caption at least, received none")
        for n, caption in enumerate(some):
            if not isinstance(caption, str):
                raise TypeError(f"`captions[{k}][{n}]` must be a str, received {type(caption).__name__}")
            if not caption.strip():
                raise ValueError(f"`captions[{k}][{n}]` is empty")
        checked.append([caption.strip() for caption in some])
    return checked


def _tfds(name: str, captions, train, valid, validation: float, seed: int) -> Captioned:
    if captions is not None:
        raise ValueError(f"`captions` must be None for a set that has captions of its own, received {captions!r:.60}")
    for argument, split in (("train", train), ("valid", valid)):
        if split is not None and not isinstance(split, str):
            raise TypeError(f"`{argument}` must be None or the name of a split, received {type(split).__name__}")
    builder = captions_builder(name)
    if valid is None and validation:
        valid = validation_split(builder)
    some, sources = load_tfds_captions(builder, train or "train")
    if valid is None:
        parts = split_pictures(some.names, None, None, validation, seed)
        return Captioned(some.names, some.captions, sources, *parts)
    others, more = load_tfds_captions(builder, valid)
    # The parts are checked for what they have in common where names say which picture it is.
    both = set(some.names) & set(others.names) if not some.names[0].isdigit() else set()
    if both:
        raise ValueError(f"`train` and `valid` have {len(both)} pictures in common: {', '.join(sorted(both)[:5])}")
    border, end = len(some), len(some) + len(others)
    parts = list(range(border)), list(range(border, end))
    return Captioned(some.names + others.names, some.captions + others.captions, sources + more, *parts)
