"""`SimpleRNN`: drop-in for `keras.layers.SimpleRNN`, optionally with an image (or any context) in every step."""

import dataclasses

import keras
import tensorflow as tf

from keras_seqcv.layers import recurrence
from keras_seqcv.layers.recurrent_layer import RecurrentLayer

# Activations whose derivative follows from their value y alone.
_DERIVATIVES = {
    keras.activations.tanh: (tf.tanh, lambda y: 1.0 - y * y),
    keras.activations.sigmoid: (tf.sigmoid, lambda y: y * (1.0 - y)),
    keras.activations.relu: (tf.nn.relu, lambda y: tf.cast(y > 0.0, y.dtype)),
    keras.activations.linear: (tf.identity, tf.ones_like),
}


@dataclasses.dataclass(frozen=True)
class SimpleRNNMath(recurrence.Cell):
    """h = f(x + h R). Weights: kernel (U, U)."""

    activation: object
    state_in_product_only = True

    @classmethod
    def of(cls, cell):
        return cls(cell.activation) if cell.activation in _DERIVATIVES else None

    def input_weights(self, cell):
        return tf.convert_to_tensor(cell.kernel), tf.convert_to_tensor(cell.bias) if cell.use_bias else None

    def recurrent_weights(self, cell):
        return [tf.convert_to_tensor(cell.recurrent_kernel)]

    def step(self, x, states, weights, product=tf.matmul):
        function, _ = _DERIVATIVES[self.activation]
        return [function(x + product(states[0], weights[0]))], []

    def transposed(self, weights):
        return tf.transpose(weights[0])

    def local(self, dstates, saved, previous, states, transposed):
        _, derivative = _DERIVATIVES[self.activation]
        return [dstates[0] * derivative(states[0])], [()]

    def pull(self, delta, transposed):
        return tf.matmul(delta, transposed)

    def weight_gradients(self, product, saved, deltas):
        return [product(deltas[0])]


@keras.saving.register_keras_serializable(package="keras_seqcv")
class SimpleRNN(RecurrentLayer, keras.layers.SimpleRNN):
    """The vanilla recurrent network, drop-in for `keras.layers.SimpleRNN`, with an optional context in every step.

    h_t = tanh(x_t W_x + h_{t-1} W_h + v W_v + b)

    x_t (B, D) input, h_t (B, U) output, v (B, C) a context that is the same at every step, such as a picture's
    features. W_x is the weight `kernel` (D, U), W_h `recurrent_kernel` (U, U), b `bias` (U,), and W_v `context_kernel`
    (C, U), which exists only where a context is given. tanh is `activation`.

    Args:
        units: int >= 1, U.
        stateful: True for truncated back-propagation through time: row i of a batch goes on from row i of the batch
            before it; the gradient stops at the border. `fit`, `evaluate` and all other calls each have a stream of
            their own. See `get_states`, `set_states`, `reset_states`.
        others: as in `keras.layers.SimpleRNN`.

    Call arguments:
        sequences: (B, T, D).
        initial_state: (B, U), or a list of it. Default: zero, or the carried state if `stateful`.
        mask: (B, T) bool. Where False a step changes no state, and its output repeats the one before (zero before the
            first), or is zero with `zero_output_for_mask=True`. Any pattern; rows may be masked fully.
        training: bool, for dropout.
        reset: (B,) or (B, T) bool. True sets a row's state to zero before its first, or before that, step.
        context: (B, C). A layer that was built with a context needs one in every call, and the reverse.

    Returns:
        (B, U), the last output; with `return_sequences` (B, T, U); with `return_state` a tuple of it and h (B, U).

    Raises:
        ValueError: where a shape does not fit. `tf.errors.InvalidArgumentError` where a stateful layer is trained with
            batches of different sizes.

    Example:

    >>> rnn = ks.layers.SimpleRNN(4)
    >>> words, picture = np.ones((2, 3, 5), "float32"), np.ones((2, 7), "float32")
    >>> rnn(words, context=picture).shape
    TensorShape([2, 4])
    >>> [w.name for w in rnn.weights]
    ['context_kernel', 'kernel', 'recurrent_kernel', 'bias']

    Reference:
        Elman: Finding Structure in Time. Cognitive Science 14(2), 1990. The context term: Karpathy, Fei-Fei, Deep
        Visual-Semantic Alignments for Generating Image Descriptions, arXiv 1412.2306, 2014.
    """

    context_kernel = None

    def build(self, sequences_shape, initial_state_shape=None, context_shape=None):
        super().build(sequences_shape, initial_state_shape)
        if context_shape is not None:
            self.context_kernel = self.add_weight(
                name="context_kernel",
                shape=(context_shape[-1], self.units),
                initializer=self.kernel_initializer,
                regularizer=self.kernel_regularizer,
                constraint=self.kernel_constraint,
            )

    def call(self, sequences, initial_state=None, mask=None, training=False, reset=None, context=None):
        self._check_context(sequences, context)
        if context is not None:
            context = tf.convert_to_tensor(context, self.compute_dtype)
        return self._call(sequences, initial_state, mask, training, reset, context)

    def compute_output_shape(self, sequences_shape, initial_state_shape=None, context_shape=None):
        return super().compute_output_shape(sequences_shape, initial_state_shape)

    def _check_context(self, sequences, context):
        if (context is None) != (self.context_kernel is None):
            state = "without a context" if self.context_kernel is None else "with a context"
            came = "none" if context is None else f"one of shape {tuple(context.shape)}"
            raise ValueError(f"context: {self.name} was built {state}, received {came}")
        if context is None:
            return
        wanted = (sequences.shape[0], self.context_kernel.shape[0])
        if not tf.TensorShape(context.shape).is_compatible_with(wanted):
            raise ValueError(f"context: expected shape {wanted}, received {tuple(context.shape)}")

    def _engine_cell(self):
        return SimpleRNNMath.of(self.cell)

    def _projection(self, context=None):
        project = super()._projection()
        if context is None:
            return project
        of_context = tf.matmul(context, tf.convert_to_tensor(self.context_kernel))  # (B, U)
        return lambda inputs, rows: project(inputs, rows) + of_context[rows]

    def stepper(self, one_hot=False, parts=1):
        if self.context_kernel is not None:
            raise ValueError(f"stepper: {self.name} was built with a context, which a step alone does not have")
        return super().stepper(one_hot, parts)

    def _cell_step(self, training, context):
        # Keras's cell, with the context: that cell has no place for it, and draws dropout masks where none is used.
        cell = self.cell
        constant = 0.0 if cell.bias is None else tf.convert_to_tensor(cell.bias)
        if context is not None:
            constant = constant + tf.matmul(context, tf.convert_to_tensor(self.context_kernel))

        def step(x, states):
            (h,) = states
            if training and cell.dropout:
                x = x * cell.get_dropout_mask(x)
            if training and cell.recurrent_dropout:
                h = h * cell.get_recurrent_dropout_mask(h)
            h = self.activation(
                keras.ops.matmul(x, cell.kernel) + constant + keras.ops.matmul(h, cell.recurrent_kernel)
            )
            return h, [h]

        return step
