"""`Caption`: what a captioner says about a picture."""

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
