"""`Answer`: what a model answers to a question about a picture, and the way from scores to it."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Answer:
    """An answer, how sure the model is of it, and where it looked.

    Args:
        text: str, the answer.
        score: its probability.
        alternatives: list of (text, score), the next best answers, best first.
        question: str, as it was asked.
        words: list of T str, the question's words as the model reads them.
        attention: (h, w) float32, weights of the places when it looked last, which sum to one; None without attention.
        attentions: (K, h, w), all its looks, one after the other; or None.
        word_weights: (T,) float32, weights of the words, which sum to one; None without attention over words.

    Example:

    >>> ks.models.Answer("red", 0.9, [("blue", 0.1)], "what color is it?", ["what", "color", "is", "it", "?"])
    Answer('red', score=0.90)
    """

    text: str
    score: float
    alternatives: list
    question: str
    words: list
    attention: np.ndarray | None = None
    attentions: np.ndarray | None = None
    word_weights: np.ndarray | None = None

    def __repr__(self) -> str:
        return f"Answer({self.text!r}, score={self.score:.2f})"


def answer_of(answers, ids, scores, question, words, attentions=None, word_weights=None) -> Answer:
    """One answer of what a model found.

    Args:
        answers: list of str. ids, scores: (n,), the best answers, best first.
        question, words: as of `Answer`.
        attentions: (K, h, w), or None. word_weights: (T,) with padding behind, or None.
    """
    texts = [answers[i] for i in ids]
    best, *others = zip(texts, (float(score) for score in scores), strict=True)
    last = attentions[-1] if attentions is not None and len(attentions) else None
    weights = None if word_weights is None else word_weights[: len(words)]
    return Answer(*best, others, question, words, last, None if last is None else attentions, weights)


def question_ids(vocabulary, question) -> np.ndarray:
    """The ids of a question, (T,).

    Raises:
        TypeError, ValueError: it is no text, or has no word that the vocabulary knows.
    """
    if not isinstance(question, str):
        raise TypeError(f"questions: expected str, received {type(question).__name__}")
    ids = vocabulary.encode(question)
    if not np.any(ids != vocabulary.unknown_id):
        raise ValueError(f"questions: expected words that the vocabulary knows, received none in {question!r:.80}")
    return ids
