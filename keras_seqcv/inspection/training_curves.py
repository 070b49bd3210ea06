"""Curves of one or several trainings, as one figure."""

import os
from collections.abc import Mapping

import numpy as np

from keras_seqcv.inspection.figures import check_png, new_figure, save_png

_COLUMNS = 3


def plot_curves(histories: Mapping, path: str | os.PathLike | None = None, metrics: list[str] | None = None):
    """Training curves: a panel for each metric, a colour for each run, training dashed and validation solid.

    Epochs without a number (NaN) are left out, and the curve goes on from the one before to the one after. A metric
    with fewer numbers than the run has epochs has one after every k-th, as from `fit(validation_freq=k)`.

    Args:
        histories: dict from the name of a run to what `fit` returned or to its `history`, a dict from the name of a
            metric to a list of one number per epoch.
        path: PNG file for the figure, or None.
        metrics: which metrics, in this order, named without "val_". None: all.

    Returns:
        matplotlib Figure. A notebook shows it; it does not belong to pyplot, so there is nothing to close.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: an argument of a wrong type.
        ValueError: no run, no metric, or one that no run has; a metric with so many numbers that it cannot be told
            after which epochs they came.
        OSError: the file cannot be written; it names the file.

    Example:
        >>> runs = {"LSTM": {"loss": [2.0, 1.5], "val_loss": [2.1, 1.8]}, "GRU": {"loss": [1.9, 1.6, 1.5]}}
        >>> figure = ks.inspection.plot_curves(runs, "curves.png")
        >>> [axes.get_title() for axes in figure.axes], len(figure.axes[0].lines)
        (['loss'], 3)
    """
    check_png(path)
    runs = _checked(histories)
    known = list(dict.fromkeys(key.removeprefix("val_") for curves in runs.values() for key in curves))
    if metrics is None:
        metrics = known
    elif isinstance(metrics, str) or not isinstance(metrics, (list, tuple)):
        raise TypeError(f"`metrics` must be a list of names, received {type(metrics).__name__}")
    if wrong := [name for name in metrics if name not in known]:
        raise ValueError(f'`metrics` must be of {known}, named without "val_", received {wrong}')
    if not metrics:
        raise ValueError("`metrics` must name at least one metric, received none")
    figure = _figure(runs, list(metrics))
    if path is not None:
        save_png(figure, path)
    return figure


def _checked(histories) -> dict[str, dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Returns for each run its curves: metric -> (epochs, values), without those that are NaN."""
    if not isinstance(histories, Mapping):
        raise TypeError(f"`histories` must be a dict from name to history, received {type(histories).__name__}")
    if not histories:
        raise ValueError("`histories` must hold at least one run, received none")
    runs = {}
    for name, history in histories.items():
        curves = getattr(history, "history", history)
        if not isinstance(curves, Mapping):
            raise TypeError(f"`histories[{name!r}]` must be a History or a dict, received {type(curves).__name__}")
        arrays = {}
        for key, values in curves.items():
            values = np.asarray(values)
            if not isinstance(key, str):
                raise TypeError(f"`histories[{name!r}]` must have names of metrics, received {key!r}")
            if values.ndim != 1 or values.dtype.kind not in "iuf":
                raise ValueError(
                    f"`histories[{name!r}][{key!r}]` must be a list of numbers, one per epoch, "
                    f"received {values.dtype} of shape {values.shape}"
                )
            arrays[key] = values.astype("float64")
        epochs = _epochs(getattr(history, "epoch", None), arrays)
        runs[name] = {key: _points(epochs, a, f"histories[{name!r}][{key!r}]") for key, a in arrays.items()}
    return runs


def _epochs(numbers: list[int] | None, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Epochs of a run, counted from 1; `numbers` are those that a History knows, counted from 0."""
    longest = max((len(values) for values in arrays.values()), default=0)
    if numbers is None or len(numbers) < longest:  # a History in a second `fit` forgets the epochs of the first
        return np.arange(1, longest + 1)
    return np.asarray(numbers) + 1


def _points(epochs: np.ndarray, values: np.ndarray, argument: str) -> tuple[np.ndarray, np.ndarray]:
    """Epochs and values of one curve."""
    if len(values) < len(epochs):
        ways = [epochs[epochs % k == 0] for k in range(2, max(epochs) + 1)]
        ways = {tuple(way.tolist()) for way in ways if len(way) == len(values)}
        if len(values) and len(ways) != 1:
            raise ValueError(
                f"`{argument}` must have a number for each epoch or for every k-th, NaN where there is none, "
                f"received {len(values)} for {len(epochs)} epochs"
            )
        epochs = np.array(ways.pop() if len(values) else [])
    there = np.isfinite(values)
    return epochs[there], values[there]


def _figure(runs: dict, metrics: list[str]):
    from matplotlib.ticker import MaxNLocator

    columns = min(_COLUMNS, len(metrics))
    rows = -(-len(metrics) // columns)
    figure = new_figure("plot_curves", 4.2 * columns, 3.0 * rows + 0.4)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, metric in zip(grid, metrics):
        for color, curves in zip(_colors(len(runs)), runs.values()):
            for key, style in ((metric, "--"), (f"val_{metric}", "-")):
                if key in curves:
                    x, y = curves[key]
                    marker = "o" if len(x) == 1 else None  # a line of one point is not seen
                    axes.plot(x, y, marker=marker, linewidth=1.5, linestyle=style, color=color)
        axes.set_title(metric, fontsize=11, parse_math=False)
        axes.set_xlabel("epoch", fontsize=9)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0.02)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in grid[len(metrics) :]:
        axes.remove()
    _legend(figure, runs)
    return figure


def _colors(count: int) -> list:
    """So many colours, all different: matplotlib's own ten begin anew after the tenth."""
    import matplotlib

    return (
        [f"C{number}" for number in range(count)]
        if count <= 10
        else list(matplotlib.colormaps["turbo"].resampled(count)(range(count)))
    )


def _legend(figure, runs: dict) -> None:
    from matplotlib.lines import Line2D

    entries = [Line2D([], [], color=c, linewidth=3, label=str(name)) for c, name in zip(_colors(len(runs)), runs)]
    present = {key.startswith("val_") for curves in runs.values() for key in curves}
    if False in present:
        entries.append(Line2D([], [], color="0.4", linestyle="--", label="training"))
    if True in present:
        entries.append(Line2D([], [], color="0.4", label="validation"))
    columns = min(6, len(entries), int(figure.get_figwidth() // 2))  # names of a few words have place in two inches
    legend = figure.legend(handles=entries, loc="outside upper center", ncols=columns, frameon=False)
    for text in legend.get_texts():
        text.set_parse_math(False)
        text.set_fontsize(9)
