"""`stateful=True`: the state goes on from batch to batch, the gradient does not, and the three streams stay apart."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks

LAYERS = {
    "simple_rnn": lambda units, **k: ks.layers.SimpleRNN(units, **k),
    "lstm": lambda units, **k: ks.layers.LSTM(units, **k),
    "gru": lambda units, **k: ks.layers.GRU(units, **k),
    "textbook_gru": lambda units, **k: ks.layers.GRU(units, reset_after=False, **k),
    # What leads around the engine.
    "lstm_relu": lambda units, **k: ks.layers.LSTM(units, activation="relu", **k),
}
STREAMS = ("training", "validation", "inference")


def numbers(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def pair(kind, dtype="float64", **options):
    """A stateful layer and one that is not, with equal weights, both giving sequences and states."""
    options = {"return_sequences": True, "return_state": True, "dtype": dtype, **options}
    carrying, plain = LAYERS[kind](4, stateful=True, **options), LAYERS[kind](4, **options)
    for layer in (carrying, plain):
        layer.build((3, None, 2))
    carrying.set_weights(plain.get_weights())
    return carrying, plain


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", LAYERS)
def test_chunks_are_one_long_sequence(kind, training):
    carrying, plain = pair(kind)
    x = numbers(0, 3, 12, 2)
    whole, *finals = plain(x)
    chunks = [carrying(x[:, a:b], training=training)[0] for a, b in ((0, 5), (5, 6), (6, 12))]
    np.testing.assert_allclose(np.concatenate(chunks, axis=1), whole, atol=1e-14)
    for state, final in zip(carrying.get_states("training" if training else "inference"), finals):
        np.testing.assert_allclose(state, final, atol=1e-14)


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("kind", ["simple_rnn", "lstm", "gru", "lstm_relu"])
def test_chunks_in_a_graph(kind, jit_compile):
    """Inside XLA the stream must have its rows already: a variable has one shape there."""
    carrying, plain = pair(kind)
    x = numbers(0, 3, 12, 2)
    whole, *_ = plain(x)
    carrying.set_states([np.zeros((3, 4))] * len(carrying.state_size), "training")
    chunk = tf.function(lambda x: carrying(x, training=True)[0], jit_compile=jit_compile, autograph=False)
    chunks = [chunk(tf.constant(x[:, a : a + 3])) for a in range(0, 12, 3)]
    np.testing.assert_allclose(np.concatenate(chunks, axis=1), whole, atol=1e-14)


@pytest.mark.parametrize("kind", LAYERS)
def test_the_gradient_stops_at_the_border(kind):
    """The gradient of the second chunk is that of a plain layer whose initial state is a constant."""
    carrying, plain = pair(kind)
    first, second = tf.constant(numbers(0, 3, 4, 2), "float64"), tf.constant(numbers(1, 3, 5, 2), "float64")
    with tf.GradientTape() as tape:
        tape.watch([first, second])
        carrying(first, training=True)
        loss = tf.reduce_sum(tf.square(carrying(second, training=True)[0]))
    weights = [w.value for w in carrying.trainable_weights]
    *gradients, by_first, by_second = tape.gradient(loss, [*weights, first, second])
    _, *states = plain(first)
    with tf.GradientTape() as tape:
        tape.watch(second)
        loss = tf.reduce_sum(tf.square(plain(second, initial_state=states, training=True)[0]))
    *wanted, wanted_by_second = tape.gradient(loss, [*[w.value for w in plain.trainable_weights], second])
    assert by_first is None
    np.testing.assert_allclose(by_second, wanted_by_second, atol=1e-13)
    for a, b in zip(gradients, wanted):
        np.testing.assert_allclose(a, b, atol=1e-13)


@pytest.mark.parametrize("kind", LAYERS)
def test_reset(kind):
    """Per row, a row starts afresh; per step, a document border in the middle of a chunk does."""
    carrying, plain = pair(kind)
    x = numbers(0, 3, 4, 2)
    _, *states = plain(x)
    rows = np.array([True, False, True])
    steps = np.zeros((3, 4), bool)
    steps[1, 2] = steps[2, 0] = True
    for training in (True, False):
        carrying(x, training=training)
        y = carrying(x, reset=rows, training=training)[0]
        fresh, continued = plain(x)[0], plain(x, initial_state=states)[0]
        np.testing.assert_allclose(y, np.where(rows[:, None, None], fresh, continued), atol=1e-14)
        carrying.reset_states()
        carrying(x, training=training)
        y, *finals = carrying(x, reset=steps, training=training)
        wanted = np.array(continued)
        wanted[1, 2:] = plain(x[1:2, 2:])[0][0]
        wanted[2] = fresh[2]
        np.testing.assert_allclose(y, wanted, atol=1e-14)
        for state, final in zip(carrying.get_states("training" if training else "inference"), finals):
            np.testing.assert_array_equal(state, final)
        carrying.reset_states()


def test_a_masked_chunk_leaves_the_state():
    carrying, _ = pair("lstm")
    carrying(numbers(0, 3, 4, 2))
    before = carrying.get_states()
    mask = np.array([[False] * 4, [True] * 4, [True, False, False, False]])
    carrying(numbers(1, 3, 4, 2), mask=mask)
    for old, new in zip(before, carrying.get_states()):
        np.testing.assert_array_equal(old[0], new[0])
        assert (old[1:] != new[1:]).all()


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_get_set_and_reset(kind):
    layer, _ = pair(kind, "float32")
    count = 2 if kind == "lstm" else 1
    assert [s.shape for s in layer.get_states()] == [(0, 4)] * count
    for k, stream in enumerate(STREAMS):
        layer.set_states([numbers(10 * k + n, 3, 4) for n in range(count)], stream)
    for k, stream in enumerate(STREAMS):
        for n, state in enumerate(layer.get_states(stream)):
            assert state.dtype == np.float32
            np.testing.assert_array_equal(state, numbers(10 * k + n, 3, 4))
    np.testing.assert_array_equal(layer.get_states()[0], numbers(20, 3, 4))  # "inference" is the default
    layer.reset_states("validation")
    assert [len(layer.get_states(s)[0]) for s in STREAMS] == [3, 0, 3]
    layer.reset_states()
    assert [len(layer.get_states(s)[0]) for s in STREAMS] == [0, 0, 0]

    layer.set_states([numbers(n, 3, 4) for n in range(count)])
    y = layer(numbers(5, 3, 2, 2))[0]
    wanted = layer(numbers(5, 3, 2, 2), initial_state=[numbers(n, 3, 4) for n in range(count)])[0]
    np.testing.assert_array_equal(y, wanted)


def test_wrong_states_and_streams_are_named():
    layer, plain = pair("lstm")
    good = np.zeros((3, 4))
    for states in ([good], [good, np.zeros((3, 5))], [good, np.zeros((2, 4))], [np.zeros(4)] * 2, [good] * 3):
        with pytest.raises(ValueError, match="states: expected 2 arrays"):
            layer.set_states(states)
    assert layer.get_states()[0].shape == (0, 4), "something was half set"
    for call in (layer.get_states, layer.reset_states, lambda stream: layer.set_states([good, good], stream)):
        with pytest.raises(ValueError, match="'test'"):
            call("test")
    with pytest.raises(ValueError, match="'test'"), ks.layers.stream_scope("test"):
        pass
    with pytest.raises(ValueError, match="'test'"):
        ks.reset_states(keras.Sequential([layer]), "test")
    with pytest.raises(ValueError, match="stateful=False"):
        plain.get_states()


def test_any_batch_size_at_inference():
    """A smaller batch goes on with the first rows and leaves the others; rows that a larger one adds are zero."""
    carrying, plain = pair("gru")
    first, second, third = numbers(0, 3, 4, 2), numbers(1, 2, 4, 2), numbers(2, 5, 4, 2)
    run = tf.function(carrying, input_signature=[tf.TensorSpec((None, None, 2))])
    run(tf.constant(first))
    y = run(tf.constant(second))[0]
    state = plain(first)[1]
    wanted, after = plain(second, initial_state=state[:2])
    np.testing.assert_allclose(y, wanted, atol=1e-14)
    states = tf.concat([after, state[2:], tf.zeros((2, 4), "float64")], axis=0)
    np.testing.assert_allclose(carrying.get_states()[0], states[:3], atol=1e-14)
    wanted, after = plain(third, initial_state=states)
    np.testing.assert_allclose(run(tf.constant(third))[0], wanted, atol=1e-14)
    np.testing.assert_allclose(carrying.get_states()[0], after, atol=1e-14)


@pytest.mark.parametrize("mode", ["eager", "static", "dynamic"])
def test_another_batch_size_in_training_is_refused(mode):
    carrying, _ = pair("gru")
    run = lambda x: carrying(x, training=True)  # noqa: E731
    if mode != "eager":
        run = tf.function(run, input_signature=[tf.TensorSpec((None, None, 2))] if mode == "dynamic" else None)
    run(tf.constant(numbers(0, 3, 4, 2)))
    before = carrying.get_states("training")[0]
    with pytest.raises(tf.errors.InvalidArgumentError, match="every batch of a stateful layer must have the size"):
        run(tf.constant(numbers(0, 2, 4, 2)))
    np.testing.assert_array_equal(carrying.get_states("training")[0], before)
    carrying.reset_states("training")
    run(tf.constant(numbers(0, 2, 4, 2)))
    assert carrying.get_states("training")[0].shape == (2, 4)


@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU"])
def test_weights_are_those_of_the_plain_keras_layer(name):
    ours, theirs = getattr(ks.layers, name)(4, stateful=True), getattr(keras.layers, name)(4)
    for layer in (ours, theirs):
        layer.build((3, None, 2))
    for kind in ("weights", "trainable_weights", "non_trainable_weights", "variables"):
        if kind != "variables":  # Keras counts the seed of the dropout there
            assert [w.name for w in getattr(ours, kind)] == [w.name for w in getattr(theirs, kind)]
        assert len(getattr(ours, kind)) == len(getattr(theirs, kind))
    ours.set_weights(theirs.get_weights())
    x = numbers(0, 3, 5, 2)
    np.testing.assert_allclose(ours(x), theirs(x), atol=1e-6)


def test_stream_scope_and_reset_of_a_model():
    inner = ks.layers.GRU(3, stateful=True, return_sequences=True)
    wrapped = keras.layers.Bidirectional(ks.layers.LSTM(2, stateful=True))
    nested = keras.Sequential([inner])
    model = keras.Sequential([keras.Input((None, 2)), nested, wrapped, keras.layers.Dense(1)])
    x = numbers(0, 3, 4, 2)
    for stream in STREAMS:
        with ks.layers.stream_scope(stream):
            model(x, training=True)
    layers = (inner, wrapped.forward_layer, wrapped.backward_layer)
    assert all(len(layer.get_states(s)[0]) == 3 for layer in layers for s in STREAMS)
    ks.reset_states(model, "training")
    assert all(len(layer.get_states(s)[0]) == 3 * (s != "training") for layer in layers for s in STREAMS)
    ks.reset_states(model)
    assert all(len(layer.get_states(s)[0]) == 0 for layer in layers for s in STREAMS)
    with ks.layers.stream_scope(None):
        np.testing.assert_array_equal(model(x), model(x))
    assert all(len(layer.get_states(s)[0]) == 0 for layer in layers for s in STREAMS)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("kind", ["simple_rnn", "lstm", "gru"])
def test_mixed_precision(kind, policy):
    carrying, plain = pair(kind, policy)
    x = numbers(0, 3, 8, 2)
    whole, *finals = plain(x)
    chunks = [carrying(x[:, a : a + 4], training=True)[0] for a in (0, 4)]
    assert chunks[0].dtype == plain.compute_dtype
    np.testing.assert_array_equal(tf.cast(tf.concat(chunks, axis=1), "float32"), tf.cast(whole, "float32"))
    for state, final in zip(carrying.get_states("training"), finals):
        assert state.dtype == plain.compute_dtype
        np.testing.assert_array_equal(state, final.numpy())
