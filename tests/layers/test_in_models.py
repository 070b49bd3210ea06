"""The layers inside others and inside models: wrappers, masks on their way through, saving, extra inputs."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from tests.layers.samples import KINDS, make_layer

CLASSES = ("SimpleRNN", "LSTM", "GRU")
pytestmark = pytest.mark.usefixtures("without_xla")


def pair(name, units=3, **options):
    """Keras's layer and ours."""
    return getattr(keras.layers, name)(units, **options), getattr(ks.layers, name)(units, **options)


def numbers(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def check_same(theirs, ours, x, **arguments):
    """The same results and weight gradients of two layers, the weights of the first going to the second."""
    theirs(x, **arguments)
    ours(x, **arguments)
    ours.set_weights([w + 0.1 for w in theirs.get_weights()])
    theirs.set_weights(ours.get_weights())
    sides = []
    for layer in (theirs, ours):
        with tf.GradientTape() as tape:
            results = tf.nest.flatten(layer(x, **arguments))
            loss = tf.add_n([tf.reduce_mean(tf.square(a)) for a in results])
        sides.append(results + tape.gradient(loss, [w.value for w in layer.trainable_weights]))
    assert len(sides[0]) == len(sides[1])
    for a, b in zip(*sides):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("merge_mode", ["concat", "sum", "mul", "ave", None])
@pytest.mark.parametrize("name", CLASSES)
def test_bidirectional(name, merge_mode):
    x = numbers(0, 3, 5, 2)
    mask = np.random.default_rng(1).random((3, 5)) < 0.7
    for sequences in (True, False):
        for state in (True, False):
            layers = pair(name, return_sequences=sequences, return_state=state)
            theirs, ours = (keras.layers.Bidirectional(layer, merge_mode=merge_mode) for layer in layers)
            check_same(theirs, ours, x, mask=mask if sequences else None)
            assert type(ours.forward_layer) is type(ours.backward_layer) is getattr(ks.layers, name)


@pytest.mark.parametrize("name", CLASSES)
def test_bidirectional_with_states_and_a_backward_layer(name):
    x = numbers(0, 3, 5, 2)
    states = [tf.constant(numbers(k, 3, 3)) for k in range(4 if name == "LSTM" else 2)]
    (theirs, ours), (theirs_back, ours_back) = pair(name), pair(name, go_backwards=True, use_bias=False)
    check_same(
        keras.layers.Bidirectional(theirs, backward_layer=theirs_back),
        keras.layers.Bidirectional(ours, backward_layer=ours_back),
        x,
        initial_state=states,
    )


@pytest.mark.parametrize("name", CLASSES)
def test_time_distributed(name):
    """(B, S, T, D): a video of S clips, say. Also in a graph with unknown batch size."""
    x = numbers(0, 2, 4, 5, 3)
    theirs, ours = (keras.layers.TimeDistributed(layer) for layer in pair(name))
    check_same(theirs, ours, x)
    model = keras.Sequential([keras.Input((4, 5, 3)), ours])
    np.testing.assert_allclose(model.predict(x, verbose=0), theirs(x), atol=1e-6)


def stack(name, module, upstream):
    """Two recurrent layers behind a layer that makes a mask."""
    layer = getattr(module, name)
    return keras.Sequential([*upstream, layer(4, return_sequences=True), layer(3, return_sequences=True), layer(2)])


@pytest.mark.parametrize("name", CLASSES)
def test_a_mask_goes_through_a_stack(name):
    ids = np.array([[3, 1, 2, 4, 1], [5, 2, 0, 0, 0], [0, 0, 4, 0, 1], [0, 0, 0, 0, 0]])
    embedded = [keras.Input((None,), dtype="int32"), keras.layers.Embedding(6, 3, mask_zero=True)]
    model = stack(name, ks.layers, embedded)
    theirs = stack(name, keras.layers, [keras.Input((None,)), keras.layers.Embedding(6, 3, mask_zero=True)])
    theirs.set_weights(model.get_weights())
    y = model.predict(ids, verbose=0)
    np.testing.assert_allclose(y, theirs.predict(ids, verbose=0), atol=1e-6)
    # What is masked might as well not be there.
    for row, short in enumerate(([3, 1, 2, 4, 1], [5, 2], [4, 1])):
        np.testing.assert_allclose(y[row], model.predict(np.array([short]), verbose=0)[0], atol=1e-6)
    np.testing.assert_array_equal(y[3], 0.0)

    masking = [keras.Input((None, 3)), keras.layers.Masking(mask_value=9.0)]
    model = stack(name, ks.layers, masking)
    x = numbers(4, 2, 6, 3)
    x[0, 4:] = x[1, :3] = 9.0
    y = model.predict(x, verbose=0)
    for row, short in ((0, x[:1, :4]), (1, x[1:, 3:])):
        np.testing.assert_allclose(y[row], model.predict(short, verbose=0)[0], atol=1e-6)


@pytest.mark.parametrize("name", CLASSES)
def test_a_mask_reaches_a_layer_with_other_inputs(name):
    """Keras hands a mask on only where a layer has one tensor argument; here an initial state or a reset comes too."""
    ids, start = np.array([[3, 1, 0, 0], [5, 2, 4, 1]]), numbers(1, 2, 4)
    embedding = keras.layers.Embedding(6, 3, mask_zero=True)
    layer = getattr(ks.layers, name)(4)
    states = [start] * (2 if name == "LSTM" else 1)
    reset = np.array([[False, True, False, False]] * 2)
    tokens, flags = keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="bool")
    model = keras.Model([tokens, flags], layer(embedding(tokens), reset=flags))
    for more in ({"initial_state": states}, {"reset": reset}):
        plain = tf.convert_to_tensor(embedding(ids).numpy())  # which has lost its mask
        wanted = layer(plain, mask=ids > 0, **more)
        assert not np.allclose(layer(plain, **more), wanted)
        np.testing.assert_allclose(layer(embedding(ids), **more), wanted, atol=1e-6)
    np.testing.assert_allclose(model.predict([ids, reset], verbose=0), wanted, atol=1e-6)


