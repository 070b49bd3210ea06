"""Labelled sequences as padded batches, in a new order every epoch."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from keras_seqcv.data.length_batches import LengthBatches
from keras_seqcv.data.planned_dataset import planned_dataset
from keras_seqcv.lengths import padded, rounded_length

_NAMES = {1: None, 2: "features", 3: "features", 4: "video"}  # rank -> name of the input; tokens have none


class LabelBatches:
    """Which sequences come together, and their labels.

    Args:
        sequences: N arrays (T_i,) int32, tokens; (T_i, D) or (T_i, L, D) float32, features; or (T_i, H, W, 3) uint8,
            clips. Anything with a length and numbers.
        labels: (N,) int32; or a list of N arrays (T_i,) int32, a label for each step, -1 for a step of weight 0.
        batch_size: B.
        shuffle, seed: of the plan.
        lengths: T_i, where it would take long to ask each sequence; after `change`.
        steps: padded lengths, by which rows come together. None: those of `rounded_length`.
        change: None, or a function (sequence, its labels, random numbers) -> sequence and labels of the same length as
            all rows of this number have.

    Example:
        >>> from keras_seqcv.data.label_batches import LabelBatches
        >>> ids = [np.array([5, 6], "int32"), np.array([7], "int32")]
        >>> batches = LabelBatches(ids, [np.array([1, 0]), np.array([-1])], 2, shuffle=False)
        >>> tokens, labels, weights = batches.batch(*(part[0] for part in batches.plan()))
        >>> tokens.tolist(), labels.tolist(), weights.tolist()
        ([[5, 6, 0, 0], [7, 0, 0, 0]], [[1, 0, 0, 0], [0, 0, 0, 0]], [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    """

    def __init__(
        self,
        sequences: Sequence[np.ndarray],
        labels,
        batch_size: int,
        shuffle: bool = True,
        seed: int = 0,
        lengths=None,
        steps=None,
        change: Callable | None = None,
    ):
        self._sequences, self._labels, self._change = sequences, labels, change
        lengths = [len(sequence) for sequence in sequences] if lengths is None else lengths
        self._lengths, first = np.array(lengths, "int32"), sequences[0]
        self._shape, self._dtype = first.shape[1:], first.dtype
        self.per_step = np.ndim(labels[0]) == 1
        self.name = _NAMES[first.ndim]
        self._steps = np.array([rounded_length(length) for length in lengths] if steps is None else steps)
        self._plans = LengthBatches(self._steps, batch_size, shuffle, seed)
        self.batches, self.batch_size = self._plans.batches, batch_size

    def plan(self, number: int = 0) -> tuple[np.ndarray, np.ndarray]:
        return self._plans.plan(number)

    def batch(self, rows: np.ndarray, seed: int = 0) -> tuple[np.ndarray, ...]:
        """Returns one batch of the plan: tokens (B, T), or features (B, T, D) and lengths (B,); labels; weights."""
        rows = rows[rows >= 0]
        steps = int(self._steps[rows].max())
        found = [(self._sequences[k], self._labels[k]) for k in rows]
        if self._change is not None:
            chance = np.random.default_rng(seed)
            found = [self._change(*row, chance) for row in found]
        sequences, labels = zip(*found)
        inputs = [padded(sequences, steps)] + ([self._lengths[rows]] if self.name else [])
        if not self.per_step:
            return *inputs, np.array(labels, "int32")
        labels = padded([np.asarray(some, "int32") + 1 for some in labels], steps) - 1  # -1 behind the end, too
        return *inputs, np.maximum(labels, 0), (labels >= 0).astype("float32")

    def dataset(self) -> tf.data.Dataset:
        """The batches as `data.labelled_texts` and `data.labelled_sequences` describe them."""
        specs = [tf.TensorSpec((None, None, *self._shape), self._dtype)]
        specs += [tf.TensorSpec((None,), tf.int32)] if self.name else []
        shape = (None, None) if self.per_step else (None,)
        specs += [tf.TensorSpec(shape, tf.int32)] + ([tf.TensorSpec(shape, tf.float32)] if self.per_step else [])

        name = self.name

        def arranged(sequence, *others):
            if not name:
                return sequence, *others
            lengths, *others = others
            return {name: sequence, "lengths": lengths}, *others

        dataset = planned_dataset(self, self.batches, self.batch_size, specs, arranged)
        dataset.batches = self.batches
        return dataset
