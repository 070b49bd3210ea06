"""What is recorded is what the layers say, against a NumPy loop in float64 and the layers' own outputs."""

import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from tests.models import tiny_captioner

TEXT = 'he said: "to be or not to be", and "that is\nthe question"; she did not'
D, U = 3, 4


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def language_model(cell="lstm", **options):
    keras.utils.set_random_seed(0)
    model = ks.models.LanguageModel(ks.data.Characters(TEXT), cell=cell, units=6, **options)
    model.build((None, None))
    for layer in model.recurrent_layers:  # biases are zero at the start, and would not be missed
        for weight in layer.trainable_variables:
            weight.assign(np.random.default_rng(1).standard_normal(weight.shape) * 0.5)
    return model


def by_numpy(layer, x):
    """Name -> (T, U) of an LSTM, GRU (reset_after or not) or SimpleRNN over x (T, D), in float64."""
    kernel, recurrent, bias = (np.asarray(w, "float64") for w in layer.get_weights())
    units, found = layer.units, []
    h = c = np.zeros(units)
    for row in x:
        if isinstance(layer, keras.layers.LSTM):
            i, f, g, o = np.split(row @ kernel + h @ recurrent + bias, 4)
            i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
            c = f * c + i * g
            h = o * np.tanh(c)
            found.append({"hidden": h, "cell": c, "input": i, "forget": f, "candidate": g, "output": o})
        elif isinstance(layer, keras.layers.GRU):
            after = layer.reset_after
            of_x, of_h = (bias[0], bias[1]) if after else (bias, np.zeros(3 * units))
            xz, xr, xg = np.split(row @ kernel + of_x, 3)
            hz, hr, hg = np.split(h @ recurrent + of_h, 3)
            z, r = sigmoid(xz + hz), sigmoid(xr + hr)
            g = np.tanh(xg + (r * hg if after else (r * h) @ recurrent[:, 2 * units :]))
            h = z * h + (1 - z) * g
            found.append({"hidden": h, "update": z, "reset": r, "candidate": g})
        else:
            h = np.tanh(row @ kernel + h @ recurrent + bias)
            found.append({"hidden": h})
    return {name: np.stack([one[name] for one in found]) for name in found[0]}


@pytest.mark.parametrize("cell", ["lstm", "gru", "simple_rnn"])
def test_a_language_model_by_numpy(cell):
    model = language_model(cell)
    found = ks.inspection.record(model, TEXT, piece=7)
    assert found.text == TEXT
    tokens = model.vocabulary.encode(TEXT)
    x = np.eye(len(model.vocabulary))[tokens]
    for k, layer in enumerate(model.recurrent_layers):
        wanted = by_numpy(layer, x)
        assert list(found.layers[f"{cell}_{k}"]) == list(wanted)
        for state, values in wanted.items():
            np.testing.assert_allclose(found.values(f"{cell}_{k}", state), values, atol=2e-5)
        x = wanted["hidden"]
    kernel, bias = (np.asarray(w, "float64") for w in model.output_layer.get_weights())
    shares = np.exp(x @ kernel + bias)
    shares /= shares.sum(1, keepdims=True)
    assert np.isnan(found.probability[0])
    np.testing.assert_allclose(found.probability[1:], shares[np.arange(len(TEXT) - 1), tokens[1:]], rtol=1e-4)


@pytest.mark.parametrize("layers", [keras.layers, ks.layers], ids=["keras", "ours"])
@pytest.mark.parametrize("options", [{"reset_after": True}, {"reset_after": False}, {"use_bias": False}])
def test_any_layer_by_its_own_outputs(layers, options):
    keras.utils.set_random_seed(0)
    gru = layers.GRU(U, return_sequences=True, name="gru", bias_initializer="normal", **options)
    model = keras.Sequential([keras.Input((None, D)), gru, layers.LSTM(U, return_sequences=True, name="lstm")])
    x = np.random.default_rng(0).standard_normal((1, 11, D)).astype("float32")
    found = ks.inspection.record(model, x, piece=4)
    np.testing.assert_allclose(found.values("gru"), gru(x)[0], atol=1e-6)
    np.testing.assert_allclose(found.values("lstm"), model(x)[0], atol=1e-6)
    if options.get("use_bias", True):
        for state, values in by_numpy(gru, x[0]).items():
            np.testing.assert_allclose(found.values("gru", state), values, atol=1e-5)
    z, before = found.values("gru", "update"), np.vstack([np.zeros((1, U)), found.values("gru")[:-1]])
    again = z * before + (1 - z) * found.values("gru", "candidate")
    np.testing.assert_allclose(again, found.values("gru"), atol=1e-6)
    assert found.tokens == [str(k) for k in range(11)] and found.probability is None


