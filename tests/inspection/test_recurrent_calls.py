"""Watching a model changes nothing of what it says, and what is seen is what it says."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from keras_seqcv.inspection.recurrent_calls import named_layers, states_kept, watched

T, D, U = 5, 3, 4


def sequences(padded=True):
    x = np.random.default_rng(0).standard_normal((2, T, D)).astype("float32")
    if padded:
        x[1, 3:] = 0
    return x


def bidirectional(layers):
    keras.utils.set_random_seed(0)
    both = keras.layers.Bidirectional(layers.LSTM(U, return_sequences=True), name="both")
    return keras.Sequential([keras.Input((T, D)), keras.layers.Masking(), both, layers.GRU(U, name="gru")])


@pytest.mark.parametrize("layers", [keras.layers, ks.layers], ids=["keras", "ours"])
def test_a_masked_model_with_both_directions(layers):
    model, x = bidirectional(layers), sequences()
    said = model(x)
    with watched(model) as found:
        np.testing.assert_allclose(model(x), said, atol=1e-6)
    forward, backward, gru = found
    assert [len(steps.inputs) for steps in found] == [T, T, T] and backward.backwards and not forward.backwards
    inner = model.get_layer("both")
    for steps, layer in ((forward, inner.forward_layer), (backward, inner.backward_layer)):
        alone = layer(x[:1])  # the row without padding, in the order in which the layer goes
        np.testing.assert_allclose(np.stack(steps.after, 1)[0][:, 0], alone[0], atol=1e-6)
    np.testing.assert_allclose(gru.after[-1][0][0], said[0], atol=1e-6)
    # Nothing is left of the watching.
    assert not {"call", "inner_loop", "_cell_step"} & {*vars(inner.forward_layer), *vars(model.get_layer("gru"))}
    np.testing.assert_array_equal(model(x), said)


def test_stacked_cells_have_a_row_each():
    cells = [keras.layers.LSTMCell(3, name="low"), keras.layers.GRUCell(2, name="high")]
    model = keras.Sequential([keras.Input((T, D)), keras.layers.RNN(cells, return_sequences=True, name="rnn")])
    x = sequences()
    with watched(model) as found:
        said = model(x)
    assert [steps.name for steps in found] == ["rnn/low", "rnn/high"]
    np.testing.assert_allclose(tf.stack([after[0] for after in found[1].after], axis=1), said, atol=1e-6)
    np.testing.assert_array_equal(found[0].after[2][0], found[1].inputs[2])
    np.testing.assert_array_equal(found[0].after[2][1], found[0].before[3][1])


def test_a_layer_that_is_called_twice():
    layer = ks.layers.SimpleRNN(U, return_sequences=True, name="shared")
    x = keras.Input((T, U))
    model = keras.Model(x, layer(layer(x)))
    with watched(model) as found:
        model(np.ones((1, T, U), "float32"))
    assert [steps.name for steps in found] == ["shared", "shared#2"]


@pytest.mark.parametrize("layers", [keras.layers, ks.layers], ids=["keras", "ours"])
def test_states_of_a_stream_stay(layers):
    model = keras.Sequential(
        [keras.Input(batch_shape=(2, T, D)), layers.LSTM(U, stateful=True, return_sequences=True, name="lstm")]
    )
    x = sequences(padded=False)
    model(x)
    with states_kept(model), watched(model) as found:
        second = model(x)
    assert np.abs(found[0].before[0][0]).max() > 0  # it went on where the first call had ended
    np.testing.assert_allclose(model(x), second, atol=1e-6)  # as if nobody had watched


def test_first_states_can_be_given():
    model = keras.Sequential([keras.Input((T, D)), ks.layers.LSTM(U, return_sequences=True, name="lstm")])
    x = sequences(padded=False)
    with watched(model) as found:
        whole = model(x)
    with watched(model) as first:
        model(x[:, :2])
    with watched(model, {"lstm": first[0].after[-1]}):
        np.testing.assert_allclose(model(x[:, 2:]), whole[:, 2:], atol=1e-6)
    assert len(found[0].after) == T


@pytest.mark.parametrize("attend", ["before", "after"])
def test_inside_an_attention(attend):
    feed = {"coverage": True} if attend == "after" else {}
    cell = ks.layers.AttentionRNNCell(
        keras.layers.LSTMCell(U), ks.layers.AdditiveAttention(3), attend=attend, start="memory", **feed
    )
    words, memory = keras.Input((T, D)), keras.Input((6, 2))
    model = keras.Model([words, memory], ks.layers.AttentionRNN(cell, return_state=True, name="decoder")(words, memory))
    inputs = [sequences(), np.random.default_rng(1).standard_normal((2, 6, 2)).astype("float32")]
    said = model(inputs)
    with watched(model) as found:
        for a, b in zip(model(inputs), said, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)
    (steps,) = found
    assert len(steps.after) == T and steps.name == "decoder"
    np.testing.assert_allclose(steps.after[-1][0], said[2], atol=1e-6)
    np.testing.assert_allclose(steps.after[-1][1], said[3], atol=1e-6)


def test_the_context_of_a_simple_rnn():
    words, picture = keras.Input((T, D)), keras.Input((2,))
    layer = ks.layers.SimpleRNN(U, return_sequences=True, name="rnn")
    model = keras.Model([words, picture], layer(words, context=picture))
    inputs = [sequences(), np.ones((2, 2), "float32")]
    with watched(model) as found:
        said = model(inputs)
    np.testing.assert_allclose(tf.stack([after[0] for after in found[0].after], axis=1), said, atol=1e-6)


def test_after_an_error_all_is_as_before():
    model = bidirectional(ks.layers)
    with pytest.raises(RuntimeError, match="mine"):
        with watched(model):
            raise RuntimeError("mine")
    assert all("call" not in vars(layer) for layer in named_layers(model).values())


def test_layers_of_the_same_name_are_told_apart():
    inner = [keras.Sequential([ks.layers.GRU(U, return_sequences=True, name="gru")]) for _ in range(2)]
    model = keras.Sequential([keras.Input((T, D)), *inner])
    with watched(model) as found:
        model(sequences())
    assert [steps.name for steps in found] == ["gru", "gru~2"]


def test_a_model_without_recurrence():
    with pytest.raises(ValueError, match="model: expected one with a recurrent layer"):
        with watched(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])):
            pass
