"""Which words of the source a translator looked at for each word that it wrote, as one figure."""

import os

import numpy as np

from keras_seqcv.inspection.figures import check_png, new_figure, save_png

_CELL = 0.3  # inches
_MARGIN = 1.5  # inches, for the words at the sides


def plot_alignment(translation, path: str | os.PathLike | None = None):
    """A matrix with a row for each word that was written and a column for each word of the source.

    A cell is as dark as its weight: black is all of the attention. Sentences with one word order give a diagonal.

    Args:
        translation: what `model.translate` returned for one text: has `words` (T str), `source_words` (S str) and
            `alignment`, an array (T, S) of weights that sum to one over the source words.
        path: PNG file for the figure, or None.

    Returns:
        matplotlib Figure. A notebook shows it; it does not belong to pyplot, so there is nothing to close.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: something else than a translation.
        ValueError: the model has no attention, an alignment is not right, or `path` does not end in .png.
        OSError: the file cannot be written; it names the file.

    Example:
        >>> from types import SimpleNamespace
        >>> weights = np.array([[0.1, 0.9], [0.8, 0.2]])
        >>> result = SimpleNamespace(words=["rote", "Äpfel"], source_words=["apples", "red"], alignment=weights)
        >>> figure = ks.inspection.plot_alignment(result, "alignment.png")
        >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
        ['rote', 'Äpfel']

    Reference:
        Bahdanau, Cho, Bengio 2014, Neural Machine Translation by Jointly Learning to Align and Translate,
        arXiv:1409.0473, figure 3.
    """
    check_png(path)
    words, source_words, weights = _checked(translation)
    rows, columns = weights.shape
    figure = new_figure("plot_alignment", _MARGIN + _CELL * columns, _MARGIN + _CELL * rows)
    axes = figure.subplots()
    axes.imshow(weights, cmap="Greys", vmin=0.0, vmax=1.0, aspect="equal")
    axes.xaxis.tick_top()
    axes.set_xticks(range(columns), source_words, rotation=90, fontsize=9, parse_math=False)
    axes.set_yticks(range(rows), words, fontsize=9, parse_math=False)
    axes.set_xticks(np.arange(columns - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(rows - 1) + 0.5, minor=True)
    axes.grid(which="minor", color="0.9", linewidth=0.5)
    axes.tick_params(which="both", length=0)
    if path is not None:
        save_png(figure, path)
    return figure


def _checked(translation) -> tuple[list[str], list[str], np.ndarray]:
    missing = [name for name in ("words", "source_words", "alignment") if not hasattr(translation, name)]
    if missing:
        raise TypeError(
            f"`translation` must be what `model.translate` returns for one text, received {type(translation).__name__} "
            f"without {', '.join(missing)}"
        )
    if translation.alignment is None:
        raise ValueError("`translation` has no alignment to show: the model that wrote it has no attention")
    words, source_words = list(translation.words), list(translation.source_words)
    weights = np.asarray(translation.alignment, "float32")
    if weights.shape != (len(words), len(source_words)) or not weights.size:
        raise ValueError(
            f"`translation.alignment` must be (T, S) = ({len(words)}, {len(source_words)}), at least one of each, "
            f"received {weights.shape}"
        )
    sums = weights.sum(axis=1, dtype="float64")
    if not np.isfinite(weights).all() or (weights < 0).any() or (abs(sums - 1) > 0.02).any():
        raise ValueError(
            "`translation.alignment` must hold for each word weights from 0 to 1 that sum to one, received the sums "
            f"{sums.round(3).tolist()}"
        )
    return words, source_words, weights
