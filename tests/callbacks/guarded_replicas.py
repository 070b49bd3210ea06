"""`NumericsGuard` on two replicas, which need a process of their own; `test_numerics_guard.py` starts it.

One row of one replica is broken. Prints what the report says, and whether weights, optimizer and streams are those of a
training without the batch.
"""

import json
import warnings

import keras
import numpy as np
import tensorflow as tf

import keras_seqcv as ks
from keras_seqcv.layers.stream_state import stream_states

BATCH = 8


def trained(strategy, x, y, callbacks=()):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        layers = [ks.layers.GRU(4, stateful=True), keras.layers.BatchNormalization(), keras.layers.Dropout(0.3)]
        model = keras.Sequential([keras.Input((6, 5)), *layers, keras.layers.Dense(1)])
        model.compile("adam", "mse", jit_compile=False)
    history = model.fit(x, y, BATCH, shuffle=False, verbose=0, callbacks=list(callbacks)).history
    variables = [np.asarray(v) for v in (*model.weights, *model.optimizer.variables)]
    return history["loss"], variables, [state.get("training") for state in stream_states(model)]


def main():
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((32, 6, 5)).astype("float32"), rng.standard_normal((32, 1)).astype("float32")
    rows = np.concatenate([np.arange(16), np.arange(8), np.arange(16, 32)])
    broken = y[rows]
    broken[BATCH * 2 + 5] = np.nan  # the second of four rows that the second replica has
    guard = ks.callbacks.NumericsGuard("skip")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = trained(strategy, x[rows], broken, [guard])
    clean = trained(strategy, x, y)
    same = [np.array_equal(a, b) for a, b in zip(tf.nest.flatten(found), tf.nest.flatten(clean), strict=True)]
    (report,) = guard.reports
    print(json.dumps({"batch": report.batch, "data": report.data, "same": all(same), "compared": len(same)}))


if __name__ == "__main__":
    main()
