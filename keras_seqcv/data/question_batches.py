"""Questions and their answers as padded batches, in a new order every epoch."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_seqcv.data.picture_rows import PictureRows


class QuestionBatches:
    """Which questions come together, and their tokens.

    Rows are questions, put together by length, or pictures with N questions each.

    Args:
        questions: for each picture a list of ids (n,) int32.
        targets: for each picture an array with a row for each question: numbers of answers, (n,) int32, or scores of
            all answers, (n, A) float32.
        pad_id: what stands behind a question.
        batch_size: B.
        per_picture: None: a row is a question. N: a row is a picture with N of its questions.
        shuffle: whether batches, and questions of a picture, are another choice every epoch. False: always the same.
        mirror: whether half of the pictures, by chance, are to be mirrored.
        seed: of all chance.

    Example:
        >>> from keras_seqcv.data.question_batches import QuestionBatches
        >>> ids, answers = [[np.array([5, 6])], [np.array([4]), np.array([7])]], [np.array([1]), np.array([0, 2])]
        >>> batches = QuestionBatches(ids, answers, 0, batch_size=2, per_picture=2, shuffle=False)
        >>> rows, seeds = batches.plan()
        >>> tokens, targets, weights, item, mirrored = batches.batch(rows[0], seeds[0])
        >>> tokens[..., :2].tolist(), targets.tolist(), weights.tolist()
        ([[[5, 6], [5, 6]], [[4, 0], [7, 0]]], [[1, 1], [0, 2]], [[1.0, 0.0], [1.0, 1.0]])
    """

    def __init__(
        self,
        questions: Sequence[Sequence[np.ndarray]],
        targets: Sequence[np.ndarray],
        pad_id: int,
        batch_size: int,
        per_picture: int | None = None,
        shuffle: bool = True,
        mirror: bool = False,
        seed: int = 0,
    ):
        self._questions = [ids for picture in questions for ids in picture]
        self._targets = np.concatenate(targets)
        counts, lengths = [len(picture) for picture in questions], [len(ids) for ids in self._questions]
        self._rows = PictureRows(counts, lengths, batch_size, per_picture, shuffle, mirror, seed)
        self.pad_id, self.per_picture = pad_id, per_picture
        self.batch_size, self.batches = batch_size, self._rows.plans.batches
        shape = (None, per_picture) if per_picture else (None,)
        self.specs = [  # tokens, targets, weights
            tf.TensorSpec((*shape, None), tf.int32),
            tf.TensorSpec((*shape, *self._targets.shape[1:]), self._targets.dtype),
            tf.TensorSpec(shape, tf.float32),
        ]

    def plan(self, number: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Returns an epoch: rows (batches, B) int32, -1 where there is none, and seeds (batches,) int64."""
        return self._rows.plans.plan(number)

    def batch(self, rows: np.ndarray, seed: int) -> tuple[np.ndarray, ...]:
        """Returns one batch of the plan.

        Args:
            rows: (B,), -1 where there is none.
            seed: that of the plan.

        Returns:
            tokens (B, T) or (B, N, T) int32, targets (B, ...) or (B, N, ...), weights (B,) or (B, N) float32, item (B,)
            int32, the picture; mirrored (B,) bool. Where a picture has fewer than N questions its first one comes
            again, with weight 0.
        """
        chosen, items, mirrored = self._rows.drawn(rows, seed)
        weights = np.ones((len(items), self.per_picture or 1), "float32")
        places = np.empty(weights.shape, "int64")
        for row, own in enumerate(chosen):
            places[row], places[row, : len(own)] = own[0], own
            weights[row, len(own) :] = 0
        tokens = np.full((*places.shape, int(self._rows.steps[places].max())), self.pad_id, "int32")
        for place, question in np.ndenumerate(places):
            ids = self._questions[question]
            tokens[place][: len(ids)] = ids
        arrays = tokens, self._targets[places], weights
        if not self.per_picture:
            arrays = tuple(array[:, 0] for array in arrays)
        return (*arrays, items, mirrored)
