"""Running `beam_search` on the models of the oracle, and holding a result against what the oracle found."""

import numpy as np
import pytest
import tensorflow as tf

from keras_seqcv.decoding import BeamResult, beam_search
from tests.decoding.beam_oracle import Markov

INF = float("inf")
NAMES = {"length_penalty": "alpha", "coverage_penalty": "beta", "memory_mask": "mask", "no_repeat_ngram": "ngram"}


def arrays(result):
    return BeamResult(*(None if part is None else part.numpy() for part in result))


def search(*arguments, **options):
    """`beam_search` run eagerly, as arrays."""
    return arrays(beam_search(*arguments, **options))


def protocol(model, rows):
    """A model of the oracle as (step, states, fixed) for these rows; the states are a nest, with a scalar in it."""
    if isinstance(model, Markov):
        table = tf.constant(model.table)

        def step(tokens, states, fixed):
            return tf.gather_nd(table, tf.stack([fixed, tokens], axis=1)), states

        return step, (), tf.constant(rows)

    def step(tokens, states, fixed):
        (h,), (bias, memory) = states["h"], fixed
        h = tf.tanh(tf.gather(model.embedding, tokens) + h @ model.recurrent + bias)
        weights = tf.nn.softmax(h @ model.attention + memory)
        return h @ model.output, {"h": [h], "count": states["count"] + 1}, weights

    states = {"h": [tf.zeros((len(rows), model.units))], "count": tf.constant(0)}
    return step, states, (tf.gather(model.bias, rows), tf.gather(model.memory, rows))


def found(model, starts, rows=None, compiled=None, **options):
    """`beam_search` of the model for the rows; `compiled`: None for eager, or what `jit_compile` is to be."""
    step, states, fixed = protocol(model, list(range(len(starts))) if rows is None else rows)
    starts = tf.constant(starts)

    def run(states, starts, fixed):
        return beam_search(step, states, starts, fixed=fixed, **options)

    if compiled is not None:
        run = tf.function(run, jit_compile=compiled, autograph=False)
    return arrays(run(states, starts, fixed))


def check(result, row, expected, pad=0, weights=True):
    """A row of the result is the list of hypotheses that an oracle gives."""
    for k, (ids, score, log_p, looked) in enumerate(expected):
        count = int(result.lengths[row, k])
        assert result.ids[row, k].tolist() == ids + [pad] * (result.ids.shape[2] - len(ids)), (row, k)
        assert count == len(ids)
        assert result.scores[row, k] == pytest.approx(score, abs=2e-5, rel=1e-5)
        assert result.log_probabilities[row, k] == pytest.approx(log_p, abs=2e-5, rel=1e-5)
        if weights:
            np.testing.assert_allclose(result.weights[row, k, :count], looked, atol=1e-5)
            assert not np.any(result.weights[row, k, count:])
    for k in range(len(expected), result.ids.shape[1]):  # nothing else was possible
        assert result.scores[row, k] == result.log_probabilities[row, k] == -INF
        assert result.lengths[row, k] == 0 and set(result.ids[row, k]) == {pad}


def of_oracle(options):
    left_out = ("memory_mask", "pad")
    return {NAMES.get(name, name): value for name, value in options.items() if name not in left_out}


def scripted(probabilities):
    """A model that says the same whatever it reads: probabilities (T, V), the last row from then on."""
    table = tf.math.log(tf.constant(probabilities, tf.float32))

    def step(tokens, t):
        logits = tf.gather(table, tf.minimum(t, table.shape[0] - 1))
        return tf.repeat(logits[None], tf.shape(tokens)[0], axis=0), t + 1

    return step, tf.constant(0)


def looking(tokens, t):
    """Two beginnings, 1 and 2, of which the less likely one looks at both places and the other at the first one."""
    first = tf.math.log([[0.0, 0.6, 0.4]])
    logits = tf.where(tf.equal(t, 0), first, tf.math.log([[1.0, 0.0, 0.0]]))
    there = tf.where(tf.equal(tokens, 2) & (t > 0), 1.0, 0.0)
    weights = tf.stack([1.0 - there, there, tf.zeros_like(there)], axis=1)
    return tf.repeat(logits, tf.shape(tokens)[0], axis=0), t + 1, weights
