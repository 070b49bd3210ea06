"""`FrameEncoder`: frames through an `ImageEncoder`, all at once, each as one vector."""

import keras
import tensorflow as tf

from keras_seqcv.models.place_reader import PlaceReader


class FrameEncoder(keras.layers.Layer):
    """Turns each frame of a clip into a vector.

    f_t = encoder(frame_t), (L, D)
    g_t = f_t, or with `place_units` PlaceReader(f_1 ... f_t), (L, U)
    x_t = dropout(W [g_t,1 ... g_t,L] + b), "flatten": where something is stays known
    x_t = dropout(W mean_l g_t,l + b), "mean": what is there, wherever it is

    Args:
        encoder: `ImageEncoder`.
        width: F, of x_t.
        pooling: "flatten" | "mean". With an encoder that pools they are the same.
        place_units: U, of a `PlaceReader`; or None. cell: of it.
        dropout: rate in [0, 1).

    Call arguments:
        video: (B, T, H, W, 3), or None. features: (B, T, L, D) or (B, T, D) instead.
        mask: (B, T) bool, or None. A frame that is masked goes not through the encoder: its statistics do not know it.
        training: bool.

    Returns:
        (B, T, F).
    """

    def __init__(self, encoder, width, pooling="flatten", place_units=None, cell="gru", dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.encoder = encoder
        self.pooling = pooling
        self.places = None
        dtype = self.dtype_policy
        if place_units is not None:
            self.places = PlaceReader(cell, place_units, *encoder.feature_shape, dtype=dtype, name="places")
        self.dense = keras.layers.Dense(width, dtype=dtype, name="dense")
        self.dropout = keras.layers.Dropout(dropout, dtype=dtype)

    def compute_mask(self, *args, **kwargs):
        return None

    @property
    def size(self) -> int:
        """Of what becomes x_t."""
        *places, depth = self.encoder.feature_shape
        depth = self.places.units if self.places else depth
        return depth * (places[0] if places and self.pooling == "flatten" else 1)

    def build(self, video_shape=None):
        if self.places:
            self.places.build()
            self.places.built = True
        self.dense.build((None, self.size))

    def call(self, video=None, features=None, mask=None, training=False):
        features = self.encode(video, mask, training) if features is None else tf.cast(features, self.compute_dtype)
        if self.places:
            features = self.places(features, mask=mask, training=training)
        x = self.project(tf.reshape(features, (-1, *features.shape[2:])), training)
        return tf.reshape(x, (*_sizes(features)[:2], self.dense.units))

    def encode(self, video, mask=None, training=False):
        """Frames (B, T, H, W, 3) -> what the encoder gives, (B, T, L, D) or (B, T, D); 0 where they are masked."""
        sizes, inner = _sizes(video), self.encoder.feature_shape
        if mask is not None:
            features = self.encoder(tf.boolean_mask(video, mask), training=training)  # (N, L, D)
            return tf.scatter_nd(tf.where(mask), features, tf.cast(tf.stack([*sizes[:2], *inner]), tf.int64))
        frames = tf.reshape(video, (-1, *sizes[2:]))
        return tf.reshape(self.encoder(frames, training=training), (*sizes[:2], *inner))

    def project(self, features, training=False):
        """(N, L, D) or (N, D) -> (N, F)."""
        if features.shape.rank == 3 and self.pooling == "mean":
            features = tf.reduce_mean(features, axis=1)
        return self.dropout(self.dense(tf.reshape(features, (-1, self.size))), training=training)

    def initial_states(self, batch) -> list:
        """The states before the first frame: list of (B, L U), empty without a `PlaceReader`."""
        return self.places.initial_states(batch) if self.places else []

    def stepper(self):
        """A function (frames (B, H, W, 3), states) -> (B, F), states."""
        step = self.places.stepper() if self.places else None

        def advance(frames, states):
            features = tf.cast(self.encoder(frames), self.compute_dtype)
            features, states = (features, states) if step is None else step(features, states)
            return self.project(features), states

        return advance


def _sizes(x) -> list:
    """The sizes of a tensor, known ones as int: LiteRT needs to know how many rows a loop has."""
    dynamic = tf.shape(x)
    return [dynamic[k] if size is None else size for k, size in enumerate(x.shape)]
