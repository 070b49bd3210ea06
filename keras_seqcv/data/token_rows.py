"""Sequences of ids, kept as one array, and rows of them padded."""

from collections.abc import Sequence

import numpy as np


class TokenRows:
    """Rows of ids of different length.

    Args:
        sequences: ids (n,) of each row, without start and end.

    Attributes:
        counts: (N,) int, the length of each row.

    Example:
        >>> from keras_seqcv.data.token_rows import TokenRows
        >>> rows = TokenRows([np.array([5, 6]), np.array([7])])
        >>> [array.tolist() for array in rows.shifted([1, 0], 3, marks=(1, 2, 0))]
        [[[1, 7, 0], [1, 5, 6]], [[7, 2, 0], [5, 6, 2]], [[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]]
    """

    def __init__(self, sequences: Sequence[np.ndarray]):
        self.counts = np.array([len(ids) for ids in sequences])
        self._ids = np.concatenate([np.asarray(ids) for ids in sequences]).astype("int32")
        self._ends = np.cumsum(self.counts)

    def __getitem__(self, row: int) -> np.ndarray:
        return self._ids[self._ends[row] - self.counts[row] : self._ends[row]]

    def padded(self, rows, length: int, pad: int) -> np.ndarray:
        """The ids of some rows, (B, length) int32, padded behind."""
        tokens = np.full((len(rows), length), pad, "int32")
        for k, row in enumerate(rows):
            tokens[k, : self.counts[row]] = self[row]
        return tokens

    def shifted(self, rows, length: int, marks: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Tokens and targets (B, length) int32 and weights (B, length) float32 of some rows, as a decoder learns them.

        Args:
            rows: numbers of B rows; -1 is a row without any word, of weight 0.
            length: at least one more than the longest row has ids.
            marks: ids of start, end and pad.
        """
        start, end, pad = marks
        shape = (len(rows), length)
        tokens, targets, weights = (
            np.full(shape, pad, "int32"),
            np.full(shape, pad, "int32"),
            np.zeros(shape, "float32"),
        )
        tokens[:, 0] = start  # also where there is no row: one without any token is nothing to a masked RNN
        for k, row in enumerate(rows):
            if row < 0:
                continue
            ids, count = self[row], self.counts[row]
            tokens[k, 1 : count + 1] = ids
            targets[k, :count] = ids
            targets[k, count] = end
            weights[k, : count + 1] = 1
        return tokens, targets, weights
