"""From what a search found, ids and scores, to the texts that people get."""

from collections.abc import Callable

import numpy as np


def read_hypotheses(make: Callable, vocabulary, ids, scores, log_probabilities, weights=None) -> list:
    """One object for each row, made of its best hypothesis.

    Args:
        make: function (text, words, score, log_probability, alternatives, weights) -> object, such as the class
            `Caption`; `alternatives` are (text, score) of the other hypotheses.
        vocabulary: with `decode`, `tokens` and `end_id`.
        ids: (B, n, T) int, hypotheses of each row, best first; a text ends before its end word.
        scores, log_probabilities: (B, n).
        weights: (B, T, ...), where the best one looked, or None.

    Returns:
        list of B objects.

    Example:

    >>> from keras_seqcv.hypotheses import read_hypotheses
    >>> words, ids = ks.data.Words(tokens=["a", "dog"]), np.array([[[4, 5, 2], [5, 2, 0]]])
    >>> read_hypotheses(lambda *parts: parts, words, ids, np.array([[-1.0, -2.0]]), np.array([[-1.0, -2.0]]))
    [('a dog', ['a', 'dog'], -1.0, -1.0, [('dog', -2.0)], None)]
    """
    tokens, made = vocabulary.tokens, []
    for b, hypotheses in enumerate(ids):
        best, *others = (before_end(row, vocabulary.end_id) for row in hypotheses)
        alternatives = [
            (vocabulary.decode(other), float(score))
            for other, score in zip(others, scores[b, 1:], strict=True)
            if np.isfinite(score)  # of a hypothesis that does not exist it is -inf
        ]
        looked = None if weights is None else weights[b, : len(best)]
        words = [tokens[i] for i in best]
        score, log_p = float(scores[b, 0]), float(log_probabilities[b, 0])
        made.append(make(vocabulary.decode(best), words, score, log_p, alternatives, looked))
    return made


def before_end(ids, end_id: int) -> np.ndarray:
    """The ids (T,) that come before the first end."""
    ends = np.flatnonzero(ids == end_id)
    return ids[: ends[0]] if len(ends) else ids
