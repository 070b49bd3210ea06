"""Labelled clips, from whatever people have to what `model.fit` takes."""

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_seqcv.data.clip_store import ClipFeatures, ClipStore, changes
from keras_seqcv.data.label_batches import LabelBatches
from keras_seqcv.data.labelled_clips import LabelledVideos, of_lists, read_labelled_videos
from keras_seqcv.data.labelled_rows import number_of_label
from keras_seqcv.data.length_buckets import bucket_limits
from keras_seqcv.data.moving_scenes import MovingScenes
from keras_seqcv.data.reader_arguments import check_choices, check_integers
from keras_seqcv.data.shares import random_shares
from keras_seqcv.data.tfds_labels import validation_split
from keras_seqcv.data.tfds_videos import load_tfds_videos, videos_builder
from keras_seqcv.data.video_files import evenly
from keras_seqcv.data.wrong_rows import WrongRows
from keras_seqcv.image_files import checked_size

_TFDS = "tfds:"
SHAPES = 8  # padded lengths at most, and so compilations of a loop
_logger = logging.getLogger("keras_seqcv")


def labelled_videos(
    clips: str | os.PathLike | LabelledVideos | MovingScenes | Sequence,
    labels: Sequence | None = None,
    batch_size: int = 16,
    *,
    model=None,
    names: Sequence[str] | None = None,
    image_size: int | tuple[int, int] | None = None,
    per_frame: bool = False,
    valid=None,
    validation: float = 0.1,
    frames: int | None = None,
    window: int | None = None,
    augment: Callable | None = None,
    cache: str | os.PathLike | None = None,
    wrong: str = "raise",
    shuffle: bool = True,
    seed: int = 0,
) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
    """Makes batches of labelled clips, as datasets for training and validation.

    A batch holds clips of about one length; T is one of at most eight, to which clips are padded. Every clip is read
    once to begin with, and kept if all together take no more than 1 GB; else they are read again every epoch.

    Args:
        clips: `LabelledVideos`, as `read_labelled_videos` gives; `MovingScenes`; a folder or a table as
            `read_labelled_videos` reads it; "tfds:ucf101", a set of `tensorflow_datasets`, which is downloaded at its
            first use; or a list of what `load_video` takes.
        labels: of a list: a list of str, or of lists of str, one for each frame, or of lists of (start, end, label).
            Otherwise None.
        batch_size: B.
        model: has `labels`, `per_step` and an `encoder`, as a `VideoClassifier`.
        names: labels, in the order of their numbers, if there is no model. image_size: (H, W), or int for both;
            likewise. per_frame: whether frames have labels; likewise.
        valid: what is for validation, as `clips`; of a set: its split. None: a share of those for training; of a set:
            its "validation" or "test" split.
        validation: share for validation, in [0, 1).
        frames: how many of a clip are read, evenly spaced. None: all.
        window: how many that follow one another are learned from, others each time; for validation those in the
            middle. None: all.
        augment: None, or what is done to a clip for training: a function (frames (T, H, W, 3) uint8,
            `np.random.Generator`) -> frames of the same shape, such as `ks.data.VideoChanges(shift=2)`.
        cache: folder for the features of a frozen encoder, which then sees each frame once and for all. It goes
            neither with `augment` nor with an encoder that is trained.
        wrong: what happens with a clip that cannot be read or whose label is none of `names`: "raise" | "skip".
        shuffle: whether training has a new order every epoch.
        seed: of split, order, windows and changes, int >= 0.

    Returns:
        (train, valid), or one dataset if `validation` is 0 and `valid` None. Elements: ({"video": (B, T, H, W, 3)
        uint8, or with `cache` "features" (B, T, L, D) float32, "lengths": (B,) int32}, labels (B,) int32), or for
        frames (..., labels (B, T), weights (B, T) float32, 0 behind the end). Attributes: `clips`, the `LabelledVideos`
        in order; `names`; `batches`, how many.

    Raises:
        TypeError, ValueError: for an argument that is not as above; for what is wrong with a file, naming it.
        ImportError: a set is wanted without `tensorflow_datasets`, or a video file without PyAV.

    Example:
        >>> scenes = ks.data.moving_scenes(40)
        >>> train, valid = ks.data.labelled_videos(scenes, batch_size=12, names=scenes.names, image_size=32)
        >>> inputs, labels = next(iter(train))
        >>> inputs["video"].shape[0], inputs["video"].shape[2:], labels.shape, len(valid.clips)
        (12, TensorShape([32, 32, 3]), TensorShape([12]), 4)
    """
    check_integers(batch_size=batch_size, frames=frames, window=window)
    check_choices(validation, False, wrong if wrong in ("raise", "skip") else "raise", shuffle, seed, 0)
    names, size, per_frame = _goal(model, names, image_size, per_frame)
    if augment is not None and not callable(augment):
        raise TypeError(f"`augment` must be a function or None, received {type(augment).__name__}")
    _check_cache(cache, model, augment)
    parts = clip_parts(clips, labels, valid, validation, per_frame, (names, size, frames, wrong, seed))
    datasets = []
    for part, some in parts:
        chosen, store, lengths, numbers = checked_clips(part, some, names, size, per_frame, frames, wrong)
        training = part == "train"
        sequences = store if cache is None else ClipFeatures(model.encoder, store, lengths, cache)
        change = changes(window, training and shuffle, augment if training else None)
        lengths = np.minimum(lengths, window or max(lengths))
        limits = bucket_limits(lengths, SHAPES)
        options = {"lengths": lengths, "steps": limits[np.searchsorted(limits, lengths)], "change": change}
        batches = LabelBatches(sequences, numbers, int(batch_size), shuffle and training, int(seed), **options)
        dataset = batches.dataset()
        dataset.clips, dataset.names = some.chosen(chosen), names
        _logger.info("labelled_videos: %s: %d clips, %d batches", part, len(chosen), dataset.batches)
        datasets.append(dataset)
    return tuple(datasets) if len(datasets) > 1 else datasets[0]


