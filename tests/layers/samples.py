"""Layers with random weights, and masks: what the tests of the recurrent layers begin with."""

import contextlib
import dataclasses

import numpy as np
import tensorflow as tf

import keras_seqcv as ks

KINDS = ("simple_rnn", "simple_rnn_context", "lstm", "gru", "textbook_gru")
MASKS = ("right", "left", "holes", "full_row")


def make_layer(kind, units, dtype="float64", **options):
    """The layer of this package that an oracle's `kind` names."""
    if kind.startswith("simple_rnn"):
        return ks.layers.SimpleRNN(units, dtype=dtype, **options)
    if kind == "lstm":
        return ks.layers.LSTM(units, dtype=dtype, **options)
    return ks.layers.GRU(units, dtype=dtype, reset_after=kind == "gru", **options)


def ordered_weights(layer):
    """The weight variables in Keras's order, a context kernel last."""
    return sorted(layer.weights, key=lambda w: w.name == "context_kernel")


def randomise(layer, rng, scale=0.5):
    """Give every weight, biases too, random numbers; they come back in float64, as `ordered_weights`."""
    weights = [scale * rng.standard_normal(w.shape) for w in ordered_weights(layer)]
    for variable, value in zip(ordered_weights(layer), weights):
        variable.assign(value)
    return weights


def make_mask(pattern, batch, steps, rng):
    """(B, T) bool. "full_row" has rows that are masked fully beside rows that are not masked at all."""
    lengths = rng.integers(0, steps + 1, batch)
    if pattern == "right":
        return np.arange(steps) < lengths[:, None]
    if pattern == "left":
        return np.arange(steps) >= lengths[:, None]
    if pattern == "holes":
        return rng.random((batch, steps)) < 0.6
    mask = np.ones((batch, steps), bool)
    mask[rng.random(batch) < 0.5] = False
    mask[0] = False
    return mask


# How a layer is run. "loop" is what `fit` does with an LSTM: a graph whose loop alone is compiled by XLA.
MODES = ("eager", "graph", "loop", "xla")


def in_mode(mode, function, input_signature=None):
    """`function` of tensors, to be called in one of `MODES`."""
    if mode == "eager":
        return function
    compiled = tf.function(function, input_signature, autograph=False, jit_compile=mode == "xla")

    def call(*arguments):
        with ks.layers.jit_scope(False) if mode == "graph" else contextlib.nullcontext():
            return compiled(*arguments)

    return call


@dataclasses.dataclass
class Sample:
    """Everything one call of a layer takes, in float64. B, T, D, U = 5, 6, 3, 4."""

    kind: str
    x: np.ndarray  # (B, T, D)
    initial: list  # of (B, U)
    mask: np.ndarray | None = None  # (B, T)
    reset: np.ndarray | None = None  # (B,) or (B, T)
    context: np.ndarray | None = None  # (B, C)
    backwards: bool = False
    zero_output_for_mask: bool = False


def make_sample(kind, rng, pattern=None, reset=None, batch=5, steps=6, initial=True, **options):
    """`pattern` is one of `MASKS`, `reset` "row" or "step"."""
    states = 2 if kind == "lstm" else 1
    reset_shape = {"row": (batch,), "step": (batch, steps), None: (0,)}[reset]
    return Sample(
        kind,
        x=rng.standard_normal((batch, steps, 3)),
        initial=[rng.standard_normal((batch, 4)) for _ in range(states)] if initial else None,
        mask=make_mask(pattern, batch, steps, rng) if pattern else None,
        reset=rng.random(reset_shape) < 0.3 if reset else None,
        context=rng.standard_normal((batch, 2)) if kind == "simple_rnn_context" else None,
        **options,
    )
