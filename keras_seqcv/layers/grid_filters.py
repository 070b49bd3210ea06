"""Reading and writing pictures through a grid of filters that are apart by rows and by columns.

Legend: B batch, H W picture, C channels, N M grid.
"""

import tensorflow as tf


def read_grid(pictures, rows, columns):
    """patch_{n,m,c} = sum_{h,w} rows_{n,h} picture_{h,w,c} columns_{m,w}

    Args:
        pictures: (B, H, W, C).
        rows: (B, N, H), what each row of the grid sees of the rows of pixels. columns: (B, M, W), likewise.

    Returns:
        (B, N, M, C).

    Example:

    >>> from keras_seqcv.layers.grid_filters import read_grid
    >>> picture = np.arange(6.0, dtype="float32").reshape(1, 2, 3, 1)
    >>> lower, both = np.array([[[0, 1]]], "float32"), np.array([[[1, 0, 0], [0, 0, 1]]], "float32")
    >>> read_grid(picture, lower, both)[0, ..., 0].numpy().tolist()
    [[3.0, 5.0]]
    """
    return read_columns(read_rows(pictures, rows), columns)


def read_rows(pictures, rows):
    """The first half of `read_grid`: pictures (B, H, W, C), rows (B, N, H) -> (B, N, W, C)."""
    batch, height, width, channels = _dims(pictures)
    seen = tf.matmul(rows, tf.reshape(pictures, (batch, height, width * channels)))  # (B, N, W C)
    return tf.reshape(seen, (batch, -1, width, channels))


def read_columns(seen, columns):
    """The second half: what `read_rows` gave (B, N, W, C), columns (B, M, W) -> (B, N, M, C)."""
    if seen.shape[-1] == 1:
        return tf.matmul(seen[..., 0], columns, transpose_b=True)[..., None]
    return tf.einsum("bnwc,bmw->bnmc", seen, columns)


def write_grid(patches, rows, columns):
    """picture_{h,w,c} = sum_{n,m} rows_{n,h} patch_{n,m,c} columns_{m,w}, the transpose of `read_grid`

    Args:
        patches: (B, N, M, C).
        rows: (B, N, H). columns: (B, M, W).

    Returns:
        (B, H, W, C).
    """
    batch, count, _, channels = _dims(patches)
    if channels == 1:
        return tf.matmul(tf.matmul(rows, patches[..., 0], transpose_a=True), columns)[..., None]
    spread = tf.einsum("bnmc,bmw->bnwc", patches, columns)  # (B, N, W, C)
    width = _dims(columns)[2]
    spread = tf.reshape(spread, (batch, count, width * channels))
    return tf.reshape(tf.matmul(rows, spread, transpose_a=True), (batch, -1, width, channels))


def _dims(a) -> list:
    dynamic = tf.shape(a)
    return [n or dynamic[k] for k, n in enumerate(a.shape)]