def _goal(model, names, image_size, per_frame) -> tuple:
    """Names of the labels, (H, W), and whether frames have labels."""
    if (model is None) == (names is None or image_size is None):
        received = "neither" if model is None else "both"
        raise ValueError(f"labelled_videos takes either `model`, or `names` and `image_size`, received {received}")
    if model is None:
        if not isinstance(per_frame, bool):
            raise TypeError(f"`per_frame` must be a bool, received {type(per_frame).__name__}")
        return tuple(names), checked_size(image_size, "image_size"), per_frame
    names, encoder = getattr(model, "labels", None), getattr(model, "encoder", None)
    if names is None or not hasattr(encoder, "image_size"):
        raise TypeError(f"`model` must have labels and an encoder of pictures, received {type(model).__name__}")
    return tuple(names), encoder.image_size, model.per_step


def _check_cache(cache, model, augment) -> None:
    if cache is None:
        return
    if not isinstance(cache, (str, os.PathLike)):
        raise TypeError(f"`cache` must be None or a folder, received {cache!r}")
    if model is None or augment is not None or model.encoder.trainable:
        expected = "a model whose encoder is frozen, and no `augment`"
        received = "no model" if model is None else f"trainable={model.encoder.trainable!r}, augment={augment!r}"
        raise ValueError(f"`cache` needs {expected}, received {received}")


def clip_parts(clips, labels, valid, validation, per_frame, options) -> list[tuple[str, LabelledVideos]]:
    """Name and clips of the one or two datasets."""
    names, size, frames, wrong, seed = options
    if isinstance(clips, str) and clips.startswith(_TFDS):
        builder = videos_builder(clips.removeprefix(_TFDS))
        train = load_tfds_videos(builder, "train", size, frames)
        split = validation_split(builder) if valid is None else valid
        if split is not None:
            return [("train", train), ("valid", load_tfds_videos(builder, split, size, frames))]
    else:
        train = _clips(clips, labels, names, per_frame, wrong, "clips")
        if valid is not None:
            return [("train", train), ("valid", _clips(valid, None, names, per_frame, wrong, "valid"))]
    if not validation:
        return [("train", train)]
    shares = random_shares(len(train), validation, seed, "clip")
    return [(name, train.chosen(some)) for name, some in zip(("train", "valid"), shares)]


def _clips(clips, labels, names, per_frame, wrong: str, argument: str) -> LabelledVideos:
    if isinstance(clips, (str, os.PathLike, LabelledVideos, MovingScenes)) and labels is not None:
        raise TypeError(f"`labels` must be None where `{argument}` has labels, received {type(labels).__name__}")
    if isinstance(clips, (str, os.PathLike)):
        return read_labelled_videos(Path(clips), labels=names, wrong=wrong)
    if isinstance(clips, MovingScenes):
        return of_lists(clips, clips.frame_labels if per_frame else clips.labels, argument)
    return clips if isinstance(clips, LabelledVideos) else of_lists(clips, labels, argument)


def checked_clips(
    part: str, some: LabelledVideos, names, size, per_frame: bool, frames, wrong: str, keep: bool = True
) -> tuple:
    """Which clips are right, their store, lengths, and their numbers of labels; `keep`: see `ClipStore.check`."""
    if some.per_step != per_frame:
        kinds = ("a label for each frame" if flag else "one label for each clip" for flag in (per_frame, some.per_step))
        raise ValueError("`{}` must have {}, received {}".format(part, *kinds))
    rows, numbers_of = WrongRows(wrong), {name: k for k, name in enumerate(names)}
    numbers = {}
    if not per_frame:  # before anything is read
        numbers = _kept(rows, range(len(some)), lambda k: number_of_label(some.labels[k], numbers_of, some.places[k]))
    store = ClipStore(some.clips, some.places, size, frames)
    lengths, damaged = store.check(keep)
    for k in sorted(damaged):
        rows.add_error(ValueError(damaged[k]))
    if per_frame:
        numbers = _kept(rows, sorted(lengths), lambda k: _frame_numbers(some, k, lengths[k], frames, numbers_of))
    chosen = [k for k in range(len(some)) if k in lengths and k in numbers]
    rows.finish(f"`{part}`", len(chosen))
    return chosen, store.chosen(chosen), [len(evenly(lengths[k], frames)) for k in chosen], [numbers[k] for k in chosen]


def _kept(rows: WrongRows, numbers, function: Callable) -> dict:
    """What the function gives for each number, but for those for which it raises."""
    found = {}
    for k in numbers:
        try:
            found[k] = function(k)
        except ValueError as error:
            rows.add_error(error)
    return found


def _frame_numbers(some: LabelledVideos, k: int, length: int, frames: int | None, numbers_of: dict) -> np.ndarray:
    """The numbers of the labels of the frames that are kept of clip `k`, which has so many."""
    labels = some.frame_labels(k, length)
    return np.array([number_of_label(labels[t], numbers_of, some.places[k]) for t in evenly(length, frames)], "int32")
