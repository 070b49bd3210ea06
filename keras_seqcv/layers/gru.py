"""`GRU`: drop-in for `keras.layers.GRU`, in the textbook's and in cuDNN's form, with streams."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from keras_seqcv.layers import recurrence
from keras_seqcv.layers.recurrent_layer import RecurrentLayer, has_standard_gates

# Both forms below work on tanh alone (see `LSTMMath`): a_z and a_r are the tanh values of the gates, a gate is
# (1 + a) / 2, and kernels and inputs of the gates come halved.


class _HalvedGates(recurrence.Cell):
    """What both forms take from a Keras cell."""

    @classmethod
    def of(cls, cell):
        if not has_standard_gates(cell):
            return None
        return GRUMath() if cell.reset_after else TextbookGRUMath()

    def input_weights(self, cell):
        kernel = tf.convert_to_tensor(cell.kernel)
        scale = _gate_scale(cell, kernel.dtype)
        if not cell.use_bias:
            return kernel * scale, None
        bias = tf.convert_to_tensor(cell.bias)
        return kernel * scale, (bias[0] if cell.reset_after else bias) * scale

    def recurrent_weights(self, cell):
        kernel = tf.convert_to_tensor(cell.recurrent_kernel)
        scale = _gate_scale(cell, kernel.dtype)
        if not cell.reset_after:
            return [kernel * scale]
        bias = tf.convert_to_tensor(cell.bias)[1] if cell.use_bias else tf.zeros_like(scale)
        return [kernel * scale, bias * scale]


@dataclasses.dataclass(frozen=True)
class GRUMath(_HalvedGates):
    """The GRU step with the reset gate after the product, as in cuDNN. Weights: kernel (U, 3U), bias (3U,)."""

    def step(self, x, states, weights, product=tf.matmul):
        (h,), (kernel, bias) = states, weights
        x_z, x_r, x_g = tf.split(x, 3, axis=1)
        p_z, p_r, p_g = tf.split(product(h, kernel) + bias, 3, axis=1)
        a_z, a_r = tf.tanh(x_z + p_z), tf.tanh(x_r + p_r)
        g = tf.tanh(x_g + 0.5 * (1.0 + a_r) * p_g)
        return [g + 0.5 * (1.0 + a_z) * (h - g)], [a_z, a_r, g, p_g]

    def transposed(self, weights):
        return tf.transpose(weights[0])

    def local(self, dstates, saved, previous, states, transposed):
        (dh,), (a_z, a_r, g, p_g), (h_before,) = dstates, saved, previous
        z, r = 0.5 * (1.0 + a_z), 0.5 * (1.0 + a_r)
        dg = dh * (1.0 - z) * (1.0 - g * g)
        dz = dh * (h_before - g) * 0.5 * (1.0 - a_z * a_z)
        dr = dg * p_g * 0.5 * (1.0 - a_r * a_r)
        return [tf.concat([dz, dr, dg * r], axis=1), dg], [dh * z]  # the gradient of the product, and of the input's g

    def pull(self, delta, transposed):
        return tf.matmul(delta, transposed)

    def input_gradient(self, deltas):
        dproduct, dg = deltas
        return tf.concat([dproduct[..., : -dg.shape[-1]], dg], axis=-1)

    def weight_gradients(self, product, saved, deltas):
        return [product(deltas[0]), tf.reduce_sum(deltas[0], axis=(0, 1))]


@dataclasses.dataclass(frozen=True)
class TextbookGRUMath(_HalvedGates):
    """The GRU step with the reset gate on the state, before the product. Weights: kernel (U, 3U)."""

    separable = False  # the second product is of all reset gates

    def step(self, x, states, weights, product=tf.matmul):
        (h,), (kernel,) = states, weights
        units = kernel.shape[0]
        x_z, x_r, x_g = tf.split(x, 3, axis=1)
        p_z, p_r = tf.split(product(h, kernel[:, : 2 * units]), 2, axis=1)
        a_z, a_r = tf.tanh(x_z + p_z), tf.tanh(x_r + p_r)
        g = tf.tanh(x_g + product(0.5 * (1.0 + a_r) * h, kernel[:, 2 * units :]))
        return [g + 0.5 * (1.0 + a_z) * (h - g)], [a_z, a_r, g]

    def transposed(self, weights):
        kernel = tf.transpose(weights[0])
        return [kernel[: 2 * kernel.shape[1]], kernel[2 * kernel.shape[1] :]]

    def local(self, dstates, saved, previous, states, transposed):
        (dh,), (a_z, a_r, g), (h_before,) = dstates, saved, previous
        z, r = 0.5 * (1.0 + a_z), 0.5 * (1.0 + a_r)
        dg = dh * (1.0 - z) * (1.0 - g * g)
        dreset = tf.matmul(dg, transposed[1])  # the gradient of r * h
        dz = dh * (h_before - g) * 0.5 * (1.0 - a_z * a_z)
        dr = dreset * h_before * 0.5 * (1.0 - a_r * a_r)
        return [tf.concat([dz, dr], axis=1), dg], [dh * z + dreset * r]

    def pull(self, delta, transposed):
        return tf.matmul(delta, transposed[0])

    def input_gradient(self, deltas):
        return tf.concat(deltas, axis=-1)

    def weight_gradients(self, product, saved, deltas):
        dgates, dg = deltas
        return [tf.concat([product(dgates), product(dg, gate=0.5 * (1.0 + saved[1]))], axis=1)]


@keras.saving.register_keras_serializable(package="keras_seqcv")
class GRU(RecurrentLayer, keras.layers.GRU):
    """Gated recurrent unit, drop-in for `keras.layers.GRU`: the same constructor, weights and numbers.

    z_t = sigma(x_t W_z + h_{t-1} R_z + b_z)                     update gate
    r_t = sigma(x_t W_r + h_{t-1} R_r + b_r)                     reset gate
    g_t = tanh(x_t W_g + (r_t * h_{t-1}) R_g + b_g)              candidate, `reset_after=False`, the textbook's
    g_t = tanh(x_t W_g + b_g + r_t * (h_{t-1} R_g + b'_g))       candidate, `reset_after=True` (default), cuDNN's
    h_t = z_t * h_{t-1} + (1 - z_t) * g_t

    x_t (B, D) input, h_t (B, U) output. W = [W_z W_r W_g] is the weight `kernel` (D, 3U), R `recurrent_kernel` (U, 3U),
    b `bias` (3U,), or (2, 3U) with the recurrent biases b' in its second row if `reset_after`. sigma is
    `recurrent_activation`, tanh is `activation`; with other functions, with `recurrent_dropout` and with `unroll` the
    loop runs Keras's cell, at Keras's speed.

    Args:
        units: int >= 1, U.
        reset_after: whether the reset gate acts after the product (True) or before it.
        stateful: True for truncated back-propagation through time: row i of a batch goes on from row i of the batch
            before it; the gradient stops at the border. `fit`, `evaluate` and all other calls each have a stream of
            their own. See `get_states`, `set_states`, `reset_states`.
        others: as in `keras.layers.GRU`.

    Call arguments:
        sequences: (B, T, D).
        initial_state: (B, U), or a list of it. Default: zero, or the carried state if `stateful`.
        mask: (B, T) bool. Where False a step changes no state, and its output repeats the one before (zero before the
            first), or is zero with `zero_output_for_mask=True`. Any pattern; rows may be masked fully.
        training: bool, for dropout.
        reset: (B,) or (B, T) bool. True sets a row's state to zero before its first, or before that, step.

    Returns:
        (B, U), the last output; with `return_sequences` (B, T, U); with `return_state` a tuple of it and h (B, U).

    Raises:
        ValueError: where a shape does not fit. `tf.errors.InvalidArgumentError` where a stateful layer is trained with
            batches of different sizes.

    Example:

    >>> gru = ks.layers.GRU(4, return_sequences=True, reset_after=False)
    >>> gru(np.ones((2, 3, 5), "float32")).shape
    TensorShape([2, 3, 4])
    >>> [tuple(w.shape) for w in gru.weights]
    [(5, 12), (4, 12), (12,)]

    Reference:
        Cho et al.: Learning Phrase Representations using RNN Encoder-Decoder. arXiv 1406.1078, 2014.
    """

    def _engine_cell(self):
        return _HalvedGates.of(self.cell)


def _gate_scale(cell, dtype):
    return tf.constant(np.repeat([0.5, 0.5, 1.0], cell.units), dtype)
