"""What a classifier returned: checked, and the importance of its words made ready to be seen."""

from collections.abc import Sequence

import numpy as np


def checked_results(results) -> list:
    """One result or several, as a list.

    Raises:
        TypeError: something else.
        ValueError: none; or a result without importance.
    """
    some = [results] if hasattr(results, "label") else results
    if isinstance(some, (str, bytes, dict)) or not isinstance(some, Sequence):
        raise TypeError(f"`results` must be what `model.classify` returns, received {type(results).__name__}")
    if not some:
        raise ValueError("`results` must hold at least one, received none")
    for k, result in enumerate(some):
        missing = [name for name in ("label", "probability", "words", "importance") if not hasattr(result, name)]
        if missing:
            raise TypeError(
                f"`results[{k}]` must be what `model.classify` returns, received {type(result).__name__} without "
                f"{', '.join(missing)}"
            )
        if result.importance is None or result.words is None:
            raise ValueError(
                f"`results[{k}]` has no words with importance: model.classify(texts, explain='gradient') gives them"
            )
        if len(result.words) != len(result.importance) or not np.isfinite(result.importance).all():
            raise ValueError(f"`results[{k}].importance` must be a finite number for each of its words")
    return list(some)


def checked_truth(truth, count: int) -> list:
    """The true labels, or None for each."""
    if truth is None:
        return [None] * count
    if isinstance(truth, str) or len(truth) != count:
        raise ValueError(f"`truth` must be a list of {count} labels, one for each result, received {truth!r:.60}")
    return list(truth)


def relative(importance) -> np.ndarray:
    """Importance (T,) as shares of the largest, from -1 to 1.

    Example:
        >>> from keras_seqcv.inspection.importance_results import relative
        >>> relative(np.array([1.0, -2.0])).tolist()
        [0.5, -1.0]
    """
    importance = np.asarray(importance, "float64")
    return importance / max(np.abs(importance).max(initial=0), 1e-12)


def heading(result, true) -> str:
    """The label with its probability, and the true one where it is another."""
    told = f"{result.label} {result.probability:.0%}"
    return told if true is None or true == result.label else f"{told}, in truth {true}"
