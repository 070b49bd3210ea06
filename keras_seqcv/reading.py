"""`Reading`: what was read in a picture, and where it was looked for."""

import dataclasses
from collections.abc import Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class Reading:
    """The label of a picture, or its labels in order, and the path of the glimpses.

    Args:
        label: str, the likeliest; of a model that reads several, these with spaces between them.
        labels: list of str: one, or all that come before the end.
        probability: of the label; of several the product of theirs and of the end's.
        probabilities: (C,) float32, of all labels in the order of the model; or (K, C + 1), for each place, with the
            end mark behind the labels. Mean of all draws.
        path: (T, 2) float32, row and column of each glimpse in [-1, 1], of the first draw.
        paths: (S, T, 2) float32, of all draws.

    Example:

    >>> path = np.zeros((1, 2), "float32")
    >>> ks.models.Reading("7", ["7"], 0.9, np.array([0.1, 0.9]), path, path[None])
    Reading('7', probability=0.90, glimpses=1)
    """

    label: str
    labels: list
    probability: float
    probabilities: np.ndarray
    path: np.ndarray
    paths: np.ndarray

    def __repr__(self) -> str:
        return f"Reading({self.label!r}, probability={self.probability:.2f}, glimpses={len(self.path)})"


def reading_of(names: Sequence[str], probabilities, paths) -> Reading:
    """Of probabilities (C,), or (K, C + 1) with an end mark, and the paths (S, T, 2) of all draws.

    Example:
        >>> from keras_seqcv.reading import reading_of
        >>> reading_of(["a", "b"], np.array([[0.2, 0.7, 0.1], [0.1, 0.1, 0.8]]), np.zeros((1, 4, 2))).labels
        ['b']
    """
    probabilities, paths = np.asarray(probabilities), np.asarray(paths)
    best = probabilities.argmax(-1)
    if probabilities.ndim == 1:
        label = names[int(best)]
        return Reading(label, [label], float(probabilities[best]), probabilities, paths[0], paths)
    best[-1] = len(names)  # behind so many labels there is nothing but the end
    count = int(np.argmax(best == len(names)))
    found = [names[k] for k in best[:count]]
    share = float(np.prod([row[k] for row, k in zip(probabilities[: count + 1], best, strict=False)]))
    return Reading(" ".join(found), found, share, probabilities, paths[0], paths)


def check_draws(samples, seed) -> None:
    """Raise ValueError unless `samples` is an int >= 0, and `seed` one in [-2**31, 2**31)."""
    for name, value, least in (("samples", samples, 0), ("seed", seed, -(2**31))):
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or not least <= value < 2**31:
            raise ValueError(f"{name}: expected an int >= {least}, received {value!r}")
