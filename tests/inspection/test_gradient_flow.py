"""Gradients by states, against finite differences of a NumPy network in float64 whose states are pushed."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from tests.models import tiny_captioner as captioners

B, T, D, U = 3, 6, 2, 4
KINDS = ["SimpleRNN", "LSTM", "GRU"]


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def step(kind, x, states, kernel, recurrent, bias, push=0.0):
    """One step by its equations, (B, U) each; `push` is added to the cell of an LSTM."""
    if kind == "SimpleRNN":
        return [np.tanh(x @ kernel + states[0] @ recurrent + bias)]
    if kind == "LSTM":
        i, f, g, o = np.split(x @ kernel + states[0] @ recurrent + bias, 4, axis=1)
        c = sigmoid(f) * states[1] + sigmoid(i) * np.tanh(g) + push
        return [sigmoid(o) * np.tanh(c), c]
    xz, xr, xg = np.split(x @ kernel + bias[0], 3, axis=1)
    hz, hr, hg = np.split(states[0] @ recurrent + bias[1], 3, axis=1)
    z = sigmoid(xz + hz)
    return [z * states[0] + (1 - z) * np.tanh(xg + sigmoid(xr + hr) * hg)]


def loss_by_numpy(kind, weights, x, y, push=None):
    """Two layers and a Dense; `push` is (layer, step, state, array (B, U)), which is added to that state."""
    *layers, (kernel, bias) = weights
    states = [[np.zeros((B, U))] * (2 if kind == "LSTM" else 1) for _ in layers]
    for t in range(T):
        given = x[:, t]
        for k, layer in enumerate(layers):
            pushed = push[2:] if push is not None and push[:2] == (k, t) else (None, 0.0)
            states[k] = step(kind, given, states[k], *layer, push=pushed[1] if pushed[0] == 1 else 0.0)
            if pushed[0] == 0:
                states[k][0] = states[k][0] + pushed[1]
            given = states[k][0]
    return np.mean((given @ kernel + bias - y) ** 2)


def finite_differences(kind, weights, x, y, layer, t, state, size=1e-5):
    found = np.zeros((B, U))
    for place in np.ndindex(B, U):
        push = np.zeros((B, U))
        push[place] = size
        more, less = (loss_by_numpy(kind, weights, x, y, (layer, t, state, sign * push)) for sign in (1, -1))
        found[place] = (more - less) / (2 * size)
    return found


def network(layers, kind):
    keras.utils.set_random_seed(4)
    recurrent = [getattr(layers, kind)(U, return_sequences=k == 0, name=f"layer_{k}") for k in range(2)]
    model = keras.Sequential([keras.Input((T, D)), *recurrent, keras.layers.Dense(1)])
    model.compile(loss="mse")
    return model


def batch():
    rng = np.random.default_rng(0)
    return rng.standard_normal((B, T, D)).astype("float32"), rng.standard_normal((B, 1)).astype("float32")


@pytest.mark.parametrize("layers", [keras.layers, ks.layers], ids=["keras", "ours"])
@pytest.mark.parametrize("kind", KINDS)
def test_equals_finite_differences(layers, kind):
    model, (x, y) = network(layers, kind), batch()
    weights = [[np.asarray(w, "float64") for w in layer.get_weights()] for layer in model.layers]
    flow = ks.inspection.gradient_flow(model, (x, y))
    np.testing.assert_allclose(flow.loss, loss_by_numpy(kind, weights, x.astype("float64"), y), rtol=1e-5)
    for layer in range(2):
        for k, state in enumerate(["hidden", "cell"] if kind == "LSTM" else ["hidden"]):
            for t in (0, 3, T - 1):
                wanted = finite_differences(kind, weights, x.astype("float64"), y, layer, t, k)
                found = flow.rows[f"layer_{layer}"][state]
                np.testing.assert_allclose(found[:, t], np.linalg.norm(wanted, axis=1), rtol=2e-4, atol=1e-7)
                norm = flow.norms(f"layer_{layer}", state)[t]
                np.testing.assert_allclose(norm, np.linalg.norm(wanted), rtol=2e-4, atol=1e-7)


def test_gradients_by_weights_are_those_of_a_step_of_fit():
    model, (x, y) = network(ks.layers, "GRU"), batch()
    flow = ks.inspection.gradient_flow(model, (x, y))
    before = model.get_weights()
    model.compile(keras.optimizers.SGD(1.0), "mse")
    model.train_on_batch(x, y)
    moved = [a - b for a, b in zip(before, model.get_weights(), strict=True)]
    found = [flow.weights[v.path] for v in model.trainable_variables]
    np.testing.assert_allclose(found, [np.linalg.norm(m) for m in moved], rtol=1e-4)
    np.testing.assert_allclose(flow.global_norm, np.sqrt(sum(np.sum(m**2) for m in moved)), rtol=1e-4)


def test_what_is_masked_has_none():
    layer = keras.layers.LSTM(U, name="lstm")
    model = keras.Sequential([keras.Input((T, D)), keras.layers.Masking(), layer, keras.layers.Dense(1)])
    model.compile(loss="mse")
    x, y = batch()
    x[0, 4:] = 0
    rows = ks.inspection.gradient_flow(model, (x, y)).rows["lstm"]["hidden"]
    assert (rows[0, 4:] == 0).all() and (rows[0, :4] > 0).all() and (rows[1:] > 0).all()
    # What is behind a row's end does not count: its last step is the one that the loss reads.
    short = keras.Sequential([keras.Input((4, D)), layer, model.layers[-1]])
    alone = ks.inspection.gradient_flow(short, (x[:1, :4], y[:1]), loss="mse").rows["lstm"]["hidden"]
    np.testing.assert_allclose(alone[0] / B, rows[0, :4], rtol=1e-5)  # the mean over B rows


def test_both_directions_are_in_the_order_of_the_sequence():
    both = keras.layers.Bidirectional(keras.layers.LSTM(U), name="both")
    model = keras.Sequential([keras.Input((T, D)), both, keras.layers.Dense(1)])
    flow = ks.inspection.gradient_flow(model, batch(), loss="mse")
    forward, backward = (flow.norms(name) for name in flow.layers)
    assert forward.argmax() == T - 1 and backward.argmax() == 0  # each ends where the loss reads it


def test_stacked_cells_are_as_layers_on_each_other():
    model = network(keras.layers, "LSTM")
    cells = keras.layers.RNN([keras.layers.LSTMCell(U, name=f"cell_{k}") for k in range(2)], name="rnn")
    stacked = keras.Sequential([keras.Input((T, D)), cells, keras.layers.Dense(1)])
    stacked.set_weights(model.get_weights())
    wanted = ks.inspection.gradient_flow(model, batch())
    found = ks.inspection.gradient_flow(stacked, batch(), loss="mse")
    assert found.layers == ["rnn/cell_0", "rnn/cell_1"] and found.loss == pytest.approx(wanted.loss)
    for name, other in zip(found.layers, wanted.layers, strict=True):
        for state in ("hidden", "cell"):
            np.testing.assert_allclose(found.rows[name][state], wanted.rows[other][state], rtol=1e-4, atol=1e-8)


def test_first_states_that_are_given_and_those_of_a_stream():
    layer, dense = ks.layers.GRU(U, name="gru"), keras.layers.Dense(1)
    inputs, first = keras.Input((T, D)), keras.Input((U,))
    given = keras.Model([inputs, first], dense(layer(inputs, initial_state=first)))
    stream = ks.layers.GRU(U, stateful=True, name="gru")
    carried = keras.Sequential([keras.Input((T, D)), stream, dense])
    stream.set_weights(layer.get_weights())
    carried.compile(loss="mse")
    x, y = batch()
    carried(x, training=True)
    (state,) = stream.get_states("training")
    wanted = ks.inspection.gradient_flow(given, ([x, state], y), loss="mse")
    found = ks.inspection.gradient_flow(carried, (x, y))
    assert found.loss == pytest.approx(wanted.loss) and np.abs(state).max() > 0.1
    np.testing.assert_allclose(found.rows["gru"]["hidden"], wanted.rows["gru"]["hidden"], rtol=1e-4)
    assert found.loss == pytest.approx(float(tf.reduce_mean((carried(x, training=True) - y) ** 2)))  # it goes on there


def test_a_stream_of_other_rows_begins_anew_and_is_kept():
    layer = ks.layers.LSTM(U, stateful=True, name="lstm")
    model = keras.Sequential([keras.Input((T, D)), layer, keras.layers.Dense(1)])
    model.compile(loss="mse")
    x, y = batch()
    alone = ks.inspection.gradient_flow(model, (x[:2], y[:2]))
    model.train_on_batch(x, y)
    model.compile(keras.optimizers.SGD(0.0), "mse")
    before, weights = layer.get_states("training"), model.get_weights()
    flow = ks.inspection.gradient_flow(model, (x[:2], y[:2]))
    keras.tree.map_structure(np.testing.assert_array_equal, before, layer.get_states("training"))
    assert before[0].shape == (B, U) and flow.rows["lstm"]["hidden"].shape == (2, T)
    other = keras.Sequential([keras.Input((T, D)), ks.layers.LSTM(U, name="lstm"), keras.layers.Dense(1)])
    other.set_weights(weights)
    fresh = ks.inspection.gradient_flow(other, (x[:2], y[:2]), loss="mse")
    np.testing.assert_allclose(flow.rows["lstm"]["hidden"], fresh.rows["lstm"]["hidden"], rtol=1e-5)
    assert alone.loss != fresh.loss


def test_the_loss_of_one_step():
    text = "to be or not to be " * 20
    model = ks.models.LanguageModel(ks.data.Characters(text), units=8, cell="lstm")
    model.compile()
    model.build((None, None))
    x, y = next(iter(ks.data.text_streams(text, batch_size=2, steps=12)))
    weights = np.zeros((2, 12), "float32")
    weights[:, 7] = 1
    flow = ks.inspection.gradient_flow(model, (x, y, weights))
    for name in flow.layers:
        assert (flow.norms(name)[8:] == 0).all() and (flow.norms(name)[:8] > 0).all()
        assert (flow.norms(name, "cell")[:8] > 0).all()


def test_nothing_of_the_model_changes():
    layers = [ks.layers.LSTM(U, return_sequences=True, stateful=True), keras.layers.BatchNormalization()]
    model = keras.Sequential(
        [keras.Input((T, D)), *layers, keras.layers.Dropout(0.5), keras.layers.GRU(U, dropout=0.3)]
    )
    model.compile(loss="mse")
    x, _ = batch()
    model.train_on_batch(x, np.zeros((B, U)))
    before = [v.numpy() for v in model.variables], model.layers[0].get_states("training")
    ks.inspection.gradient_flow(model, (x, np.zeros((B, U))))
    after = [v.numpy() for v in model.variables], model.layers[0].get_states("training")
    keras.tree.map_structure(np.testing.assert_array_equal, before, after)


@pytest.mark.parametrize("kind", ["soft", "soft, two GRUs", "after"])
def test_inside_the_captioners_decoder(kind):
    model = captioners.captioner(**captioners.KINDS[kind])
    tokens = captioners.rows(B, T, len(model.vocabulary))
    x = {"features": np.random.default_rng(1).standard_normal((B, 4, 5)).astype("float32"), "tokens": tokens}
    model.compile(keras.optimizers.SGD(1.0), run_eagerly=True)
    weights = np.zeros((B, T), "float32")
    weights[:, 2] = 1  # the loss of the third word alone
    flow = ks.inspection.gradient_flow(model, (x, tokens, weights))
    assert len(flow.layers) == model.options["layers"]
    for norms in map(flow.norms, flow.layers):
        assert (norms[:3] > 0).all() and (norms[3:] == 0).all()
    np.testing.assert_allclose(flow.loss, model.evaluate(x, tokens, sample_weight=weights, verbose=0), rtol=1e-5)
    before = [v.numpy() for v in model.trainable_variables]
    model.train_on_batch(x, tokens, weights)
    moved = [np.linalg.norm(a - v) for a, v in zip(before, model.trainable_variables, strict=True)]
    np.testing.assert_allclose([flow.weights[v.path] for v in model.trainable_variables], moved, rtol=1e-3, atol=1e-6)


def test_spectra():
    model = network(keras.layers, "LSTM")
    kernel = np.zeros((U, 4 * U), "float32")
    kernel[:, U : 2 * U] = np.diag([0.5, -0.9, 0.1, 0.2])
    model.layers[0].cell.recurrent_kernel.assign(kernel)
    found = ks.inspection.gradient_flow(model, batch()).spectra["layer_0"]
    assert list(found) == ["input", "forget", "candidate", "output"]
    assert found["forget"].radius == pytest.approx(0.9) and found["forget"].condition == pytest.approx(9.0)
    np.testing.assert_allclose(found["forget"].singular_values, [0.9, 0.5, 0.2, 0.1], rtol=1e-5)
    assert found["input"].radius == 0 and found["input"].condition == float("inf")


def test_what_is_left_of_a_gradient_is_not_lost_to_its_square():
    """0.5 ** 99 = 1.6e-30, whose square is no number of float32."""
    layer = keras.layers.SimpleRNN(1, activation="linear", name="rnn", use_bias=False)
    model = keras.Sequential([keras.Input((100, D)), layer])
    layer.set_weights([np.ones((D, 1)), np.array([[0.5]])])
    model.compile(loss="mse")
    norms = ks.inspection.gradient_flow(model, (np.zeros((1, 100, D)), np.ones((1, 1)))).norms("rnn")
    np.testing.assert_allclose(norms, 2 * 0.5 ** np.arange(99.0, -1, -1), rtol=1e-5)


def test_weights_that_training_broke():
    model = network(ks.layers, "GRU")
    model.layers[0].cell.recurrent_kernel.assign(np.full((U, 3 * U), np.nan))
    flow = ks.inspection.gradient_flow(model, batch())
    spectrum = flow.spectra["layer_0"]["update"]
    assert np.isnan([flow.loss, flow.global_norm, flow.per_step("layer_0"), spectrum.radius, spectrum.condition]).all()
    assert np.isfinite(flow.spectra["layer_1"]["update"].radius)
    ks.inspection.plot_gradient_flow(flow)
    ks.inspection.plot_spectrum(flow)


def test_a_cell_of_ones_own_has_no_spectrum():
    class Own(keras.layers.Layer):
        state_size = output_size = U

        def call(self, x, states):
            h = 0.5 * states[0] + tf.reduce_sum(x, axis=1, keepdims=True)
            return h, [h]

    model = keras.Sequential([keras.Input((T, D)), keras.layers.RNN(Own(), name="own"), keras.layers.Dense(1)])
    flow = ks.inspection.gradient_flow(model, batch(), loss="mse")
    norms = flow.norms("own")
    np.testing.assert_allclose(norms[1:] / norms[:-1], 2.0, rtol=1e-5)
    assert flow.per_step("own") == pytest.approx(0.5) and flow.spectra["own"] == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch": np.ones((B, T, D))}, r"batch: expected \(x, y\) or \(x, y, sample_weight\), received ndarray"),
        ({"loss": None}, "loss: expected a loss, or a model that is compiled"),
    ],
)
def test_bad_input(change, message):
    model = keras.Sequential([keras.Input((T, D)), keras.layers.SimpleRNN(U)])
    with pytest.raises(ValueError, match=message):
        ks.inspection.gradient_flow(**{"model": model, "batch": batch(), "loss": "mse", **change})


def test_a_model_without_weights():
    model = keras.Sequential([keras.layers.SimpleRNN(U)])
    with pytest.raises(ValueError, match="model: expected one that is built"):
        ks.inspection.gradient_flow(model, batch(), "mse")


def test_a_layer_that_is_not_there():
    flow = ks.inspection.gradient_flow(network(keras.layers, "GRU"), batch())
    with pytest.raises(ValueError, match="layer, state: expected of .* received 'layer_0', 'cell'"):
        flow.norms("layer_0", "cell")
