"""One row for each public layer: what the conformance suite needs to know to put it through every check.

A new layer gets a row here, and every check in `test_conformance.py` with it.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

import keras_seqcv as ks

BATCH, STEPS, FEATURES, UNITS, CONTEXT = 3, 5, 4, 6, 2


@dataclasses.dataclass(frozen=True)
class Row:
    """A layer under test.

    Args:
        name: of the row.
        make: function of keyword options (`dtype`, `name` ...) -> the layer.
        inputs: argument name -> shape without the batch axis, in the order of `call`. Data are random floats.
        output: shape without the batch axis.
        output_mask: whether the mask of the sequences comes out again.
        fused: the LiteRT operator that the layer becomes, if there is one.
    """

    name: str
    make: Callable
    inputs: dict
    output: tuple
    output_mask: bool = True
    fused: str | None = None

    def data(self, batch=BATCH, seed=0) -> dict:
        rng = np.random.default_rng(seed)
        return {k: rng.standard_normal((batch, *shape)).astype("float32") for k, shape in self.inputs.items()}


def _recurrent(layer, **fixed):
    return lambda **options: layer(UNITS, return_sequences=True, **fixed, **options)


SEQUENCES = {"sequences": (STEPS, FEATURES)}
OUTPUT = (STEPS, UNITS)

TABLE = [
    Row("SimpleRNN", _recurrent(ks.layers.SimpleRNN), SEQUENCES, OUTPUT),
    Row("SimpleRNN with context", _recurrent(ks.layers.SimpleRNN), {**SEQUENCES, "context": (CONTEXT,)}, OUTPUT),
    Row("LSTM", _recurrent(ks.layers.LSTM), SEQUENCES, OUTPUT, fused="UNIDIRECTIONAL_SEQUENCE_LSTM"),
    Row("GRU", _recurrent(ks.layers.GRU), SEQUENCES, OUTPUT),
    Row("GRU reset_after=False", _recurrent(ks.layers.GRU, reset_after=False), SEQUENCES, OUTPUT),
]
