"""One row for each public layer: what the conformance suite needs to know to put it through every check.

A new layer gets a row here, and every check in `test_conformance.py` with it.
"""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np

import keras_seqcv as ks

BATCH, STEPS, FEATURES, UNITS, CONTEXT, PLACES = 3, 5, 4, 6, 2, 5


@dataclasses.dataclass(frozen=True)
class Row:
    """A layer under test.

    Args:
        name: of the row.
        make: function of keyword options (`dtype`, `name` ...) -> the layer.
        inputs: argument name -> shape without the batch axis, in the order of `call`. Data are random floats.
        outputs: shape of each output without the batch axis.
        masked: the input that a mask belongs to, or None.
        output_mask: whether that mask comes out again.
        by_loss: whether a loss on the outputs reaches every weight and input. Where not, the layer's own tests say how
            it learns.
        fused: the LiteRT operator that the layer becomes, if there is one.
        bounded: inputs whose numbers lie in [-1, 1].
    """

    name: str
    make: Callable
    inputs: dict
    outputs: list
    masked: str | None = "sequences"
    output_mask: bool = True
    by_loss: bool = True
    fused: str | None = None
    bounded: tuple = ()

    def data(self, batch=BATCH, seed=0) -> dict:
        rng = np.random.default_rng(seed)
        data = {k: rng.standard_normal((batch, *shape)).astype("float32") for k, shape in self.inputs.items()}
        return {k: np.tanh(a) if k in self.bounded else a for k, a in data.items()}


def _recurrent(layer, **fixed):
    return lambda **options: layer(UNITS, return_sequences=True, **fixed, **options)


SEQUENCES = {"sequences": (STEPS, FEATURES)}
OUTPUTS = [(STEPS, UNITS)]


def _attention(name, make, query=UNITS, **more):
    """A layer that looks with a query at the places of a memory."""
    inputs = {"query": (query,), "memory": (PLACES, FEATURES)}
    return Row(name, make, inputs, [(FEATURES,), (PLACES,)], masked="memory", output_mask=False, **more)


def _attention_rnn(name, features, cell, attention, **options):
    """A recurrent layer that looks at a memory at every step; its parts compute in the dtype of the whole."""

    def make(dtype=None, **more):
        parts = {} if dtype is None else {"dtype": dtype}
        of_step = ks.layers.AttentionRNNCell(cell(**parts), attention(**parts), **options, **parts)
        return ks.layers.AttentionRNN(of_step, **more, **parts)

    inputs = {**SEQUENCES, "memory": (PLACES, FEATURES)}
    return Row(name, make, inputs, [(STEPS, features), (STEPS, PLACES)])


def _additive(**options):
    return ks.layers.AdditiveAttention(UNITS, **options)


def _general(**options):
    return ks.layers.DotProductAttention("general", **options)


def _stack(**options):
    return [keras.layers.GRUCell(3, **options), keras.layers.LSTMCell(UNITS, **options)]


TABLE = [
    Row("SimpleRNN", _recurrent(ks.layers.SimpleRNN), SEQUENCES, OUTPUTS),
    Row("SimpleRNN with context", _recurrent(ks.layers.SimpleRNN), {**SEQUENCES, "context": (CONTEXT,)}, OUTPUTS),
    Row("LSTM", _recurrent(ks.layers.LSTM), SEQUENCES, OUTPUTS, fused="UNIDIRECTIONAL_SEQUENCE_LSTM"),
    Row("GRU", _recurrent(ks.layers.GRU), SEQUENCES, OUTPUTS),
    Row("GRU reset_after=False", _recurrent(ks.layers.GRU, reset_after=False), SEQUENCES, OUTPUTS),
    _attention("AdditiveAttention", lambda **options: ks.layers.AdditiveAttention(UNITS, **options)),
    _attention("DotProductAttention", lambda **options: ks.layers.DotProductAttention("general", **options)),
    _attention(
        "DotProductAttention scaled", lambda **options: ks.layers.DotProductAttention("scaled", **options), FEATURES
    ),
    _attention_rnn(
        "AttentionRNN before",
        UNITS + FEATURES,
        lambda **options: keras.layers.LSTMCell(UNITS, **options),
        _additive,
        gate=True,
        start="memory",
    ),
    _attention_rnn("AttentionRNN after", 7, _stack, _general, attend="after", units=7, coverage=True),
    _attention_rnn(
        "AttentionRNN of a cell's own code",
        UNITS + FEATURES,
        lambda **options: keras.layers.GRUCell(UNITS, activation="softsign", **options),
        _general,
        coverage=True,
    ),
    _attention("HardAttention", lambda **options: ks.layers.HardAttention(UNITS, seed=1, **options), by_loss=False),
    Row("Coordinates", ks.layers.Coordinates, {"pictures": (3, STEPS, 4)}, [(3, STEPS, 6)], masked=None),
    Row(
        "GlimpseSensor",
        lambda **options: ks.layers.GlimpseSensor(2, 2, **options),
        {"pictures": (6, STEPS, 3), "location": (2,)},
        [(2, 2, 2, 3)],
        masked=None,
        bounded=("location",),
    ),
    Row(
        "GaussianRead",
        lambda **options: ks.layers.GaussianRead(3, **options),
        {"pictures": (6, 7, 2), "parameters": (5,)},
        [(3, 3, 2)],
        masked=None,
    ),
    Row(
        "GaussianWrite",
        lambda **options: ks.layers.GaussianWrite(6, 7, **options),
        {"patches": (3, 3, 2), "parameters": (5,)},
        [(6, 7, 2)],
        masked=None,
    ),
]
