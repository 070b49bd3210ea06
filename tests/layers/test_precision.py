"""Other precisions: the numbers of the Keras layer under the same policy, within what its rounding allows."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from tests.layers import oracles
from tests.layers.samples import in_mode, make_mask

CLASSES = [("SimpleRNN", {}), ("LSTM", {}), ("GRU", {}), ("GRU", {"reset_after": False})]
EPSILON = {"float64": 2.3e-16, "mixed_bfloat16": 7.9e-3, "mixed_float16": 9.8e-4}


def forward_and_gradients(layer, x, initial, mask):
    sources = [w.value for w in layer.trainable_weights]
    with tf.GradientTape() as tape:
        results = layer(x, initial_state=initial, mask=mask, training=True)
        loss = tf.add_n([tf.reduce_mean(tf.square(tf.cast(a, "float64"))) for a in results])
    return list(results), tape.gradient(loss, sources)


@pytest.mark.parametrize(
    "policy, mode", [(p, m) for p in EPSILON for m in ("eager", "graph")] + [("mixed_bfloat16", "loop")]
)
@pytest.mark.parametrize("name, options", CLASSES)
def test_against_keras_under_the_same_policy(name, options, policy, mode):
    rng = np.random.default_rng(1)
    options = {"units": 4, "return_sequences": True, "return_state": True, "dtype": policy, **options}
    theirs, ours = getattr(keras.layers, name)(**options), getattr(ks.layers, name)(**options)
    theirs.build((5, 6, 3))
    ours.build((5, 6, 3))
    ours.set_weights(theirs.get_weights())
    compute, variable = theirs.compute_dtype, theirs.variable_dtype
    x = tf.constant(rng.standard_normal((5, 6, 3)), compute)
    initial = [tf.constant(rng.standard_normal((5, 4)), compute) for _ in range(2 if name == "LSTM" else 1)]
    mask = tf.constant(make_mask("holes", 5, 6, rng))
    wanted, wanted_gradients = forward_and_gradients(theirs, x, initial, mask)
    run = in_mode(mode, lambda x, initial, mask: forward_and_gradients(ours, x, initial, mask))
    received, gradients = run(x, initial, mask)
    epsilon = EPSILON[policy]
    for a, b in zip(received, wanted):
        assert a.dtype == b.dtype == compute
        np.testing.assert_allclose(tf.cast(a, "float64"), tf.cast(b, "float64"), atol=8 * epsilon)
    for a, b in zip(gradients, wanted_gradients):
        assert a.dtype == b.dtype == variable
        scale = float(tf.reduce_max(tf.abs(b)))
        np.testing.assert_allclose(a, b, atol=16 * epsilon * max(scale, 0.1))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_a_long_sequence_stays_near_the_exact_one(kind, policy):
    """Rounding errors must not pile up over 200 steps: the truth is a float64 loop with the same rounded inputs."""
    layer = getattr(ks.layers, kind.upper())(8, dtype=policy, return_sequences=True)
    layer.build((3, 200, 4))
    x = tf.constant(np.random.default_rng(2).standard_normal((3, 200, 4)), layer.compute_dtype)
    wanted, _ = oracles.run(kind, x.numpy().astype("float64"), [w.astype("float64") for w in layer.get_weights()])
    with ks.layers.jit_scope(False):
        received = tf.function(layer)(x)
    np.testing.assert_allclose(tf.cast(received, "float64"), wanted, atol=12 * EPSILON[policy])


@pytest.mark.usefixtures("without_xla")
@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU"])
def test_a_model_of_mixed_precision_learns(name):
    keras.config.set_dtype_policy("mixed_float16")  # its optimizer scales the loss
    model = keras.Sequential([getattr(ks.layers, name)(8), keras.layers.Dense(1, dtype="float32")])
    model.compile(keras.optimizers.Adam(0.02), "mse")
    x = np.random.default_rng(3).standard_normal((64, 5, 2)).astype("float32")
    y = x[:, -1, :1]
    losses = model.fit(x, y, batch_size=32, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < 0.6 * losses[0]
