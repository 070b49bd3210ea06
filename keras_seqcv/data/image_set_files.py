"""Labelled pictures from files: IDX as MNIST has it, `.npz`, and sets of `tensorflow_datasets`."""

import gzip
import math
import os
import zlib
from pathlib import Path

import numpy as np

from keras_seqcv.archive_checks import check_arrays
from keras_seqcv.data.image_sets import LabelledImages
from keras_seqcv.data.tfds_labels import keys_of, labelled_examples, prepared_builder

SPLITS = ("train", "test")
_TFDS = "tfds:"
_IDX_NAMES = {"train": ("train",), "test": ("t10k", "test")}
_IDX_BYTES = 8  # the code of unsigned bytes in the third byte of the file; others are no pictures
# Of one file when unpacked: a broken or hostile header asks for more.
_MOST_BYTES = 2**32
_FREE_BYTES = 2**28
_MOST_GROWTH = 100


def read_labelled_images(source: str | os.PathLike, split: str = "train") -> LabelledImages:
    """Reads pictures and their labels into memory.

    Args:
        source: a folder with the IDX files of one set, `train-images-idx3-ubyte` and so on, as they are or with `.gz`;
            an `.npz` file with `x_train`, `y_train`, `x_test`, `y_test`, or with `images` and `labels`, which are all
            there is; or "tfds:mnist", "tfds:svhn_cropped", a set of `tensorflow_datasets`, which is downloaded at its
            first use.
        split: "train" | "test"; of a set whatever it has, such as "test[:10%]".

    Returns:
        `LabelledImages`. Names are the numbers, of a set its own.

    Raises:
        ValueError: naming the file: one that is not there, is damaged, or holds something else.
        ImportError: a set is wanted without `tensorflow_datasets`.

    Example:
        >>> np.savez("digits.npz", images=np.zeros((4, 8, 8), "uint8"), labels=[0, 1, 2, 2])
        >>> ks.data.read_labelled_images("digits.npz")
        <4 pictures 8 x 8 x 1, 3 labels>
    """
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(f"`source` must be a folder, a file or the name of a set, received {type(source).__name__}")
    if isinstance(source, str) and source.startswith(_TFDS):
        return _of_tfds(source.removeprefix(_TFDS), split)
    if split not in SPLITS:
        raise ValueError(f"`split` must be one of {list(SPLITS)}, received {split!r}")
    path = Path(source)
    if path.is_dir():
        return _of_idx(path, split)
    if not path.is_file():
        raise ValueError(f"{path}: there is no such folder or file")
    return _of_npz(path, split)


def _of_idx(folder: Path, split: str) -> LabelledImages:
    images, labels = (_idx_file(folder, split, kind) for kind in ("images", "labels"))
    pictures, numbers = read_idx(images), read_idx(labels)
    if pictures.ndim not in (3, 4):
        raise ValueError(f"{images}: expected pictures, received an array of shape {pictures.shape}")
    if numbers.shape != pictures.shape[:1]:
        raise ValueError(f"{labels}: expected {len(pictures)} labels, as {images} has pictures, has {numbers.shape}")
    return LabelledImages(pictures, numbers)


def _idx_file(folder: Path, split: str, kind: str) -> Path:
    names = [f"{part}-{kind}" for part in _IDX_NAMES[split]]
    found = sorted(p for p in folder.iterdir() if p.is_file() and any(p.name.startswith(name) for name in names))
    if not found:
        raise ValueError(f"{folder}: expected a file {' or '.join(names)}-idx..., found none")
    return found[0]


def read_idx(path: Path) -> np.ndarray:
    """The array of an IDX file of unsigned bytes.

    Raises:
        ValueError: naming the file, which is damaged or holds other numbers.
    """
    try:
        most = min(_MOST_BYTES, _FREE_BYTES + _MOST_GROWTH * path.stat().st_size)
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            head = file.read(4)
            if len(head) < 4 or head[:2] != b"\0\0" or head[2] != _IDX_BYTES:
                raise ValueError(f"{path}: expected an IDX file of unsigned bytes, it begins with {head!r}")
            numbers = file.read(4 * head[3])
            if len(numbers) != 4 * head[3] or not numbers:
                raise ValueError(f"{path}: expected {head[3]} dimensions, at least one, the file ends within them")
            shape = tuple(int(n) for n in np.frombuffer(numbers, ">u4"))
            size = math.prod(shape)
            if size > most:
                raise ValueError(f"{path}: expected at most 4 GB, and {most} bytes of such a file, received {shape}")
            content = file.read(size + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path}: cannot be read: {error}") from error
    if len(content) != size:
        more = "more" if len(content) > size else f"{len(content)}"
        raise ValueError(f"{path}: expected {size} bytes for shape {shape}, received {more}")
    return np.frombuffer(content, "uint8").reshape(shape).copy()


def _of_npz(path: Path, split: str) -> LabelledImages:
    try:
        check_arrays(path)
        with np.load(path, allow_pickle=False) as arrays:
            pairs = [(f"x_{split}", f"y_{split}"), ("images", "labels")]
            pair = next((pair for pair in pairs if set(pair) <= set(arrays.files)), None)
            if pair is None:
                raise ValueError(f"expected {' or '.join(map(str, pairs))}, found {sorted(arrays.files)}")
            images, labels = (arrays[name] for name in pair)
        return LabelledImages(images, labels)
    except Exception as error:  # numpy and zipfile raise of many kinds
        raise ValueError(f"{path}: cannot be read: {error}") from error


def _of_tfds(name: str, split: str) -> LabelledImages:
    builder = prepared_builder(name, is_picture, "picture")
    (image,), (label,) = keys_of(builder, is_picture)
    names = tuple(builder.info.features[label].names)
    images, labels, first = [], [], None
    for content, its_name, place in labelled_examples(builder, split, image, label):
        first = content.shape if first is None else first
        if content.shape != first:
            raise ValueError(f"{place}: expected {first}, the size of the first picture, received {content.shape}")
        images.append(content)
        labels.append(names.index(its_name))
    return LabelledImages(np.stack(images), np.array(labels), names)


def is_picture(kind) -> bool:
    """Whether a feature is one picture."""
    return len(kind.shape or ()) == 3 and kind.shape[2] in (1, 3) and kind.np_dtype == np.uint8
