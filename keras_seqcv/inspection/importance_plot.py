"""The words that decided, as one figure."""

import os

import numpy as np

from keras_seqcv.inspection.figures import check_png, new_figure, save_png
from keras_seqcv.inspection.importance_results import checked_results, checked_truth, heading, relative

_SIZE = 9  # points
_WIDE, _HIGH = 0.602 * _SIZE / 72, 1.7 * _SIZE / 72  # inches of a character of the font, and of a line
_FOR, _AGAINST = np.array([0.90, 0.45, 0.10]), np.array([0.15, 0.45, 0.80])


def plot_importance(results, truth=None, path: str | os.PathLike | None = None, width: int = 88):
    """Texts with the words that decided in colour: orange spoke for the label, blue against it.

    The colour is as strong as the word's importance, as a share of the largest one of its text.

    Args:
        results: what `model.classify(texts, explain=...)` returned: a `Classification`, or a list of them.
        truth: the true labels, a list, or None; they are told where the model was wrong.
        path: PNG file for the figure, or None.
        width: of a line, in characters, at least 20.

    Returns:
        matplotlib Figure. A notebook shows it; it does not belong to pyplot, so there is nothing to close.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: an argument of a wrong type.
        ValueError: results without importance, or an argument that is out of its range.
        OSError: the file cannot be written; it names the file.

    Example:
        >>> result = ks.models.Classification("bad", 0.9, {}, ["not", "good"], np.array([1.0, 0.2]))
        >>> figure = ks.inspection.plot_importance(result, path="words.png")
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['bad 90%', 'not', 'good']
    """
    if isinstance(width, bool) or not isinstance(width, (int, np.integer)):
        raise TypeError(f"`width` must be an int, received {type(width).__name__}")
    if width < 20:
        raise ValueError(f"`width` must be at least 20, received {width}")
    check_png(path)
    results = checked_results(results)
    blocks, lines = [], 0
    for result, true in zip(results, checked_truth(truth, len(results)), strict=True):
        placed, used = _placed(result.words, width)
        blocks.append((lines, heading(result, true), placed, relative(result.importance)))
        lines += used + 1.6  # the heading, and a space
    figure = new_figure("plot_importance", _WIDE * width + 0.2, _HIGH * lines + 0.1)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(-1, width + 1), ylim=(lines, 0))
    axes.set_axis_off()
    for top, told, placed, shares in blocks:
        _text(axes, 0, top, told, fontweight="bold")
        for (word, column, line), share in zip(placed, shares, strict=True):
            strength = abs(float(share)) * 0.75
            color = 1 - strength * (1 - (_FOR if share > 0 else _AGAINST))
            box = {"width": len(word) + 0.5, "height": 0.9, "facecolor": color, "linewidth": 0}
            axes.add_patch(_rectangle((column - 0.25, top + line + 1.05), **box))
            _text(axes, column, top + 1 + line, word)
    if path is not None:
        save_png(figure, path)
    return figure


def _placed(words: list[str], width: int) -> tuple[list[tuple[str, int, int]], int]:
    """(word, column, line) of each, and how many lines there are."""
    placed, column, line = [], 0, 0
    for word in words:
        shown = word.replace("\n", "\\n")
        shown = shown if len(shown) <= width else shown[: width - 3] + "..."
        if column and column + len(shown) > width:
            column, line = 0, line + 1
        placed.append((shown, column, line))
        column += len(shown) + 1
    return placed, line + 1


def _text(axes, column, line, text, **options) -> None:
    axes.text(column, line + 0.5, text, va="center", fontsize=_SIZE, family="monospace", parse_math=False, **options)


def _rectangle(*args, **options):
    from matplotlib.patches import Rectangle

    return Rectangle(*args, **options)
