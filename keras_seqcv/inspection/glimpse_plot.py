"""How a picture was read by glimpses: the path and what was seen, as a figure and as an animation."""

import math
import os

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from keras_seqcv.inspection.animation import check_gif, save_gif
from keras_seqcv.inspection.figures import check_png, new_figure, save_png
from keras_seqcv.inspection.pictures import load_picture

_HEIGHT = 2.6  # inches
_COLUMNS = 6  # glimpses beside each other
_FIRST, _LAST = (255, 214, 70), (200, 30, 110)  # the colours of the path
_AROUND = (40, 40, 40)
_SIDE, _LINE = 224, 26  # pixels of a panel of an animation, at least, and of the line below


def plot_glimpses(image, reading, sensor, path: str | os.PathLike | None = None):
    """The picture with the path of the glimpses, numbered squares from yellow to red; beside it what each of them saw.

    Squares are what was seen sharp. Above a patch is its number, and what was said after it; larger scales are below.
    Of several labels those glimpses are left out that come behind the end.

    Args:
        image: path, Pillow image or uint8 array (H, W) or (H, W, C).
        reading: what `classify` of a `GlimpseClassifier`, or of its LiteRT file, returned for it.
        sensor: `ks.layers.GlimpseSensor` with the size, scales and factor of the model.
        path: PNG file for the figure, or None.

    Returns:
        matplotlib Figure. A notebook shows it; it does not belong to pyplot, so there is nothing to close.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError, ValueError: what is given is not as above.
        OSError: a file cannot be read or written; it names the file.

    Example:
        >>> where = np.array([[0.0, 0.0], [-0.5, 0.4]], "float32")
        >>> found = ks.models.Reading("7", ["7"], 0.9, np.full(10, 0.1), where, where[None])
        >>> image = ks.data.drawn_digits(8).images[7]
        >>> figure = ks.inspection.plot_glimpses(image, found, ks.layers.GlimpseSensor(8, 2), "glimpses.png")
        >>> [axes.get_title() for axes in figure.axes[:3]]
        ['7 (90%)', '1', '2: 7']
    """
    check_png(path)
    picture, squares, patches = _seen(image, reading, sensor)
    count, scales = patches.shape[:2]
    columns = min(_COLUMNS, count)
    rows = -(-count // columns)
    patch_side = _HEIGHT / max(rows * scales, 2.5)
    width = _HEIGHT * picture.shape[1] / picture.shape[0]
    figure = new_figure("plot_glimpses", width + columns * patch_side + 0.3, _HEIGHT + 0.35 + 0.15 * rows)
    left, right = figure.subfigures(1, 2, width_ratios=(width, columns * patch_side))
    _draw_path(left.subplots(), picture, squares, sensor, f"{reading.label} ({reading.probability:.0%})")
    words = _said(reading)
    grid = right.subplots(rows * scales, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for t in range(count):
        for s in range(scales):
            axes = grid[t // columns * scales + s, t % columns]
            _show(axes, patches[t, s], _colour(t, count))
            if s == 0:
                axes.set_title(f"{t + 1}{words.get(t, '')}", fontsize=8, parse_math=False)
    if path is not None:
        save_png(figure, path)
    return figure


def animate_glimpses(image, reading, sensor, path: str | os.PathLike, seconds: float = 0.6) -> None:
    """A GIF of the reading: the picture with the path so far, beside it all that has been seen, below what is said.

    Args:
        image, reading, sensor: as of `plot_glimpses`.
        path: GIF file.
        seconds: how long a glimpse is shown, at least 0.02.

    Raises:
        TypeError, ValueError: what is given is not as above.
        OSError: a file cannot be read or written; it names the file.

    Example:
        >>> where = np.array([[0.0, 0.0], [-0.5, 0.4]], "float32")
        >>> found = ks.models.Reading("7", ["7"], 0.9, np.full(10, 0.1), where, where[None])
        >>> image = ks.data.drawn_digits(8).images[7]
        >>> ks.inspection.animate_glimpses(image, found, ks.layers.GlimpseSensor(8), "glimpses.gif")
        >>> ks.data.load_video("glimpses.gif").shape
        (2, 250, 452, 3)
    """
    check_gif(path)
    picture, squares, patches = _seen(image, reading, sensor)
    zoom = math.ceil(_SIDE / max(picture.shape[:2]))
    memory = np.zeros((*(zoom * n for n in picture.shape[:2]), 3), "uint8")
    sharpness = np.full(memory.shape[:2], patches.shape[1])
    words, said, frames = _said(reading), [], []
    for t in range(len(patches)):
        _remember(memory, sharpness, patches[t], squares[t], zoom)
        if t in words:
            said.append(words[t].removeprefix(": "))
        frames.append(_frame(picture, squares[: t + 1], memory, len(patches), zoom, " ".join(said)))
    save_gif(path, frames, seconds)


def _seen(image, reading, sensor):
    """The picture (H, W, 3) and patches (T, S, P, P, 3), uint8; squares (T, S, 3): middle, half the side in pixels."""
    where = np.asarray(getattr(reading, "path", None))
    if not all(hasattr(reading, name) for name in ("path", "label", "labels", "probabilities")):
        raise TypeError(f"`reading` must be a ks.models.Reading, received {type(reading).__name__}")
    if where.ndim != 2 or where.shape[1] != 2 or not len(where):
        raise ValueError(f"`reading` must have a path (T, 2), T >= 1, received {where.shape}")
    if not all(hasattr(sensor, name) for name in ("size", "scales", "factor")):
        raise TypeError(f"`sensor` must be a ks.layers.GlimpseSensor, received {type(sensor).__name__}")
    picture = np.asarray(load_picture(image, "image"))
    where = where[: _needed(reading)].astype("float32")
    pictures = np.repeat(picture[None].astype("float32"), len(where), axis=0)
    patches = np.asarray(sensor(pictures, where))
    middles = (where + 1) * (np.array(picture.shape[:2]) - 1) / 2
    halves = [sensor.size * sensor.factor**s / 2 for s in range(sensor.scales)]
    squares = np.array([[[*middle, half] for half in halves] for middle in middles])
    return picture, squares, np.clip(patches, 0, 255).round().astype("uint8")


def _each(reading) -> int:
    """How many glimpses there are for a label."""
    several = np.ndim(reading.probabilities) == 2
    return len(reading.path) // (len(reading.probabilities) if several else 1)


def _needed(reading) -> int:
    """How many glimpses come before the end is said."""
    several = np.ndim(reading.probabilities) == 2
    return min(len(reading.path), _each(reading) * (len(reading.labels) + 1)) if several else len(reading.path)


def _said(reading) -> dict:
    """What is said after which glimpses."""
    each = _each(reading)
    words = {(k + 1) * each - 1: f": {label}" for k, label in enumerate(reading.labels)}
    if (len(reading.labels) + 1) * each <= len(reading.path):
        words[(len(reading.labels) + 1) * each - 1] = ": end"
    return words


def _colour(t: int, count: int) -> tuple[int, int, int]:
    share = t / max(1, count - 1)
    return tuple(round(a + share * (b - a)) for a, b in zip(_FIRST, _LAST, strict=True))


def _draw_path(axes, picture, squares, sensor, title) -> None:
    height, width = picture.shape[:2]
    axes.imshow(picture, interpolation="nearest")
    axes.set_facecolor(tuple(c / 255 for c in _AROUND))
    for t, (row, column, half) in enumerate(squares[:, 0]):
        colour = tuple(c / 255 for c in _colour(t, len(squares)))
        if t:
            before = squares[t - 1, 0]
            axes.plot([before[1], column], [before[0], row], color=colour, linewidth=1)
        x, y = column + half * np.array([-1, 1, 1, -1, -1]), row + half * np.array([-1, -1, 1, 1, -1])
        axes.plot(x, y, color=colour, linewidth=1.5)
        axes.text(x[0] + 0.1 * half, y[0] + 0.1 * half, str(t + 1), color=colour, fontsize=8, va="top", clip_on=True)
    around = sensor.size / 2
    axes.set_xlim(-0.5 - around, width - 0.5 + around)
    axes.set_ylim(height - 0.5 + around, -0.5 - around)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(title, fontsize=9, parse_math=False)


def _show(axes, patch, colour) -> None:
    axes.set_axis_on()
    axes.imshow(patch, vmin=0, vmax=255, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(tuple(c / 255 for c in colour))
        spine.set_linewidth(1.5)


def _remember(memory, sharpness, patches, squares, zoom) -> None:
    """Put what a glimpse saw where it saw it, but nothing coarse upon what was seen sharp."""
    height, width = memory.shape[:2]
    for s in reversed(range(len(patches))):
        top, left, bottom, right = _edges(squares[s], zoom)
        rows, columns = np.arange(max(0, top), min(height, bottom)), np.arange(max(0, left), min(width, right))
        size = len(patches[s])
        i, j = ((rows - top) * size // (bottom - top))[:, None], ((columns - left) * size // (right - left))[None]
        where = np.ix_(rows, columns)
        better = sharpness[where] >= s
        memory[where] = np.where(better[..., None], patches[s][i, j], memory[where])
        sharpness[where] = np.where(better, s, sharpness[where])


def _edges(square, zoom) -> tuple[int, int, int, int]:
    row, column, half = square
    return tuple(round(zoom * float(edge + 0.5)) for edge in (row - half, column - half, row + half, column + half))


def _frame(picture, squares, memory, total, zoom, said) -> np.ndarray:
    """(H', W', 3): the picture with the path, what has been seen, and a line of text."""
    left = Image.fromarray(picture.repeat(zoom, 0).repeat(zoom, 1))
    pen = ImageDraw.Draw(left)
    for t, square in enumerate(squares[:, 0]):
        top, first, bottom, last = _edges(square, zoom)
        pen.rectangle((first, top, last, bottom), outline=_colour(t, total), width=3 if t == len(squares) - 1 else 1)
        if t:
            points = [tuple(round(zoom * float(n + 0.5)) for n in squares[k, 0, 1::-1]) for k in (t - 1, t)]
            pen.line(points, fill=_colour(t, total), width=2)
    height, width = memory.shape[:2]
    gap = 4
    frame = Image.new("RGB", (2 * width + gap, height + _LINE), _AROUND)
    frame.paste(left, (0, 0))
    frame.paste(Image.fromarray(memory), (width + gap, 0))
    pen, font = ImageDraw.Draw(frame), ImageFont.load_default(16)
    pen.text((6, height + _LINE // 2), f"glimpse {len(squares)} of {total}", (200, 200, 200), font, anchor="lm")
    pen.text((width + gap + 6, height + _LINE // 2), said, _FIRST, font, anchor="lm")
    return np.asarray(frame)
