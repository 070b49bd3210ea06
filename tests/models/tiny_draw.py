"""`DRAW`s small enough for tests, of every kind, with weights that tell, and pictures for them."""

import keras
import numpy as np

import keras_seqcv as ks

SHAPE = (6, 8, 1)
LABELS = ("circle", "cross", "line")
KINDS = {
    "attention": {},
    "told": {"labels": LABELS},
    "told, everything": {"labels": LABELS, "read": None, "write": None},
    "in colour": {"image_shape": (6, 8, 3), "read": 3},
    "writes all": {"write": None, "read": 1},
    "reads all": {"read": None},
}


def model(kind="attention", seed=0, **options):
    keras.utils.set_random_seed(seed)
    given = {"image_shape": SHAPE, "steps": 3, "units": 5, "latent_dim": 4, "write": 3, **KINDS[kind], **options}
    found = ks.models.DRAW(**given)
    rng = np.random.default_rng(seed)
    for weight in found.trainable_weights:
        weight.assign(0.5 * rng.standard_normal(weight.shape))
    return found


def batch(of, count, seed=0):
    """Pictures (B, H, W, C) uint8, labels (B,) or None, and noise (B, T, Z), of the model `of`."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, *of.image_shape)).astype("uint8")
    label = None if of.labels is None else rng.integers(0, len(of.labels), count).astype("int32")
    noise = rng.standard_normal((count, of.options["steps"], of.options["latent_dim"])).astype("float32")
    return images, label, noise


def inputs(images, label):
    return images if label is None else {"image": images, "label": label}
