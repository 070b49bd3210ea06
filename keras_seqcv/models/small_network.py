"""`small_image_network`: convolutions for small pictures, trained from scratch with the model that looks."""

import keras
import tensorflow as tf

from keras_seqcv.layers import Coordinates
from keras_seqcv.models.argument_checks import check_flag, check_width


def small_image_network(image_size=64, filters=(32, 64, 96, 128), coordinates=True) -> keras.Model:
    """A network for an `ImageEncoder` that learns on small pictures, such as drawn ones.

    x_0 = picture / 127.5 - 1, with its coordinates
    x_k = relu(norm(conv(x_{k-1})))      kernel 4, stride 2; the last one kernel 3, stride 1

    A kernel of 4 lies in the middle of what a stride of 2 makes one place of; a kernel of 3 does not.

    Args:
        image_size: (H, W), or int for both; of the K - 1 strides each halves it.
        filters: K ints, of the convolutions. The last is the depth of the places.
        coordinates: whether each place is told where it lies.

    Returns:
        `keras.Model` from (B, H, W, 3) in [0, 255] to (B, h, w, D).

    Raises:
        TypeError, ValueError: for an argument that is not as above.

    Example:

    >>> network = ks.models.small_image_network(64)
    >>> encoder = ks.models.ImageEncoder(network, trainable=True, freeze_batch_norm=False)
    >>> encoder.places, encoder.depth
    ((8, 8), 128)
    """
    check_flag("coordinates", coordinates)
    size = (image_size, image_size) if isinstance(image_size, int) else tuple(image_size)
    if len(size) != 2:
        raise ValueError(f"image_size: expected an int or (height, width), received {image_size!r}")
    if not isinstance(filters, (tuple, list)) or not filters:
        raise ValueError(f"filters: expected one or more ints, received {filters!r}")
    for name, value in (("image_size", size[0]), ("image_size", size[1]), *(("filters", n) for n in filters)):
        check_width(name, value)
    x = inputs = keras.Input((*size, 3))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(x)
    x = Coordinates()(x) if coordinates else x
    for k, count in enumerate(filters, 1):
        kernel, stride = (3, 1) if k == len(filters) else (4, 2)
        x = keras.layers.Conv2D(count, kernel, strides=stride, padding="same", use_bias=False)(x)
        # Under a strategy, statistics of the whole batch.
        norm = keras.layers.BatchNormalization(synchronized=tf.distribute.has_strategy())
        x = keras.layers.ReLU()(norm(x))
    return keras.Model(inputs, x)
