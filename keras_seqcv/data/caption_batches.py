"""Captions as padded batches of tokens, in a new order every epoch."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_seqcv.data.length_batches import LengthBatches

_STEP = 4  # lengths are rounded up to a multiple of that: XLA compiles a model anew for each


class CaptionBatches:
    """Which captions come together, and their tokens.

    Rows are captions, or pictures with N captions each. Captions are put together by length, as `LengthBatches` does.

    Args:
        captions: for each picture a list of ids (n,) int32, without start and end.
        vocabulary: has `start_id`, `end_id`, `pad_id`.
        batch_size: B.
        per_picture: None: a row is a caption. N: a row is a picture with N of its captions.
        shuffle: whether batches, and captions of a picture, are another choice every epoch. False: always the same.
        mirror: whether half of the pictures, by chance, are to be mirrored.
        seed: of all chance.

    Example:
        >>> from keras_seqcv.data.caption_batches import CaptionBatches
        >>> ids = [[np.array([5, 6]), np.array([7])], [np.array([4, 5, 6, 7, 8])]]
        >>> batches = CaptionBatches(ids, ks.data.Words("a b c d e"), batch_size=2, shuffle=False)
        >>> rows, seeds = batches.plan()
        >>> tokens, targets, weights, item, mirrored = batches.batch(rows[0], seeds[0])
        >>> tokens.tolist(), targets.tolist(), item.tolist()
        ([[1, 7, 0, 0], [1, 5, 6, 0]], [[7, 2, 0, 0], [5, 6, 2, 0]], [0, 0])
    """

    def __init__(
        self,
        captions: Sequence[Sequence[np.ndarray]],
        vocabulary,
        batch_size: int,
        per_picture: int | None = None,
        shuffle: bool = True,
        mirror: bool = False,
        seed: int = 0,
    ):
        flat = [ids for picture in captions for ids in picture]
        self._ids = np.concatenate(flat).astype("int32")
        self._ends = np.cumsum([len(ids) for ids in flat])  # of each caption in `_ids`
        self._counts = np.array([len(ids) for ids in flat])
        self._steps = -(-(self._counts + 1) // _STEP) * _STEP  # T of each, with the mark at its beginning or end
        counts = [len(picture) for picture in captions]
        self._picture = np.repeat(np.arange(len(captions), dtype="int32"), counts)  # of each caption
        self._first = np.cumsum([0, *counts])  # caption of each picture
        self._marks = vocabulary.start_id, vocabulary.end_id, vocabulary.pad_id
        self.per_picture, self.shuffle, self.mirror = per_picture, shuffle, mirror
        steps = np.zeros(len(captions)) if per_picture else self._steps
        self._plans = LengthBatches(steps, batch_size, shuffle, seed)
        self.batch_size, self.batches = batch_size, self._plans.batches
        shape = (None, per_picture, None) if per_picture else (None, None)
        self.specs = [tf.TensorSpec(shape, kind) for kind in ("int32", "int32", "float32")]  # tokens, targets, weights

    def plan(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the next epoch: rows (batches, B) int32, -1 where there is none, and seeds (batches,) int64."""
        return self._plans.plan()

    def batch(self, rows: np.ndarray, seed: int) -> tuple[np.ndarray, ...]:
        """Returns one batch of the plan.

        Args:
            rows: (B,), -1 where there is none.
            seed: that of the plan.

        Returns:
            tokens, targets (B, T) int32 and weights (B, T) float32, or (B, N, T); item (B,) int32, the picture;
            mirrored (B,) bool.
        """
        rows, chance = rows[rows >= 0], np.random.default_rng(seed)
        if self.per_picture:
            chosen, items = [self._choice(picture, chance) for picture in rows], rows
        else:
            chosen, items = [[caption] for caption in rows], self._picture[rows]
        sequences = self._padded(chosen)
        if not self.per_picture:
            sequences = [array[:, 0] for array in sequences]
        mirrored = chance.random(len(rows)) < 0.5 if self.mirror else np.zeros(len(rows), bool)
        return (*sequences, items.astype("int32"), mirrored)

    def _choice(self, picture: int, chance: np.random.Generator) -> np.ndarray:
        captions = np.arange(self._first[picture], self._first[picture + 1])
        if len(captions) <= self.per_picture:
            return captions
        if not self.shuffle:
            return captions[: self.per_picture]
        return chance.choice(captions, self.per_picture, replace=False)

    def _padded(self, chosen: list) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Tokens, targets and weights (B, N, T) of captions by row."""
        start, end, pad = self._marks
        steps = int(max(self._steps[captions].max() for captions in chosen))
        shape = (len(chosen), self.per_picture or 1, steps)
        tokens, targets, weights = (
            np.full(shape, pad, "int32"),
            np.full(shape, pad, "int32"),
            np.zeros(shape, "float32"),
        )
        tokens[..., 0] = start  # also where there is no caption: a row without any token is nothing to a masked RNN
        for row, captions in enumerate(chosen):
            for k, caption in enumerate(captions):
                ids = self._ids[self._ends[caption] - self._counts[caption] : self._ends[caption]]
                tokens[row, k, 1 : len(ids) + 1] = ids
                targets[row, k, : len(ids)] = ids
                targets[row, k, len(ids)] = end
                weights[row, k, : len(ids) + 1] = 1
        return tokens, targets, weights