def test_both_directions_and_a_mask():
    keras.utils.set_random_seed(0)
    both = keras.layers.Bidirectional(keras.layers.LSTM(U, return_sequences=True))
    model = keras.Sequential([keras.Input((None, D)), keras.layers.Masking(), both])
    x = np.random.default_rng(0).standard_normal((1, 6, D)).astype("float32")
    x[0, 4:] = 0
    found = ks.inspection.record(model, x, text="abcdef")
    said, (forward, backward) = model(x)[0], found.layers
    np.testing.assert_allclose(found.values(forward)[:4], said[:4, :U], atol=1e-6)
    np.testing.assert_allclose(found.values(backward)[:4], said[:4, U:], atol=1e-6)
    np.testing.assert_array_equal(found.values(forward)[4:], found.values(forward)[[3, 3]])
    assert (found.values(backward)[4:] == 0).all() and (found.values(forward, "forget")[4:] == 0).all()


def test_inside_the_captioners_decoder():
    model = tiny_captioner.captioner(attention="soft", cell="lstm")
    image = np.asarray(tiny_captioner.pictures(1)[0])[None]
    inputs = {"image": image, "tokens": np.array([[1, 4, 5, 6]])}
    said = model(inputs)
    found = ks.inspection.record(model, inputs, text=["<start>", "a", "red", "circle"])
    (name,) = found.layers
    assert found.values(name, "cell").shape == (4, found.units(name)) and 0 < found.values(name, "forget").min() < 1
    np.testing.assert_allclose(
        found.values(name),
        found.values(name, "output") * np.tanh(found.values(name, "cell")),
        atol=1e-6,
    )
    np.testing.assert_array_equal(model(inputs), said)


@pytest.mark.parametrize("kind", ["npz", "h5"])
def test_files(tmp_path, kind):
    model = language_model(layers=1)
    inside = ks.inspection.record(model, TEXT)
    path = tmp_path / f"states.{kind}"
    found = ks.inspection.record(model, TEXT, path)
    assert found.tokens == inside.tokens and found.units("lstm_0") == 6
    for state in inside.layers["lstm_0"]:
        np.testing.assert_array_equal(found.values("lstm_0", state), inside.values("lstm_0", state))
    np.testing.assert_array_equal(found.values("lstm_0", "cell", 2), inside.values("lstm_0", "cell")[:, 2])
    np.testing.assert_array_equal(found.probability, inside.probability)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    half = ks.inspection.record(model, TEXT, tmp_path / f"half.{kind}", dtype="float16", gates=False)
    assert list(half.layers["lstm_0"]) == ["hidden", "cell"] and half.layers["lstm_0"]["hidden"].dtype == "float16"
    np.testing.assert_allclose(half.values("lstm_0"), inside.values("lstm_0"), atol=1e-3)


def test_states_of_the_model_stay():
    model = language_model(layers=1)
    with ks.layers.stream_scope("training"):
        model(np.ones((2, 3), int))
    before = model.recurrent_layers[0].get_states("training")
    ks.inspection.record(model, TEXT)
    keras.tree.map_structure(np.testing.assert_array_equal, before, model.recurrent_layers[0].get_states("training"))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 nothing", b"\x89HDF\r\n\x1a\n nothing"])
@pytest.mark.parametrize("kind", ["npz", "h5"])
def test_a_damaged_file_is_named(tmp_path, data, kind):
    path = tmp_path / f"states.{kind}"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=f"states.{kind}: expected a recording"):
        ks.inspection.load_recording(path)


def test_an_archive_of_objects_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", tokens=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="a.npz: expected a recording"):
        ks.inspection.load_recording(tmp_path / "a.npz")
    assert zipfile.is_zipfile(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"path": "states.txt"}, ValueError, r"path: expected it to end in .npz, .h5, .hdf5, received 'states.txt'"),
        ({"dtype": "int8"}, ValueError, "dtype: expected 'float32' or 'float16'"),
        ({"piece": 0}, ValueError, "piece: expected an int >= 1, received 0"),
        ({"inputs": ""}, ValueError, "inputs: expected a text, received an empty one"),
        (
            {"inputs": np.ones((2, 5), int)},
            ValueError,
            r"inputs: expected one sequence, .* received shapes \[\(2, 5\)\]",
        ),
        ({"text": ["a"]}, ValueError, "text: expected 70 str, one for each step, received 1"),
    ],
)
def test_bad_input(change, error, message):
    with pytest.raises(error, match=message):
        ks.inspection.record(**{"model": language_model(layers=1), "inputs": TEXT, **change})


def test_a_text_needs_a_vocabulary():
    model = keras.Sequential([keras.Input((None, D)), keras.layers.LSTM(U)])
    with pytest.raises(TypeError, match="inputs: a text needs a model with a vocabulary"):
        ks.inspection.record(model, "text")
    recorded = ks.inspection.record(model, tf.ones((1, 3, D)))
    with pytest.raises(ValueError, match="layer, state: expected of .* received 'gru', 'hidden'"):
        recorded.values("gru")
    with pytest.raises(ValueError, match=f"unit: expected 0 to {U - 1} of"):
        recorded.values(next(iter(recorded.layers)), unit=U)
