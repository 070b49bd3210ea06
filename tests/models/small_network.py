"""A network small enough for tests, with all that makes trouble, and pictures for it."""

import keras
import numpy as np


@keras.saving.register_keras_serializable(package="test_image_encoder")
def halved(images):
    return images / 2


def small_network(size=8, depth=4, name="small"):
    """Two blocks with all that trouble makes: a skip over the border, batch normalization and dropout on both sides."""
    inputs = keras.Input((size, size, 3))
    x = keras.layers.Conv2D(depth, 3, 2, padding="same", name="block1_conv")(inputs)
    x = keras.layers.BatchNormalization(name="block1_bn")(x)
    skip = keras.layers.Dropout(0.5, name="block1_drop")(x)
    x = keras.layers.Conv2D(depth, 3, padding="same", name="block2_conv")(skip)
    x = keras.layers.BatchNormalization(name="block2_bn")(x)
    x = keras.layers.Dropout(0.5, name="block2_drop")(x)
    x = keras.layers.Add(name="block2_add")([x, skip])
    return keras.Model(inputs, keras.layers.Conv2D(depth, 1, name="block10_conv")(x), name=name)


def pictures(number=3, height=8, width=8, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (number, height, width, 3)).astype("uint8")
