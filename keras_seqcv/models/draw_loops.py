"""The two loops of a `DRAW`: over the steps that copy a picture, and over those that paint from noise.

Legend: B batch, T steps, H W picture, C channels, U units, Z latent numbers.
"""

import tensorflow as tf

from keras_seqcv.layers.draw_attention import PARAMETERS
from keras_seqcv.layers.lstm import LSTMMath
from keras_seqcv.layers.product_loop import loop
from keras_seqcv.models.draw_step import Copying


def copied(model, images, label, noise, weigh=False):
    """Draw what is there.

    Args:
        images: (B, H, W, C) float32 in [0, 1]. label: (B,) int or None. noise: (B, T, Z).
        weigh: whether the nats are log q(z_t) - log p(z_t), else KL, of which that is the mean.

    Returns:
        The last canvas (B, H, W, C), before the sigmoid, and nats (B, T), float32.
    """
    weights, fixed, states = _kernels(model), _fixed(model, label), _states(model, tf.shape(images)[0])
    if model.options["read"] is None:
        # Of what is read, the half that is the picture is the same at every step: one product before the loop.
        area, kernel = model.read_width // 2, weights["encoder"]
        flat = tf.cast(tf.reshape(images, (-1, area)), kernel.dtype)
        fixed["seen"] = tf.matmul(flat, kernel[:area] + kernel[area : 2 * area])
        weights["encoder"] = kernel[area:]
    else:
        fixed["image"] = images
    outputs, finals = loop(Copying(model.painting, weigh), tf.cast(noise, "float32"), states, fixed, weights)
    return finals[4], outputs["nats"]


def painted(model, label, noise):
    """Draw from noise.

    Args:
        label: (B,) int or None. noise: (B, T, Z).

    Returns:
        dict of "canvas" (B, T, H, W, C) in [0, 1], and with `write` of "window" (B, T, 4), float32.
    """
    weights, states = _kernels(model), _states(model, tf.shape(noise)[0])[2:]
    of_painting = {name: weights[name] for name in ("decoder", "head")}
    noise = tf.cast(noise, states[0].dtype)
    outputs, _ = loop(model.painting, noise, states, _fixed(model, label), of_painting, keep=False)
    return {**outputs, "canvas": tf.sigmoid(outputs["canvas"])}


def _fixed(model, label):
    return {} if label is None else {"label": tf.one_hot(label, len(model.labels), dtype=model.compute_dtype)}


def _kernels(model):
    """What the steps multiply by: kernels, the bias as last row; those of LSTMs as `LSTMMath` wants them."""
    math, kernels = LSTMMath(), {}
    for name, cell in (("encoder", model.encoder), ("decoder", model.decoder)):
        kernel, bias = math.input_weights(cell)
        kernels[name] = tf.concat([kernel, *math.recurrent_weights(cell), bias[None]], axis=0)
    for name, dense in (("latent", model.latent), ("head", model.head)):
        kernels[name] = tf.concat([dense.kernel, dense.bias[None]], axis=0)
    return {name: tf.cast(kernel, model.compute_dtype) for name, kernel in kernels.items()}


def _states(model, batch):
    """Before the first step: h', c', h, c, the canvas, and with `read` where to read, said by h."""
    own, h, canvas = (tf.convert_to_tensor(first) for first in model.firsts)
    own, h = (tf.cast(a, model.compute_dtype) for a in (own, h))
    states = [own, tf.zeros_like(own), h, tf.zeros_like(h), tf.cast(canvas, "float32")]
    if model.options["read"] is not None:
        kernel, bias = (tf.cast(w[..., -PARAMETERS:], model.compute_dtype) for w in model.head.weights)
        states.append(tf.cast(tf.linalg.matvec(kernel, h, transpose_a=True) + bias, "float32"))
    return [tf.tile(state[None], (batch, *[1] * state.shape.rank)) for state in states]
