"""One glimpse: look at a location, understand, and say where to look next. The mathematics, without weights."""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from keras_seqcv.layers.glimpse import Sensing


@dataclasses.dataclass(frozen=True)
class GlimpseStep:
    """A step of `layers.product_loop`.

    States: the location (B, 2), those of the cell that reads, those of the cell that decides where to look.

    Args:
        sensing: what is seen.
        reads: a step of the reading cell, as `attention_step.EngineCells`.
        read_states: how many states it has.
        looks: likewise of the cell that decides where to look; None: the reading cell's output decides.
        multiplies: whether what and where are multiplied; else they are added.
        tells: whether what is understood is put out after each glimpse; else the last one's is in the states.
        gradient: the share of a location's gradient that goes back to where it was decided; 0: a draw is what it is.
        stddev: of the draw around the mean.
    """

    sensing: Sensing
    reads: Callable
    read_states: int
    looks: Callable | None
    multiplies: bool
    tells: bool
    gradient: float
    stddev: float

    @property
    def differentiable(self) -> bool:
        return self.gradient > 0

    def __call__(self, product, x, states, fixed, weights):
        location, own, others = states[0], states[1 : 1 + self.read_states], states[1 + self.read_states :]
        # A loop that goes back asks for the gradient of every state: here it would pass the sampling to no end.
        location = location if self.differentiable else tf.stop_gradient(location)
        glimpse = self.glimpse(product, fixed["pictures"], location, weights)
        hidden, own = self.reads(
            product, _dense(product, glimpse, weights["read"]["first"]), None, own, weights["read"]
        )
        query = hidden
        if self.looks is not None:
            # What looks learns from where it looked; how to read is learned from the labels alone.
            given = hidden if self.differentiable else tf.stop_gradient(hidden)
            given = _dense(product, given, weights["look"]["first"])
            query, others = self.looks(product, given, None, others, weights["look"])
        elif not self.differentiable:
            query = tf.stop_gradient(hidden)
        mean = tf.cast(tf.tanh(_dense(product, query, weights["location"])), tf.float32)
        drawn, following = self.draw(mean, x["noise"])
        outputs = {"mean": mean, "drawn": drawn, "location": location}
        if self.tells:
            outputs["hidden"] = hidden
        if not self.differentiable:
            # Without context it is stopped already, and its product has the same rows as that of the location.
            known = query if self.looks is None else tf.stop_gradient(query)
            outputs["expected"] = tf.cast(_dense(product, known, weights["baseline"]), tf.float32)
        return outputs, [following, *own, *others]

    def glimpse(self, product, pictures, location, weights):
        """What is there and where it is, as one vector (B, G)."""
        patches = self.sensing(tf.stop_gradient(pictures), location)  # (B, S, P, P, C)
        count = patches.shape[1] * patches.shape[2] * patches.shape[3] * patches.shape[4]
        kind = weights["what"][0].dtype
        seen = tf.cast(tf.reshape(patches, (-1, count)), kind)
        what = tf.nn.relu(_dense(product, seen, weights["what"]))
        where = tf.nn.relu(_dense(product, tf.cast(location, kind), weights["where"]))
        if self.multiplies:
            return tf.nn.relu(_dense(product, what, weights["join"])) * _dense(product, where, weights["join_where"])
        return tf.nn.relu(_dense(product, tf.concat([what, where], axis=1), weights["join"]))

    def draw(self, mean, noise):
        """Mean (B, 2) and standard normal noise -> what is drawn, and the location: that, moved into the picture."""
        drawn = mean + self.stddev * noise
        share = self.gradient * drawn
        drawn = tf.stop_gradient(drawn) + (share - tf.stop_gradient(share) if self.differentiable else 0.0)
        return drawn, tf.clip_by_value(drawn, -1.0, 1.0)


def _dense(product, x, weights):
    kernel, *bias = weights
    y = product(x, kernel)
    return y + bias[0] if bias else y
