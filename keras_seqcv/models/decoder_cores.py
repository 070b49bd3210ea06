"""The recurrent part of a decoder: it looks at the places of a memory at every step, or holds one vector of it.

Both kinds have the same methods, so that what lies around them need not know which it is: a call over whole sequences
for training, and `fixed`, `initial_states` and `stepper` for a loop that writes.
"""

import keras
import tensorflow as tf

from keras_seqcv import layers
from keras_seqcv.models.recurrent_stack import make_stack, stack_stepper, zero_states

CELLS = {"simple_rnn": keras.layers.SimpleRNNCell, "lstm": keras.layers.LSTMCell, "gru": keras.layers.GRUCell}
INJECTS = ("every_step", "first_step", "state")


class LookingCore(keras.layers.Layer):
    """An `AttentionRNN` whose first state comes from what is to be described, as in Show, Attend and Tell.

    Args:
        attention: `AdditiveAttention`, `DotProductAttention` or `HardAttention`.
        cell, units, layers_count: "simple_rnn" | "lstm" | "gru", U, and how many cells lie one on the other.
        attend, gate, coverage, dropout, doubly_stochastic: see `AttentionRNNCell` and `AttentionRNN`.
    """

    def __init__(
        self, attention, cell, units, layers_count, attend, gate, coverage, dropout, doubly_stochastic, **kwargs
    ):
        super().__init__(**kwargs)
        self.supports_masking = True  # the mask is an argument; none goes on
        dtype = self.dtype_policy
        cells = [CELLS[cell](units, dtype=dtype, name=f"{cell}_{k}") for k in range(layers_count)]
        looks = {"attend": attend, "gate": gate, "coverage": coverage, "start": "memory"}
        self.cell = layers.AttentionRNNCell(cells, attention, **looks, dtype=dtype, name="cell")
        self.rnn = layers.AttentionRNN(
            self.cell,
            return_probabilities=isinstance(attention, layers.HardAttention),
            dropout=dropout,
            doubly_stochastic=doubly_stochastic,
            dtype=dtype,
            name="rnn",
        )

    def compute_mask(self, *args, **kwargs):
        return None

    def build(self, words_shape, memory_shape):
        self.rnn.build(words_shape, memory_shape)
        self.rnn.built = True
        self.feature_width = self.cell.feature_width(memory_shape[-1])

    def call(self, words, memory, mask=None, memory_mask=None, training=False):
        """Words (B, T, E), memory (B, L, D) -> features (B, T, F), weights (B, T, L), probabilities or None."""
        features, weights, *probabilities = self.rnn(
            words, memory, mask=mask, memory_mask=memory_mask, training=training
        )
        return features, weights, probabilities[0] if probabilities else None

    def fixed(self, memory, memory_mask=None) -> dict:
        """What a step looks at, and does not change."""
        return self.cell.fixed(memory, memory_mask)

    def initial_states(self, memory, memory_mask=None) -> list:
        return self.cell.initial_states(memory, memory_mask)

    def stepper(self):
        """A function (words (B, E), states, fixed) -> features (B, F), states, weights (B, L)."""
        advance = self.cell.stepper()

        def step(words, states, fixed):
            outputs, states = advance({"input": words}, states, fixed)
            return outputs["features"], states, outputs["weights"]

        return step


class VectorCore(keras.layers.Layer):
    """Recurrent layers that get one vector v of what is to be described: the memory is (B, D).

    "every_step":  h_t = cell([x_t, v], h_{t-1}); for the vanilla RNN tanh(W_x x_t + W_v v + W_h h_{t-1} + b)
    "first_step":  h_0 = cell(v W_i + b_i, 0), then h_t = cell(x_t, h_{t-1})
    "state":       each state begins as tanh(v W_s + b_s)

    Args:
        inject: one of the three.
        cell, units, layers_count: as in `LookingCore`.
    """

    def __init__(self, inject, cell, units, layers_count, dropout, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True  # the mask is an argument; none goes on
        dtype = self.dtype_policy
        self.inject = inject
        self.rnns = make_stack(cell, units, layers_count, dtype)
        self.counts = [2 if cell == "lstm" else 1] * layers_count
        self.feature_width = units
        self.dropout = keras.layers.Dropout(dropout, dtype=dtype)
        self.first_word = None
        self.starts = []
        if inject == "state":
            self.starts = [
                keras.layers.Dense(units, activation="tanh", dtype=dtype, name=f"start_{k}")
                for k in range(sum(self.counts))
            ]

    def compute_mask(self, *args, **kwargs):
        return None

    def build(self, words_shape, memory_shape):
        width, depth = words_shape[-1], memory_shape[-1]
        if self.inject == "first_step":
            self.first_word = keras.layers.Dense(width, dtype=self.dtype_policy, name="first_word")
            self.first_word.build((None, depth))
        for start in self.starts:
            start.build((None, depth))
        width = width + depth if self.inject == "every_step" else width
        for rnn in self.rnns:
            rnn.build((None, None, width))
            rnn.built = True
            width = rnn.units

    def call(self, words, memory, mask=None, memory_mask=None, training=False):
        """Words (B, T, E), memory (B, D) -> features (B, T, U), None, None. One vector needs no mask."""
        vector = tf.convert_to_tensor(memory, self.compute_dtype)
        states = self._first_states(vector)
        x = words
        if self.inject == "every_step":
            x = tf.concat([x, tf.repeat(vector[:, None], tf.shape(x)[1], axis=1)], axis=2)
        elif self.inject == "first_step":
            x = tf.concat([self.first_word(vector)[:, None], x], axis=1)
            mask = None if mask is None else tf.pad(mask, [[0, 0], [1, 0]], constant_values=True)
        for k, rnn in enumerate(self.rnns):
            x = self.dropout(x, training=training)
            x = rnn(x, initial_state=states and states[k], mask=mask, training=training)
        return x[:, 1:] if self.inject == "first_step" else x, None, None

    def fixed(self, memory, memory_mask=None) -> dict:
        return {"vector": tf.convert_to_tensor(memory, self.compute_dtype)} if self.inject == "every_step" else {}

    def initial_states(self, memory, memory_mask=None) -> list:
        vector = tf.convert_to_tensor(memory, self.compute_dtype)
        states = self._first_states(vector)
        flat = zero_states(self.rnns, tf.shape(vector)[0]) if states is None else tf.nest.flatten(states)
        for state in flat:
            state.set_shape((vector.shape[0], None))
        return stack_stepper(self.rnns)(self.first_word(vector), flat)[1] if self.inject == "first_step" else flat

    def stepper(self):
        """A function (words (B, E), states, fixed) -> features (B, U), states, None."""
        advance = stack_stepper(self.rnns)

        def step(words, states, fixed):
            x = tf.concat([words, fixed["vector"]], axis=1) if self.inject == "every_step" else words
            features, states = advance(x, states)
            return features, states, None

        return step

    def _first_states(self, vector):
        """For each layer a list of states, or None for zeros."""
        if not self.starts:
            return None
        flat, states = [start(vector) for start in self.starts], []
        for count in self.counts:
            states.append(flat[:count])
            flat = flat[count:]
        return states
