"""`Fusion`: one vector out of a question and a picture, or of a question and each place of a picture."""

import keras
import tensorflow as tf

FUSIONS = ("concat", "product", "bilinear")


class Fusion(keras.layers.Layer):
    """What a picture has to do with a question.

    "concat":    z = relu([q, v] W + b)
    "product":   z = tanh(q W_q + b_q) * tanh(v W_v + b_v)
    "bilinear":  z = relu((relu(q W_q + b_q) * (v W_v + b_v)) W + b)      of low rank, the width of the product

    Args:
        kind: one of the three.
        width: F, of z.
        rank: R, of "bilinear".

    Call arguments:
        question: q, (B, N, Q). picture: v, (B, D) or (B, L, D).

    Returns:
        z, (B, N, F) or (B, N, L, F).

    Reference:
        Kim et al.: Hadamard Product for Low-rank Bilinear Pooling. arXiv 1610.04325, 2016.
    """

    def __init__(self, kind, width, rank, **kwargs):
        super().__init__(**kwargs)
        dtype = self.dtype_policy
        inner = rank if kind == "bilinear" else width
        activation = {"concat": None, "product": "tanh", "bilinear": None}[kind]
        of_question = "relu" if kind == "bilinear" else activation
        self.kind, self.width = kind, width
        self.of_question = keras.layers.Dense(inner, activation=of_question, dtype=dtype, name="of_question")
        # Of a sum, one bias is enough.
        self.of_picture = keras.layers.Dense(
            inner, activation=activation, use_bias=kind != "concat", dtype=dtype, name="of_picture"
        )
        self.out = keras.layers.Dense(width, activation="relu", dtype=dtype, name="out") if kind == "bilinear" else None

    def build(self, question_shape, picture_shape):
        self.of_question.build(question_shape)
        self.of_picture.build(picture_shape)
        if self.out:
            self.out.build((*question_shape[:-1], self.of_picture.units))

    def call(self, question, picture):
        q, v = self.of_question(question), self.of_picture(picture)
        q = q if v.shape.rank == 2 else q[:, :, None]  # (B, N, 1, R)
        v = v[:, None]  # (B, 1, R) or (B, 1, L, R)
        if self.kind == "concat":
            return tf.nn.relu(q + v)
        return self.out(q * v) if self.out else q * v
