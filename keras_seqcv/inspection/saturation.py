"""How often gates are open or shut, unit by unit."""

import dataclasses
import os

import numpy as np

from keras_seqcv.inspection.figures import check_png, new_figure, save_png
from keras_seqcv.inspection.recording import Recording

# A candidate is no gate: it goes from -1 to 1.
_GATES = ("input", "forget", "output", "update", "reset")
_PANEL = 2.6  # inches
_STEPS = 10_000  # that are read at once


@dataclasses.dataclass(frozen=True)
class Saturation:
    """Of each unit of a gate, the share of steps at which it is near 0, `left` (U,), and near 1, `right` (U,).

    Example:
        >>> ks.inspection.Saturation(np.array([0.5]), np.array([0.25])).between
        array([0.25])
    """

    left: np.ndarray
    right: np.ndarray

    @property
    def between(self) -> np.ndarray:
        """The share of the other steps, (U,)."""
        return 1 - self.left - self.right


def saturation(recording: Recording, left: float = 0.1, right: float = 0.9) -> dict:
    """The share of steps at which each gate is saturated: g_t < left, and g_t > right.

    A forget gate that is always right-saturated remembers; an input gate that is always left-saturated never looks.

    Args:
        recording: what `record` gives, with gates.
        left: a gate below is left-saturated.
        right: a gate above is right-saturated, 0 < left <= right < 1.

    Returns:
        Name of a layer -> name of a gate -> `Saturation`.

    Raises:
        ValueError: for other limits, and for a recording without gates.

    Example:

    >>> model = ks.models.LanguageModel(ks.data.Characters("to be"), cell="gru", layers=1, units=4)
    >>> found = ks.inspection.saturation(ks.inspection.record(model, "to be to be"))
    >>> {layer: list(gates) for layer, gates in found.items()}, found["gru_0"]["update"].left.shape
    ({'gru_0': ['update', 'reset']}, (4,))

    Reference:
        Karpathy, Johnson, Fei-Fei: Visualizing and Understanding Recurrent Networks. arXiv 1506.02078, 2015, figure 2.
    """
    if not 0 < left <= right < 1:
        raise ValueError(f"left, right: expected 0 < left <= right < 1, received {left!r}, {right!r}")
    found = {}
    for layer, states in recording.layers.items():
        gates = {name: _shares(states[name], left, right) for name in _GATES if name in states}
        if gates:
            found[layer] = gates
    if not found:
        raise ValueError(f"recording: expected gates, it has { ({k: list(v) for k, v in recording.layers.items()}) }")
    return found


def _shares(array, left, right) -> Saturation:
    below = above = 0
    for first in range(0, len(array), _STEPS):
        part = np.asarray(array[first : first + _STEPS], "float32")
        below, above = below + (part < left).sum(0), above + (part > right).sum(0)
    return Saturation(below / len(array), above / len(array))


def plot_saturation(found: dict, path: str | os.PathLike | None = None):
    """A panel for each gate, a point for each unit: the share of steps near 1 to the right, near 0 upwards.

    Points near the line between the corners are always saturated, one way or the other; points near the origin never.

    Args:
        found: what `saturation` gives.
        path: PNG file for the figure, or None.

    Returns:
        matplotlib Figure. A notebook shows it; it does not belong to pyplot, so there is nothing to close.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: there is nothing to draw, or the path does not end in .png.
        OSError: the file cannot be written; it names the file.

    Example:
        >>> gate = ks.inspection.Saturation(np.array([0.1, 0.9]), np.array([0.8, 0.0]))
        >>> figure = ks.inspection.plot_saturation({"lstm_0": {"input": gate, "forget": gate}}, "saturation.png")
        >>> [axes.get_title() for axes in figure.axes]
        ['input', 'forget']
    """
    check_png(path)
    gates = [gate for gate in _GATES if any(gate in of_layer for of_layer in found.values())]
    if not gates:
        raise ValueError(f"found: expected gates of layers, as `saturation` gives them, received {found!r}")
    figure = new_figure("plot_saturation", _PANEL * len(gates), _PANEL + 0.5)
    panels = figure.subplots(1, len(gates), sharex=True, sharey=True, squeeze=False)[0]
    for axes, gate in zip(panels, gates, strict=True):
        axes.plot([0, 1], [1, 0], color="0.8", linewidth=1)
        for layer, of_layer in found.items():
            if gate in of_layer:
                one = of_layer[gate]
                axes.scatter(one.right, one.left, s=10, alpha=0.6, linewidths=0, label=layer)
        axes.set_title(gate, fontsize=10)
        axes.set_xlabel("share right-saturated", fontsize=8)
        axes.set_aspect("equal")
        axes.tick_params(labelsize=8)
    panels[0].set_ylabel("share left-saturated", fontsize=8)
    panels[-1].legend(fontsize=8)
    if path is not None:
        save_png(figure, path)
    return figure
