"""A small `GlimpseClassifier` and pictures that it learns in seconds: where a bright square lies decides its label."""

import numpy as np

import keras_seqcv as ks

NAMES = ("upper left", "upper right", "lower left", "lower right")


def squares(count, seed=0, size=16):
    """Pictures (N, 16, 16, 1) with a bright square of 3 x 3 in one quarter, the label."""
    rng = np.random.default_rng(seed)
    images, labels = np.zeros((count, size, size, 1), "uint8"), np.arange(count) % 4
    for image, label in zip(images, labels):
        row, column = rng.integers(1, size // 2 - 3, 2) + np.array([label // 2, label % 2]) * size // 2
        image[row : row + 3, column : column + 3] = rng.integers(150, 256)
    return ks.data.LabelledImages(images, labels, NAMES)


def tiny(**options):
    sizes = {"glimpses": 3, "patch": 4, "scales": 2, "units": 16, "glimpse_units": 12}
    return ks.models.GlimpseClassifier((16, 16, 1), NAMES, **{**sizes, **options})
