"""Labelled texts as shards: how they are written, and how they are read."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_seqcv.data.label_batches import LabelBatches
from keras_seqcv.data.labelled_texts import numbered_texts, text_parts, vocabulary_and_names
from keras_seqcv.data.reader_arguments import check_choices, check_integers
from keras_seqcv.data.shard_examples import Record, packed
from keras_seqcv.data.shard_writer import ShardWriter
from keras_seqcv.data.sharded_part import FromShards, OpenShards, Reading, planned, sharded_dataset
from keras_seqcv.data.sharded_pictures import shards_vocabulary
from keras_seqcv.lengths import rounded_length

_FEATURES = {"text": ["bytes", [None]], "ids": ["int64", [None]], "label": ["int64", [None]]}


def write_texts(
    writer: ShardWriter,
    texts,
    labels: Sequence | None = None,
    *,
    vocabulary=None,
    names: Sequence[str] | None = None,
    valid=None,
    validation: float = 0.1,
    wrong: str = "raise",
    seed: int = 0,
    verbose: int = 1,
) -> None:
    """Writes labelled texts: a record is a text with its ids, and the number of its label, or of each word's tag.

    The texts of a file are in memory while it is written.

    Args:
        writer: `ShardWriter`.
        vocabulary: None: `ks.data.Words` of the texts for training.
        names: labels, in the order of their numbers. None: those for training, in alphabetical order.
        others: see `labelled_texts`.
    """
    check_choices(validation, False, wrong if wrong in ("raise", "skip") else "raise", True, seed, verbose)
    parts = text_parts(texts, labels, valid, validation, names, wrong, seed)
    training = parts[0][1]
    vocabulary = training.words() if vocabulary is None else vocabulary
    vocabulary, names = vocabulary_and_names(None, vocabulary, training.names if names is None else names)
    for name, some in parts:
        chosen, ids, numbers = numbered_texts(name, some, vocabulary, names, None, "start", wrong)
        rows = zip([some.texts[k] for k in chosen], ids, numbers)
        writer.write(name, (_example(*row) for row in rows), ["length"], len(chosen))
    about = {"vocabulary": vocabulary.to_json(), "names": list(names), "per_step": training.per_step}
    writer.finish("texts", about, _FEATURES)


def _example(text, ids, label) -> tuple[bytes, np.ndarray]:
    return packed(text=text, ids=ids, label=np.atleast_1d(label)), np.array([[len(ids)]])


def read_texts(
    shards: OpenShards, reading: Reading, *, model=None, max_length: int | None = None, keep: str = "start"
) -> tf.data.Dataset:
    """The dataset of one part; the options are those of `labelled_texts`."""
    check_integers(max_length=max_length)
    if keep not in ("start", "end"):
        raise ValueError(f'`keep` must be "start" or "end", received {keep!r}')
    vocabulary, about = shards_vocabulary(shards, model), shards.index.about
    names = checked_names(about, model)
    part = _Texts(shards, reading, max_length, keep)
    labels = (None, None) if about["per_step"] else (None,)
    signature = [tf.TensorSpec((None, None), tf.int32), tf.TensorSpec(labels, tf.int32)]
    signature += [tf.TensorSpec(labels, tf.float32)] if about["per_step"] else []
    dataset = sharded_dataset(part, signature, lambda *element: element, reading, 1)
    dataset.vocabulary, dataset.names = vocabulary, names
    dataset.texts = FromShards(shards, part.text)
    return dataset


def checked_names(about: dict, model) -> tuple[str, ...]:
    """The labels of shards, which are those of the model, if one is given."""
    names = tuple(about["names"])
    if model is not None and tuple(getattr(model, "labels", ())) != names:
        raise ValueError(f"`model` must have the labels of the shards, {names}, received {model!r:.60} with others")
    return names


class _Texts:
    """Batches of labelled texts."""

    def __init__(self, shards: OpenShards, reading: Reading, max_length: int | None, keep: str):
        self._shards, self._most = shards, max_length
        self._kept = slice(None, max_length) if keep == "start" or max_length is None else slice(-max_length, None)
        self._per_step = shards.index.about["per_step"]
        self.plan = planned(shards, reading, self._steps)

    def _steps(self, rows: np.ndarray) -> np.ndarray:
        lengths = self._shards.lengths[rows, 0]
        sizes, places = np.unique(np.minimum(lengths, self._most or lengths), return_inverse=True)
        return np.array([rounded_length(int(size)) for size in sizes])[places]

    def batch(self, rows: np.ndarray, seed: int) -> tuple[np.ndarray, ...]:
        """Tokens (B, T) and labels (B,), or labels and weights (B, T)."""
        records = [self._shards.record(int(row)) for row in rows]
        ids = [record.numbers("ids")[self._kept] for record in records]
        labels = [record.numbers("label") for record in records]
        labels = [some[self._kept] for some in labels] if self._per_step else np.concatenate(labels)
        steps = np.full(len(ids), self._steps(rows).max())
        return LabelBatches(ids, labels, len(ids), shuffle=False, steps=steps).batch(np.arange(len(ids)))

    def text(self, record: Record) -> str | list[str]:
        return record.texts("text") if self._per_step else record.text("text")
