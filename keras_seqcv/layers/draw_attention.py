"""`GaussianRead`, `GaussianWrite`: a grid of Gaussian filters that reads from a picture, and one that writes to it.

Legend: B batch, H W picture, C channels, N grid.
"""

import keras
import tensorflow as tf

from keras_seqcv.layers.grid_filters import read_grid, write_grid

PARAMETERS = 5  # of a grid


def gaussian_window(parameters, size, height, width) -> dict:
    """Where a grid lies, in pixels, from `parameters` (B, 5) as `GaussianRead` has them; all float32.

    Returns:
        "row", "column" of its middle, "stride" from filter to filter, "variance" of a filter, "gamma", each (B, 1).
    """
    column, row, log_variance, log_stride, log_gamma = tf.split(tf.cast(parameters, "float32"), PARAMETERS, axis=1)
    return {
        "row": 0.5 * ((height + 1.0) * (row + 1.0)) - 1.0,  # pixels are counted from 0, and in the paper from 1
        "column": 0.5 * ((width + 1.0) * (column + 1.0)) - 1.0,
        "stride": tf.exp(log_stride) * ((max(height, width) - 1.0) / max(size - 1, 1)),
        "variance": tf.exp(log_variance),
        "gamma": tf.exp(log_gamma),
    }


def gaussian_filters(window, size, height, width):
    """The filters of a `gaussian_window`: of rows (B, N, H), and of columns (B, N, W). Each sums to one."""
    offsets = tf.range(size, dtype="float32") - 0.5 * (size - 1)
    means = [window[axis] + offsets * window["stride"] for axis in ("row", "column")]  # (B, N)
    return [_bells(m, window["variance"], n) for m, n in zip(means, (height, width), strict=True)]


def _bells(means, variance, count):
    """Normal densities of `means` (B, N) and `variance` (B, 1) at 0, 1, ... `count` - 1, scaled to sum to one.

    exp(-(a - m)^2 / 2 s^2) is taken relative to its value at the nearest place n, so that something is left to be
    scaled where m is far away; (a - m)^2 - (n - m)^2 = (a - n) (a + n - 2 m), and n has no gradient.
    """
    nearest = tf.stop_gradient(tf.clip_by_value(tf.round(means), 0.0, count - 1.0))[..., None]
    places = tf.range(count, dtype="float32")
    beyond = (places - nearest) * (places + nearest - 2.0 * means[..., None])  # (B, N, count), never below 0
    bells = tf.exp(beyond * (-0.5 / variance)[..., None])
    return bells / tf.reduce_sum(bells, axis=2, keepdims=True)


