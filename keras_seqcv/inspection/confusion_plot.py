"""Which labels a classifier takes for which, as one figure."""

import os
from collections.abc import Sequence

import numpy as np

from keras_seqcv.inspection.figures import check_png, new_figure, save_png

_NUMBERED = 16  # up to so many labels a cell has room for its number
_CELL = 0.55  # inches


def confusion_counts(truth: Sequence[str], found: Sequence[str], names: Sequence[str] | None = None):
    """How often each label was taken for each: names, and counts (C, C) int, a row for each true label.

    Raises:
        TypeError, ValueError: as of `plot_confusion`.

    Example:
        >>> from keras_seqcv.inspection.confusion_plot import confusion_counts
        >>> confusion_counts(["a", "a", "b"], ["a", "b", "b"])[1].tolist()
        [[1, 1], [0, 1]]
    """
    for argument, labels in (("truth", truth), ("found", found)):
        if isinstance(labels, (str, bytes)) or not hasattr(labels, "__len__"):
            raise TypeError(f"`{argument}` must be a list of labels, received {type(labels).__name__}")
        if wrong := [label for label in labels if not isinstance(label, str)]:
            raise TypeError(f"`{argument}` must hold str only, received {wrong[0]!r}")
    if not len(truth) or len(truth) != len(found):
        raise ValueError(
            f"`truth` and `found` must be of one length, at least 1, received {len(truth)} and {len(found)}"
        )
    known = sorted({*truth, *found})
    names = known if names is None else list(names)
    if missing := [label for label in known if label not in names]:
        raise ValueError(f"`names` must hold all labels, received none for {missing}")
    places = {name: k for k, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)), int)
    np.add.at(counts, ([places[label] for label in truth], [places[label] for label in found]), 1)
    return names, counts


def plot_confusion(
    truth: Sequence[str],
    found: Sequence[str],
    names: Sequence[str] | None = None,
    path: str | os.PathLike | None = None,
):
    """A matrix with a row for each true label and a column for each label that was found.

    A cell is as dark as its share of the row: the diagonal of a perfect classifier is black. The number in it is the
    count; behind the name of a row stands the share that is right.

    Args:
        truth: list of N str, the true labels.
        found: list of N str, those that a model found, `result.label` of `model.classify`.
        names: labels in the order of rows and columns. None: all that occur, in alphabetical order.
        path: PNG file for the figure, or None.

    Returns:
        matplotlib Figure. A notebook shows it; it does not belong to pyplot, so there is nothing to close.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: labels that are not str.
        ValueError: no labels, lists of different length, or a label that is not in `names`.
        OSError: the file cannot be written; it names the file.

    Example:
        >>> figure = ks.inspection.plot_confusion(["good", "good", "bad"], ["good", "bad", "bad"], path="confusion.png")
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['1', '0', '1', '1']
    """
    check_png(path)
    names, counts = confusion_counts(truth, found, names)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    figure = _figure(names, counts, shares, float(np.trace(counts) / counts.sum()))
    if path is not None:
        save_png(figure, path)
    return figure


def _figure(names, counts, shares, accuracy: float):
    count, longest = len(names), max(len(name) for name in names)
    cell = _CELL if count <= _NUMBERED else _CELL * _NUMBERED / count
    side = max(cell * count, 1.2)
    figure = new_figure("plot_confusion", side + 0.09 * longest + 1.2, side + 0.06 * longest + 1.0)
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    size = 9 if count <= _NUMBERED else max(4, 9 * _NUMBERED / count)
    rows = [f"{name}  {shares[k, k]:.0%}" for k, name in enumerate(names)]
    axes.set_xticks(range(count), names, rotation=60 if longest > 6 else 0, fontsize=size, parse_math=False)
    axes.set_yticks(range(count), rows, fontsize=size, parse_math=False)
    for label in axes.get_xticklabels():
        label.set_horizontalalignment("right" if longest > 6 else "center")
        label.set_rotation_mode("anchor")
    if count <= _NUMBERED:
        for row in range(count):
            for column in range(count):
                color = "white" if shares[row, column] > 0.55 else "black"
                place = {"ha": "center", "va": "center", "fontsize": 8}
                axes.text(column, row, str(counts[row, column]), color=color, **place)
    axes.set_xlabel("found", fontsize=9)
    axes.set_ylabel("true", fontsize=9)
    axes.set_title(f"{accuracy:.1%} of {counts.sum():,} right", fontsize=10)
    return figure
