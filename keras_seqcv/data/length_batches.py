"""Which rows of about one length come together, in a new order every epoch."""

import numpy as np


class LengthBatches:
    """Plans of epochs: rows from the shortest to the longest, in batches of B that have the same length T.

    What a length leaves over goes to the next longer one. So no row is left out, there is one shape (B, T) for each T,
    and one smaller batch at the end of it all.

    Args:
        steps: (N,) int, the padded length T of each row; a few values that come again and again.
        batch_size: B.
        shuffle: whether batches are others every epoch. False: always the same.
        seed: of all chance.

    Example:
        >>> from keras_seqcv.data.length_batches import LengthBatches
        >>> rows, seeds = LengthBatches([8, 4, 4, 4], 2, shuffle=False).plan()
        >>> rows.tolist()
        [[1, 2], [3, 0]]
    """

    def __init__(self, steps, batch_size: int, shuffle: bool = True, seed: int = 0):
        steps = np.asarray(steps)
        order = np.argsort(steps, kind="stable").astype("int32")
        _, starts = np.unique(steps[order], return_index=True)
        self._groups = np.split(order, starts[1:])
        self.rows, self.batch_size = len(steps), batch_size
        self.batches = -(-self.rows // batch_size)
        self.shuffle, self.seed = shuffle, seed

    def plan(self, number: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Returns an epoch: rows (batches, B) int32, -1 where there is none, and seeds (batches,) int64."""
        chance = np.random.default_rng([self.seed, int(number)])
        order, left = [], np.empty(0, "int32")
        for group in self._groups:
            # What is left over comes first: each batch then has a row of this length, and so always the same T.
            group = np.concatenate([left, chance.permutation(group) if self.shuffle else group])
            whole = len(group) // self.batch_size * self.batch_size
            order.append(group[:whole])
            left = group[whole:]
        rows = np.full((self.batches, self.batch_size), -1, "int32")
        rows.ravel()[: self.rows] = np.concatenate([*order, left])
        if self.shuffle:
            rows = chance.permutation(rows)
        return rows, chance.integers(2**63 - 1, size=len(rows))
