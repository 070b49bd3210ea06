"""Where a model looked to answer questions about a picture, as one figure."""

import os
import textwrap
from collections.abc import Sequence

import numpy as np

from keras_seqcv.inspection.attention_plot import lit, panel_figure
from keras_seqcv.inspection.caption_results import enlarged, relative
from keras_seqcv.inspection.figures import check_png, save_png
from keras_seqcv.inspection.pictures import load_picture, resized

_SIDE = 384  # pixels of a panel's longest side: as many as are seen
_LINE = 24  # letters of a question beside each other


def plot_answers(image, answers, path: str | os.PathLike | None = None, columns: int = 4, looks: bool = False):
    """The picture, then for each question the picture again, bright where the model looked, with its answer.

    Args:
        image: path, Pillow image or uint8 array (H, W, 3).
        answers: what `model.answer` returned for it: one, or a list of them. Each has `question`, `text`, `score` and
            `attention`, an array (h, w) of weights that sum to one, or None.
        path: PNG file for the figure, or None.
        columns: panels in a row, at least 1.
        looks: one panel for every look of the stacked attention (`attentions`), and not for the last alone.

    Returns:
        matplotlib Figure.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError, ValueError: an argument that is not as above.
        OSError: a file cannot be read or written; it names the file.

    Example:
        >>> weights = np.full((1, 8, 8), 1 / 64)
        >>> answer = ks.models.Answer("red", 0.9, [], "what color is it?", [], weights[-1], weights)
        >>> figure = ks.inspection.plot_answers(ks.data.scenes(1)[0].image, [answer], "answers.png")
        >>> len(figure.axes)
        2
    """
    if isinstance(columns, bool) or not isinstance(columns, (int, np.integer)) or columns < 1:
        raise ValueError(f"`columns` must be an int of at least 1, received {columns!r}")
    check_png(path)
    some = list(answers) if isinstance(answers, Sequence) else [answers]
    missing = [name for name in ("question", "text", "score", "attentions") for one in some if not hasattr(one, name)]
    if missing or not some:
        received = f"one without {missing[0]}" if missing else "none"
        raise TypeError(f"`answers` must be what `model.answer` returns, received {received}")
    picture = resized(load_picture(image, "image"), _SIDE)
    panels = [("", "", picture)]
    for one in some:
        for k, shown in enumerate(_shown(one, picture, looks)):
            title = "\n".join([*textwrap.wrap(one.question, _LINE), one.text]) if k == 0 else ""
            panels.append((title, f"{one.score:.0%}", shown))
    figure = panel_figure("", panels, min(columns, len(panels)), "plot_answers")
    if path is not None:
        save_png(figure, path)
    return figure


def _shown(answer, picture, looks: bool) -> list:
    """The picture as the model looked at it, once or at every look."""
    if answer.attentions is None:
        return [picture]
    maps = np.asarray(answer.attentions if looks else answer.attentions[-1:], "float32")
    return [lit(picture, enlarged(shares, picture.size, smooth=True)) for shares in relative(maps)]
