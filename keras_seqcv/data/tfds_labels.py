"""Labelled texts of `tensorflow_datasets`, by name."""

from collections.abc import Callable, Iterator

import numpy as np

from keras_seqcv.data.documents import decode_utf8
from keras_seqcv.data.labelled_files import LabelledTexts
from keras_seqcv.data.tfds_sets import prepared_set, validation_split

__all__ = ["labels_builder", "load_tfds_labels", "validation_split"]


def labels_builder(name: str, data_dir=None):
    """The builder of a set with a text and a label, which is downloaded if it is not there.

    Args:
        name: of the set: "imdb_reviews", "glue/sst2" ...
        data_dir: folder of the sets. None: that of `tensorflow_datasets`.

    Raises:
        ImportError: `tensorflow_datasets` is not installed.
        ValueError: the set has not one text and one label.
    """
    return prepared_builder(name, is_text, "text", data_dir)


def prepared_builder(name: str, is_content: Callable, noun: str, data_dir=None):
    """The builder of a set with one label and one feature for which `is_content` holds; `noun`: what that is."""

    def fits(builder):
        return [len(names) for names in keys_of(builder, is_content)] == [1, 1]

    return prepared_set(name, fits, f"a set of one {noun} and one label", data_dir)


def keys_of(builder, is_content: Callable) -> tuple[list[str], list[str]]:
    """Names of the features for which `is_content` holds, and of those that are labels."""
    import tensorflow_datasets as tfds

    features = dict(builder.info.features)
    labels = [name for name, kind in features.items() if isinstance(kind, tfds.features.ClassLabel)]
    return [name for name, kind in features.items() if is_content(kind)], labels


def is_text(kind) -> bool:
    """Whether a feature is one text."""
    return kind.np_dtype == np.object_ and kind.shape == ()


def labelled_examples(builder, split: str, content: str, label: str) -> Iterator[tuple]:
    """Yields content, name of the label, and place of each example.

    Raises:
        ValueError: no such split, no examples, or one without label, which is named.
    """
    name_of, where, number = builder.info.features[label].int2str, f"{builder.info.full_name}, {split}", -1
    for number, example in enumerate(builder.as_dataset(split=split, shuffle_files=False).as_numpy_iterator()):
        place = f"{where}, example {number}"
        if example[label] < 0:
            raise ValueError(f"{place}: expected a label, it has none")
        yield example[content], name_of(int(example[label])), place
    if number < 0:
        raise ValueError(f"{where} has no examples")


def load_tfds_labels(builder, split: str) -> LabelledTexts:
    """The texts of one part of a set, and the names of their labels.

    Args:
        builder: that of `labels_builder`.
        split: which part: "train", "test[:10%]" ...

    Raises:
        ValueError: no such split, no examples, or one without text, which is named.

    Example:
        >>> from keras_seqcv.data.tfds_labels import labels_builder, load_tfds_labels
        >>> reviews = load_tfds_labels(labels_builder("imdb_reviews"), "test[:1%]")  # doctest: +SKIP
    """
    (text,), (label,) = keys_of(builder, is_text)
    rows = [
        (decode_utf8(content, place), name, place)
        for content, name, place in labelled_examples(builder, split, text, label)
    ]
    return LabelledTexts(*(list(column) for column in zip(*rows, strict=True)))
