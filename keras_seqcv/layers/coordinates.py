"""`Coordinates`: where in the picture a place lies, for convolutions and attention."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="keras_seqcv")
class Coordinates(keras.layers.Layer):
    """Adds to every place of a picture its row and its column.

    y_{r,c} = [x_{r,c}, 2 r / (H - 1) - 1, 2 c / (W - 1) - 1]

    x_{r,c} (D,) is what lies at row r of H and column c of W, counted from 0. Both numbers are in [-1, 1], and 0 where
    there is but one row or column. A convolution sees a pattern and not where it is; with coordinates it can tell "at
    the top" from "in the middle", and an attention can look to the left.

    Call arguments:
        pictures: (B, H, W, D), floats.

    Returns:
        (B, H, W, D + 2).

    Raises:
        ValueError: for another rank.

    Example:

    >>> print(ks.layers.Coordinates()(np.zeros((1, 2, 3, 1), "float32"))[0, :, :, 1:].numpy().tolist())
    [[[-1.0, -1.0], [-1.0, 0.0], [-1.0, 1.0]], [[1.0, -1.0], [1.0, 0.0], [1.0, 1.0]]]

    Reference:
        Liu et al.: An Intriguing Failing of Convolutional Neural Networks and the CoordConv Solution. arXiv 1807.03247,
        2018.
    """

    def build(self, input_shape):
        if len(input_shape) != 4:
            raise ValueError(f"pictures: expected shape (B, H, W, D), received {tuple(input_shape)}")

    def call(self, pictures):
        shape = [known or tf.shape(pictures)[k] for k, known in enumerate(pictures.shape)]
        rows = _centred(shape[1], pictures.dtype)[None, :, None, None]
        columns = _centred(shape[2], pictures.dtype)[None, None, :, None]
        places = [tf.broadcast_to(axis, (*shape[:3], 1)) for axis in (rows, columns)]
        return tf.concat([pictures, *places], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + 2)


def _centred(count, dtype):
    """(count,) from -1 to 1, or [0]."""
    steps = tf.cast(tf.range(count), tf.float32)
    last = tf.cast(count - 1, tf.float32)
    return tf.cast(tf.math.divide_no_nan(2 * steps - last, last), dtype)
