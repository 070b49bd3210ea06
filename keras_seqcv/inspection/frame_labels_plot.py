"""What a model says of each frame of a clip, over time, as one figure."""

import os
from collections.abc import Sequence

import numpy as np

from keras_seqcv.inspection.figures import check_png, new_figure, save_png

_WIDTH = 8.0  # inches
_ROW = 0.24
_SHOWN = 12  # frames at most


def plot_frame_labels(
    found,
    names: Sequence[str],
    truth: Sequence[str] | None = None,
    frames: np.ndarray | None = None,
    path: str | os.PathLike | None = None,
):
    """A row for each label and a column for each frame, as dark as the model is sure.

    A line goes through the labels that are true; a cross is where the likeliest label is another one. Above are some of
    the frames.

    Args:
        found: `StepClassification` of `classify` of a model that labels every frame; or the list of `Classification`
            that `stream` yields: then the figure shows how the label of a clip comes about.
        names: the labels of the model, in its order.
        truth: list of T str, the true labels; or one str, that of the clip; or None.
        frames: (T, H, W, 3) uint8, or None.
        path: PNG file for the figure, or None.

    Returns:
        matplotlib Figure. A notebook shows it; it does not belong to pyplot, so there is nothing to close.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError, ValueError: what is given is not as above, or of different lengths.
        OSError: the file cannot be written; it names the file.

    Example:
        >>> found = ks.models.StepClassification(["still", "left"], np.ones(2), np.eye(2))
        >>> figure = ks.inspection.plot_frame_labels(found, ["still", "left"], ["still", "left"], path="frames.png")
        >>> [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
        ['still', 'left']
    """
    check_png(path)
    shares = _shares(found, names)
    truth = [truth] * len(shares) if isinstance(truth, str) else truth
    _check(shares, names, truth, frames)
    strip = 0 if frames is None else _WIDTH / min(_SHOWN, len(frames)) * frames.shape[1] / frames.shape[2]
    rows = max(0.9, _ROW * len(names))
    figure = new_figure("plot_frame_labels", _WIDTH, strip + rows + 0.6)
    if frames is None:
        axes = figure.subplots()
    else:
        upper, axes = figure.subplots(2, 1, height_ratios=(strip, rows))
        _show(upper, frames)
    _draw(axes, shares, list(names), truth)
    if path is not None:
        save_png(figure, path)
    return figure


def _shares(found, names) -> np.ndarray:
    """Probabilities (T, C)."""
    if hasattr(found, "labels"):
        return np.asarray(found.probabilities)
    if isinstance(found, (str, bytes)) or not hasattr(found, "__len__") or not len(found):
        expected = "a StepClassification or a list of Classification"
        raise TypeError(f"`found` must be {expected}, received {type(found).__name__}")
    try:
        return np.array([[one.probabilities[name] for name in names] for one in found])
    except KeyError as error:
        raise ValueError(f"`names` must be the labels of the model, received one that it has not: {error}") from None


def _check(shares, names, truth, frames) -> None:
    if shares.shape[1] != len(names):
        raise ValueError(f"`names` must be the {shares.shape[1]} labels of the model, received {len(names)}")
    if truth is not None and len(truth) != len(shares):
        raise ValueError(f"`truth` must be {len(shares)} labels, one for each frame, received {len(truth)}")
    if unknown := [label for label in truth or () if label not in names]:
        raise ValueError(f"`truth` must be labels of {list(names)}, received {unknown[0]!r}")
    if frames is not None:
        shape = np.shape(frames)
        if len(shape) != 4 or shape[0] != len(shares) or shape[3] != 3 or np.asarray(frames).dtype != np.uint8:
            raise ValueError(f"`frames` must be uint8 ({len(shares)}, H, W, 3), received {shape}")


def _show(axes, frames) -> None:
    """Some frames side by side, each over the middle of its share of the time axis."""
    count = min(_SHOWN, len(frames))
    chosen = ((np.arange(count) + 0.5) * len(frames) / count).astype(int)
    height, width = frames.shape[1:3]
    gap = max(1, width // 24)
    strip = np.full((height, count * (width + gap), 3), 255, "uint8")
    for k, t in enumerate(chosen):
        strip[:, k * (width + gap) + gap // 2 :][:, :width] = frames[t]
    axes.imshow(strip, aspect="auto", interpolation="nearest")
    axes.set_axis_off()


def _draw(axes, shares, names, truth) -> None:
    count = len(shares)
    axes.imshow(shares.T, cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    if truth is not None:
        places = np.array([names.index(label) for label in truth])
        edges = np.arange(count + 1) - 0.5
        axes.step(edges, [*places, places[-1]], where="post", color="tab:orange", linewidth=1.5, label="true")
        likeliest = shares.argmax(1)
        wrong = np.flatnonzero(likeliest != places)
        axes.plot(wrong, likeliest[wrong], "x", color="tab:red", markersize=4)
        axes.set_title(f"{1 - len(wrong) / count:.0%} of {count} frames right", fontsize=9)
    axes.set_yticks(range(len(names)), names, fontsize=8, parse_math=False)
    axes.set_xlim(-0.5, count - 0.5)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("frame", fontsize=9)
    axes.tick_params(axis="x", labelsize=8)
