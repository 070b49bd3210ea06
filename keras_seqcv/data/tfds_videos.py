"""Labelled clips of `tensorflow_datasets`, by name."""

import numpy as np

from keras_seqcv.data.labelled_clips import LabelledVideos
from keras_seqcv.data.tfds_labels import keys_of, labelled_examples, prepared_builder
from keras_seqcv.data.video_files import decoded_video


def videos_builder(name: str, data_dir=None):
    """The builder of a set with a clip and a label, which is downloaded if it is not there.

    Args:
        name: of the set: "ucf101" ...
        data_dir: folder of the sets. None: that of `tensorflow_datasets`.

    Raises:
        ImportError: `tensorflow_datasets` is not installed.
        ValueError: the set has not one clip and one label.
    """
    return prepared_builder(name, is_video, "clip", data_dir)


def is_video(kind) -> bool:
    """Whether a feature is a clip."""
    return len(kind.shape or ()) == 4 and kind.shape[3] in (1, 3) and kind.np_dtype == np.uint8


def load_tfds_videos(builder, split: str, size: tuple[int, int], frames: int | None = None) -> LabelledVideos:
    """The clips of one part of a set, in memory, and the names of their labels.

    Args:
        builder: that of `videos_builder`.
        split: which part: "train", "test[:10%]" ...
        size: (H, W) to which they are made smaller.
        frames: how many of each are kept, evenly spaced. None: all.

    Raises:
        ValueError: no such split, no examples, or one that is no clip, which is named.

    Example:
        >>> from keras_seqcv.data.tfds_videos import load_tfds_videos, videos_builder
        >>> clips = load_tfds_videos(videos_builder("ucf101"), "test[:1%]", (64, 64), 16)  # doctest: +SKIP
    """
    (video,), (label,) = keys_of(builder, is_video)
    rows = [
        (decoded_video(content, place, size, frames)[0], name, place)
        for content, name, place in labelled_examples(builder, split, video, label)
    ]
    return LabelledVideos(*(list(column) for column in zip(*rows, strict=True)))