@pytest.mark.parametrize("return_state", [False, True])
def test_the_mask_that_comes_out(return_state):
    x, mask = keras.Input((5, 2)), np.array([[1, 1, 0, 1, 0]], bool)
    for sequences in (True, False):
        layer = ks.layers.GRU(3, return_sequences=sequences, return_state=return_state)
        layer(x)
        given = layer.compute_mask(None, mask)
        first = given[0] if return_state else given
        assert (first is mask) if sequences else (first is None)


@pytest.mark.parametrize("kind", KINDS)
def test_padded_is_unpadded(kind):
    layer = make_layer(kind, 4, "float32", return_state=True)
    context = {"context": numbers(1, 2, 2)} if kind == "simple_rnn_context" else {}
    x = numbers(0, 2, 4, 3)
    wanted = layer(x, **context)
    right = np.concatenate([x, numbers(5, 2, 3, 3)], axis=1)
    left = np.concatenate([numbers(6, 2, 3, 3), x], axis=1)
    ones, zeros = np.ones((2, 4), bool), np.zeros((2, 3), bool)
    for padded, mask in ((right, [ones, zeros]), (left, [zeros, ones])):
        for a, b in zip(layer(padded, mask=np.concatenate(mask, axis=1), **context), wanted):
            np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_two_chunks_with_the_state_are_one_sequence(kind):
    layer = make_layer(kind, 4, "float32", return_state=True, return_sequences=True)
    context = {"context": numbers(1, 2, 2)} if kind == "simple_rnn_context" else {}
    x, mask = numbers(0, 2, 7, 3), np.random.default_rng(3).random((2, 7)) < 0.7
    mask[:, 3] = True  # a masked step repeats an output that a chunk may not have seen
    whole, *finals = layer(x, mask=mask, **context)
    first, *states = layer(x[:, :3], mask=mask[:, :3], **context)
    second, *last = layer(x[:, 3:], mask=mask[:, 3:], initial_state=states, **context)
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole, atol=1e-6)
    for a, b in zip(last, finals):
        np.testing.assert_allclose(a, b, atol=1e-6)


def model_with_every_input():
    """A Functional model that hands initial states, a context, a reset and a mask to the layers as KerasTensors."""
    x = keras.Input((None, 3), name="x")
    context = keras.Input((2,), name="context")
    reset = keras.Input((None,), dtype="bool", name="reset")
    begin = keras.Input((), dtype="bool", name="begin")
    mask = keras.Input((None,), dtype="bool", name="mask")
    start = keras.layers.Dense(4)(context)
    y = ks.layers.SimpleRNN(4, return_sequences=True)(x, initial_state=start, mask=mask, reset=reset, context=context)
    y, h, c = ks.layers.LSTM(4, return_sequences=True, return_state=True)(
        y, initial_state=[start, start], reset=begin, mask=mask
    )
    y = ks.layers.GRU(4)(y, initial_state=h, reset=reset)
    return keras.Model([x, context, reset, begin, mask], keras.layers.Dense(1)(keras.layers.Add()([y, c])))


