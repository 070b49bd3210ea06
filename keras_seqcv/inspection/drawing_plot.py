"""How pictures came about, step by step: as one figure, and as an animation."""

import os

import numpy as np
from PIL import Image, ImageDraw

from keras_seqcv.inspection.animation import check_gif, save_gif
from keras_seqcv.inspection.figures import check_png, new_figure, save_png

_WIDTH = 8.0  # inches
_SHOWN = 12  # steps at most
_FRAME = (230, 60, 40)
_SIDE = 64  # pixels of a picture in an animation, at least


def plot_drawing(drawing, path: str | os.PathLike | None = None, steps: int = _SHOWN):
    """A row for each picture and a column for each step, from the first to the last; where it was written is framed.

    The frame goes through the middles of the outermost filters, and its line is the wider the more each filter blurs.

    Args:
        drawing: `ks.models.Drawing`, of a few pictures.
        path: PNG file for the figure, or None.
        steps: int >= 1, how many steps are shown at most, evenly spaced.

    Returns:
        matplotlib Figure. A notebook shows it; it does not belong to pyplot, so there is nothing to close.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError, ValueError: what is given is not as above, or no picture.
        OSError: the file cannot be written; it names the file.

    Example:
        >>> drawing = ks.models.Drawing(np.random.default_rng(0).random((2, 5, 8, 8, 1), "float32"))
        >>> len(ks.inspection.plot_drawing(drawing, "drawing.png").axes)
        10
    """
    check_png(path)
    _check(drawing)
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise ValueError(f"`steps` must be an int >= 1, received {steps!r}")
    count, total, height, width = drawing.canvases.shape[:4]
    chosen = _spaced(total, steps)
    side = _WIDTH / len(chosen)
    figure = new_figure("plot_drawing", _WIDTH, 0.3 + count * (side * height / width + 0.05))
    grid = figure.subplots(count, len(chosen), squeeze=False)
    for n, row in enumerate(grid):
        for axes, t in zip(row, chosen, strict=True):
            _show(axes, drawing, n, t, points=72 * side / width)
            if n == 0:
                axes.set_title(str(t + 1), fontsize=8)
        if drawing.labels is not None:
            row[0].set_ylabel(drawing.labels[n], fontsize=8, parse_math=False)
    if path is not None:
        save_png(figure, path)
    return figure


def animate_drawing(drawing, path: str | os.PathLike, columns: int | None = None, seconds: float = 0.15) -> None:
    """A GIF of all pictures side by side while they are drawn, with a frame where each step writes; then without.

    Args:
        drawing: `ks.models.Drawing`.
        path: GIF file.
        columns: pictures in a row, int >= 1; None: as many as make a square.
        seconds: how long a step is shown, at least 0.02.

    Raises:
        TypeError, ValueError: what is given is not as above, or no picture.
        OSError: the file cannot be written; it names the file.

    Example:
        >>> drawing = ks.models.Drawing(np.random.default_rng(0).random((4, 5, 8, 8, 1), "float32"))
        >>> ks.inspection.animate_drawing(drawing, "drawing.gif")
        >>> ks.data.load_video("drawing.gif").shape  # each of 64 x 64, and a line of 2 around them
        (5, 134, 134, 3)
    """
    check_gif(path)
    _check(drawing)
    columns = int(np.ceil(np.sqrt(len(drawing)))) if columns is None else columns
    if isinstance(columns, bool) or not isinstance(columns, int) or columns < 1:
        raise ValueError(f"`columns` must be an int >= 1, received {columns!r}")
    total = drawing.canvases.shape[1]
    frames = [_sheet(drawing, t, columns, framed=True) for t in range(total)]
    if drawing.windows is not None:
        frames.append(_sheet(drawing, total - 1, columns, framed=False))
    save_gif(path, frames, seconds)


def window_box(window, size: int) -> tuple[float, float, float, float]:
    """The frame of a window (4,), row, column, stride and deviation: top, left, bottom, right in pixels.

    Example:
        >>> from keras_seqcv.inspection.drawing_plot import window_box
        >>> window_box([10.0, 12.0, 2.0, 0.5], size=3)
        (8.0, 10.0, 12.0, 14.0)
    """
    row, column, stride, _ = (float(number) for number in window)
    reach = 0.5 * (size - 1) * stride
    return row - reach, column - reach, row + reach, column + reach


def _check(drawing) -> None:
    canvases = getattr(drawing, "canvases", None)
    if canvases is None:
        raise TypeError(f"`drawing` must be a ks.models.Drawing, received {type(drawing).__name__}")
    if np.ndim(canvases) != 5 or 0 in np.shape(canvases) or np.shape(canvases)[4] not in (1, 3):
        raise ValueError(
            f"`drawing` must have canvases (N, T, H, W, C), N and T >= 1, C 1 or 3, received {np.shape(canvases)}"
        )


def _spaced(total: int, most: int) -> np.ndarray:
    """Steps from the first to the last; the last alone where one is shown."""
    count = min(most, total)
    return np.linspace(0 if count > 1 else total - 1, total - 1, count).round().astype(int)


def _show(axes, drawing, n: int, t: int, points: float) -> None:
    canvas = drawing.canvases[n, t]
    axes.imshow(canvas if canvas.shape[2] == 3 else canvas[..., 0], cmap="gray", vmin=0, vmax=1)
    axes.set_xticks([])
    axes.set_yticks([])
    if drawing.windows is None:
        return
    top, left, bottom, right = window_box(drawing.windows[n, t], drawing.size)
    blur = float(np.clip(drawing.windows[n, t, 3] * points, 0.5, 1.5))
    corners = [left, right, right, left, left], [top, top, bottom, bottom, top]
    axes.plot(*corners, color=tuple(c / 255 for c in _FRAME), linewidth=blur, scalex=False, scaley=False)


def _sheet(drawing, t: int, columns: int, framed: bool) -> np.ndarray:
    """All pictures after step t, in rows of so many: uint8 (H', W', 3)."""
    height, width = drawing.canvases.shape[2:4]
    scale = -(-_SIDE // max(height, width))
    rows = -(-len(drawing) // columns)
    gap = 2
    sheet = np.full((rows * (height * scale + gap) + gap, columns * (width * scale + gap) + gap, 3), 96, "uint8")
    for n in range(len(drawing)):
        y, x = gap + n // columns * (height * scale + gap), gap + n % columns * (width * scale + gap)
        sheet[y : y + height * scale, x : x + width * scale] = _picture(drawing, n, t, scale, framed)
    return sheet


def _picture(drawing, n: int, t: int, scale: int, framed: bool) -> np.ndarray:
    canvas = np.round(255 * np.clip(drawing.canvases[n, t], 0, 1)).astype("uint8")
    canvas = np.broadcast_to(canvas, (*canvas.shape[:2], 3)).repeat(scale, 0).repeat(scale, 1)
    if not framed or drawing.windows is None:
        return canvas
    picture = Image.fromarray(canvas)
    top, left, bottom, right = (round(scale * (edge + 0.5)) for edge in window_box(drawing.windows[n, t], drawing.size))
    ImageDraw.Draw(picture).rectangle((left, top, right, bottom), outline=_FRAME)
    return np.asarray(picture)
