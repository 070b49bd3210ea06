"""Pictures to another size, in graph, without aliasing, with operators that every format has."""

import tensorflow as tf


def resized(images: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Resize with a triangle as wide as one new pixel, or one old pixel where that is more.

    y = R x C', each row of R and C the triangle around the middle of a new pixel, normalized. That is bilinear
    resizing, but a picture that shrinks is averaged, not sampled: what `tf.image.resize(antialias=True)` does with an
    operator that LiteRT does not have. The aspect is not kept.

    Args:
        images: (B, H, W, C) float32, H and W known or not.
        size: h, w.

    Returns:
        (B, h, w, C) float32; `images` itself where it is known to have that size.
    """
    if tuple(images.shape[1:3]) == tuple(size):
        return images
    height, width = (known or dynamic for known, dynamic in zip(images.shape[1:3], tf.unstack(tf.shape(images)[1:3])))
    planes = tf.transpose(images, (0, 3, 1, 2))  # (B, C, H, W): two products of matrices
    planes = tf.matmul(planes, _triangles(width, size[1]), transpose_b=True)  # (B, C, H, w)
    planes = tf.matmul(_triangles(height, size[0]), planes)  # (B, C, h, w)
    return tf.transpose(planes, (0, 2, 3, 1))


def _triangles(old, new: int) -> tf.Tensor:
    """The weight of every old pixel in every new one, (new, old)."""
    scale = tf.cast(old, tf.float32) / new
    middles = (tf.range(new, dtype=tf.float32)[:, None] + 0.5) * scale - 0.5
    distances = tf.abs(tf.range(tf.cast(old, tf.float32)) - middles)
    weights = tf.nn.relu(1.0 - distances / tf.maximum(scale, 1.0))
    return weights / tf.reduce_sum(weights, axis=1, keepdims=True)
