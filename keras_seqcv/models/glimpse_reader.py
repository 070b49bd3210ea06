"""`GlimpseReader`: a sequence of glimpses of a picture, and what is understood after each."""

import keras
import numpy as np
import tensorflow as tf

from keras_seqcv.distribution.replicas import with_a_row
from keras_seqcv.layers import current_export_format, product_loop
from keras_seqcv.layers.attention_rnn_cell import engine_math
from keras_seqcv.layers.attention_step import EngineCells
from keras_seqcv.layers.glimpse import Sensing
from keras_seqcv.models.glimpse_step import GlimpseStep

_CONTEXT_FILTERS = (16, 32)


class GlimpseReader(keras.layers.Layer):
    """Reads pictures by glimpses.

    Args:
        image_shape: (H, W, C).
        glimpses: N, how many for each label. slots: K, how many labels; T = K N.
        patch, scales, factor: of the `GlimpseSensor`.
        cell: "simple_rnn" | "lstm" | "gru". units: U. glimpse_units: of what and of where.
        join: "sum" | "product", of what and where.
        context: None, or the side of the coarse picture from which the cell that looks begins.
        location: "reinforce" | "transformer". location_gradient: what of it goes back. stddev: of the draw.
        start: "center" | "random", without context.

    Call arguments:
        pictures: (B, H, W, C), floats, black is 0. noise: (B, T, 2), standard normal; zeros follow the means.
        start: (B, 2) first locations, not looked at with context.
        training: bool.

    Returns:
        dict: "hidden" (B, K, U), what is understood after every N-th glimpse; "location" (B, T, 2), where they are; of
        each "mean" and "drawn" (B, T, 2), and with `location="reinforce"` "expected" (B, T), the reward that was
        expected when it was decided: of the first these mean something with context alone.
    """

    def __init__(
        self,
        image_shape,
        glimpses,
        slots,
        patch,
        scales,
        factor,
        cell,
        units,
        glimpse_units,
        join,
        context,
        location,
        location_gradient,
        stddev,
        **kwargs,
    ):
        # Locations and what lies there stay in float32: in sixteen bits the places of pixels are not told apart.
        super().__init__(autocast=False, **kwargs)
        # The loop is compiled by itself; to compile a whole step takes three times as long, and it is no quicker then.
        self.supports_jit = False
        self.image_shape, self.join = tuple(image_shape), join
        self.glimpses, self.slots, self.steps = glimpses, slots, glimpses * slots
        self.sensing = Sensing(patch, scales, factor)
        self.differentiable, self.stddev = location == "transformer", float(stddev)
        self.gradient = float(location_gradient) if self.differentiable else 0.0
        dense = {
            name: keras.layers.Dense(width, dtype=self.dtype_policy, name=name)
            for name, width in (("what", glimpse_units), ("where", glimpse_units), ("join", units))
        }
        # Begins near the middle: a location at the border has no gradient to come back by.
        start = keras.initializers.VarianceScaling(1e-3)
        dense["location"] = keras.layers.Dense(2, kernel_initializer=start, dtype=self.dtype_policy, name="location")
        if not self.differentiable:
            dense["baseline"] = keras.layers.Dense(1, dtype=self.dtype_policy, name="baseline")
        if join == "product":
            dense["join_where"] = keras.layers.Dense(
                units, bias_initializer="ones", dtype=self.dtype_policy, name="join_where"
            )
        self.dense = dense
        self.reading = _cell(cell, units, self.dtype_policy, "reading")
        self.looking, self.coarse, self.context = None, [], context
        if context is not None:
            self.looking = _cell(cell, units, self.dtype_policy, "looking")
            self.coarse = [
                *(
                    keras.layers.Conv2D(
                        n, 3, activation="relu", padding="same", dtype=self.dtype_policy, name=f"coarse_{k}"
                    )
                    for k, n in enumerate(_CONTEXT_FILTERS)
                ),
                keras.layers.Flatten(dtype=self.dtype_policy),
                keras.layers.Dense(units, activation="tanh", dtype=self.dtype_policy, name="coarse"),
            ]

    def build(self, input_shape=None):
        units, channels = self.reading.units, self.image_shape[2]
        sensing, width = self.sensing, self.dense["what"].units
        widths = {"what": sensing.scales * sensing.size**2 * channels, "where": 2, "location": units, "baseline": units}
        widths |= {"join": width if self.join == "product" else 2 * width, "join_where": width}
        for name, layer in self.dense.items():
            layer.build((None, widths[name]))
        for cell in (self.reading, self.looking):
            if cell is not None:
                cell.build((None, units))
                cell.built = True
        shape = (None, self.context, self.context, channels)
        for layer in self.coarse:
            layer.build(shape)
            shape = layer.compute_output_shape(shape)

    def call(self, pictures, noise, start, training=False):
        step, weights = self._step(), self._weights()
        pictures = tf.cast(pictures, tf.float32)
        states, location, first = self._first(pictures, noise, start, step, weights)
        later = tf.concat([noise[:, 1:], tf.zeros_like(noise[:, :1])], axis=1)
        run = self._unrolled if current_export_format() else self._looped
        outputs, after = run(step, later, [location, *states], pictures, weights, training)
        # What was decided after one glimpse is about the next.
        moved = {name: tf.concat([a[:, None], outputs[name][:, :-1]], axis=1) for name, a in first.items()}
        if not self.differentiable:
            moved["expected"] = moved["expected"][..., 0]  # (B, T)
        # Of a single label nothing is put out by the loop: its gradient would be zeros for all steps but one.
        last = outputs["hidden"][:, self.glimpses - 1 :: self.glimpses] if step.tells else after[1][:, None]
        return {"hidden": last, "location": outputs["location"], **moved}

    def _first(self, pictures, noise, start, step, weights):
        """The states before the first glimpse, its location, and how that was decided: as `GlimpseStep` puts it out."""
        batch = tf.shape(pictures)[0]
        states = _zeros(self.reading, batch)
        if self.looking is None:
            return states, start, self._decided(start, start, states[0], weights)
        x = self._small(pictures)
        x = with_a_row(self._coarsely, x)
        query, *others = [x, *_zeros(self.looking, batch)[1:]]
        kernel, bias = weights["location"]
        mean = tf.cast(tf.tanh(tf.matmul(query, kernel) + bias), tf.float32)
        drawn, location = step.draw(mean, noise[:, 0])
        return [*states, query, *others], location, self._decided(mean, drawn, query, weights)

    def _decided(self, mean, drawn, query, weights):
        found = {"mean": mean, "drawn": drawn}
        if not self.differentiable:
            kernel, bias = weights["baseline"]
            found["expected"] = tf.cast(tf.matmul(tf.stop_gradient(query), kernel) + bias, tf.float32)
        return found

    def _coarsely(self, x):
        for layer in self.coarse:
            x = layer(x)
        return x

    def _small(self, pictures):
        """Pictures as means of their parts, (B, K, K, C); `tf.image.resize` has no built-in LiteRT operator for it."""
        (height, width, channels), few = self.image_shape, self.context
        x = tf.reshape(tf.transpose(pictures, (0, 2, 3, 1)), (-1, height))
        x = tf.reshape(tf.matmul(x, _means(height, few), transpose_b=True), (-1, width, channels, few))
        x = tf.reshape(tf.transpose(x, (0, 3, 2, 1)), (-1, width))
        x = tf.reshape(tf.matmul(x, _means(width, few), transpose_b=True), (-1, few, channels, few))
        return tf.transpose(x, (0, 1, 3, 2))

    def _looped(self, step, noise, states, pictures, weights, training):
        return product_loop.loop(step, {"noise": noise}, states, {"pictures": pictures}, weights, keep=bool(training))

    def _unrolled(self, step, noise, states, pictures, weights, training):
        """Without a loop: in a file for phones the batch is open, and a loop's buffers would have to know it."""
        found = []
        for t in range(self.steps):
            outputs, states = step(
                product_loop.product, {"noise": noise[:, t]}, states, {"pictures": pictures}, weights
            )
            found.append(outputs)
        return {name: tf.stack([one[name] for one in found], axis=1) for name in found[0]}, states

    def _step(self) -> GlimpseStep:
        cells = [None if cell is None else _engine(cell) for cell in (self.reading, self.looking)]
        count = len(_zeros(self.reading, 1))
        multiplies, tells = self.join == "product", self.slots > 1
        return GlimpseStep(self.sensing, cells[0], count, cells[1], multiplies, tells, self.gradient, self.stddev)

    def _weights(self) -> dict:
        cast = lambda w: tf.cast(w, self.compute_dtype)  # noqa: E731
        weights = {name: [cast(layer.kernel), cast(layer.bias)] for name, layer in self.dense.items()}
        for name, cell in (("read", self.reading), ("look", self.looking)):
            if cell is not None:
                math = engine_math(cell)
                first = [cast(w) for w in math.input_weights(cell) if w is not None]
                recurrent = [cast(w) for w in math.recurrent_weights(cell)]
                weights[name] = {"first": first, "inputs": [], "recurrent": [recurrent]}
        return weights


def _cell(kind, units, dtype, name):
    if kind == "simple_rnn":
        return keras.layers.SimpleRNNCell(units, activation="relu", dtype=dtype, name=name)
    return {"lstm": keras.layers.LSTMCell, "gru": keras.layers.GRUCell}[kind](units, dtype=dtype, name=name)


def _engine(cell) -> EngineCells:
    return EngineCells((engine_math(cell),), (len(_zeros(cell, 1)),))


def _zeros(cell, batch) -> list:
    return [tf.convert_to_tensor(s) for s in keras.tree.flatten(cell.get_initial_state(batch_size=batch))]


def _means(count: int, few: int) -> np.ndarray:
    """(K, N): each row the mean of its share of N pixels, of some of them in part."""
    edges = np.linspace(0, count, few + 1)
    pixels = np.arange(count)
    shares = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return (shares.clip(0) * few / count).astype("float32")
