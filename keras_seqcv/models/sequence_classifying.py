"""Texts or features in, labels out: what `SequenceClassifier` does around its compiled step."""

from collections.abc import Iterable

import numpy as np
import tensorflow as tf

from keras_seqcv.classification import classification_of, step_classification_of
from keras_seqcv.lengths import batches_by_length, padded
from keras_seqcv.models.sequence_classifier_arguments import check_explain
from keras_seqcv.word_ids import ids_of_text, ids_of_words

_BATCH = 64


class SequenceClassifying:
    """Classifies with one model; keeps its compiled functions.

    Args:
        model: `SequenceClassifier`.
    """

    def __init__(self, model):
        self._model = model
        options = {"autograph": False, "reduce_retracing": True}
        self._plain = tf.function(self._probabilities, **options)
        self._gradient = tf.function(self._with_gradient, **options)
        self._step = None

    def classify(self, inputs, explain):
        check_explain(explain, self._model.per_step, self._model.pooling)
        rows, single = self.rows(inputs)
        found = [None] * len(rows)
        for places in batches_by_length([len(row.sequence) for row in rows], _BATCH):
            batch = model_inputs([rows[k].sequence for k in places], features=self._model.vocabulary is None)
            function = self._gradient if explain == "gradient" else self._plain
            probabilities, importance = (None if a is None else a.numpy() for a in function(batch))
            for b, k in enumerate(places):
                weights = importance[b] if explain else None
                found[k] = self._result(rows[k], probabilities[b], weights)
        return found[0] if single else found

    def rows(self, inputs) -> tuple[list, bool]:
        """What is to be read, and whether it is one alone."""
        if self._model.vocabulary is None:
            arrays, single = _feature_rows(inputs, self._model.features)
            return [_Row(array) for array in arrays], single
        single = isinstance(inputs, str)
        texts = [inputs] if single else inputs
        if isinstance(texts, (bytes, dict)) or not isinstance(texts, Iterable):
            raise TypeError(f"inputs: expected a str or a list of str, received {type(texts).__name__}")
        rows = [self._text_row(text, f"inputs[{k}]") for k, text in enumerate(texts)]
        if not rows:
            raise ValueError("inputs: expected one text at least, received none")
        return rows, single

    def _text_row(self, text, where):
        vocabulary = self._model.vocabulary
        if isinstance(text, (list, tuple)):
            ids, last = ids_of_words(vocabulary, text, where)
            return _Row(ids, list(text), last)
        ids, words = ids_of_text(vocabulary, text, where)
        return _Row(ids, words)

    def _result(self, row, probabilities, importance):
        labels, count = self._model.labels, len(row.sequence)
        if not self._model.per_step:
            if importance is not None:
                importance = importance[:count]
                # What the pieces of a word did, the word did.
                importance = importance if row.last is None else np.add.reduceat(importance, row.first)
            return classification_of(labels, probabilities, row.words, importance)
        probabilities = probabilities[:count]
        return step_classification_of(labels, probabilities if row.last is None else probabilities[row.last], row.words)

    def stream(self, steps):
        if self._step is None:
            self._step = tf.function(self._model.stepper(), autograph=False, reduce_retracing=True)
        states = self._model.initial_states()
        for k, step in enumerate(steps):
            probabilities = None
            for x in self._pieces(step, f"steps[{k}]"):
                probabilities, states = self._step(tf.constant(x[None]), states)
            yield classification_of(self._model.labels, probabilities[0].numpy(), [step] if self._is_text else None)

    @property
    def _is_text(self):
        return self._model.vocabulary is not None

    def _pieces(self, step, where):
        if self._is_text:
            return ids_of_words(self._model.vocabulary, [step], where)[0]
        array = np.asarray(step, "float32")
        if array.shape != (self._model.features,):
            raise ValueError(f"{where}: expected features ({self._model.features},), received {array.shape}")
        return array[None]

    def _probabilities(self, inputs):
        logits, weights = self._model.read(inputs)
        return tf.nn.softmax(logits), weights

    def _with_gradient(self, inputs):
        logits, importance = self._model.gradient_by_input(inputs)
        return tf.nn.softmax(logits), importance


class _Row:
    """One sequence (T,) or (T, D); of words in pieces, for each word its last piece."""

    def __init__(self, sequence, words=None, last=None):
        self.sequence, self.words, self.last = sequence, words, last

    @property
    def first(self):
        """For each word its first piece."""
        return np.concatenate([[0], self.last[:-1] + 1])


def model_inputs(sequences, features: bool):
    """Sequences as one batch, as the model takes it."""
    if not features:
        return tf.constant(padded(sequences))
    lengths = np.array([len(sequence) for sequence in sequences], "int32")
    return {"features": tf.constant(padded(sequences)), "lengths": tf.constant(lengths)}


def _feature_rows(inputs, depth: int) -> tuple[list, bool]:
    single = getattr(inputs, "ndim", 3) == 2
    rows = [inputs] if single else inputs
    if isinstance(rows, (str, bytes, dict)) or not hasattr(rows, "__len__"):
        raise TypeError(f"inputs: expected an array (T, {depth}) or a list of them, received {type(inputs).__name__}")
    arrays = [np.asarray(row) for row in rows]
    for k, array in enumerate(arrays):
        if array.dtype.kind not in "iuf" or array.ndim != 2 or array.shape[1] != depth or not len(array):
            raise ValueError(
                f"inputs[{k}]: expected numbers (T, {depth}), T >= 1, received {array.dtype} of shape {array.shape}"
            )
        if not np.isfinite(array).all():
            raise ValueError(f"inputs[{k}]: expected finite numbers, received NaN or infinity")
    if not arrays:
        raise ValueError("inputs: expected one sequence at least, received none")
    return [array.astype("float32") for array in arrays], single
