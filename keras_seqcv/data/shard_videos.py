"""Labelled clips as shards: how they are written, and how they are read."""

import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_seqcv.data.clip_store import changes
from keras_seqcv.data.image_store import READERS
from keras_seqcv.data.label_batches import LabelBatches
from keras_seqcv.data.labelled_videos import SHAPES, checked_clips, clip_parts
from keras_seqcv.data.length_buckets import bucket_limits
from keras_seqcv.data.reader_arguments import check_choices, check_integers
from keras_seqcv.data.shard_examples import Record, packed
from keras_seqcv.data.shard_texts import checked_names
from keras_seqcv.data.shard_writer import ShardWriter
from keras_seqcv.data.sharded_part import OpenShards, Reading, planned, sharded_dataset
from keras_seqcv.data.sharded_pictures import checked_image_size, encoded_picture
from keras_seqcv.data.video_files import decoded_video, evenly, file_frames, frame_files, sized_frames

_FEATURES = {
    "name": ["bytes", [1]],
    "clip": ["bytes", [None]],
    "suffix": ["bytes", [1]],
    "label": ["int64", [None]],
}


def write_videos(
    writer: ShardWriter,
    clips,
    labels: Sequence | None = None,
    *,
    names: Sequence[str] | None = None,
    per_frame: bool = False,
    valid=None,
    validation: float = 0.1,
    wrong: str = "raise",
    seed: int = 0,
    verbose: int = 1,
) -> None:
    """Writes labelled clips: a record is a clip, as its file is or its frames are, with its label, or its frames'.

    Args:
        writer: `ShardWriter`.
        names: labels, in the order of their numbers. None: those for training, in alphabetical order.
        others: see `labelled_videos`; sets of `tensorflow_datasets` are not written.
    """
    check_choices(validation, False, wrong if wrong in ("raise", "skip") else "raise", True, seed, verbose)
    if isinstance(clips, str) and clips.startswith("tfds:"):
        raise ValueError(f"`clips` must be a folder, a table or clips, received {clips!r}; sets are not written")
    parts = clip_parts(clips, labels, valid, validation, per_frame, (names, None, None, wrong, seed))
    names = tuple(parts[0][1].names if names is None else names)
    for name, some in parts:
        chosen, _, lengths, numbers = checked_clips(name, some, names, None, per_frame, None, wrong, keep=False)
        rows = zip(chosen, lengths, numbers)
        examples = (_example(some.clips[k], some.places[k], length, label) for k, length, label in rows)
        writer.write(name, examples, ["length"], len(chosen))
    writer.finish("videos", {"names": list(names), "per_step": per_frame}, _FEATURES)


def _example(clip, place: str, length: int, label) -> tuple[bytes, np.ndarray]:
    source = getattr(clip, "frames", clip)
    suffix = ""
    if not isinstance(source, (str, os.PathLike)):
        contents = [encoded_picture(frame) for frame in decoded_video(source, place, None)[0]]
    elif Path(source).is_dir():
        contents = [path.read_bytes() for path in frame_files(Path(source))[0]]
    else:
        contents, suffix = [Path(source).read_bytes()], Path(source).suffix
    data = packed(name=place, clip=contents, suffix=suffix, label=np.atleast_1d(label))
    return data, np.array([[length]])


def read_videos(
    shards: OpenShards,
    reading: Reading,
    *,
    model=None,
    image_size: int | tuple[int, int] | None = None,
    frames: int | None = None,
    window: int | None = None,
    augment: Callable | None = None,
) -> tf.data.Dataset:
    """The dataset of one part; the options are those of `labelled_videos`."""
    check_integers(frames=frames, window=window)
    if (model is None) == (image_size is None):
        received = "neither" if model is None else "both"
        raise ValueError(f"shards of videos are read with either `model` or `image_size`, received {received}")
    if augment is not None and not callable(augment):
        raise TypeError(f"`augment` must be a function or None, received {type(augment).__name__}")
    about, names = shards.index.about, checked_names(shards.index.about, model)
    if model is not None and bool(model.per_step) != about["per_step"]:
        kinds = {True: "a label for each frame", False: "one label for each clip"}
        own, received = (kinds[flag] for flag in (about["per_step"], bool(model.per_step)))
        raise ValueError(f"`model` must have {own}, as the shards have, received one with {received}")
    size = checked_image_size(image_size if model is None else model.encoder.image_size)
    part = _Videos(shards, reading, size, frames, window, augment if shards.name == "train" else None)
    labels = (None, None) if about["per_step"] else (None,)
    signature = [tf.TensorSpec((None, None, *size, 3), tf.uint8), tf.TensorSpec((None,), tf.int32)]
    signature += [tf.TensorSpec(labels, tf.int32)] + ([tf.TensorSpec(labels, tf.float32)] if about["per_step"] else [])

    def arranged(video, lengths, *others):
        return {"video": video, "lengths": lengths}, *others

    dataset = sharded_dataset(part, signature, arranged, reading, READERS)
    dataset.names = names
    return dataset


class _Videos:
    """Batches of labelled clips."""

    def __init__(self, shards: OpenShards, reading: Reading, size, frames, window, augment):
        self._shards, self._size, self._frames, self._window = shards, size, frames, window
        self._per_step = shards.index.about["per_step"]
        self._change = changes(window, reading.shuffle and shards.name == "train", augment)
        self._limits = bucket_limits(self._lengths(np.arange(shards.rows)), SHAPES)  # those of all workers
        self.plan = planned(shards, reading, self._steps)

    def _lengths(self, rows: np.ndarray) -> np.ndarray:
        """Frames of each clip that are learned from."""
        lengths = self._shards.lengths[rows, 0]
        return np.minimum(lengths, min(self._frames or lengths.max(), self._window or lengths.max()))

    def _steps(self, rows: np.ndarray) -> np.ndarray:
        return self._limits[np.searchsorted(self._limits, self._lengths(rows))]

    def batch(self, rows: np.ndarray, seed: int) -> tuple[np.ndarray, ...]:
        """Clips (B, T, H, W, 3) uint8, lengths (B,), and labels (B,), or labels and weights (B, T)."""
        records = [self._shards.record(int(row)) for row in rows]
        clips = [self._clip(record) for record in records]
        labels = [record.numbers("label") for record in records]
        kept = [evenly(len(some), self._frames) for some in labels]
        labels = [some[k] for some, k in zip(labels, kept)] if self._per_step else np.concatenate(labels)
        options = {"lengths": self._lengths(rows), "steps": self._steps(rows), "change": self._change}
        batches = LabelBatches(clips, labels, len(clips), shuffle=False, **options)
        return batches.batch(np.arange(len(clips)), seed)

    def _clip(self, record: Record) -> np.ndarray:
        """Frames (T, H, W, 3) uint8."""
        contents, name, suffix = record.data("clip"), record.text("name"), record.text("suffix")
        names = [f"{name}, frame {k}" for k in range(len(contents))]
        if suffix:
            return file_frames(io.BytesIO(contents[0]), suffix, name, self._size, self._frames)[0]
        return sized_frames(contents, names, self._size, self._frames)
