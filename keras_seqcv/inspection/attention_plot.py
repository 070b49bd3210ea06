"""Where a model looked for each word of a caption, as one figure."""

import os
import textwrap

import numpy as np

from keras_seqcv.inspection.caption_results import attention_of, enlarged, relative
from keras_seqcv.inspection.figures import check_png, new_figure, save_png
from keras_seqcv.inspection.pictures import load_picture, resized

_SIDE = 384  # pixels of a panel's longest side: as many as are seen
_INCHES = 2.0  # width of a panel
_DARKEST = 0.2  # how much of a picture is left where a word has no weight


def plot_attention(image, result, path: str | os.PathLike | None = None, columns: int = 5, upsample: str = "smooth"):
    """The picture, then for each word of its caption the picture again, bright where the model looked.

        shown = picture * (d + (1 - d) * a / max(a)),   d = 0.2

    where a is the map of the word, enlarged to the size of the picture. So the place with the largest weight is as
    bright as the picture; how large that weight is stands beside the word: near 100 % it was one place, and evenly
    spread over 8 x 8 places it would be 2 %.

    Args:
        image: path, Pillow image or uint8 array (H, W, 3).
        result: what `model.caption` returned for it: has `text` (str), `words` (T str) and `attention`, an array
            (T, h, w) of weights that sum to one over the h * w places.
        path: PNG file for the figure, or None.
        columns: panels in a row, at least 1.
        upsample: "smooth" (bicubic) or "blocks", each place as it is.

    Returns:
        matplotlib Figure. A notebook shows it; it does not belong to pyplot, so there is nothing to close.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: an argument of a wrong type.
        ValueError: the model has no attention, a map is not right, or an argument is out of its range.
        OSError: a file cannot be read or written; it names the file.

    Example:
        >>> from types import SimpleNamespace
        >>> scene = ks.data.scenes(1)[0]
        >>> maps = np.random.default_rng(0).dirichlet(np.ones(64), 2).reshape(2, 8, 8)
        >>> result = SimpleNamespace(text="a circle", words=["a", "circle"], attention=maps)
        >>> figure = ks.inspection.plot_attention(scene.image, result, "attention.png")
        >>> len(figure.axes)
        3

    Reference:
        Xu et al. 2015, Show, Attend and Tell: Neural Image Caption Generation with Visual Attention, arXiv:1502.03044.
    """
    if isinstance(columns, bool) or not isinstance(columns, (int, np.integer)):
        raise TypeError(f"`columns` must be an int, received {type(columns).__name__} {columns!r}")
    if columns < 1:
        raise ValueError(f"`columns` must be at least 1, received {columns}")
    if upsample not in ("smooth", "blocks"):
        raise ValueError(f'`upsample` must be "smooth" or "blocks", received {upsample!r}')
    check_png(path)
    words, maps = attention_of(result, "result")
    picture = resized(load_picture(image, "image"), _SIDE)
    panels = [("", "", picture)]
    for word, weights, shares in zip(words, maps, relative(maps)):
        panels.append(
            (word, f"{weights.max():.0%}", lit(picture, enlarged(shares, picture.size, upsample == "smooth")))
        )
    figure = panel_figure(result.text or "(no words)", panels, min(columns, len(panels)), "plot_attention")
    if path is not None:
        save_png(figure, path)
    return figure


def lit(picture, shares: np.ndarray) -> np.ndarray:
    """Returns the picture, bright where `shares` (H, W) is 1: uint8 (H, W, 3)."""
    light = _DARKEST + (1 - _DARKEST) * shares[..., None]
    return np.round(np.asarray(picture) * light).astype("uint8")


def panel_figure(text: str, panels: list, columns: int, caller: str):
    """A figure of panels (title, remark, picture), all of one size, under a text."""
    rows = -(-len(panels) // columns)
    width, height = panels[0][2].size
    lines = textwrap.wrap(text, max(16, 20 * columns))
    head = 0.15 + 0.25 * len(lines)
    titles = 0.12 + 0.18 * max(title.count("\n") + 1 for title, _, _ in panels)
    figure = new_figure(caller, _INCHES * columns, rows * (_INCHES * height / width + titles) + head)
    figure.get_layout_engine().set(h_pad=0.06)
    # A caption is text: without this two dollar signs in it would begin and end a formula.
    if lines:
        figure.suptitle("\n".join(lines), fontsize=12, fontweight="bold", parse_math=False)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (word, peak, shown) in zip(grid, panels):
        axes.imshow(shown)
        longest = max(map(len, word.split("\n")))
        axes.set_title(word, fontsize=min(11, 170 / max(longest, 1)), parse_math=False)  # as wide as a panel
        axes.set_title(peak, fontsize=7, loc="right", color="0.5")
    for axes in grid:
        axes.set_axis_off()
    for axes in grid[len(panels) :]:
        axes.remove()
    return figure
