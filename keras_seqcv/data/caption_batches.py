"""Captions as padded batches of tokens, in a new order every epoch."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_seqcv.data.picture_rows import PictureRows
from keras_seqcv.data.token_rows import TokenRows


class CaptionBatches:
    """Which captions come together, and their tokens.

    Rows are captions, or pictures with N captions each. Captions are put together by length, as `PictureRows` does.

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
        ([[1, 5, 6, 0], [1, 7, 0, 0]], [[5, 6, 2, 0], [7, 2, 0, 0]], [0, 0])
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
        self._tokens = TokenRows(flat)
        counts = [len(picture) for picture in captions]
        # T of each is its length with the mark at its beginning or end.
        self._rows = PictureRows(counts, self._tokens.counts + 1, batch_size, per_picture, shuffle, mirror, seed)
        self._marks = vocabulary.start_id, vocabulary.end_id, vocabulary.pad_id
        self.per_picture, self.batch_size, self.batches = per_picture, batch_size, self._rows.plans.batches
        shape = (None, per_picture, None) if per_picture else (None, None)
        self.specs = [tf.TensorSpec(shape, kind) for kind in ("int32", "int32", "float32")]  # tokens, targets, weights

    def plan(self, number: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Returns an epoch: rows (batches, B) int32, -1 where there is none, and seeds (batches,) int64."""
        return self._rows.plans.plan(number)

    def batch(self, rows: np.ndarray, seed: int) -> tuple[np.ndarray, ...]:
        """Returns one batch of the plan.

        Args:
            rows: (B,), -1 where there is none.
            seed: that of the plan.

        Returns:
            tokens, targets (B, T) int32 and weights (B, T) float32, or (B, N, T); item (B,) int32, the picture;
            mirrored (B,) bool.
        """
        chosen, items, mirrored = self._rows.drawn(rows, seed)
        sequences = self._padded(chosen)
        if not self.per_picture:
            sequences = [array[:, 0] for array in sequences]
        return (*sequences, items, mirrored)

    def _padded(self, chosen: list) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Tokens, targets and weights (B, N, T) of captions by row."""
        steps = int(max(self._rows.steps[captions].max() for captions in chosen))
        rows = np.full((len(chosen), self.per_picture or 1), -1)
        for row, captions in zip(rows, chosen):
            row[: len(captions)] = captions
        return tuple(a.reshape(*rows.shape, steps) for a in self._tokens.shifted(rows.ravel(), steps, self._marks))