@keras.saving.register_keras_serializable(package="keras_seqcv")
class GaussianRead(keras.layers.Layer):
    """Reads N x N numbers from a picture, through Gaussian filters that lie in a square grid.

    g_x = (W + 1) (p_1 + 1) / 2,  g_y = (H + 1) (p_2 + 1) / 2        middle of the grid, pixels counted from 1
    s^2 = exp(p_3)                                                   variance of a filter
    d   = exp(p_4) (max(H, W) - 1) / (N - 1)                         stride
    c   = exp(p_5)                                                   intensity
    m_i = g_x + (i - (N + 1) / 2) d,  i = 1 ... N                    middle of a filter; likewise with g_y
    F_x[i, a] = exp(-(a - m_i)^2 / 2 s^2) / Z_i,  with Z_i so that sum_a F_x[i, a] = 1
    y   = c F_y x F_x^T

    p (5,) are the parameters, a linear map of a decoder's state in DRAW: zeros are a grid over the whole picture. A
    grid may lie outside, where it reads the border. A grid of N = 1 has no stride.

    Args:
        size: int >= 1, N.

    Call arguments:
        pictures: (B, H, W, C).
        parameters: (B, 5).

    Returns:
        (B, N, N, C).

    Raises:
        ValueError: where an argument is not as above, or shapes do not fit.

    Example:

    >>> pictures = np.arange(9, dtype="float32").reshape(1, 3, 3, 1)
    >>> sharp = np.array([[0, 0, -9, 0, 0]], "float32")
    >>> ks.layers.GaussianRead(2)(pictures, sharp)[0, ..., 0].numpy().tolist()
    [[0.0, 2.0], [6.0, 8.0]]

    Reference:
        Gregor et al.: DRAW: A Recurrent Neural Network For Image Generation. Section 3.2. arXiv 1502.04623, 2015.
    """

    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        _check_counts(size=size)
        self.size = size

    def build(self, pictures_shape, parameters_shape):
        _check_parts("pictures", pictures_shape, ("B", "H", "W", "C"), parameters_shape)
        if None in pictures_shape[1:]:
            raise ValueError(f"pictures: expected a known (B, H, W, C), received {tuple(pictures_shape)}")

    def call(self, pictures, parameters):
        rows, columns, gamma = _grid(parameters, self.size, *pictures.shape[1:3], pictures.dtype)
        return read_grid(pictures, rows, columns) * gamma

    def compute_output_shape(self, pictures_shape, parameters_shape):
        return (pictures_shape[0], self.size, self.size, pictures_shape[3])

    def get_config(self):
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable(package="keras_seqcv")
class GaussianWrite(keras.layers.Layer):
    """Writes N x N numbers to an empty picture, through Gaussian filters that lie in a square grid.

    y = F_y^T w F_x / c

    w (N, N, C) is the patch; filters and intensity c come from the parameters as in `GaussianRead`. With a stride of
    one pixel and a small variance a patch lies in the picture as it is.

    Args:
        height, width: int >= 1, H and W of the picture.

    Call arguments:
        patches: (B, N, N, C).
        parameters: (B, 5).

    Returns:
        (B, H, W, C).

    Raises:
        ValueError: where an argument is not as above, or shapes do not fit.

    Example:

    >>> patches = np.array([1, 2, 3, 4], "float32").reshape(1, 2, 2, 1)
    >>> sharp = np.array([[0, 0, -9, 0, 0]], "float32")
    >>> ks.layers.GaussianWrite(3, 3)(patches, sharp)[0, ..., 0].numpy().tolist()
    [[1.0, 0.0, 2.0], [0.0, 0.0, 0.0], [3.0, 0.0, 4.0]]

    Reference:
        Gregor et al.: DRAW: A Recurrent Neural Network For Image Generation. Section 3.2. arXiv 1502.04623, 2015.
    """

    def __init__(self, height, width, **kwargs):
        super().__init__(**kwargs)
        _check_counts(height=height, width=width)
        self.height = height
        self.width = width

    def build(self, patches_shape, parameters_shape):
        _check_parts("patches", patches_shape, ("B", "N", "N", "C"), parameters_shape)
        if patches_shape[1] is None or patches_shape[1] != patches_shape[2]:
            raise ValueError(f"patches: expected a known (B, N, N, C), received {tuple(patches_shape)}")

    def call(self, patches, parameters):
        rows, columns, gamma = _grid(parameters, patches.shape[1], self.height, self.width, patches.dtype)
        return write_grid(patches, rows, columns) / gamma

    def compute_output_shape(self, patches_shape, parameters_shape):
        return (patches_shape[0], self.height, self.width, patches_shape[3])

    def get_config(self):
        return {**super().get_config(), "height": self.height, "width": self.width}


def _grid(parameters, size, height, width, dtype):
    """Filters of rows (B, N, H) and of columns (B, N, W), and intensity (B, 1, 1, 1), made in float32."""
    window = gaussian_window(parameters, size, height, width)
    parts = [*gaussian_filters(window, size, height, width), window["gamma"][:, :, None, None]]
    return [tf.cast(part, dtype) for part in parts]


def _check_counts(**counts):
    for name, count in counts.items():
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise ValueError(f"{name}: expected an int >= 1, received {count!r}")


def _check_parts(name, shape, letters, parameters_shape):
    if len(shape) != len(letters):
        raise ValueError(f"{name}: expected shape ({', '.join(letters)}), received {tuple(shape)}")
    if len(parameters_shape) != 2 or parameters_shape[1] not in (None, PARAMETERS):
        raise ValueError(f"parameters: expected shape (B, {PARAMETERS}), received {tuple(parameters_shape)}")
