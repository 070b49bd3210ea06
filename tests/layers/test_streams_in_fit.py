"""Streams in `fit`, `evaluate` and `predict`, in plain models and in models with a training step of their own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks

STREAMS = ("training", "validation", "inference")
# Each `fit` here would compile its loops anew. Where XLA matters, a test switches it on.
pytestmark = pytest.mark.usefixtures("without_xla")


def numbers(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


class OwnSteps(keras.Model):
    """Overrides what Keras lets a model override."""

    def __init__(self, layers):
        super().__init__()
        self.inner = keras.Sequential(layers)

    def call(self, x, training=False):
        return self.inner(x, training=training)

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(self(x, training=True) - y))
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return {"own_loss": loss}

    def test_step(self, data):
        x, y = data
        return {"own_loss": tf.reduce_mean(tf.square(self(x, training=False) - y))}


def recurrent_layers(model):
    return [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.RNN)]


def make_model(kind="sequential", layer="GRU", depth=1, **compile_options):
    keras.utils.set_random_seed(4)
    recurrent = getattr(ks.layers, layer)
    layers = [recurrent(3, stateful=True, return_sequences=True)] if depth == 2 else []
    layers += [recurrent(2, stateful=True), keras.layers.Dense(1)]
    model = OwnSteps(layers) if kind == "own_steps" else keras.Sequential([keras.Input((None, 2)), *layers])
    model.compile(keras.optimizers.Adam(0.01), "mse", **compile_options)
    return model


def everything(model, streams=("training",)):
    """Weights, the optimizer's variables and states."""
    states = [s for layer in recurrent_layers(model) for name in streams for s in layer.get_states(name)]
    return [*model.get_weights(), *[v.numpy() for v in model.optimizer.variables], *states]


def assert_identical(one, other):
    assert len(one) == len(other)
    for a, b in zip(one, other):
        np.testing.assert_array_equal(a, b)


# Rows of batch k + 1 continue those of batch k: 3 batches of 4 rows, 5 steps each.
X, Y = numbers(0, 12, 5, 2), numbers(1, 12, 1)
OTHER_X, OTHER_Y = numbers(2, 10, 7, 2), numbers(3, 10, 1)  # 2 batches of 4 rows, and a last one of 2
FIT = {"batch_size": 4, "shuffle": False, "verbose": 0}


@pytest.mark.parametrize("mode", ["eager", "graph", "loop"])
@pytest.mark.parametrize("layer", ["SimpleRNN", "LSTM", "GRU"])
def test_fit_carries_the_state(layer, mode):
    """Against a loop that hands plain layers their state: weights after two epochs, and the states."""
    model = make_model(layer=layer, depth=2, run_eagerly=mode == "eager")
    first, second = model.layers[:2]
    plain = [getattr(ks.layers, layer)(n, return_sequences=n == 3, return_state=True) for n in (3, 2)]
    dense = keras.layers.Dense(1)
    for mine, theirs in zip((*plain, dense), model.layers):
        mine.build((None, None, 2) if theirs is first else theirs.input.shape)
        mine.set_weights(theirs.get_weights())
    optimizer = keras.optimizers.Adam(0.01)
    variables = [v for mine in (*plain, dense) for v in mine.trainable_variables]
    optimizer.build(variables)
    states = [None, None]
    for start in [0, 4, 8] * 2:
        with tf.GradientTape() as tape:
            h, *states[0] = plain[0](X[start : start + 4], initial_state=states[0], training=True)
            h, *states[1] = plain[1](h, initial_state=states[1], training=True)
            loss = tf.reduce_mean(tf.square(dense(h) - Y[start : start + 4]))
        optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)
    with ks.layers.jit_scope(mode == "loop"):
        model.fit(X, Y, epochs=2, **FIT)
    for v, w in zip(variables, model.trainable_variables):
        np.testing.assert_allclose(v, w, atol=2e-5)
    for wanted, stateful in zip(states, (first, second)):
        for a, b in zip(wanted, stateful.get_states("training")):
            np.testing.assert_allclose(a, b, atol=2e-5)


