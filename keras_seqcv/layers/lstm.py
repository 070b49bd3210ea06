"""`LSTM`: drop-in for `keras.layers.LSTM`, several times as fast on a CPU, with streams."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from keras_seqcv.layers import recurrence
from keras_seqcv.layers.fused_lstm import fused_lstm
from keras_seqcv.layers.recurrent_layer import RecurrentLayer, has_standard_gates


@dataclasses.dataclass(frozen=True)
class LSTMMath(recurrence.Cell):
    """The LSTM step on tanh alone: with kernels and inputs of the three gates halved, sigma(x) = (1 + tanh(x/2)) / 2.

    XLA computes a tanh faster than a sigmoid. Below i, f and o are these tanh values, and a gate is (1 + i) / 2. They
    are kept apart, in buffers of their own, because XLA cuts blocks out of a wide buffer slowly.
    """

    state_in_product_only = True

    @classmethod
    def of(cls, cell):
        return cls() if has_standard_gates(cell) else None

    def input_weights(self, cell):
        kernel = tf.convert_to_tensor(cell.kernel)
        scale = _gate_scale(cell, kernel.dtype)
        return kernel * scale, tf.convert_to_tensor(cell.bias) * scale if cell.use_bias else None

    def recurrent_weights(self, cell):
        kernel = tf.convert_to_tensor(cell.recurrent_kernel)
        return [kernel * _gate_scale(cell, kernel.dtype)]

    def step(self, x, states, weights, product=tf.matmul):
        h, c = states
        i, f, g, o = (tf.tanh(z) for z in tf.split(x + product(h, weights[0]), 4, axis=1))
        c = 0.5 * ((1.0 + f) * c + (1.0 + i) * g)
        h = 0.5 * (1.0 + o) * tf.tanh(c)
        return [h, c], [i, f, g, o]

    def transposed(self, weights):
        return tf.transpose(weights[0])

    def local(self, dstates, saved, previous, states, transposed):
        (dh, dc), (i, f, g, o), (_, c_before) = dstates, saved, previous
        tanh_c = tf.tanh(states[1])
        dc = dc + dh * 0.5 * (1.0 + o) * (1.0 - tanh_c * tanh_c)
        delta = tf.concat(
            [
                dc * g * 0.5 * (1.0 - i * i),
                dc * c_before * 0.5 * (1.0 - f * f),
                dc * 0.5 * (1.0 + i) * (1.0 - g * g),
                dh * tanh_c * 0.5 * (1.0 - o * o),
            ],
            axis=1,
        )
        return [delta], [(), dc * 0.5 * (1.0 + f)]

    def pull(self, delta, transposed):
        return tf.matmul(delta, transposed)

    def weight_gradients(self, product, saved, deltas):
        return [product(deltas[0])]


@keras.saving.register_keras_serializable(package="keras_seqcv")
class LSTM(RecurrentLayer, keras.layers.LSTM):
    """Long short-term memory, drop-in for `keras.layers.LSTM`: the same constructor, weights and numbers.

    i_t = sigma(x_t W_i + h_{t-1} R_i + b_i)        input gate
    f_t = sigma(x_t W_f + h_{t-1} R_f + b_f)        forget gate
    g_t = tanh(x_t W_g + h_{t-1} R_g + b_g)         candidate
    o_t = sigma(x_t W_o + h_{t-1} R_o + b_o)        output gate
    c_t = f_t * c_{t-1} + i_t * g_t
    h_t = o_t * tanh(c_t)

    x_t (B, D) input, h_t (B, U) output, c_t (B, U) cell state. W = [W_i W_f W_g W_o] is the weight `kernel` (D, 4U),
    R `recurrent_kernel` (U, 4U), b `bias` (4U,). sigma is `recurrent_activation`, tanh is `activation`; with other
    functions, with `recurrent_dropout` and with `unroll` the loop runs Keras's cell, at Keras's speed.

    Args:
        units: int >= 1, U.
        stateful: True for truncated back-propagation through time: row i of a batch goes on from row i of the batch
            before it; the gradient stops at the border. `fit`, `evaluate` and all other calls each have a stream of
            their own. See `get_states`, `set_states`, `reset_states`.
        others: as in `keras.layers.LSTM`.

    Call arguments:
        sequences: (B, T, D).
        initial_state: list `[h, c]`, each (B, U). Default: zero, or the carried state if `stateful`.
        mask: (B, T) bool. Where False a step changes no state, and its output repeats the one before (zero before the
            first), or is zero with `zero_output_for_mask=True`. Any pattern; rows may be masked fully.
        training: bool, for dropout.
        reset: (B,) or (B, T) bool. True sets a row's state to zero before its first, or before that, step.

    Returns:
        (B, U), the last output; with `return_sequences` (B, T, U); with `return_state` a tuple of it, h and c (B, U).

    Raises:
        ValueError: where a shape does not fit. `tf.errors.InvalidArgumentError` where a stateful layer is trained with
            batches of different sizes.

    Example:

    >>> lstm = ks.layers.LSTM(4, return_sequences=True, return_state=True)
    >>> y, h, c = lstm(np.ones((2, 3, 5), "float32"))
    >>> y.shape, h.shape, c.shape
    (TensorShape([2, 3, 4]), TensorShape([2, 4]), TensorShape([2, 4]))
    >>> theirs = keras.layers.LSTM(4)
    >>> theirs.build((None, None, 5))
    >>> theirs.set_weights(lstm.get_weights())
    >>> bool(np.allclose(theirs(np.ones((2, 3, 5), "float32")), y[:, -1], atol=1e-6))
    True

    Reference:
        Hochreiter, Schmidhuber: Long Short-Term Memory. Neural Computation 9(8), 1997.
    """

    def _engine_cell(self):
        return LSTMMath.of(self.cell)

    def _fused(self, sequences):
        if self._engine_cell() is None or sequences.shape[0] is None:
            return None
        if self.go_backwards:
            sequences = tf.reverse(sequences, [1])
        _, outputs = fused_lstm(sequences, self.cell.kernel, self.cell.recurrent_kernel, self.cell.bias)
        return outputs


def _gate_scale(cell, dtype):
    return tf.constant(np.repeat([0.5, 0.5, 1.0, 0.5], cell.units), dtype)
