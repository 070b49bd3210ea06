"""`PlaceReader`: what changes at each place of a picture over time, read by one recurrent layer for all places."""

import keras
import tensorflow as tf

from keras_seqcv.models.recurrent_stack import make_stack, stack_stepper, zero_states


class PlaceReader(keras.layers.Layer):
    """A recurrent layer at each place of the frames of a clip, with the same weights everywhere.

    g_{t,l} = RNN(f_{t,l}, g_{t-1,l})

    What moves is seen where it moves: a motion that has been learned at one place is known at all of them.

    Args:
        cell: "simple_rnn" | "lstm" | "gru". units: U.
        places: L. depth: D, of a place.

    Call arguments:
        features: (B, T, L, D). mask: (B, T) bool, or None.

    Returns:
        (B, T, L, U).
    """

    def __init__(self, cell, units, places, depth, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.units, self.places, self.depth = units, places, depth
        self.stack = make_stack(cell, units, 1, self.dtype_policy, "place")

    def compute_mask(self, *args, **kwargs):
        return None

    def build(self, features_shape=None):
        self.stack[0].build((None, None, self.depth))
        self.stack[0].built = True

    def call(self, features, mask=None, training=False):
        # A loop of LiteRT needs to know how many rows it has.
        batch, steps = features.shape[0] or tf.shape(features)[0], tf.shape(features)[1]
        x = tf.reshape(tf.transpose(features, (0, 2, 1, 3)), (batch * self.places, steps, self.depth))  # (B L, T, D)
        mask = None if mask is None else tf.repeat(mask, self.places, axis=0)
        x = self.stack[0](x, mask=mask, training=training)  # (B L, T, U)
        return tf.transpose(tf.reshape(x, (batch, self.places, steps, self.units)), (0, 2, 1, 3))

    def initial_states(self, batch) -> list:
        """The states of all places before the first frame: list of (B, L U)."""
        return [tf.zeros((batch, self.places * self.units), s.dtype) for s in zero_states(self.stack, 1)]

    def stepper(self):
        """A function (features (B, L, D), states) -> (B, L, U), states."""
        step, size = stack_stepper(self.stack), self.places * self.units

        def advance(features, states):
            rows = [tf.reshape(s, (-1, self.units)) for s in states]  # (B L, U)
            x, rows = step(tf.reshape(features, (-1, self.depth)), rows)
            return tf.reshape(x, (-1, self.places, self.units)), [tf.reshape(s, (-1, size)) for s in rows]

        return advance
