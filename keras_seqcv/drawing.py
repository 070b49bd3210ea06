"""`Drawing`: pictures that a model has drawn, and how they came about."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, repr=False)
class Drawing:
    """Pictures drawn step by step. It has a length, and can be cut.

    Args:
        canvases: (N, T, H, W, C) float32, after every step the probability of each pixel to be light.
        windows: (N, T, 4) float32, where each step has written: row and column of the middle, stride from filter to
            filter and deviation of a filter, in pixels; None where the whole canvas is written to.
        size: how many filters a side of a window has, or None.
        labels: list of N str, what was to be drawn, or None.

    Example:

    >>> drawing = ks.models.Drawing(np.zeros((2, 3, 28, 28, 1)), labels=["1", "7"])
    >>> drawing, drawing.images.shape, drawing[1:].labels
    (<2 drawings 28 x 28 x 1 in 3 steps>, (2, 28, 28, 1), ['7'])
    """

    canvases: np.ndarray
    windows: np.ndarray | None = None
    size: int | None = None
    labels: list[str] | None = None

    @property
    def images(self) -> np.ndarray:
        """(N, H, W, C) float32, the last canvases."""
        return self.canvases[:, -1]

    def __len__(self) -> int:
        return len(self.canvases)

    def __getitem__(self, rows: slice) -> "Drawing":
        """Some of the pictures."""
        windows = None if self.windows is None else self.windows[rows]
        return Drawing(self.canvases[rows], windows, self.size, None if self.labels is None else self.labels[rows])

    def __repr__(self) -> str:
        steps, *shape = self.canvases.shape[1:]
        return f"<{len(self)} drawings {' x '.join(map(str, shape))} in {steps} steps>"


def checked_order(n, seed, label, noise, labels, shape: tuple):
    """What is to be drawn: the arguments of `draw` of a model.

    Args:
        n: int >= 1, how many pictures; None: one, or as many as there is noise for.
        seed: int in [-2**31, 2**31).
        label: a str of `labels` or an int, its number; or a sequence of N; None where there are no labels.
        noise: (N, T, Z), or None.
        labels: tuple of str, or None.
        shape: (T, Z).

    Returns:
        n, seed, numbers of the labels (N,) int32 or None, noise float32 or None.

    Raises:
        TypeError, ValueError: naming the argument that is not as above.

    Example:
        >>> from keras_seqcv.drawing import checked_order
        >>> checked_order(2, 0, [1, "cat"], None, ("cat", "dog"), (8, 4))[2].tolist()
        [1, 0]
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not -(2**31) <= seed < 2**31:
        raise ValueError(f"seed: expected an int in [-2**31, 2**31), received {seed!r}")
    if noise is not None:
        noise = _checked_noise(noise, shape)
        if n not in (None, len(noise)):
            raise ValueError(f"n: expected {len(noise)}, as many as there is noise for, or None, received {n!r}")
    n = 1 if n is None and noise is None else len(noise) if n is None else n
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
        raise ValueError(f"n: expected an int >= 1, received {n!r}")
    return int(n), int(seed), _checked_labels(labels, label, n), noise


def _checked_noise(noise, shape) -> np.ndarray:
    noise = np.asarray(noise)
    if noise.ndim != 3 or noise.shape[1:] != shape or not len(noise):
        expected = str(("N", *shape)).replace("'", "")
        raise ValueError(f"noise: expected shape {expected}, N >= 1, received {noise.shape}")
    if noise.dtype.kind not in "iuf" or not np.isfinite(noise).all():
        raise ValueError(f"noise: expected finite numbers, received {noise.dtype}, or NaN, or infinity")
    return noise.astype("float32")


def _checked_labels(labels, label, n: int) -> np.ndarray | None:
    if labels is None:
        if label is not None:
            raise ValueError(f"label: this model has no labels, expected None, received {label!r}")
        return None
    if label is None:
        raise ValueError(f"label: this model draws what it is told to: one of {list(labels)}, received None")
    several = isinstance(label, (list, tuple, np.ndarray)) and np.ndim(label) > 0
    given = list(label) if several else [label] * n
    if len(given) != n:
        raise ValueError(f"label: expected one, or one for each of {n} pictures, received {len(given)}")
    return np.array([_number(labels, one) for one in given], "int32")


def _number(labels, label) -> int:
    if isinstance(label, str):
        if label not in labels:
            raise ValueError(f"label: expected one of {list(labels)}, received {label!r}")
        return list(labels).index(label)
    if isinstance(label, bool) or not isinstance(label, (int, np.integer)):
        raise TypeError(f"label: expected a str or an int, received {label!r}")
    if not 0 <= label < len(labels):
        raise ValueError(f"label: expected an int from 0 to {len(labels) - 1}, received {label}")
    return int(label)
