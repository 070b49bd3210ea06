"""What is seen of gradients in `fit`: against the steps by hand, and the words that are said about it."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from keras_seqcv.callbacks.gradient_norms import GradientNorms

T, D, U = 12, 2, 5


def data(count=12):
    rng = np.random.default_rng(0)
    return rng.standard_normal((count, T, D)).astype("float32"), rng.standard_normal((count, 1)).astype("float32")


def network(optimizer="sgd", layer=None, **options):
    keras.utils.set_random_seed(0)
    layer = layer or keras.layers.SimpleRNN(U, name="rnn")
    model = keras.Sequential([keras.Input((T, D)), layer, keras.layers.Dense(1)])
    model.compile(optimizer, "mse", **options)
    return model


def norms_by_hand(model, x, y, batch_size):
    """Norms of the gradients of one epoch of plain descent, which moves the model."""
    found = []
    for k in range(0, len(x), batch_size):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((y[k : k + batch_size] - model(x[k : k + batch_size], training=True)) ** 2)
        grads = tape.gradient(loss, model.trainable_variables)
        found.append([np.linalg.norm(g) for g in grads])
        model.optimizer.apply_gradients(zip(grads, model.trainable_variables, strict=True))
    return np.array(found)


@pytest.mark.parametrize("options", [{}, {"jit_compile": True}, {"run_eagerly": True}])
def test_norms_are_those_of_each_step(options):
    x, y = data()
    every = norms_by_hand(network(), x, y, 4)
    norms = np.linalg.norm(every, axis=1)
    watcher, model = GradientNorms(), network(**options)
    model.fit(x, y, batch_size=4, shuffle=False, verbose=0, callbacks=[watcher])
    seen = watcher.take()
    assert seen["steps"] == 3 and seen["clipped"] == seen["broken"] == 0
    np.testing.assert_allclose(seen["norm"], np.exp(np.log(norms).mean()), rtol=1e-4)
    np.testing.assert_allclose(seen["largest"], norms.max(), rtol=1e-4)
    assert watcher.take()["steps"] == 0 and "apply" not in vars(model.optimizer)
    model.fit(x, y, batch_size=4, verbose=0)  # without it nothing is counted
    assert watcher.take()["steps"] == 0
    model.fit(x, y, batch_size=4, epochs=2, verbose=0, callbacks=[watcher])
    assert watcher.take()["steps"] == 6


@pytest.mark.parametrize("kind", ["global_clipnorm", "clipnorm", "clipvalue"])
def test_the_share_of_clipped_steps(kind):
    x, y = data()
    every = norms_by_hand(network(keras.optimizers.SGD(0.0)), x, y, 2)
    compared = {"global_clipnorm": np.linalg.norm(every, axis=1), "clipnorm": every.max(1)}.get(kind)
    limit = 0.05 if compared is None else float(np.median(compared))
    model, watcher = network(keras.optimizers.SGD(0.0, **{kind: limit})), GradientNorms()
    model.fit(x, y, batch_size=2, shuffle=False, verbose=0, callbacks=[watcher])
    clipped = watcher.take()["clipped"]
    if compared is None:
        assert 0 < clipped <= 1
    else:
        assert clipped == pytest.approx(np.mean(compared > limit)) and 0 < clipped < 1


def test_keras_clips_by_the_norm_and_not_by_its_square():
    x, y = data()
    norms = norms_by_hand(network(keras.optimizers.SGD(0.0)), x, y, 12)[0]
    limit = 0.5 * np.linalg.norm(norms)
    before = network()
    model = network(keras.optimizers.SGD(1.0, global_clipnorm=float(limit)))
    model.fit(x, y, batch_size=12, verbose=0)
    moved = [a - b for a, b in zip(before.get_weights(), model.get_weights(), strict=True)]
    np.testing.assert_allclose(np.sqrt(sum(np.sum(m**2) for m in moved)), limit, rtol=1e-5)
    np.testing.assert_allclose([np.linalg.norm(m) for m in moved], 0.5 * norms, rtol=1e-4)


def test_two_watch_at_once_and_an_error_does_not_keep_one():
    x, y = data()

    class Stops(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise RuntimeError("mine")

    model, first, second = network(), GradientNorms(), GradientNorms()
    with pytest.raises(RuntimeError, match="mine"):
        model.fit(x, y, batch_size=4, verbose=0, callbacks=[first, Stops()])
    model.fit(x, y, batch_size=4, verbose=0, callbacks=[first, second])
    assert first.take()["steps"] == second.take()["steps"] == 3
    assert "apply" not in vars(model.optimizer)


def test_the_scale_of_a_loss_is_taken_away():
    x, y = data()
    norms = np.linalg.norm(norms_by_hand(network(), x, y, 4), axis=1)
    model, watcher = (
        network(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(), initial_scale=2.0**10)),
        GradientNorms(),
    )
    model.fit(x, y, batch_size=4, shuffle=False, verbose=0, callbacks=[watcher])
    np.testing.assert_allclose(watcher.take()["largest"], norms.max(), rtol=1e-3)


def simple_rnn(scale):
    """A linear network whose recurrent kernel turns, and makes `scale` times as long."""
    layer = keras.layers.SimpleRNN(U, activation="linear", name="rnn")
    layer.build((None, T, D))
    layer.cell.recurrent_kernel.assign(scale * np.linalg.qr(np.random.default_rng(0).standard_normal((U, U)))[0])
    return layer


@pytest.mark.parametrize(("scale", "word"), [(0.4, "Vanishing"), (2.0, "Exploding"), (1.0, None)])
def test_it_says_what_happens_in_words(scale, word):
    x, y = data()
    monitor = ks.callbacks.GradientMonitor((x, y))
    model = network(keras.optimizers.SGD(0.0), simple_rnn(scale))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(x, y, epochs=2, verbose=0, callbacks=[monitor])
    texts = [str(w.message) for w in caught if "gradients" in str(w.message)]
    assert texts == monitor.warnings and len(texts) == (word is not None)  # each once
    if word:
        assert texts[0].startswith(f"{word} gradients in 'rnn': at the start the norm of dL/dh is ")
        assert ("global_clipnorm=" in texts[0]) == (word == "Exploding") and "LSTM" in texts[0]
    factor = monitor.history[-1]["flow"].norms("rnn")
    np.testing.assert_allclose(factor[0] / factor[-1], scale ** (T - 1), rtol=1e-3)


def test_what_is_said_of_gates_that_forget():
    monitor, layer = ks.callbacks.GradientMonitor(data(), vanishing=0.2), keras.layers.GRU(U, name="rnn")
    with pytest.warns(UserWarning, match="Vanishing gradients in 'rnn': .* gates may learn to keep more"):
        network(keras.optimizers.SGD(0.0), layer).fit(*data(), verbose=0, callbacks=[monitor])
    assert len(monitor.warnings) == 1


def test_a_gradient_that_is_no_number():
    x, y = data()
    y[5] = np.nan  # in the second of three steps, and of the weights nothing is left for the third
    monitor = ks.callbacks.GradientMonitor()
    with pytest.warns(UserWarning, match="in epoch 1 the gradient was no number in 66.7% of the steps"):
        history = network(keras.optimizers.SGD(0.0)).fit(x, y, 4, shuffle=False, verbose=0, callbacks=[monitor])
    assert monitor.history[0]["broken"] == pytest.approx(2 / 3) and np.isfinite(history.history["gradient_norm"]).all()


def test_one_step_that_is_much_larger():
    x, y = data()
    y[8:] = 1e5  # the last of three steps
    monitor = ks.callbacks.GradientMonitor(exploding=20)
    with pytest.warns(UserWarning, match=r"the largest norm was .* usual. Clip by the norm: with global_clipnorm="):
        network(keras.optimizers.SGD(0.0)).fit(x, y, 4, shuffle=False, verbose=0, callbacks=[monitor])
    monitor, model = ks.callbacks.GradientMonitor(exploding=20), network(keras.optimizers.SGD(0.0, clipnorm=1.0))
    history = model.fit(x, y, 4, shuffle=False, verbose=0, callbacks=[monitor]).history
    assert not monitor.warnings and history["gradients_clipped"][0] > 0  # clipped already


def test_what_was_calm_before_a_norm_was_sudden():
    watcher, optimizer = GradientNorms(exploding=100), keras.optimizers.SGD()

    def take(*norms):
        for norm in norms:
            watcher.update(optimizer, [tf.constant([0.6 * norm, 0.0]), None, tf.constant([[0.8 * norm]])])
        return watcher.take()

    seen = take(1e3, 0, 10, 0.1)  # of a gradient of zero there is no logarithm
    assert seen["sudden"] == 0 and (seen["norm"], seen["calm"]) == pytest.approx((10, 10))
    seen = take(100, 20000, 10)
    assert seen["sudden"] == pytest.approx(1 / 3)  # 20,000 is over 100 times what four have
    assert seen["norm"] == pytest.approx(2e7 ** (1 / 3)) and seen["calm"] == pytest.approx(1e5 ** (1 / 4))
    with pytest.raises(ValueError, match="exploding: expected a number > 1, received 1"):
        GradientNorms(exploding=1)


def events(folder):
    """(tag, step) -> value of all that was written."""
    found = {}
    for path in folder.iterdir():
        for record in tf.data.TFRecordDataset([str(path)]):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                assert value.metadata.plugin_data.plugin_name == "scalars"
                found[value.tag, event.step] = float(tf.make_ndarray(value.tensor))
    return found


def test_what_is_written_for_tensorboard(tmp_path):
    x, y = data()
    model = network(keras.optimizers.SGD(0.1, global_clipnorm=1e-6), keras.layers.LSTM(U, name="rnn"))
    start = ks.inspection.gradient_flow(model, (x, y))
    logger = ks.callbacks.GradientFlowLogger(tmp_path / "logs", (x, y), every=2)
    model.fit(x, y, batch_size=12, epochs=3, verbose=0, callbacks=[logger])
    found = events(tmp_path / "logs")
    assert {step for tag, step in found if tag == "gradient/norm"} == {0, 2}
    np.testing.assert_allclose(found["gradient/norm", 0], start.global_norm, rtol=1e-3)  # a step of 1e-7
    assert found["gradient/clipped", 2] == 1
    curve = [found["flow/rnn/cell, epoch 3", t] for t in range(T)]
    np.testing.assert_allclose(curve, start.norms("rnn", "cell"), rtol=1e-3)
    np.testing.assert_allclose(found["flow/rnn/hidden per step", 0], start.per_step("rnn"), rtol=1e-3)
    np.testing.assert_allclose(found["spectrum/rnn/forget", 2], start.spectra["rnn"]["forget"].radius, rtol=1e-3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: ks.callbacks.GradientMonitor(vanishing=1.0),
            r"vanishing: expected a number in \(0, 1\), received 1.0",
        ),
        (lambda: ks.callbacks.GradientMonitor(exploding=1), "exploding: expected a number > 1, received 1"),
        (lambda: ks.callbacks.GradientFlowLogger("logs", None, every=0), "every: expected an int >= 1, received 0"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()
