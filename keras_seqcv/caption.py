"""`Caption`: what a captioner says about a picture, and the way from word ids to it."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Caption:
    """A caption, how sure the model is of it, and where it looked.

    Args:
        text: str.
        words: list of T str, the words one by one.
        score: what hypotheses are ordered by; without penalties the log-probability.
        log_probability: of the caption with its end, in nats.
        alternatives: list of (text, score), the next best captions, best first.
        attention: (T, h, w) float32, for each word the weights of the places, which sum to one; None of a model without
            attention.

    Example:

    >>> ks.models.Caption("a dog", ["a", "dog"], -1.5, -1.5, [("a cat", -2.0)], None)
    Caption('a dog', score=-1.50)
    """

    text: str
    words: list
    score: float
    log_probability: float
    alternatives: list
    attention: np.ndarray | None

    def __repr__(self) -> str:
        return f"Caption({self.text!r}, score={self.score:.2f})"


def captions_of(vocabulary, ids, scores, log_probabilities, weights=None, places=None) -> list[Caption]:
    """What a search found, as captions.

    Args:
        vocabulary: with `decode`, `tokens` and `end_id`.
        ids: (B, n, T) int, hypotheses of each picture, best first; a caption ends before its end word.
        scores, log_probabilities: (B, n).
        weights: (B, T, L), where the best one looked, or None.
        places: (h, w), with h w = L.

    Returns:
        list of B captions.
    """
    tokens, captions = vocabulary.tokens, []
    for b, hypotheses in enumerate(ids):
        best, *others = (_before_end(row, vocabulary.end_id) for row in hypotheses)
        alternatives = [
            (vocabulary.decode(other), float(score))
            for other, score in zip(others, scores[b, 1:], strict=True)
            if np.isfinite(score)  # of a hypothesis that does not exist it is -inf
        ]
        maps = None if weights is None else weights[b, : len(best)].reshape(len(best), *places)
        words = [tokens[i] for i in best]
        score, log_p = float(scores[b, 0]), float(log_probabilities[b, 0])
        captions.append(Caption(vocabulary.decode(best), words, score, log_p, alternatives, maps))
    return captions


def _before_end(ids, end_id) -> np.ndarray:
    ends = np.flatnonzero(ids == end_id)
    return ids[: ends[0]] if len(ends) else ids
