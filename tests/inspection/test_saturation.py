"""How often gates are saturated, against counting by hand; and the figure shows it."""

import numpy as np
import pytest

import keras_seqcv as ks

saturation, plot = ks.inspection.saturation, ks.inspection.plot_saturation


def recording(**gates):
    states = {name: np.array(values, "float32") for name, values in gates.items()}
    return ks.inspection.Recording(["a"] * len(next(iter(states.values()))), {"rnn": states}, None)


def test_shares_by_hand():
    gates = {"forget": [[0.05, 0.95], [0.05, 0.5], [0.5, 0.95], [0.1, 0.9]], "candidate": [[-1, 1]] * 4}
    for times in (1, 3000):  # read at once, and in two parts
        found = saturation(recording(**{name: values * times for name, values in gates.items()}))
        assert list(found["rnn"]) == ["forget"]
        gate = found["rnn"]["forget"]
        assert gate.left.tolist() == [0.5, 0] and gate.right.tolist() == [0, 0.5]
        assert gate.between.tolist() == [0.5, 0.5]
    wide = saturation(recording(**gates), 0.2, 0.8)["rnn"]["forget"]
    assert wide.left.tolist() == [0.75, 0] and wide.right.tolist() == [0, 0.75]


@pytest.mark.parametrize(("cell", "gates"), [("lstm", ["input", "forget", "output"]), ("gru", ["update", "reset"])])
def test_of_a_model_whose_gates_are_known(cell, gates):
    """Without input and with a bias of 10 every gate is open, always; with -10 it is shut."""
    model = ks.models.LanguageModel(ks.data.Characters("ab"), cell=cell, layers=1, units=3)
    model.build((None, None))
    layer = model.recurrent_layers[0]
    kernel, recurrent, bias = layer.get_weights()
    for value, side in ((10, "right"), (-10, "left")):
        layer.set_weights([0 * kernel, 0 * recurrent, 0 * bias + value / (2 if cell == "gru" else 1)])
        found = saturation(ks.inspection.record(model, "abba"))[f"{cell}_0"]
        assert list(found) == gates
        assert all(getattr(gate, side).tolist() == [1, 1, 1] for gate in found.values())


def test_the_figure_has_a_point_for_each_unit(tmp_path):
    one = ks.inspection.Saturation(np.array([0.1, 0.9]), np.array([0.8, 0.0]))
    figure = plot({"lstm_0": {"input": one, "forget": one}, "gru": {"reset": one}}, tmp_path / "a.png")
    assert [axes.get_title() for axes in figure.axes] == ["input", "forget", "reset"]
    np.testing.assert_array_equal(figure.axes[0].collections[0].get_offsets(), [[0.8, 0.1], [0, 0.9]])
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="left, right: expected 0 < left <= right < 1, received 0.9, 0.1"):
        saturation(recording(forget=[[0.5]]), 0.9, 0.1)
    with pytest.raises(ValueError, match=r"expected gates, it has \{'rnn': \['hidden'\]\}"):
        saturation(recording(hidden=[[0.5]]))
    with pytest.raises(ValueError, match="found: expected gates of layers"):
        plot({})
    with pytest.raises(ValueError, match="must end in .png"):
        plot({}, "a.pdf")
