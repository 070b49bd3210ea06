"""Sentence pairs as padded batches of tokens: few shapes, a new order every epoch."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_seqcv.data.length_batches import LengthBatches
from keras_seqcv.data.length_buckets import bucket_limits
from keras_seqcv.data.token_rows import TokenRows


class TranslationBatches:
    """Which pairs come together, and their tokens.

    Pairs are put together by the longer of their two sides, in at most `buckets` groups, each of which has one shape:
    sources (B, S) and targets (B, T). One batch is smaller than the others if they do not come out even.

    Args:
        sources, targets: for each pair ids (n,) int32, without start and end.
        source_vocabulary: has `pad_id`. target_vocabulary: has `start_id`, `end_id`, `pad_id`.
        batch_size: B.
        buckets: how many shapes there are.
        shapes: (n, 2), shapes of other batches, which serve before new ones are made: for each shape a model is
            compiled.
        shuffle, seed: of the plan.

    Example:
        >>> from keras_seqcv.data.translation_batches import TranslationBatches
        >>> words = ks.data.Words("a b c d e")
        >>> ids = [np.array([5, 6]), np.array([7])]
        >>> batches = TranslationBatches(ids, ids[::-1], words, words, batch_size=2, shuffle=False)
        >>> source, tokens, targets, weights = batches.batch(*(part[0] for part in batches.plan()))
        >>> source.tolist(), tokens.tolist(), targets.tolist()
        ([[5, 6], [7, 0]], [[1, 7, 0], [1, 5, 6]], [[7, 2, 0], [5, 6, 2]])
    """

    def __init__(
        self,
        sources: Sequence[np.ndarray],
        targets: Sequence[np.ndarray],
        source_vocabulary,
        target_vocabulary,
        batch_size: int,
        buckets: int = 4,
        shapes: np.ndarray | None = None,
        shuffle: bool = True,
        seed: int = 0,
    ):
        self._sources, self._targets = TokenRows(sources), TokenRows(targets)
        self._source_pad = source_vocabulary.pad_id
        self._marks = target_vocabulary.start_id, target_vocabulary.end_id, target_vocabulary.pad_id
        sizes = np.stack([self._sources.counts, self._targets.counts + 1], axis=1)  # (N, 2)
        self.shapes = pair_shapes(sizes, buckets) if shapes is None else shapes_with_longest(shapes, sizes)
        self._group = np.argmax(np.all(sizes[:, None] <= self.shapes, axis=2), axis=1)  # the first shape that holds it
        self._plans = LengthBatches(self._group, batch_size, shuffle, seed)
        self.batches, self.batch_size = self._plans.batches, batch_size
        self.specs = [tf.TensorSpec((None, None), kind) for kind in ("int32", "int32", "int32", "float32")]

    def plan(self, number: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Returns an epoch: rows (batches, B) int32, -1 where there is none, and seeds (batches,) int64."""
        return self._plans.plan(number)

    def batch(self, rows: np.ndarray, seed: int) -> tuple[np.ndarray, ...]:
        """Returns source (B, S), tokens (B, T) and targets (B, T) int32, and weights (B, T) float32, of rows (B,)."""
        rows = rows[rows >= 0]
        places, steps = self.shapes[self._group[rows].max()]
        source = self._sources.padded(rows, places, self._source_pad)
        return source, *self._targets.shifted(rows, steps, self._marks)


def pair_shapes(sizes: np.ndarray, buckets: int) -> np.ndarray:
    """Shapes (S, T) for pairs of these sizes (N, 2), none smaller than the one before on either side."""
    lengths = sizes.max(axis=1)
    groups = np.searchsorted(bucket_limits(lengths, buckets), lengths)
    longest = np.zeros((groups.max() + 1, 2), int)
    np.maximum.at(longest, groups, sizes)
    return np.maximum.accumulate(longest)


def shapes_with_longest(shapes: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The shapes, and one more if they do not hold all pairs."""
    most = np.maximum(shapes[-1], sizes.max(axis=0))
    return shapes if np.array_equal(most, shapes[-1]) else np.concatenate([shapes, most[None]])
