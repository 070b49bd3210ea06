"""`AttentionRNN`: a recurrent layer that looks at a memory at every step."""

import keras
import tensorflow as tf

from keras_seqcv.distribution import rows_of_batch
from keras_seqcv.distribution.replicas import of_replica
from keras_seqcv.layers import product_loop
from keras_seqcv.layers.attention_rnn_cell import AttentionRNNCell, unbuilt
from keras_seqcv.layers.hard_attention import HardAttention
from keras_seqcv.layers.loops import stepwise
from keras_seqcv.layers.scan import scan


@keras.saving.register_keras_serializable(package="keras_seqcv")
class AttentionRNN(keras.layers.Layer):
    """Runs an `AttentionRNNCell` over time: at each step features for the words, and a distribution over places.

    y_t, a_t = cell(x_t, m)                                   see `AttentionRNNCell`
    loss     + lambda mean_b sum_l (1 - sum_t a_{t,l})^2      doubly stochastic: every place is to be seen once

    Of a `HardAttention` the penalty is on the distributions that places are drawn from: a draw has no gradient.

    The keys of the memory and the cell's products with x are computed once before the loop, for all steps; the
    gradients of all kernels once after it. Where the cells are Keras's SimpleRNNCell, LSTMCell and GRUCell with their
    usual activations, the loop is compiled by XLA; others run their own code, step by step.

    Args:
        cell: an `AttentionRNNCell`.
        return_sequences: whether features and weights of all steps are returned, or of the last (unmasked) one.
        return_state: whether the final states are returned as well.
        return_probabilities: with a `HardAttention`, whether the distributions that places were drawn from are
            returned as well; `HardAttention.loss_of_draws` learns from them.
        dropout: rate in [0, 1) on x_t and on what is fed to the cell, the same places at all steps.
        doubly_stochastic: lambda, float >= 0.
        seed: int or None, for dropout.

    Call arguments:
        sequences: (B, T, D_x).
        memory: (B, L, D).
        mask: (B, T) bool; by default the mask that travels with the sequences. Where False a step changes no state, and
            its features and weights are zero.
        memory_mask: (B, L) bool, False where there is no place; by default the mask that travels with the memory.
        initial_state: list of states as `cell.initial_states(memory)` gives it, which is the default.
        training: bool.

    Returns:
        features (B, T, F) and weights (B, T, L), or (B, F) and (B, L) without `return_sequences`; then probabilities
        like the weights with `return_probabilities`; then the final states with `return_state`. The mask of the
        sequences goes on with features and weights.

    Raises:
        TypeError, ValueError: for an argument that is not as above, and where shapes do not fit.

    Example:

    >>> cell = ks.layers.AttentionRNNCell(keras.layers.GRUCell(8), ks.layers.DotProductAttention("general"))
    >>> words, memory = np.ones((2, 3, 5), "float32"), np.ones((2, 7, 4), "float32")
    >>> features, weights = ks.layers.AttentionRNN(cell)(words, memory)
    >>> features.shape, weights.shape
    (TensorShape([2, 3, 12]), TensorShape([2, 3, 7]))

    Reference:
        Xu et al.: Show, Attend and Tell. arXiv 1502.03044, 2015. Dropout: Gal, Ghahramani, arXiv 1512.05287, 2015.
    """

    def __init__(
        self,
        cell,
        return_sequences=True,
        return_state=False,
        return_probabilities=False,
        dropout=0.0,
        doubly_stochastic=0.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not isinstance(cell, AttentionRNNCell):
            raise TypeError(f"cell: expected an AttentionRNNCell, received {type(cell).__name__}")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout: expected a rate in [0, 1), received {dropout!r}")
        if not doubly_stochastic >= 0:
            raise ValueError(f"doubly_stochastic: expected a number >= 0, received {doubly_stochastic!r}")
        if return_probabilities and not isinstance(cell.attention, HardAttention):
            raise ValueError("return_probabilities: a soft attention's weights are its probabilities; expected False")
        self.cell = cell
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.return_probabilities = return_probabilities
        self.dropout = dropout
        self.doubly_stochastic = doubly_stochastic
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def build(self, sequences_shape, memory_shape):
        if not self.cell.built:
            self.cell.build((sequences_shape[0], sequences_shape[-1]), tuple(memory_shape))
            self.cell.built = True

    def call(self, sequences, memory, mask=None, memory_mask=None, initial_state=None, training=False):
        # Keras hands on a mask that travels with the data only where a layer is called with one tensor alone.
        mask = getattr(sequences, "_keras_mask", None) if mask is None else mask
        memory_mask = getattr(memory, "_keras_mask", None) if memory_mask is None else memory_mask
        sequences = tf.convert_to_tensor(sequences, self.compute_dtype)
        fixed = self.cell.fixed(memory, memory_mask)
        mask = self._checked(sequences, fixed["memory"], mask)
        states = self._first_states(initial_state, fixed)
        if training and self.dropout:
            sequences, fixed = self._drop(sequences, fixed)
        outputs, states = self._loop(sequences, states, fixed, mask, training)
        if self.doubly_stochastic:
            spread = outputs.get("probabilities", outputs["weights"])  # (B, T, L)
            self.add_loss(of_replica(self.doubly_stochastic * _unseen(spread, fixed.get("mask"))))
        names = ["features", "weights", *(["probabilities"] if self.return_probabilities else [])]
        results = [outputs[name] if self.return_sequences else _last(outputs[name], mask) for name in names]
        return (*results, *states) if self.return_state else tuple(results)

    def _checked(self, sequences, memory, mask):
        """The mask, a bool tensor (B, T) or None, where shapes fit."""
        if sequences.shape.rank != 3 or not sequences.shape[:1].is_compatible_with(memory.shape[:1]):
            raise ValueError(
                f"{self.name}: expected sequences (B, T, D) and memory (B, L, D), received {tuple(sequences.shape)} "
                f"and {tuple(memory.shape)}"
            )
        if mask is None:
            return None
        mask = tf.cast(mask, tf.bool)
        if not mask.shape.is_compatible_with(sequences.shape[:2]):
            raise ValueError(f"mask: expected shape {tuple(sequences.shape[:2])}, received {tuple(mask.shape)}")
        return mask

    def _first_states(self, initial_state, fixed):
        states = self.cell.initial_states(fixed["memory"], fixed.get("mask"))
        if initial_state is None:
            return states
        given = list(initial_state) if isinstance(initial_state, (list, tuple)) else [initial_state]
        given = [tf.convert_to_tensor(s, self.compute_dtype) for s in given]
        shapes = [[tuple(s.shape) for s in group] for group in (states, given)]
        fits = len(given) == len(states) and all(g.shape.is_compatible_with(s.shape) for g, s in zip(given, states))
        if not fits:
            raise ValueError(f"initial_state: expected shapes {shapes[0]}, received {shapes[1]}")
        return given

    def _drop(self, sequences, fixed):
        batch = tf.shape(sequences)[0]

        def kept(width):
            ones = tf.ones((batch, width), self.compute_dtype)
            return keras.random.dropout(ones, self.dropout, seed=self.seed_generator)

        fed = self.cell.memory_depth if self.cell.attend == "before" else self.cell.features
        sequences = sequences * kept(sequences.shape[-1])[:, None]
        return sequences, {**fixed, "fed_dropout": kept(fed)}

    def _loop(self, sequences, states, fixed, mask, training):
        engine = None if stepwise() else self.cell.engine_cells(training)
        weights = self.cell.step_weights(engine)
        xs = {"input": self.cell.projected(sequences, weights) if engine else sequences}
        if self.cell.draws(training):
            shape = (tf.shape(sequences)[1], tf.shape(fixed["memory"])[1])
            noise = rows_of_batch(lambda n: self.cell.attention.noise(tf.stack((n, *shape))), tf.shape(sequences)[0])
            noise.set_shape((*sequences.shape[:2], fixed["memory"].shape[1]))
            xs["noise"] = noise
        if engine:
            step = self.cell.step_of(engine)
            return product_loop.loop(step, xs, states, fixed, weights, mask, keep=bool(training))
        step = self.cell.step_of(self.cell.keras_cells(training))
        result = _scanned(step, xs, states, fixed, weights, mask)
        for cell in self.cell.cells:
            for name in ("reset_dropout_mask", "reset_recurrent_dropout_mask"):
                getattr(cell, name, lambda: None)()
        return result

    def compute_output_shape(self, sequences_shape, memory_shape):
        batch, steps = sequences_shape[0], sequences_shape[1:2] if self.return_sequences else ()
        places, depth = memory_shape[1:]
        shapes = [(batch, *steps, self.cell.feature_width(depth))]
        shapes += [(batch, *steps, places)] * (1 + self.return_probabilities)
        if self.return_state:
            shapes += [(batch, width) for width in self.cell.state_sizes(places, depth)]
        return tuple(shapes)

    def compute_mask(self, inputs, previous_mask=None):
        masks = previous_mask if isinstance(previous_mask, (list, tuple)) else [previous_mask]
        sequences = 2 + self.return_probabilities
        states = len(self.cell.state_sizes(None, 0)) if self.return_state else 0
        return [masks[0] if self.return_sequences else None] * sequences + [None] * states

    def get_config(self):
        return {
            **super().get_config(),
            "cell": keras.saving.serialize_keras_object(self.cell),
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "return_probabilities": self.return_probabilities,
            "dropout": self.dropout,
            "doubly_stochastic": self.doubly_stochastic,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "cell": unbuilt(config["cell"])})


