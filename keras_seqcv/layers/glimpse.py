"""`GlimpseSensor`: what is seen of a picture at a location, sharp in the middle and coarse around."""

import dataclasses

import keras
import tensorflow as tf

from keras_seqcv.layers.grid_filters import read_columns, read_rows


@dataclasses.dataclass(frozen=True)
class Sensing:
    """The mathematics of a glimpse, without weights; a hashable value, for compiled loops.

    Args:
        size: P, of a patch in its own pixels. scales: S. factor: how many times as much each scale sees as the one
            before it.
    """

    size: int
    scales: int = 1
    factor: int = 2

    def filters(self, centre, count: int):
        """Centres (B,) in pixels of an axis of `count` pixels -> (B, S, P, count), what each row of a patch sees.

        A row of scale s is the mean of k = factor^s places that are a pixel apart, each of which lies between two
        pixels: together they see k - 1 pixels whole and two in part.
        """
        pixels = tf.range(count, dtype=centre.dtype)
        filters = []
        for scale in range(self.scales):
            k = self.factor**scale
            first = centre[:, None] + tf.range(self.size, dtype=centre.dtype) * k - (self.size * k - 1) / 2  # (B, P)
            before = pixels - first[..., None] + 1.0  # (B, P, count)
            seen = tf.minimum(before, k + 1.0 - before)
            filters.append(tf.clip_by_value(seen, 0.0, 1.0) / k)
        return tf.stack(filters, axis=1)

    def __call__(self, pictures, location):
        """Pictures (B, H, W, C), location (B, 2) -> patches (B, S, P, P, C)."""
        height, width, channels = pictures.shape[1:]
        batch = pictures.shape[0] or tf.shape(pictures)[0]
        rows = self.filters((location[:, 0] + 1) * ((height - 1) / 2), height)
        columns = self.filters((location[:, 1] + 1) * ((width - 1) / 2), width)
        seen = read_rows(pictures, tf.reshape(rows, (batch, self.scales * self.size, height)))  # (B, S P, W, C)
        seen = tf.reshape(seen, (batch * self.scales, self.size, width, channels))
        patches = read_columns(seen, tf.reshape(columns, (batch * self.scales, self.size, width)))
        return tf.reshape(patches, (batch, self.scales, self.size, self.size, channels))


@keras.saving.register_keras_serializable(package="keras_seqcv")
class GlimpseSensor(keras.layers.Layer):
    """Square patches of a picture around a location, each of the same size and each seeing more than the one before.

    y_{s,i,j} = 1/k^2 sum_{m,n<k} picture(r + i k + m - (P k - 1) / 2, c + j k + n - (P k - 1) / 2),   k = factor^s
    r = (l_0 + 1) (H - 1) / 2,  c = (l_1 + 1) (W - 1) / 2

    P is `size`, s = 0 ... S - 1 the scale, l the location: (-1, -1) is the middle of the first pixel, (1, 1) that of
    the last, as in `Coordinates`. picture(r, c) between pixels is bilinear, and zero beyond the border. So a patch of
    scale 0 has the pixels of the picture, and those above are means over squares of k by k. The gradient goes to the
    picture, and to the location.

    Args:
        size: P, int >= 1.
        scales: S, int >= 1.
        factor: int >= 2, how many times as much of an axis each scale sees as the one before it.

    Call arguments:
        pictures: (B, H, W, C), floats; H and W are known, and the smallest patch is not larger.
        location: (B, 2), row and column in [-1, 1]. Checked where it is known: in a graph it is not.

    Returns:
        (B, S, P, P, C).

    Raises:
        ValueError: for an argument that is not as above.

    Example:

    >>> picture = np.arange(16.0, dtype="float32").reshape(1, 4, 4, 1)
    >>> patches = ks.layers.GlimpseSensor(2, scales=2)(picture, np.zeros((1, 2), "float32"))
    >>> patches[0, 0, ..., 0].numpy().tolist(), patches[0, 1, ..., 0].numpy().tolist()
    ([[5.0, 6.0], [9.0, 10.0]], [[2.5, 4.5], [10.5, 12.5]])

    Reference:
        Mnih et al.: Recurrent Models of Visual Attention. arXiv 1406.6247, 2014. Bilinear: Jaderberg et al.: Spatial
        Transformer Networks. arXiv 1506.02025, 2015.
    """

    def __init__(self, size, scales=1, factor=2, **kwargs):
        super().__init__(**kwargs)
        for name, value, least in (("size", size, 1), ("scales", scales, 1), ("factor", factor, 2)):
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"{name}: expected an int >= {least}, received {value!r}")
        self.size, self.scales, self.factor = size, scales, factor
        self.sensing = Sensing(size, scales, factor)

    def build(self, pictures_shape, location_shape):
        check_fits(self.size, pictures_shape)
        if len(location_shape) != 2 or location_shape[-1] != 2:
            raise ValueError(f"location: expected shape (B, 2), received {tuple(location_shape)}")

    def call(self, pictures, location):
        if tf.is_tensor(location) and hasattr(location, "numpy"):
            check_location(location.numpy())
        return self.sensing(pictures, location)

    def compute_output_shape(self, pictures_shape, location_shape):
        return (pictures_shape[0], self.scales, self.size, self.size, pictures_shape[-1])

    def get_config(self):
        return {**super().get_config(), "size": self.size, "scales": self.scales, "factor": self.factor}


def check_fits(size: int, shape) -> None:
    """Raise ValueError if pictures are no pictures, or smaller than a patch."""
    if len(shape) != 4 or None in shape[1:]:
        raise ValueError(f"pictures: expected shape (B, H, W, C) with known H, W, C, received {tuple(shape)}")
    if size > min(shape[1:3]):
        raise ValueError(f"size: expected a patch within pictures of {tuple(shape[1:3])}, received {(size, size)}")


def check_location(location) -> None:
    """Raise ValueError if a place lies outside of the picture, or is no number."""
    inside = (location >= -1) & (location <= 1)
    if not inside.all():
        raise ValueError(f"location: expected numbers in [-1, 1], received {float(location[~inside][0])}")
