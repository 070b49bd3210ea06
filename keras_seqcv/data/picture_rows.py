"""Which texts about pictures come together: the plan that captions and questions share."""

import numpy as np

from keras_seqcv.data.length_batches import LengthBatches

STEP = 4  # lengths are rounded up to a multiple of that: XLA compiles a model anew for each


class PictureRows:
    """Rows are texts, put together by length as `LengthBatches` does, or pictures with N texts each.

    Args:
        counts: for each picture how many texts there are.
        lengths: of all texts, one picture's after the other's, in tokens.
        batch_size: B.
        per_picture: None: a row is a text. N: a row is a picture with N of its texts.
        shuffle: whether batches, and texts of a picture, are another choice every epoch. False: always the same.
        mirror: whether half of the pictures, by chance, are to be mirrored.
        seed: of all chance.

    Attributes:
        steps: (texts,) int, the padded length of each.
        plans: `LengthBatches`.

    Example:
        >>> from keras_seqcv.data.picture_rows import PictureRows
        >>> chosen, items, mirrored = PictureRows([2, 1], [3, 4, 1], 2, 2, shuffle=False).drawn([1, 0, -1], 0)
        >>> [texts.tolist() for texts in chosen], items.tolist()
        ([[2], [0, 1]], [1, 0])
    """

    def __init__(self, counts, lengths, batch_size, per_picture=None, shuffle=True, mirror=False, seed=0):
        self.steps = -(-np.asarray(lengths) // STEP) * STEP
        self._picture = np.repeat(np.arange(len(counts), dtype="int32"), counts)  # of each text
        self._first = np.cumsum([0, *counts])  # text of each picture
        self.per_picture, self._shuffle, self._mirror = per_picture, shuffle, mirror
        steps = np.zeros(len(counts)) if per_picture else self.steps
        self.plans = LengthBatches(steps, batch_size, shuffle, seed)

    def drawn(self, rows, seed: int):
        """Returns of one batch of a plan: of each row its texts; items (B,) int32, the pictures; mirrored (B,) bool."""
        rows, chance = np.asarray(rows), np.random.default_rng(seed)
        rows = rows[rows >= 0]
        if self.per_picture:
            chosen, items = [self._choice(picture, chance) for picture in rows], rows
        else:
            chosen, items = list(rows[:, None]), self._picture[rows]
        mirrored = chance.random(len(rows)) < 0.5 if self._mirror else np.zeros(len(rows), bool)
        return chosen, items.astype("int32"), mirrored

    def _choice(self, picture: int, chance: np.random.Generator) -> np.ndarray:
        own = np.arange(self._first[picture], self._first[picture + 1])
        if len(own) <= self.per_picture:
            return own
        return chance.choice(own, self.per_picture, replace=False) if self._shuffle else own[: self.per_picture]
