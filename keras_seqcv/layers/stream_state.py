"""State that goes on from batch to batch: the memory of truncated back-propagation through time."""

import contextlib
import contextvars
import sys
from collections.abc import Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from keras_seqcv.distribution.replicas import this_replica
from keras_seqcv.layers.inner_layers import inner_layers

STREAMS = ("training", "validation", "inference")

_chosen = contextvars.ContextVar("keras_seqcv_stream", default="by step")


@contextlib.contextmanager
def stream_scope(name: str | None) -> Iterator[None]:
    """Make every stateful layer called inside a `with` block use the stream `name`.

    Without it `fit` uses "training", `evaluate` and validation data "validation", and everything else "inference".

    Args:
        name: "training" | "validation" | "inference", or None: every call starts from zero states and keeps none. That
            is what a model does in an exported file.

    Raises:
        ValueError: for another name.

    Example:

    >>> rnn = ks.layers.GRU(2, stateful=True)
    >>> with ks.layers.stream_scope("validation"):
    ...     y = rnn(np.ones((1, 3, 2), "float32"))
    >>> rnn.get_states("validation")[0].shape, rnn.get_states("inference")[0].shape
    ((1, 2), (0, 2))
    """
    if name is not None:
        _check_stream(name)
    token = _chosen.set(name)
    try:
        yield
    finally:
        _chosen.reset(token)


def current_stream(training) -> str | None:
    """The stream that a layer called now belongs to."""
    if _chosen.get() != "by step":
        return _chosen.get()
    if training:
        return "training"
    return "validation" if _inside_test_step() else "inference"


def _inside_test_step() -> bool:
    """Whether a `keras.Model.test_step` is being run or traced.

    Keras calls a layer in the same way from `evaluate` and from `predict`; only the Python stack tells them apart.
    `test_step` is Keras's public name for the step of `evaluate`, in its own models and in those that override it.
    """
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "test_step" and isinstance(frame.f_locals.get("self"), keras.Model):
            return True
        frame = frame.f_back
    return False


