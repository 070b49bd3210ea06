"""Labelled sequences as padded batches, in a new order every epoch."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_seqcv.data.length_batches import LengthBatches
from keras_seqcv.data.planned_dataset import planned_dataset
from keras_seqcv.lengths import padded, rounded_length


class LabelBatches:
    """Which sequences come together, and their labels.

    Args:
        sequences: list of N arrays (T_i,) int32, tokens, or (T_i, D) float32, features.
        labels: (N,) int32; or a list of N arrays (T_i,) int32, a label for each step, -1 for a step of weight 0.
        batch_size: B.
        shuffle, seed: of the plan.

    Example:
        >>> from keras_seqcv.data.label_batches import LabelBatches
        >>> ids = [np.array([5, 6], "int32"), np.array([7], "int32")]
        >>> batches = LabelBatches(ids, [np.array([1, 0]), np.array([-1])], 2, shuffle=False)
        >>> tokens, labels, weights = batches.batch(*(part[0] for part in batches.plan()))
        >>> tokens.tolist(), labels.tolist(), weights.tolist()
        ([[5, 6, 0, 0], [7, 0, 0, 0]], [[1, 0, 0, 0], [0, 0, 0, 0]], [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    """

    def __init__(self, sequences: Sequence[np.ndarray], labels, batch_size: int, shuffle: bool = True, seed: int = 0):
        self._sequences, self._labels = sequences, labels
        self._lengths = np.array([len(sequence) for sequence in sequences], "int32")
        self.per_step, self.features = np.ndim(labels[0]) == 1, sequences[0].ndim == 2
        self._steps = np.array([rounded_length(length) for length in self._lengths])
        self._plans = LengthBatches(self._steps, batch_size, shuffle, seed)
        self.batches, self.batch_size = self._plans.batches, batch_size

    def plan(self) -> tuple[np.ndarray, np.ndarray]:
        return self._plans.plan()

    def batch(self, rows: np.ndarray, seed: int = 0) -> tuple[np.ndarray, ...]:
        """Returns one batch of the plan: tokens (B, T), or features (B, T, D) and lengths (B,); labels; weights."""
        rows = rows[rows >= 0]
        steps = int(self._steps[rows].max())
        inputs = [padded([self._sequences[k] for k in rows], steps)]
        if self.features:
            inputs.append(self._lengths[rows])
        if not self.per_step:
            return *inputs, np.array([self._labels[k] for k in rows], "int32")
        labels = padded([np.asarray(self._labels[k], "int32") + 1 for k in rows], steps) - 1  # -1 behind the end, too
        return *inputs, np.maximum(labels, 0), (labels >= 0).astype("float32")

    def dataset(self) -> tf.data.Dataset:
        """The batches as `data.labelled_texts` and `data.labelled_sequences` describe them."""
        width = self._sequences[0].shape[1:]
        specs = [tf.TensorSpec((None, None, *width), self._sequences[0].dtype)]
        specs += [tf.TensorSpec((None,), tf.int32)] if self.features else []
        shape = (None, None) if self.per_step else (None,)
        specs += [tf.TensorSpec(shape, tf.int32)] + ([tf.TensorSpec(shape, tf.float32)] if self.per_step else [])

        def arranged(sequence, *others):
            if not self.features:
                return sequence, *others
            lengths, *others = others
            return {"features": sequence, "lengths": lengths}, *others

        dataset = planned_dataset(self, self.batches, self.batch_size, specs, arranged)
        dataset.batches = self.batches
        return dataset