@pytest.mark.parametrize(
    "kind, options",
    [
        ("sequential", {}),
        ("own_steps", {}),
        ("own_steps", {"run_eagerly": True}),
        ("sequential", {"steps_per_execution": 3}),
    ],
)
def test_evaluation_and_prediction_change_nothing_in_training(kind, options):
    """Weights, optimizer and states bit for bit as in a run without; and the last batch may be smaller."""
    undisturbed = make_model(kind, **options)
    undisturbed.fit(X, Y, epochs=3, **FIT)
    wanted = everything(undisturbed)

    disturbed = make_model(kind, **options)
    disturbed.fit(X, Y, epochs=1, **FIT)
    disturbed.evaluate(OTHER_X, OTHER_Y, batch_size=4, verbose=0)
    disturbed.fit(X, Y, epochs=1, **FIT)
    disturbed.predict(OTHER_X, batch_size=4, verbose=0)
    disturbed(OTHER_X)
    disturbed.fit(X, Y, epochs=1, validation_data=(OTHER_X, OTHER_Y), validation_batch_size=4, **FIT)
    assert_identical(everything(disturbed), wanted)

    in_fit = make_model(kind, **options)
    in_fit.fit(X, Y, epochs=3, validation_data=(OTHER_X, OTHER_Y), validation_batch_size=4, **FIT)
    assert_identical(everything(in_fit), wanted)


@pytest.mark.parametrize("kind", ["sequential", "own_steps"])
def test_three_streams(kind):
    """Each of fit, evaluate and predict goes on where it was itself, as if the others were not there."""
    model = make_model(kind)
    layer = recurrent_layers(model)[0]

    def lengths():
        return [len(layer.get_states(s)[0]) for s in STREAMS]

    with ks.layers.stream_scope(None):
        model(X)
    assert lengths() == [0, 0, 0]
    model.fit(X, Y, epochs=1, **FIT)
    assert lengths() == [4, 0, 0]
    model.evaluate(OTHER_X[:6], OTHER_Y[:6], batch_size=6, verbose=0)
    assert lengths() == [4, 6, 0]
    model.predict(OTHER_X[:3], verbose=0)
    assert lengths() == [4, 6, 3]

    ks.reset_states(model)
    long = numbers(7, 3, 12, 2)
    losses = [model.evaluate(long[:, a : a + 4], Y[:3], verbose=0, return_dict=True) for a in (0, 4, 8)]
    parts = [model.predict(long[:, a : a + 4], verbose=0) for a in (0, 4, 8)]
    ks.reset_states(model)
    np.testing.assert_allclose(parts[-1], model.predict(long, verbose=0), atol=1e-6)
    assert not np.allclose(parts[-1], parts[0], atol=1e-3)
    for part, loss in zip(parts, losses):  # both began at zero
        loss = loss["own_loss" if kind == "own_steps" else "loss"]
        np.testing.assert_allclose(np.mean((part - Y[:3]) ** 2), loss, atol=1e-6)


def test_train_on_batch_and_test_on_batch():
    """A chunk at a time by hand is what `fit` does."""
    by_hand, fitted = make_model(), make_model()
    for start in (0, 4, 8):
        by_hand.train_on_batch(X[start : start + 4], Y[start : start + 4])
        by_hand.test_on_batch(OTHER_X[:2], OTHER_Y[:2])
        by_hand.predict_on_batch(OTHER_X[:3])
    fitted.fit(X, Y, epochs=1, **FIT)
    for a, b in zip(everything(by_hand), everything(fitted)):
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert [len(recurrent_layers(by_hand)[0].get_states(s)[0]) for s in STREAMS] == [4, 2, 3]


