"""`Classification` and `StepClassification`: what a classifier says, and the way from probabilities to it."""

import dataclasses
from collections.abc import Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class Classification:
    """The label of a sequence, how sure the model is of it, and the steps that decided.

    Args:
        label: str, the likeliest.
        probability: of it.
        probabilities: dict from each label to its probability, in the order of the model.
        words: list of T str, what was read, of a text; else None.
        importance: (T,) float32, how much each step did for the label: attention weights, which sum to one; or
            gradient x input, above zero for it and below against it; or None.

    Example:

    >>> ks.models.Classification("good", 0.9, {"bad": 0.1, "good": 0.9})
    Classification('good', probability=0.90)
    """

    label: str
    probability: float
    probabilities: dict
    words: list | None = None
    importance: np.ndarray | None = None

    def __repr__(self) -> str:
        return f"Classification({self.label!r}, probability={self.probability:.2f})"


@dataclasses.dataclass(frozen=True)
class StepClassification:
    """A label for every step of a sequence.

    Args:
        labels: list of T str, the likeliest of each step.
        probability: (T,) float32, of these.
        probabilities: (T, C) float32, of all labels in the order of the model.
        words: list of T str, what was read, of a text; else None.

    Example:

    >>> ks.models.StepClassification(["O", "THING"], np.ones(2), np.eye(2), ["a", "star"])
    StepClassification('a/O star/THING')
    """

    labels: list
    probability: np.ndarray
    probabilities: np.ndarray
    words: list | None = None

    def __repr__(self) -> str:
        told = self.labels if self.words is None else [f"{w}/{n}" for w, n in zip(self.words, self.labels, strict=True)]
        return f"StepClassification({' '.join(told)!r})"


def classification_of(labels: Sequence[str], probabilities, words=None, importance=None) -> Classification:
    """Of the probabilities (C,) of a sequence.

    Example:
        >>> from keras_seqcv.classification import classification_of
        >>> classification_of(["bad", "good"], np.array([0.25, 0.75])).label
        'good'
    """
    probabilities = np.asarray(probabilities)
    best = int(probabilities.argmax())
    table = {label: float(p) for label, p in zip(labels, probabilities, strict=True)}
    return Classification(labels[best], float(probabilities[best]), table, words, importance)


def step_classification_of(labels: Sequence[str], probabilities, words=None) -> StepClassification:
    """Of the probabilities (T, C) of all steps.

    Example:
        >>> from keras_seqcv.classification import step_classification_of
        >>> step_classification_of(["O", "THING"], np.array([[0.9, 0.1], [0.2, 0.8]])).labels
        ['O', 'THING']
    """
    probabilities = np.asarray(probabilities)
    named = [labels[k] for k in probabilities.argmax(1)]
    return StepClassification(named, probabilities.max(1), probabilities, words)
