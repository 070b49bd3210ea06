"""The states of streams in `.keras` files, in checkpoints, and one for each replica."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from tests.layers.test_streams_in_fit import (
    FIT,
    OTHER_X,
    STREAMS,
    X,
    Y,
    assert_identical,
    everything,
    make_model,
    recurrent_layers,
)

pytestmark = pytest.mark.usefixtures("without_xla")


def run_all_streams(model):
    model.fit(X, Y, epochs=1, **FIT)
    model.evaluate(X[:5], Y[:5], verbose=0)
    model.predict(OTHER_X[:3], verbose=0)


@pytest.mark.parametrize(
    "layer, policy",
    [
        ("SimpleRNN", "float32"),
        ("LSTM", "float32"),
        ("GRU", "float32"),
        ("LSTM", "mixed_bfloat16"),
        ("GRU", "mixed_float16"),
    ],
)
def test_keras_file(layer, policy, tmp_path):
    """The loaded model holds the states of all streams and goes on with them."""
    keras.config.set_dtype_policy(policy)
    model = make_model(layer=layer)
    run_all_streams(model)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_identical(everything(loaded, STREAMS), everything(model, STREAMS))
    assert [len(recurrent_layers(loaded)[0].get_states(s)[0]) for s in STREAMS] == [4, 5, 3]
    for each in (model, loaded):
        each.fit(X, Y, epochs=1, **FIT)
    assert_identical(everything(loaded), everything(model))
    np.testing.assert_array_equal(model.predict(OTHER_X, verbose=0), loaded.predict(OTHER_X, verbose=0))


def test_keras_file_of_empty_streams(tmp_path):
    model = make_model()
    model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert all(len(s) == 0 for layer in recurrent_layers(loaded) for n in STREAMS for s in layer.get_states(n))
    np.testing.assert_array_equal(model.predict(X, verbose=0), loaded.predict(X, verbose=0))


@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU"])
def test_weights_file_from_and_to_the_keras_layer(name, tmp_path):
    """A `.weights.h5` of a plain Keras layer serves a stateful one of ours, and the reverse."""

    def model_of(module, **options):
        return keras.Sequential([keras.Input((None, 2)), getattr(module, name)(3, **options)])

    theirs, ours, back = model_of(keras.layers), model_of(ks.layers, stateful=True), model_of(keras.layers)
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    ours.predict(X, verbose=0)
    ours.load_weights(tmp_path / "theirs.weights.h5")
    assert_identical(ours.get_weights(), theirs.get_weights())
    plain = model_of(ks.layers)
    plain.set_weights([w + 1 for w in theirs.get_weights()])
    plain.save_weights(tmp_path / "ours.weights.h5")
    back.load_weights(tmp_path / "ours.weights.h5")
    assert_identical(back.get_weights(), plain.get_weights())


@pytest.mark.parametrize("layer", ["LSTM", "GRU"])
def test_resume_from_a_checkpoint_is_exact(layer, tmp_path):
    unbroken = make_model(layer=layer)
    unbroken.fit(X, Y, epochs=1, **FIT)
    path = tf.train.Checkpoint(model=unbroken, optimizer=unbroken.optimizer).save(tmp_path / "checkpoint")
    unbroken.fit(X, Y, epochs=2, **FIT)

    resumed = make_model(layer=layer)
    resumed.fit(X + 1.0, Y, epochs=1, **FIT)  # what is there is replaced
    tf.train.Checkpoint(model=resumed, optimizer=resumed.optimizer).restore(path).assert_consumed()
    resumed.fit(X, Y, epochs=2, **FIT)
    assert_identical(everything(resumed), everything(unbroken))

    without_states = make_model(layer=layer)
    tf.train.Checkpoint(model=without_states, optimizer=without_states.optimizer).restore(path)
    ks.reset_states(without_states)
    without_states.fit(X, Y, epochs=2, **FIT)
    assert not np.array_equal(without_states.get_weights()[0], unbroken.get_weights()[0])


def test_backup_and_restore(tmp_path):
    """Keras's own way to resume: a run that is cut off goes on as if it had not been."""

    class CutOff(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    unbroken = make_model()
    unbroken.fit(X, Y, epochs=4, **FIT)
    broken = make_model()
    backup = str(tmp_path / "backup")
    with pytest.raises(KeyboardInterrupt):
        broken.fit(X, Y, epochs=4, callbacks=[keras.callbacks.BackupAndRestore(backup), CutOff()], **FIT)
    again = make_model()
    again.fit(X, Y, epochs=4, callbacks=[keras.callbacks.BackupAndRestore(backup)], **FIT)
    assert_identical(everything(again), everything(unbroken))


TWO_REPLICAS = """
import numpy as np
import tensorflow as tf

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
import keras
import keras_seqcv as ks

x = np.random.default_rng(0).standard_normal((24, 5, 2)).astype("float32")
y = np.random.default_rng(1).standard_normal((24, 1)).astype("float32")


def make(strategy, rate):
    def build():
        keras.utils.set_random_seed(4)
        layers = [ks.layers.LSTM(3, stateful=True, return_sequences=True), ks.layers.GRU(2, stateful=True)]
        model = keras.Sequential([keras.Input((None, 2)), *layers, keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(rate), "mse", jit_compile=False)
        return model
    if strategy is None:
        return build()
    with strategy.scope():
        return build()


def states(model, stream="training"):
    return [s for layer in model.layers[:2] for s in layer.get_states(stream)]


def close(a, b, tolerance=1e-6):
    assert len(a) == len(b)
    for one, other in zip(a, b):
        np.testing.assert_allclose(one, other, atol=tolerance)


strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
assert strategy.num_replicas_in_sync == 2
fit = {"shuffle": False, "verbose": 0}

# Without learning, each replica's states are those of a run on its own half of every batch of 8.
both = make(strategy, 0.0)
both.fit(x, y, batch_size=8, epochs=2, **fit)
halves = []
for half in (0, 1):
    rows = np.concatenate([np.arange(4) + 8 * k + 4 * half for k in range(3)])
    single = make(None, 0.0)
    single.fit(x[rows], y[rows], batch_size=4, epochs=2, **fit)
    halves.append(states(single))
assert [s.shape[0] for s in states(both)] == [8] * len(states(both))
close(states(both), [np.concatenate(pair) for pair in zip(*halves)])

# With learning, weights and states are those of one run on whole batches.
both, single = make(strategy, 0.1), make(None, 0.1)
for model in (both, single):
    model.fit(x, y, batch_size=8, epochs=2, validation_data=(x[:8], y[:8]), validation_batch_size=8, **fit)
close(both.get_weights(), single.get_weights(), 1e-5)
for stream in ("training", "validation"):
    close(states(both, stream), states(single, stream), 1e-5)
assert np.abs(states(both)[0]).max() > 1e-3

# States are given to the replicas, and taken away.
given = [np.random.default_rng(9).standard_normal((8, 3)).astype("float32")] * 2
both.layers[0].set_states(given, "training")
single.layers[0].set_states(given, "training")
close(both.layers[0].get_states("training"), given, 0)
for model in (both, single):
    model.fit(x, y, batch_size=8, epochs=1, **fit)
close(states(both), states(single), 1e-5)
ks.reset_states(both)
assert all(len(s) == 0 for s in states(both))
print("replicas agree")
"""


def test_one_state_on_each_replica():
    """In a fresh process, since the devices of a process cannot be divided once TensorFlow has begun."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    child = subprocess.run(
        [sys.executable, "-c", TWO_REPLICAS], capture_output=True, text=True, env=environment, timeout=500
    )
    assert child.returncode == 0, child.stderr[-4000:]
    assert child.stdout.strip().endswith("replicas agree")
