"""Figures of gradients: what is drawn is what was measured."""

import numpy as np
import pytest
from PIL import Image

import keras_seqcv as ks
from keras_seqcv.inspection import GradientFlow, Spectrum


def flow(norm=0.5, layers=("rnn",), cell=False, spectra=True):
    rows = {
        name: {"hidden": np.array([[norm, 0.0, 2.0]])} | ({"cell": np.ones((1, 3))} if cell else {}) for name in layers
    }
    kernel = {"candidate": Spectrum(np.array([0.5 + 0.5j, 0.5 - 0.5j]), np.array([1.0, 0.2]))}
    return GradientFlow(1.0, rows, {"w": 1.0}, {name: kernel if spectra else {} for name in layers})


def test_curves_are_the_norms_with_a_gap_at_zero(tmp_path):
    figure = ks.inspection.plot_gradient_flow({"before": flow(), "after": flow(0.1)}, tmp_path / "flow.png")
    (axes,) = figure.axes
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [0.5, np.nan, 2.0])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["before", "after"]
    assert axes.get_yscale() == "log" and Image.open(tmp_path / "flow.png").format == "PNG"


def test_layers_are_named_where_there_are_several():
    figure = ks.inspection.plot_gradient_flow({"a": flow(layers=("low", "$x$"))})
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["a, low", "a, $x$"]
    both = ks.inspection.plot_gradient_flow({"a": flow(), "b": flow(cell=True)}, state="cell")
    assert len(both.axes[0].lines) == 1


def test_a_panel_for_each_gate(tmp_path):
    figure = ks.inspection.plot_spectrum({"a": flow(layers=("x", "y")), "b": flow(layers=("x",))}, tmp_path / "s.png")
    assert [axes.get_title() for axes in figure.axes] == ["x, candidate", "y, candidate"]
    assert [len(axes.collections) for axes in figure.axes] == [2, 1]
    np.testing.assert_allclose(figure.axes[0].collections[0].get_offsets(), [[0.5, 0.5], [0.5, -0.5]])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ks.inspection.plot_gradient_flow([1]), TypeError, "`flows` must be a GradientFlow or a dict .* list"),
        (lambda: ks.inspection.plot_spectrum({"a": 1}), TypeError, "`flows` must be .* received a dict with int"),
        (lambda: ks.inspection.plot_spectrum({}), ValueError, "`flows` must hold at least one"),
        (lambda: ks.inspection.plot_spectrum(flow(spectra=False)), ValueError, "a layer of Keras's own cells"),
        (lambda: ks.inspection.plot_gradient_flow(flow(), state="cell"), ValueError, "`state` must be .* 'cell'"),
        (lambda: ks.inspection.plot_gradient_flow(flow(), "a.jpg"), ValueError, "`path` must end in .png"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
