"""The gates of Keras's recurrent cells: their names, their kernels, and what they were at a step."""

import keras
import tensorflow as tf

# In the order in which the blocks of a kernel lie.
_NAMES = {
    keras.layers.LSTMCell: ("input", "forget", "candidate", "output"),
    keras.layers.GRUCell: ("update", "reset", "candidate"),
    keras.layers.SimpleRNNCell: ("candidate",),
}


def gate_names(cell) -> tuple:
    """Names of the gates of a cell, in the order of its kernel's blocks; empty for a cell that is not known.

    Example:
        >>> from keras_seqcv.inspection.cell_gates import gate_names
        >>> gate_names(keras.layers.GRUCell(2))
        ('update', 'reset', 'candidate')
    """
    return next((names for kind, names in _NAMES.items() if isinstance(cell, kind)), ())


def recurrent_kernels(cell) -> dict:
    """Name of a gate -> its part of the recurrent kernel, (U, U) array; empty for a cell that is not known."""
    names = gate_names(cell)
    if not names:
        return {}
    kernel = keras.ops.convert_to_numpy(cell.recurrent_kernel)
    return {name: kernel[:, k * cell.units : (k + 1) * cell.units] for k, name in enumerate(names)}


def gates_of(cell, inputs, before) -> dict:
    """What the gates were: name -> tensor (..., U), of inputs (..., D) and the list of states (..., U) before.

    i, f, o of an LSTM, z, r of a GRU by its `recurrent_activation`, and the candidate by its `activation`; without
    dropout. Of a `SimpleRNNCell`, or a cell that is not known, nothing: its state is all there is.
    """
    if isinstance(cell, keras.layers.LSTMCell):
        return _lstm_gates(cell, inputs, before[0])
    return _gru_gates(cell, inputs, before[0]) if isinstance(cell, keras.layers.GRUCell) else {}


def _lstm_gates(cell, x, h):
    z = _product(x, cell.kernel) + _product(h, cell.recurrent_kernel)
    z = z if cell.bias is None else z + tf.cast(cell.bias, z.dtype)
    parts = dict(zip(gate_names(cell), tf.split(z, 4, axis=-1), strict=True))
    return {
        name: cell.activation(part) if name == "candidate" else cell.recurrent_activation(part)
        for name, part in parts.items()
    }


def _gru_gates(cell, x, h):
    bias, recurrent_bias = _gru_biases(cell)
    xz, xr, xg = tf.split(_product(x, cell.kernel) + bias, 3, axis=-1)
    if cell.reset_after:
        hz, hr, hg = tf.split(_product(h, cell.recurrent_kernel) + recurrent_bias, 3, axis=-1)
        reset = cell.recurrent_activation(xr + hr)
        candidate = cell.activation(xg + reset * hg)
    else:
        kernel = tf.cast(cell.recurrent_kernel, h.dtype)
        hz, hr = tf.split(_product(h, kernel[:, : 2 * cell.units]), 2, axis=-1)
        reset = cell.recurrent_activation(xr + hr)
        candidate = cell.activation(xg + _product(reset * h, kernel[:, 2 * cell.units :]))
    return {"update": cell.recurrent_activation(xz + hz), "reset": reset, "candidate": candidate}


def _gru_biases(cell):
    if cell.bias is None:
        return 0.0, 0.0
    bias = tf.cast(cell.bias, cell.compute_dtype)
    return (bias[0], bias[1]) if cell.reset_after else (bias, 0.0)


def _product(a, kernel):
    """(..., N) times (N, M)."""
    return (
        tf.linalg.matmul(a, tf.cast(kernel, a.dtype))
        if a.shape.rank == 2
        else tf.tensordot(a, tf.cast(kernel, a.dtype), 1)
    )
