"""Labelled texts and sequences, from whatever people have to what `model.fit` takes."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_seqcv.data.label_batches import LabelBatches
from keras_seqcv.data.labelled_files import LabelledTexts, read_labelled_texts
from keras_seqcv.data.labelled_rows import number_of_label
from keras_seqcv.data.reader_arguments import check_choices, check_integers
from keras_seqcv.data.shares import random_shares
from keras_seqcv.data.tfds_labels import labels_builder, load_tfds_labels, validation_split
from keras_seqcv.data.vocabulary_base import Vocabulary
from keras_seqcv.data.wrong_rows import WrongRows
from keras_seqcv.word_ids import ids_of_text, ids_of_words

_TFDS = "tfds:"
_logger = logging.getLogger("keras_seqcv")


def labelled_texts(
    texts: str | os.PathLike | LabelledTexts | Sequence,
    labels: Sequence | None = None,
    batch_size: int = 32,
    *,
    model=None,
    vocabulary=None,
    names: Sequence[str] | None = None,
    valid: str | os.PathLike | LabelledTexts | None = None,
    validation: float = 0.1,
    max_length: int | None = None,
    keep: str = "start",
    wrong: str = "raise",
    shuffle: bool = True,
    seed: int = 0,
) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
    """Makes batches of labelled texts, as datasets for training and validation.

    A batch holds texts of about one length: T is one of 4, 8, 12, 16, 24, 32, 48 ..., those to which the recurrent
    layers pad their loops. For training, every text comes once an epoch, with others each time; one batch is smaller
    than the others if they do not come out even. For validation the order is fixed.

    Words with tags are given as they were cut: where the vocabulary cuts one in pieces, its last piece has the tag, and
    the others weight 0.

    Args:
        texts: `LabelledTexts`, as `read_labelled_texts`, `read_tagged_texts` and `opinions` give; a folder or a table
            as `read_labelled_texts` reads it; "tfds:imdb_reviews", a set of `tensorflow_datasets`, which is downloaded
            at its first use; or a list of str, or of lists of words.
        labels: of a list: a list of str, or of lists of str. Otherwise None.
        batch_size: B.
        model: has a `vocabulary` and `labels`, as a `SequenceClassifier`.
        vocabulary: `ks.data.Words`, if there is no model. names: labels, in the order of their numbers; likewise.
        valid: what is for validation, as `texts`; of a set: its split. None: a share of those for training; of a set:
            "validation", if there is one.
        validation: that share, in [0, 1).
        max_length: of a text, in ids; of longer ones the rest is cut. None: all as long as they are.
        keep: which end of such a text is kept: "start" | "end".
        wrong: what happens with a text that is empty, or whose label is none of `names`: "raise" | "skip".
        shuffle: whether training has a new order every epoch.
        seed: of split and order, int >= 0.

    Returns:
        (train, valid), or one dataset if `validation` is 0 and `valid` None. Elements: (tokens (B, T) int32, labels
        (B,) int32), or of words with tags (tokens (B, T), labels (B, T), weights (B, T) float32). Attributes: `texts`,
        the `LabelledTexts` in order; `vocabulary`; `names`; `batches`, how many.

    Raises:
        TypeError, ValueError: for an argument that is not as above; for what is wrong with a file, naming file and
            line; for a label that is none of `names`.
        ImportError: a set is wanted and `tensorflow_datasets` is not installed.

    Example:
        >>> some = ks.data.opinions(50)
        >>> train, valid = ks.data.labelled_texts(some, batch_size=15, vocabulary=some.words(), names=some.names)
        >>> tokens, labels = next(iter(train))
        >>> tokens.shape[0], labels.shape, len(valid.texts)
        (15, TensorShape([15]), 5)
    """
    check_integers(batch_size=batch_size, max_length=max_length)
    check_choices(validation, False, wrong if wrong in ("raise", "skip") else "raise", shuffle, seed, 0)
    if keep not in ("start", "end"):
        raise ValueError(f'`keep` must be "start" or "end", received {keep!r}')
    vocabulary, names = vocabulary_and_names(model, vocabulary, names)
    parts = text_parts(texts, labels, valid, validation, names, wrong, seed)
    datasets = []
    for name, some in parts:
        chosen, ids, numbers = numbered_texts(name, some, vocabulary, names, max_length, keep, wrong)
        dataset = LabelBatches(ids, numbers, int(batch_size), shuffle and name == "train", int(seed)).dataset()
        dataset.texts, dataset.vocabulary, dataset.names = some.chosen(chosen), vocabulary, names
        _logger.info("labelled_texts: %s: %d texts, %d batches", name, len(chosen), dataset.batches)
        datasets.append(dataset)
    return tuple(datasets) if len(datasets) > 1 else datasets[0]


def vocabulary_and_names(model, vocabulary, names) -> tuple:
    if (model is None) == (vocabulary is None or names is None):
        received = "neither" if model is None else "both"
        raise ValueError(f"labelled_texts takes either `model`, or `vocabulary` and `names`, received {received}")
    if model is not None:
        vocabulary, names = getattr(model, "vocabulary", None), getattr(model, "labels", None)
        if vocabulary is None or names is None:
            raise TypeError(f"`model` must have a vocabulary and labels, received {type(model).__name__}")
    if not isinstance(vocabulary, Vocabulary):
        raise TypeError(f"`vocabulary` must be one such as ks.data.Words, received {type(vocabulary).__name__}")
    return vocabulary, tuple(names)


def text_parts(texts, labels, valid, validation, names, wrong, seed) -> list[tuple[str, LabelledTexts]]:
    """Name and texts of the one or two datasets."""
    if isinstance(texts, str) and texts.startswith(_TFDS):
        builder = labels_builder(texts.removeprefix(_TFDS))
        train = load_tfds_labels(builder, "train")
        split = validation_split(builder) if valid is None else valid
        if split is not None:
            return [("train", train), ("valid", load_tfds_labels(builder, split))]
    else:
        train = _texts(texts, labels, names, wrong, "texts")
        if valid is not None:
            return [("train", train), ("valid", _texts(valid, None, names, wrong, "valid"))]
    if not validation:
        return [("train", train)]
    numbers = random_shares(len(train), validation, seed, "text")
    return [(name, train.chosen(some)) for name, some in zip(("train", "valid"), numbers)]


def _texts(texts, labels, names, wrong: str, argument: str) -> LabelledTexts:
    if isinstance(texts, (str, os.PathLike, LabelledTexts)) and labels is not None:
        raise TypeError(f"`labels` must be None where `{argument}` has labels, received {type(labels).__name__}")
    if isinstance(texts, (str, os.PathLike)):
        return read_labelled_texts(Path(texts), labels=names, wrong=wrong)
    if isinstance(texts, LabelledTexts):
        return texts
    if isinstance(texts, (bytes, dict)) or not isinstance(texts, Sequence):
        raise TypeError(f"`{argument}` must be LabelledTexts, a path or a list, received {type(texts).__name__}")
    if isinstance(labels, (str, bytes)) or not isinstance(labels, Sequence) or len(labels) != len(texts):
        received = f"{len(labels)}" if isinstance(labels, Sequence) else type(labels).__name__
        raise ValueError(f"`labels` must be a list of {len(texts)}, one for each text, received {received}")
    if not len(texts):
        raise ValueError(f"`{argument}` must hold a text at least, received an empty list")
    return LabelledTexts(list(texts), list(labels), [f"`{argument}[{k}]`" for k in range(len(texts))])


def numbered_texts(
    part: str, texts: LabelledTexts, vocabulary, names, max_length, keep, wrong
) -> tuple[list, list, list]:
    """Which texts are right, their ids, cut, and their numbers of labels."""
    numbers_of, rows, cut = {name: k for k, name in enumerate(names)}, WrongRows(wrong), 0
    chosen, sequences, labels = [], [], []
    for k, (text, label, place) in enumerate(zip(texts.texts, texts.labels, texts.places, strict=True)):
        try:
            ids, numbers = _row(vocabulary, text, label, numbers_of, place, texts.per_step)
        except ValueError as error:
            rows.add_error(error)
            continue
        if max_length is not None and len(ids) > max_length:
            cut += 1
            kept = slice(None, max_length) if keep == "start" else slice(-max_length, None)
            ids, numbers = ids[kept], numbers[kept] if texts.per_step else numbers
        chosen.append(k)
        sequences.append(ids)
        labels.append(numbers)
    rows.finish(f"`{part}`", len(chosen))
    if cut:
        _logger.info(
            "labelled_texts: %s: %d of %d texts are longer than %d and cut", part, cut, len(chosen), max_length
        )
    return chosen, sequences, labels


def _row(vocabulary, text, label, numbers_of: dict, place: str, per_step: bool):
    """Ids (T,) of a text, and the number of its label, or (T,) those of its words, -1 within a word."""
    if not per_step:
        ids = ids_of_text(vocabulary, text, place)[0]
        return ids, number_of_label(label, numbers_of, place)
    if isinstance(text, str) or isinstance(label, str) or len(text) != len(label):
        raise ValueError(f"{place}: expected a list of words and a list of as many tags, received {text!r:.60}")
    ids, last = ids_of_words(vocabulary, text, place)
    numbers = np.full(len(ids), -1, "int32")
    numbers[last] = [number_of_label(one, numbers_of, place) for one in label]
    return ids, numbers
