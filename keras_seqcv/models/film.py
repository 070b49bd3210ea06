"""`ModulatedConvolutions`: convolutions over the places of a picture that a question sets (FiLM)."""

import keras
import tensorflow as tf

from keras_seqcv.distribution.replicas import with_a_row
from keras_seqcv.layers import Coordinates


class ModulatedConvolutions(keras.layers.Layer):
    """Blocks of convolutions whose features a question amplifies, turns round, or switches off.

    x_0 = relu([v, r, c] W + b)                                              each place, at row r and column c
    y_k = norm(conv_{3 x 3}(x_{k-1}))
    x_k = x_{k-1} + relu((1 + g_k) * y_k + h_k),   [g_k, h_k] = q W_k + b_k  k = 1 ... K

    Args:
        count: K >= 1. width: C, of all x.

    Call arguments:
        question: q, (B, N, Q). picture: v, (B, h, w, D), r and c in [-1, 1]. training: bool.

    Returns:
        x_K, (B N, h, w, C), the rows of the N questions of each picture behind each other.

    Reference:
        Perez et al.: FiLM: Visual Reasoning with a General Conditioning Layer. arXiv 1709.07871, 2017.
    """

    def __init__(self, count, width, **kwargs):
        super().__init__(**kwargs)
        dtype, layers = self.dtype_policy, keras.layers
        self.width = width
        self.places = Coordinates(dtype=dtype)
        self.first = layers.Dense(width, activation="relu", dtype=dtype, name="first")
        self.convolutions = [
            layers.Conv2D(width, 3, padding="same", use_bias=False, dtype=dtype, name=f"conv_{k}") for k in range(count)
        ]
        # Statistics of the whole batch, on several replicas too.
        options = {"center": False, "scale": False, "dtype": dtype, "synchronized": tf.distribute.has_strategy()}
        self.norms = [layers.BatchNormalization(**options, name=f"norm_{k}") for k in range(count)]
        self.modulations = [layers.Dense(2 * width, dtype=dtype, name=f"modulation_{k}") for k in range(count)]

    def build(self, question_shape, picture_shape):
        self.first.build((*picture_shape[:-1], picture_shape[-1] + 2))
        shape = (*picture_shape[:-1], self.width)
        for parts in zip(self.convolutions, self.norms, strict=True):
            for part in parts:
                part.build(shape)
        for modulation in self.modulations:
            modulation.build(question_shape)

    def call(self, question, picture, training=False):
        x = self.first(self.places(picture))  # (B, h, w, C)
        if question.shape[1] != 1:
            x = tf.repeat(x, tf.shape(question)[1], axis=0)  # (B N, h, w, C)
        flat = tf.reshape(question, (-1, question.shape[-1])) if question.shape[1] != 1 else question[:, 0]
        for convolution, norm, modulation in zip(self.convolutions, self.norms, self.modulations, strict=True):
            scale, shift = tf.split(modulation(flat)[:, None, None], 2, axis=-1)  # (B N, 1, 1, C)
            x = x + tf.nn.relu((1.0 + scale) * norm(with_a_row(convolution, x), training=training) + shift)
        return x
