"""Recurrent layers one on the other, and one step of them all: what decoders and encoders have in common."""

import tensorflow as tf

from keras_seqcv import layers

LAYERS = {"simple_rnn": layers.SimpleRNN, "lstm": layers.LSTM, "gru": layers.GRU}


def make_stack(cell, units, count, dtype, name=None, go_backwards=False) -> list:
    """`count` layers of `units`, each of which gives its whole sequence and its states."""
    options = {"return_sequences": True, "go_backwards": go_backwards, "dtype": dtype}
    return [LAYERS[cell](units, **options, name=f"{name or cell}_{k}") for k in range(count)]


def zero_states(rnns, batch) -> list:
    """The states of all layers before the first step, one after the other: list of (B, U)."""
    return [tf.convert_to_tensor(s) for rnn in rnns for s in rnn.get_initial_state(batch_size=batch)]


def stack_stepper(rnns):
    """A function (x (B, D), states as in `zero_states`) -> output of the last layer (B, U), states."""
    steppers, counts = [rnn.stepper() for rnn in rnns], [len(rnn.state_size) for rnn in rnns]

    def advance(x, states):
        after, rest = [], list(states)
        for one, count in zip(steppers, counts, strict=True):
            own, rest = rest[:count], rest[count:]
            x, own = one(x, own)
            after += own
        return x, after

    return advance