def _unseen(weights, memory_mask):
    """Weights (B, T, L) -> how far the sums over time are from one, squared, summed over places, ()."""
    exact = tf.cast(weights, tf.float32) if weights.dtype.size < 4 else weights
    missing = 1.0 - tf.reduce_sum(exact, axis=1)  # (B, L)
    if memory_mask is not None:
        missing *= tf.cast(memory_mask, missing.dtype)
    return tf.reduce_mean(tf.reduce_sum(missing * missing, axis=1))


def _last(sequence, mask):
    """(B, T, N) -> the last step, or the last one that is not masked; zero where all are, (B, N)."""
    if mask is None:
        return sequence[:, -1]
    steps = tf.range(1, tf.shape(mask)[1] + 1)
    last = tf.reduce_max(tf.where(mask, steps, 0), axis=1)  # (B,), counted from one
    return tf.gather(sequence, tf.maximum(last - 1, 0), axis=1, batch_dims=1)


def _scanned(step, xs, states, fixed, weights, mask):
    """`product_loop.loop` for a step of any cells, with TensorFlow's own gradient."""
    names, widths = sorted(xs), [xs[name].shape[-1] for name in sorted(xs)]
    if None in widths:
        raise ValueError(f"memory: a HardAttention over a cell of one's own needs a known number of places; {widths}")
    kinds = {}

    def of_step(x, states):
        x = dict(zip(names, tf.split(x, widths, axis=1), strict=True))
        outputs, states = step(product_loop.product, x, states, fixed, weights)
        if not kinds:  # the first call, outside of the loop
            kinds.update({k: tf.shape(v)[1] if v.shape[1] is None else v.shape[1] for k, v in outputs.items()})
        return tf.concat([outputs[k] for k in sorted(outputs)], axis=1), states

    joined = tf.concat([tf.cast(xs[name], xs["input"].dtype) for name in names], axis=2)
    outputs, states = scan(of_step, joined, states, mask, unroll=stepwise())
    if mask is not None:
        outputs = tf.where(mask[..., None], outputs, tf.zeros_like(outputs))
    parts = tf.split(outputs, [kinds[k] for k in sorted(kinds)], axis=2)
    return dict(zip(sorted(kinds), parts, strict=True)), states
