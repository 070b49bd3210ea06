"""`FrameEncoder`: frames through an `ImageEncoder`, all at once, each as one vector."""

import keras
import numpy as np
import tensorflow as tf


class FrameEncoder(keras.layers.Layer):
    """Turns each frame of a clip into a vector.

    f_t = encoder(frame_t), (L, D)
    x_t = dropout(W [f_t,1 ... f_t,L] + b), "flatten": where something is stays known
    x_t = dropout(W mean_l f_t,l + b), "mean": what is there, wherever it is

    Args:
        encoder: `ImageEncoder`.
        width: F, of x_t.
        pooling: "flatten" | "mean". With an encoder that pools they are the same.
        dropout: rate in [0, 1).

    Call arguments:
        video: (B, T, H, W, 3), or None. features: (B, T, L, D) or (B, T, D) instead.
        mask: (B, T) bool, or None. A frame that is masked goes through nothing: no statistics of the encoder know it.
        training: bool.

    Returns:
        (B, T, F); 0 where it is masked.
    """

    def __init__(self, encoder, width, pooling="flatten", dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.encoder = encoder
        self.pooling = pooling
        self.dense = keras.layers.Dense(width, dtype=self.dtype_policy, name="dense")
        self.dropout = keras.layers.Dropout(dropout, dtype=self.dtype_policy)

    def compute_mask(self, *args, **kwargs):
        return None

    def build(self, video_shape=None):
        *places, depth = self.encoder.feature_shape
        self.dense.build((None, depth * (places[0] if places and self.pooling == "flatten" else 1)))

    def call(self, video=None, features=None, mask=None, training=False):
        sequence = video if features is None else features
        shape = tf.shape(sequence)[:2]
        if mask is None:
            rows = tf.reshape(sequence, tf.concat([[-1], tf.shape(sequence)[2:]], axis=0))  # (B T, ...)
            rows = tf.ensure_shape(rows, (None, *sequence.shape[2:]))
        else:
            rows = tf.boolean_mask(sequence, mask)  # (N, ...)
        x = self.project(self.encode(rows, training) if features is None else rows, training)
        if mask is None:
            return tf.reshape(x, tf.concat([shape, [self.dense.units]], axis=0))  # (B, T, F)
        return tf.scatter_nd(tf.where(mask), x, tf.concat([tf.cast(shape, tf.int64), [self.dense.units]], axis=0))

    def encode(self, frames, training=False):
        """Frames (N, H, W, 3) -> what the encoder gives, (N, L, D) or (N, D)."""
        return self.encoder(frames, training=training)

    def project(self, features, training=False):
        """Features (N, L, D) or (N, D) -> (N, F)."""
        features = tf.cast(features, self.compute_dtype)
        if features.shape.rank == 3:
            if self.pooling == "mean":
                features = tf.reduce_mean(features, axis=1)
            else:
                features = tf.reshape(features, (-1, np.prod(self.encoder.feature_shape)))
        return self.dropout(self.dense(features), training=training)

    def frame(self, frames):
        """Frames (N, H, W, 3) -> (N, F)."""
        return self.project(self.encode(frames))
