"""`product_loop.loop` against the same step unrolled, with TensorFlow's own gradient."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from keras_seqcv.layers.product_loop import loop, product
from tests.layers.samples import in_mode

STEPS = 6


@dataclasses.dataclass(frozen=True)
class Step:
    """Uses kernels in every way: whole, a slice, transposed, twice, one for each row; and weights without a product."""

    def __call__(self, product, x, states, fixed, weights):
        h, c = states
        scores = tf.tanh(fixed["keys"] + product(h, weights["query"])[:, None]) * weights["score"]
        share = tf.nn.softmax(tf.reduce_sum(scores, -1))
        seen = product(share, fixed["memory"])  # (B, 4)
        other = product(h[:, :4], fixed["memory"], transpose=True)  # (B, 5)
        z = x["a"] + product(h, weights["wide"][:, :8]) + product(seen, weights["tall"], transpose=True)
        z = z + product(tf.tanh(z), weights["square"]) + product(h, weights["square"])
        c = tf.where(x["flag"][:, None], 0.5 * c, c) + tf.tanh(z)
        return {"seen": tf.concat([tf.tanh(c), seen], 1), "share": share + other}, [tf.tanh(c), c]


def arguments(batch, seed=0):
    rng = np.random.default_rng(seed)

    def normal(*shape):
        return tf.constant(0.5 * rng.standard_normal(shape))

    xs = {"a": normal(batch, STEPS, 8), "flag": tf.constant(rng.random((batch, STEPS)) < 0.5)}
    states, fixed = [normal(batch, 8), normal(batch, 8)], {"keys": normal(batch, 5, 7), "memory": normal(batch, 5, 4)}
    weights = {"query": normal(8, 7), "score": normal(7), "wide": normal(8, 9), "tall": normal(8, 4)}
    return {"xs": xs, "states": states, "fixed": fixed, "weights": {**weights, "square": normal(8, 8)}}


def unrolled(step, xs, states, fixed, weights, mask=None, keep=True):
    outputs = []
    for t in range(STEPS):
        output, after = step(product, {k: v[:, t] for k, v in xs.items()}, states, fixed, weights)
        if mask is not None:
            there = mask[:, t, None]
            output = {k: tf.where(there, v, tf.zeros_like(v)) for k, v in output.items()}
            after = [tf.where(there, new, old) for new, old in zip(after, states)]
        outputs.append(output)
        states = after
    return {k: tf.stack([o[k] for o in outputs], 1) for k in outputs[0]}, states


def results(run, given, **options):
    """Outputs, states and gradients, flat."""
    with tf.GradientTape() as tape:
        watched = [a for a in tf.nest.flatten(given) if a.dtype.is_floating]
        tape.watch(watched)
        outputs, states = run(Step(), **given, **options)
        flat = [*tf.nest.flatten(outputs), *states]
        loss = tf.add_n([tf.reduce_sum(tf.sin((k + 1.0) * a)) for k, a in enumerate(flat)])
    return [*flat, *tape.gradient(loss, watched)]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("mode", ["eager", "graph", "loop"])
def test_equals_the_unrolled_loop(mode, masked):
    given = arguments(batch=20)
    options = {"mask": tf.constant(np.random.default_rng(1).random((20, STEPS)) < 0.6)} if masked else {}
    wanted = results(unrolled, given, **options)
    for keep in (True, False):
        received = in_mode(mode, lambda given, keep=keep: results(loop, given, keep=keep, **options))(given)
        for a, b in zip(received, wanted, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-11 * max(1.0, np.abs(b).max()))


def test_what_is_not_asked_for_has_no_gradient():
    given = arguments(batch=3)
    with tf.GradientTape() as tape:
        tape.watch(given["xs"]["flag"])
        outputs, _ = loop(Step(), **given)
    assert tape.gradient(outputs["seen"], given["xs"]["flag"]) is None
