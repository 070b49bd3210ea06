"""The LSTM that the LiteRT converter recognises and replaces by one `UNIDIRECTIONAL_SEQUENCE_LSTM` operator.

The converter looks for a function with the attribute `api_implements = "lstm_..."` and a fixed signature; it never
reads what is inside. The inside below is the same LSTM in plain TensorFlow: it runs wherever the graph is not
converted, and is what the operator is compared with.
"""

import itertools
import uuid

import numpy as np
import tensorflow as tf

_MARKS = itertools.count(1)


def fused_lstm(inputs, kernel, recurrent_kernel, bias=None):
    """LSTM over a whole sequence from a zero state, as one function that LiteRT can fuse.

    Equations (gates in the order i, f, c, o):
        i, f, o = sigmoid(W x + R h + b),  g = tanh(W x + R h + b)
        c = f * c + i * g
        h = o * tanh(c)

    The operator in LiteRT also clips every cell value `c` to [-10, 10]: the converter hard-codes `cell_clip = 10` and
    gives no way to change it. Trained LSTMs stay inside; the parity check of the export finds those that do not.

    What it cannot do, so that the caller must take the loop instead: an initial state, a mask, handing out the last
    state, other activations than tanh and sigmoid, a batch size that is not fixed.

    Args:
        inputs: (B, T, D); B must be static, T may be dynamic. The operator works in float32; other floats are cast to
            it and the results back.
        kernel: (D, 4U).
        recurrent_kernel: (U, 4U).
        bias: (4U,), or None for an LSTM without bias.

    Returns:
        Last output (B, U) and all outputs (B, T, U).

    Raises:
        ValueError: if the batch size is not known.

    Example:
        >>> from keras_seqcv.layers.fused_lstm import fused_lstm
        >>> last, outputs = fused_lstm(tf.ones([1, 5, 3]), tf.ones([3, 8]), tf.ones([2, 8]))
        >>> last.shape, outputs.shape
        (TensorShape([1, 2]), TensorShape([1, 5, 2]))
    """
    inputs = tf.convert_to_tensor(inputs)
    if inputs.shape.rank != 3 or inputs.shape[0] is None:
        raise ValueError(f"fused_lstm needs inputs (B, T, D) with a known batch size, received {inputs.shape}")
    batch, units = inputs.shape[0], recurrent_kernel.shape[0]
    bias = tf.zeros([4 * units]) if bias is None else bias
    # To tensors first: `tf.cast` hands a variable on as it is, and a variable as argument crashes the converter.
    arguments = [tf.convert_to_tensor(item) for item in (inputs, kernel, recurrent_kernel, bias)]
    arguments = [tf.cast(tensor, tf.float32) for tensor in arguments]
    # The operator writes its states into the tensors that are handed in here, and begins at zero whatever they hold.
    # Zeros would be merged with other zeros of that shape, say the initial state of a loop behind the LSTM, which would
    # then begin with the last state of this one. So they hold numbers that occur nowhere else.
    marks = [tf.fill([batch, units], np.float32(next(_MARKS) + 0.123)) for _ in range(2)]
    # A name of its own for every call: for grappler, functions of one name are alternatives to each other.
    composite = tf.function(
        _standard_lstm,
        autograph=False,
        experimental_attributes={
            "api_implements": f"lstm_{uuid.uuid4()}",
            "api_preferred_device": "CPU",
            "time_major": False,
        },
    )
    last, outputs, _, _, _ = composite(arguments[0], *marks, *arguments[1:])
    return tf.cast(last, inputs.dtype), tf.cast(outputs, inputs.dtype)


def _standard_lstm(inputs, mark_h, mark_c, kernel, recurrent_kernel, bias):
    """The LSTM with the arguments and the five results that the converter looks for."""
    batch, units = inputs.shape[0], recurrent_kernel.shape[0]
    zero = tf.zeros([batch, units])
    projected = tf.tensordot(inputs, kernel, axes=1) + bias  # (B, T, 4U)
    projected = tf.transpose(projected, [1, 0, 2])  # (T, B, 4U)
    length = tf.shape(inputs)[1] if inputs.shape[1] is None else inputs.shape[1]
    outputs = tf.TensorArray(inputs.dtype, size=length, element_shape=[batch, units])

    def step(t, h, c, outputs):
        i, f, g, o = tf.split(projected[t] + h @ recurrent_kernel, 4, axis=-1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
        return t + 1, h, c, outputs.write(t, h)

    _, h, c, outputs = tf.while_loop(lambda t, *_: t < length, step, [tf.constant(0), zero, zero, outputs])
    outputs = tf.transpose(outputs.stack(), [1, 0, 2])  # (B, T, U)
    # Unused by us, named by the converter's signature: which kind of kernel ran.
    runtime = tf.constant(1.0)
    # identity: the converter wants five results, none of which is another one's alias.
    return tf.identity(h), outputs, h, c, runtime
