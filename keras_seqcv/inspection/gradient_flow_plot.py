"""Gradients over the steps of a sequence, and the spectra of recurrent kernels, as figures."""

import math
import os
from collections.abc import Mapping

import numpy as np

from keras_seqcv.inspection.figures import check_png, new_figure, save_png
from keras_seqcv.inspection.gradient_flow import GradientFlow

_COLUMNS = 4


def plot_gradient_flow(flows, path: str | os.PathLike | None = None, state: str = "hidden"):
    """The norm of dL/dh_t over the steps t, on a logarithmic scale: a curve for each layer of each flow.

    A straight line that falls to the left is a gradient that vanishes, by the same factor at each step back; one that
    rises to the left explodes. Where a norm is zero the curve has a gap.

    Args:
        flows: a `GradientFlow`, or a dict from a label to one.
        path: PNG file for the figure, or None.
        state: "hidden", or "cell" for dL/dc_t; layers without that state are left out.

    Returns:
        matplotlib Figure.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: an argument of a wrong type.
        ValueError: no flow, or no layer with that state.
        OSError: the file cannot be written; it names the file.

    Example:
        >>> model = keras.Sequential([keras.Input((9, 2)), keras.layers.SimpleRNN(8), keras.layers.Dense(1)])
        >>> flow = ks.inspection.gradient_flow(model, (np.ones((4, 9, 2)), np.ones((4, 1))), loss="mse")
        >>> len(ks.inspection.plot_gradient_flow({"start": flow}, "flow.png").axes[0].lines)
        1
    """
    check_png(path)
    curves = _curves(_named(flows), state)
    figure = new_figure("plot_gradient_flow", 7.0, 3.6)
    axes = figure.subplots()
    for label, norms in curves.items():
        there = np.where(norms > 0, norms, np.nan)
        axes.plot(np.arange(1, len(norms) + 1), there, linewidth=1.6, label=label, marker="" if len(norms) > 1 else "o")
    axes.set_yscale("log")
    letter = "c" if state == "cell" else "h"
    axes.set_xlabel("step $t$ of the sequence", fontsize=9)
    axes.set_ylabel(rf"$\Vert\partial L / \partial {letter}_t\Vert$", fontsize=10)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    legend = axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    for text in legend.get_texts():
        text.set_parse_math(False)
    if path is not None:
        save_png(figure, path)
    return figure


def plot_spectrum(flows, path: str | os.PathLike | None = None):
    """The eigenvalues of recurrent kernels in the complex plane, with the unit circle: a panel for each gate.

    Args:
        flows: a `GradientFlow`, or a dict from a label to one: of the same layer and gate they share a panel.
        path: PNG file for the figure, or None.

    Returns:
        matplotlib Figure.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: an argument of a wrong type.
        ValueError: no flow, or none with a kernel that is known.
        OSError: the file cannot be written; it names the file.

    Example:
        >>> model = keras.Sequential([keras.Input((9, 2)), keras.layers.GRU(8), keras.layers.Dense(1)])
        >>> flow = ks.inspection.gradient_flow(model, (np.ones((4, 9, 2)), np.ones((4, 1))), loss="mse")
        >>> [axes.get_title().split(", ")[1] for axes in ks.inspection.plot_spectrum(flow).axes]
        ['update', 'reset', 'candidate']
    """
    check_png(path)
    panels = {}
    for label, flow in _named(flows).items():
        for layer, gates in flow.spectra.items():
            for gate, spectrum in gates.items():
                panels.setdefault(f"{layer}, {gate}", {})[label] = spectrum
    if not panels:
        raise ValueError("`flows` must have a layer of Keras's own cells, received none")
    columns = min(_COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = new_figure("plot_spectrum", 2.7 * columns, 2.8 * rows + 0.3)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (title, spectra) in zip(grid, panels.items()):
        _plane(axes, title, spectra)
    for axes in grid[len(panels) :]:
        axes.remove()
    handles, labels = grid[0].get_legend_handles_labels()
    if labels != [""]:
        figure.legend(handles, labels, loc="outside upper center", ncols=min(6, len(labels)), frameon=False, fontsize=9)
    if path is not None:
        save_png(figure, path)
    return figure


def _plane(axes, title: str, spectra: dict) -> None:
    turn = np.linspace(0, 2 * np.pi, 200)
    axes.plot(np.cos(turn), np.sin(turn), color="0.6", linewidth=1)
    for label, spectrum in spectra.items():
        values = spectrum.eigenvalues
        axes.scatter(values.real, values.imag, s=9, alpha=0.75, linewidths=0, label=label)
    axes.set_title(title, fontsize=9, parse_math=False)
    axes.set_aspect("equal")
    axes.tick_params(labelsize=7)
    axes.grid(alpha=0.25)


def _named(flows) -> dict:
    named = {"": flows} if isinstance(flows, GradientFlow) else flows
    if not isinstance(named, Mapping):
        raise TypeError(f"`flows` must be a GradientFlow or a dict of them, received {type(flows).__name__}")
    if wrong := [type(flow).__name__ for flow in named.values() if not isinstance(flow, GradientFlow)]:
        raise TypeError(f"`flows` must be a GradientFlow or a dict of them, received a dict with {wrong[0]}")
    if not named:
        raise ValueError("`flows` must hold at least one GradientFlow, received none")
    return dict(named)


def _curves(named: dict, state: str) -> dict:
    """Label -> norms (T,): of a flow with one layer its own label, of several with the layer's name."""
    curves = {}
    for label, flow in named.items():
        layers = [layer for layer in flow.layers if state in flow.rows[layer]]
        for layer in layers:
            parts = [str(label), layer] if len(layers) > 1 or not label else [str(label)]
            curves[", ".join(part for part in parts if part)] = flow.norms(layer, state)
    if not curves:
        raise ValueError(f"`state` must be one that a layer has, received {state!r}")
    return curves
