"""Labelled pictures as shards: how they are written, and how they are read."""

import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from keras_seqcv.data.augmenting import augmented
from keras_seqcv.data.image_batches import LABELS, binarized
from keras_seqcv.data.image_set_files import read_labelled_images
from keras_seqcv.data.image_sets import LabelledImages
from keras_seqcv.data.image_store import READERS
from keras_seqcv.data.labelled_rows import label_folders
from keras_seqcv.data.reader_arguments import check_choices
from keras_seqcv.data.shard_examples import Record, packed
from keras_seqcv.data.shard_writer import ShardWriter
from keras_seqcv.data.sharded_part import OpenShards, Reading, planned, sharded_dataset
from keras_seqcv.data.sharded_pictures import encoded_picture
from keras_seqcv.data.shares import random_shares
from keras_seqcv.data.video_files import PICTURES
from keras_seqcv.image_files import check_image, checked_size, decoded

_FEATURES = {"image": ["bytes", [1]], "name": ["bytes", [1]], "label": ["int64", [None]]}


def write_images(
    writer: ShardWriter,
    images: str | os.PathLike | LabelledImages,
    *,
    split: str = "train",
    image_size: int | tuple[int, int] | None = None,
    names: Sequence[str] | None = None,
    validation: float = 0.1,
    seed: int = 0,
    verbose: int = 1,
) -> None:
    """Writes labelled pictures: a record is a picture and the number of its label, or those of its labels.

    Args:
        writer: `ShardWriter`.
        images: `LabelledImages`; what `read_labelled_images` reads; or a folder with one folder of pictures for each
            label, whose name it has: these stay as their files are, and are never in memory together.
        split: of what `read_labelled_images` reads.
        image_size: (H, W), or int for both, to which such pictures are resized when they are read.
        names: labels of such a folder, in the order of their numbers. None: the names of all its folders.
        validation, seed: see `labelled_images`.
    """
    check_choices(validation, False, "raise", True, seed, verbose)
    if _has_folders(images):
        examples, labels, shape = _of_folders(Path(images), names, image_size)
        most = None
    else:
        if image_size is not None or names is not None:
            raise ValueError(
                "`image_size` and `names` are for a folder with a folder of pictures for each label; expected None for "
                f"{images!r:.80}"
            )
        some = images if isinstance(images, LabelledImages) else read_labelled_images(images, split)
        examples = [(k, some.labels[k]) for k in range(len(some))]
        labels, shape, most = some.names, some.image_shape, some.most
        examples = [(some.images[k], str(k), number) for k, number in examples]
    for part, numbers in zip(("train", "valid"), random_shares(len(examples), validation, seed, "picture")):
        if numbers:
            chosen = (examples[k] for k in numbers)
            writer.write(part, (_example(*one) for one in chosen), ["length"], len(numbers))
    about = {"names": list(labels), "image_shape": [int(n) for n in shape], "most": most}
    writer.finish("images", about, _FEATURES)


def _has_folders(images) -> bool:
    """Whether this is a folder that holds folders, not files."""
    if isinstance(images, LabelledImages) or not isinstance(images, (str, os.PathLike)) or not Path(images).is_dir():
        return False
    return any(path.is_dir() for path in Path(images).iterdir())


def _of_folders(folder: Path, names, image_size) -> tuple[list, list[str], tuple]:
    size = checked_size(image_size, "image_size")
    if size is None:
        raise ValueError(f"`image_size` is needed for {folder}, whose pictures have any size; received None")
    folders = label_folders(folder, names, "pictures")
    examples = [
        (path, f"{one.name}/{path.name}", number)
        for number, one in enumerate(folders)
        for path in sorted(one.iterdir())
        if path.suffix.lower() in PICTURES and not path.name.startswith(".")
    ]
    if not examples:
        raise ValueError(f"{folder}: expected pictures, {', '.join(PICTURES)}, found none")
    return examples, [one.name for one in folders], (*size, 3)


def _example(picture, name: str, label) -> tuple[bytes, np.ndarray]:
    data = encoded_picture(picture)
    if not isinstance(picture, np.ndarray):
        check_image(data, str(picture))
    return packed(image=data, name=name, label=np.atleast_1d(label)), np.zeros((1, 1), "int32")


def read_images(
    shards: OpenShards,
    reading: Reading,
    *,
    model=None,
    labels: str | None = "target",
    augment: Callable | None = None,
    binarize: bool = False,
) -> tf.data.Dataset:
    """The dataset of one part; the options are those of `labelled_images`."""
    if labels not in LABELS:
        raise ValueError(f"`labels` must be one of {list(LABELS)}, received {labels!r}")
    if augment is not None and not callable(augment):
        raise TypeError(f"`augment` must be a function or None, received {type(augment).__name__}")
    check_choices(0, binarize, "raise", True, 0, 0)
    about = shards.index.about
    for name, own in (("image_shape", tuple(about["image_shape"])), ("labels", tuple(about["names"]))):
        expected = getattr(model, name, None)
        if expected is not None and tuple(expected) != own and not (name == "labels" and labels is None):
            raise ValueError(f"`model` must have the {name} of the shards, {own}, received {tuple(expected)}")
    training = shards.name == "train"
    part = _Images(shards, reading, augment if training else None, binarize, training)
    numbers = (None, about["most"]) if about["most"] else (None,)
    signature = [tf.TensorSpec((None, *about["image_shape"]), tf.uint8), tf.TensorSpec(numbers, tf.int32)]

    def arranged(images, numbers):
        if labels is None:
            return images
        return {"image": images, "label": numbers} if labels == "input" else (images, numbers)

    dataset = sharded_dataset(part, signature, arranged, reading, READERS)
    dataset.names = tuple(about["names"])
    return dataset


class _Images:
    """Batches of labelled pictures."""

    def __init__(self, shards: OpenShards, reading: Reading, augment, binarize: bool, anew: bool):
        self._shards, self._reading = shards, reading
        self._augment, self._binarize, self._anew = augment, binarize, anew
        self._shape, self._several = shards.index.about["image_shape"], bool(shards.index.about["most"])
        self.plan = planned(shards, reading, lambda rows: np.zeros(len(rows), int))

    def batch(self, rows: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Pictures (B, H, W, C) uint8 and labels (B,) or (B, S) int32."""
        # For validation a picture becomes the same every time; batches are then numbered in the order of the set.
        own = seed if self._anew else int(rows[0]) // self._reading.batch_size
        chance = np.random.default_rng((self._reading.seed, own))
        records = [self._shards.record(int(row)) for row in rows]
        images = np.stack([self._picture(record) for record in records])
        if self._augment is not None:
            images = augmented(self._augment, images, chance)
        if self._binarize:
            images = binarized(images, chance)
        labels = np.stack([record.numbers("label") for record in records])
        return images, labels if self._several else labels[:, 0]

    def _picture(self, record: Record) -> np.ndarray:
        data = record.data("image")[0]
        if self._shape[2] == 3:
            return decoded(data, record.text("name"), tuple(self._shape[:2]))
        return np.asarray(Image.open(io.BytesIO(data)))[..., None]  # grey PNG, of `encoded_picture`