def every_input(batch=4, steps=5):
    rng = np.random.default_rng(0)
    return {
        "x": numbers(1, batch, steps, 3),
        "context": numbers(2, batch, 2),
        "reset": rng.random((batch, steps)) < 0.3,
        "begin": rng.random(batch) < 0.5,
        "mask": rng.random((batch, steps)) < 0.8,
    }


def test_every_input_of_a_functional_model_counts(tmp_path):
    model, inputs = model_with_every_input(), every_input()
    y = model.predict(inputs, verbose=0)
    for name, value in inputs.items():
        other = {**inputs, name: np.logical_not(value) if value.dtype == bool else value + 0.5}
        assert not np.allclose(model.predict(other, verbose=0), y, atol=1e-4), f"{name} does nothing"
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(inputs, verbose=0), y)
    model.compile("adam", "mse")
    before = model.get_weights()
    model.fit(inputs, np.ones((4, 1), "float32"), epochs=1, verbose=0)
    for weight, old in zip(model.weights, before):
        assert np.isfinite(weight).all() and not np.array_equal(weight, old), f"{weight.path} did not move"


@pytest.mark.parametrize("name", CLASSES)
def test_complete_config(name):
    """Every argument comes back under its own name, also those that are objects."""
    options = {
        "units": 3,
        "activation": "relu",
        "use_bias": False,
        "kernel_initializer": keras.initializers.RandomUniform(-0.1, 0.2, seed=7),
        "recurrent_initializer": "glorot_normal",
        "bias_initializer": "ones",
        "kernel_regularizer": keras.regularizers.L1L2(0.1, 0.2),
        "recurrent_regularizer": keras.regularizers.L2(0.3),
        "bias_regularizer": keras.regularizers.L1(0.4),
        "activity_regularizer": keras.regularizers.L2(0.5),
        "kernel_constraint": keras.constraints.MaxNorm(1.5),
        "recurrent_constraint": keras.constraints.NonNeg(),
        "bias_constraint": keras.constraints.UnitNorm(),
        "dropout": 0.1,
        "recurrent_dropout": 0.2,
        "seed": 5,
        "return_sequences": True,
        "return_state": True,
        "go_backwards": True,
        "stateful": True,
        "unroll": True,
        "zero_output_for_mask": True,
        "name": "mine",
        "dtype": "mixed_bfloat16",
    }
    if name != "SimpleRNN":
        options |= {"recurrent_activation": "hard_sigmoid", "implementation": 1, "use_cudnn": False}
    options |= {"LSTM": {"unit_forget_bias": False}, "GRU": {"reset_after": False}}.get(name, {})
    layer = getattr(ks.layers, name)(**options)
    config = layer.get_config()
    assert set(options) <= set(config)
    again = type(layer).from_config(config)
    assert again.get_config() == config
    theirs = getattr(keras.layers, name)(**options).get_config()  # which lacks some of the options
    assert {key: config[key] for key in theirs} == theirs
    assert again.cell.seed == 5 and getattr(again.cell, "implementation", 1) == 1
    assert keras.saving.get_registered_name(type(layer)) == f"keras_seqcv>{name}"
    restored = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(restored) is type(layer) and restored.get_config() == config


BAD = [
    ({"mask": np.ones((2, 4), bool)}, "mask"),
    ({"mask": np.ones((3, 5), bool)}, "mask"),
    ({"reset": np.ones((3,), bool)}, "reset"),
    ({"reset": np.ones((2, 5, 1), bool)}, "reset"),
    ({"initial_state": [np.zeros((2, 4), "float32")] * 3}, "initial_state"),
    ({"initial_state": np.zeros((2, 7), "float32")}, "initial_state"),
    ({"initial_state": np.zeros((3, 4), "float32")}, "initial_state"),
]


@pytest.mark.parametrize("arguments, named", BAD)
def test_bad_arguments_are_named(arguments, named):
    with pytest.raises(ValueError, match=named):
        ks.layers.GRU(4)(numbers(0, 2, 5, 3), **arguments)


def test_bad_contexts_are_named():
    x, context = numbers(0, 2, 5, 3), numbers(1, 2, 7)
    with_context, without = ks.layers.SimpleRNN(4), ks.layers.SimpleRNN(4)
    with_context(x, context=context)
    without(x)
    for layer, bad in (
        (with_context, None),
        (without, context),
        (with_context, context[:, :6]),
        (with_context, context[:1]),
    ):
        with pytest.raises(ValueError, match="context"):
            layer(x, context=bad)


def test_unroll_needs_a_length():
    layer = ks.layers.LSTM(2, unroll=True)
    with pytest.raises(ValueError, match="unroll=True needs a fixed number of steps"):
        tf.function(layer, input_signature=[tf.TensorSpec((2, None, 3))]).get_concrete_function()
