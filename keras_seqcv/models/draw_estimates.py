"""How well a `DRAW` knows pictures: the bound that it learns by, and an estimate of their likelihood."""

import numpy as np
import tensorflow as tf

from keras_seqcv.models.argument_checks import check_width
from keras_seqcv.models.draw_arguments import checked_inputs

_BATCH = 200


def reconstruction(images, canvas):
    """- log p(x | c), nats (B,), of pictures (B, H, W, C) in [0, 1] and the canvas before the sigmoid."""
    nats = tf.nn.sigmoid_cross_entropy_with_logits(images, tf.cast(canvas, "float32"))
    return tf.reduce_sum(nats, axis=(1, 2, 3))


def bound(model, images, label, samples: int, seed: int) -> np.ndarray:
    """The mean of `samples` losses (N,); see `DRAW.bound`."""
    total = sum(_draws(model, images, label, samples, seed, weigh=False))
    return (total / samples).astype("float32")


def likelihood(model, images, label, samples: int, seed: int) -> np.ndarray:
    """log p(x) (N,) by importance sampling; see `DRAW.likelihood`."""
    total = None
    for nats in _draws(model, images, label, samples, seed, weigh=True):
        total = -nats if total is None else np.logaddexp(total, -nats)
    return (total - np.log(samples)).astype("float32")


def _draws(model, images, label, samples, seed, weigh):
    """`samples` times the nats of all pictures, float64 (N,)."""
    check_width("samples", samples)
    check_width("seed", seed, 0)
    given = images if label is None else {"image": images, "label": label}
    images, label = checked_inputs(given, model.image_shape, model.labels)
    if weigh not in model.estimators:
        model.estimators[weigh] = _estimator(model, weigh)
    cuts = [slice(k, k + _BATCH) for k in range(0, len(images), _BATCH)]
    if not cuts:
        raise ValueError(f"images: expected one picture at least, received {tuple(images.shape)}")
    for sample in range(samples):
        parts = []
        for k, cut in enumerate(cuts):
            numbers = tf.constant([seed, sample * len(cuts) + k], tf.int32)
            parts.append(model.estimators[weigh](images[cut], None if label is None else label[cut], numbers).numpy())
        yield np.concatenate(parts).astype("float64")


def _estimator(model, weigh):
    @tf.function(autograph=False)
    def nats(images, label, seed):
        shape = (tf.shape(images)[0], model.options["steps"], model.options["latent_dim"])
        canvas, latent = model.copied(images, label, tf.random.stateless_normal(shape, seed), weigh)
        return reconstruction(images, canvas) + tf.reduce_sum(latent, axis=1)

    return nats