class StreamState(tf.Module):
    """Per stream, the states of every row of a batch.

    Row i of a batch goes on where row i of the batch before it stopped. A stream starts empty; it grows with the first
    batch. In training all batches have the size of the first. Elsewhere a smaller batch goes on with the first rows and
    leaves the others as they are, and rows that a larger batch adds start from zero.

    Under a `tf.distribute` strategy each replica has its own copy, of its own rows. There all batches of every stream
    have the size of the first: rows of a smaller one would come to another replica than the rows before them.

    Args:
        sizes: list of ints, the width of each state.
        dtype: of the states.
    """

    def __init__(self, sizes: Sequence[int], dtype: str):
        super().__init__(name="stream_state")
        self._sizes = [int(s) for s in sizes]
        self._dtype = tf.as_dtype(dtype)
        with tf.init_scope():
            self._variables = {name: [self._variable(name, size) for size in self._sizes] for name in STREAMS}

    def _variable(self, name, size):
        kind = {}
        if tf.distribute.has_strategy():
            kind = {
                "synchronization": tf.VariableSynchronization.ON_READ,
                "aggregation": tf.VariableAggregation.ONLY_FIRST_REPLICA,
            }
        return tf.Variable(
            tf.zeros((0, size), self._dtype), shape=(None, size), trainable=False, name=f"{name}_state", **kind
        )

    def read(self, name: str, batch) -> list[tf.Tensor]:
        """The states (B, U) of stream `name` for a batch of `batch` rows. No gradient goes into them."""
        states = [v.read_value() for v in self._variables[name]]
        rows = tf.shape(states[0])[0]
        if name == "training" or this_replica() is not None:
            fits = tf.logical_or(tf.equal(rows, 0), tf.equal(rows, batch))
            where = "in training" if name == "training" else "on several replicas"
            message = f"{where}, every batch of a stateful layer must have the size of the first. Expected, received:"
            with tf.control_dependencies([tf.debugging.Assert(fits, [message, rows, batch])]):
                states = [tf.identity(s) for s in states]
        return [self._with_rows(s, batch) for s in states]

    def _with_rows(self, state, batch):
        new_rows = tf.zeros((batch, state.shape[-1]), self._dtype)
        return tf.stop_gradient(tf.concat([state, new_rows], axis=0)[:batch])

    def write(self, name: str, states: Sequence[tf.Tensor]) -> None:
        """Keep the states (B, U) after a batch."""
        for variable, state in zip(self._variables[name], states, strict=True):
            state = tf.cast(state, self._dtype)
            if name != "training":
                state = tf.concat([state, variable.read_value()[tf.shape(state)[0] :]], axis=0)
            variable.assign(state)

    def get(self, name: str) -> list[np.ndarray]:
        """The states of stream `name` as arrays (rows, U); rows is 0 for a stream that has not begun.

        Under a strategy the rows of the replicas follow one another.
        """
        _check_stream(name)
        return [np.concatenate([copy.numpy() for copy in _copies(v)]) for v in self._variables[name]]

    def set(self, name: str, states: Sequence) -> None:
        """Replace the states of stream `name`, arrays (rows, U)."""
        _check_stream(name)
        states = [np.asarray(s) for s in states]
        shapes = [s.shape for s in states]
        if [s[1:] for s in shapes] != [(n,) for n in self._sizes] or len({s[0] for s in shapes}) != 1:
            expected = ", ".join(f"(rows, {n})" for n in self._sizes)
            raise ValueError(f"states: expected {len(self._sizes)} arrays of shapes {expected}, received {shapes}")
        for variable, state in zip(self._variables[name], states, strict=True):
            copies = _copies(variable)
            if len(state) % len(copies):
                raise ValueError(f"states: {len(state)} rows cannot be shared by {len(copies)} replicas")
            for copy, part in zip(copies, np.split(state, len(copies)), strict=True):
                copy.assign(tf.cast(part, self._dtype))

    def reset(self, name: str | None = None, rows: Sequence[int] | None = None) -> None:
        """Set states to zero: of stream `name` or of all; of some rows or, the stream then begins anew, of all."""
        for stream in STREAMS if name is None else (name,):
            states = self.get(stream)
            if rows is None:
                self.set(stream, [s[:0] for s in states])
            elif len(states[0]):
                for s in states:
                    s[list(rows)] = 0
                self.set(stream, states)


def _copies(variable):
    """The copies of a variable, one for each replica."""
    return getattr(variable, "values", None) or (variable,)


def _check_stream(name: str) -> None:
    if name not in STREAMS:
        raise ValueError(f"stream must be one of {STREAMS}, received {name!r}")


def reset_states(model, stream: str | None = None) -> None:
    """Let every stateful layer of a model begin anew.

    Args:
        model: a `keras.Model` or layer; layers inside layers are found.
        stream: "training" | "validation" | "inference", or None for all three.

    Raises:
        ValueError: for another stream.

    Example:

    >>> model = keras.Sequential([ks.layers.LSTM(2, stateful=True)])
    >>> y = model(np.ones((1, 3, 2), "float32"))
    >>> ks.reset_states(model)
    >>> model.layers[0].get_states()[0].shape
    (0, 2)
    """
    if stream is not None:
        _check_stream(stream)
    for layer in inner_layers(model):
        if isinstance(getattr(layer, "stream_state", None), StreamState):
            layer.stream_state.reset(stream)
        elif isinstance(layer, keras.layers.Bidirectional):
            continue  # it would reset all streams of its two layers, which come here themselves
        elif getattr(layer, "stateful", False) and hasattr(layer, "reset_state"):
            layer.reset_state()


def stream_states(model) -> list[StreamState]:
    """Of every stateful layer of ours in a model."""
    found = (getattr(layer, "stream_state", None) for layer in inner_layers(model))
    return [state for state in found if isinstance(state, StreamState)]