def test_the_callback_resets_at_epoch_borders():
    """An epoch with it is an epoch that begins with empty states; validation too begins anew; inference goes on."""
    model, by_hand = make_model(), make_model()
    for each in (model, by_hand):
        each.predict(OTHER_X[:2], verbose=0)
    kept = recurrent_layers(model)[0].get_states("inference")[0]
    with_callback = model.fit(
        X, Y, epochs=3, validation_data=(OTHER_X[:4], OTHER_Y[:4]), callbacks=[ks.callbacks.ResetStates()], **FIT
    )
    losses = []
    for _ in range(3):
        ks.reset_states(by_hand, "training")
        ks.reset_states(by_hand, "validation")
        by_hand.fit(X, Y, epochs=1, **FIT)
        losses.append(by_hand.evaluate(OTHER_X[:4], OTHER_Y[:4], batch_size=4, verbose=0))
    assert with_callback.history["val_loss"] == losses
    assert_identical(everything(model, STREAMS), everything(by_hand, STREAMS))
    np.testing.assert_array_equal(recurrent_layers(model)[0].get_states("inference")[0], kept)
    without = make_model().fit(X, Y, epochs=3, validation_data=(OTHER_X[:4], OTHER_Y[:4]), **FIT)
    assert without.history["val_loss"][1:] != losses[1:]


@pytest.mark.parametrize("options", [{}, {"run_eagerly": True}])
@pytest.mark.parametrize("layer", ["SimpleRNN", "LSTM"])
def test_a_smaller_last_batch_in_fit_is_refused(layer, options):
    model = make_model(layer=layer, **options)
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError), match="every batch of a stateful layer"):
        model.fit(X[:10], Y[:10], epochs=1, **FIT)


@pytest.mark.parametrize("build_first", [True, False])
@pytest.mark.parametrize("layer", ["SimpleRNN", "LSTM"])
def test_a_model_compiled_by_xla(layer, build_first):
    """Keras leaves XLA away from a model with streams, with a warning, and `fit` gives what it gives without."""
    wanted = make_model(layer=layer)
    wanted.fit(X, Y, epochs=1, **FIT)
    model = make_model(layer=layer)
    if not build_first:
        model = keras.Sequential([type(each).from_config(each.get_config()) for each in model.layers])
    with pytest.warns(UserWarning, match="doesn't support `jit_compile=True`"):
        model.compile(keras.optimizers.Adam(0.01), "mse", jit_compile=True)
    assert not model.jit_compile
    if not build_first:
        with ks.layers.stream_scope(None):
            model(X)
    model.set_weights(make_model(layer=layer).get_weights())
    model.fit(X, Y, epochs=1, **FIT)
    assert_identical(everything(model), everything(wanted))
    stateless = keras.Sequential([getattr(ks.layers, layer)(2)])
    stateless.compile("sgd", "mse", jit_compile=True)
    assert stateless.jit_compile
    stateless.fit(X, Y, epochs=1, **FIT)


def test_reset_as_an_input_of_fit():
    """Document borders come with the data: (B, T) bool beside the sequences."""
    x, reset = keras.Input((None, 2), name="x"), keras.Input((None,), dtype="bool", name="reset")
    y = keras.layers.Dense(1)(ks.layers.LSTM(3, stateful=True)(x, reset=reset))
    model = keras.Model([x, reset], y)
    model.compile("sgd", "mse")
    flags = np.zeros((12, 5), bool)
    flags[8:, 2] = True  # every row, in the last batch
    model.fit([X, flags], Y, epochs=1, **FIT)
    (layer,) = recurrent_layers(model)
    alone = ks.layers.LSTM(3, return_state=True)
    alone.build((None, None, 2))
    carried = layer.get_states("training")
    alone.set_weights(layer.get_weights())
    with ks.layers.stream_scope("training"):
        layer.reset_states("training")
        layer(X[8:, 2:])
    # The weights moved after the last batch, so the state is that of weights a step older: near, and far from one that
    # goes on from the batches before.
    for state, fresh in zip(carried, layer.get_states("training")):
        np.testing.assert_allclose(state, fresh, atol=0.05)
