"""What `SimpleRNN`, `LSTM` and `GRU` have in common: the way from Keras's arguments to the engine and back."""

import keras
import tensorflow as tf

from keras_seqcv.layers import loops, recurrence
from keras_seqcv.layers.export_scope import current_export_format
from keras_seqcv.layers.scan import scan
from keras_seqcv.layers.stream_state import StreamState, current_stream


class RecurrentLayer:
    """Mixed into a Keras recurrent layer: keeps constructor, weights and results, replaces the loop and the state.

    A subclass says what is its own, above all its `_engine_cell`.
    """

    stream_state = None
    _supports_jit = True

    @property
    def supports_jit(self):
        """Whether a model may be compiled by XLA as a whole; the loop over time is in any case.

        XLA gives a variable one shape for good, and a stream gets its rows with its first batch.
        """
        return self._supports_jit and not getattr(self, "stateful", False)

    @supports_jit.setter
    def supports_jit(self, value):
        self._supports_jit = value

    def _engine_cell(self):
        """The `recurrence.Cell` that computes this layer, or None when its options need Keras's own cell."""
        raise NotImplementedError

    def _projection(self, context=None):
        """The function `project` that `recurrence.run` takes; what it adds to all steps, bias and context, included."""
        kernel, bias = self._engine_cell().input_weights(self.cell)
        return lambda inputs, rows: recurrence.project(inputs, kernel, bias)

    def _fused(self, sequences):
        """All outputs (B, T, U) by LiteRT's fused operator, or None where it does not serve."""
        return None

    def build(self, sequences_shape, initial_state_shape=None):
        if not self.cell.built:
            self.cell.build((sequences_shape[0], *sequences_shape[2:]))
        if self.stateful and self.stream_state is None:
            self.stream_state = StreamState(self.state_size, self.compute_dtype)

    def call(self, sequences, initial_state=None, mask=None, training=False, reset=None):
        return self._call(sequences, initial_state, mask, training, reset)

    def _call(self, sequences, initial_state, mask, training, reset, context=None):
        if mask is None:
            # Keras hands on a mask that travels with the data only where a layer is called with one tensor alone.
            mask = getattr(sequences, "_keras_mask", None)
        sequences = tf.convert_to_tensor(sequences, self.compute_dtype)
        if self.unroll and sequences.shape[1] is None:
            raise ValueError(
                f"unroll=True needs a fixed number of steps; received sequences of shape {sequences.shape}. "
                "Give the time dimension to `keras.Input`, or leave unroll=False."
            )
        batch = sequences.shape[0] or tf.shape(sequences)[0]
        mask = _checked_flags("mask", mask, sequences, ranks=(2,))
        reset = _checked_flags("reset", reset, sequences, ranks=(1, 2))
        stream = current_stream(training) if self.stateful and initial_state is None else None  # None: from zero
        states = self._first_states(initial_state, stream, batch)
        if reset is not None and reset.shape.rank == 1:
            states = [tf.where(reset[:, None], tf.zeros_like(s), s) for s in states]
            reset = None

        if training:
            # One dropout mask for all steps, made outside of any loop.
            self.cell.get_dropout_mask(sequences[:, 0])
            self.cell.get_recurrent_dropout_mask(states[0])
        outputs, finals = self._loop(sequences, states, mask, reset, training, context, zeros=initial_state is None)
        if training:
            self.cell.reset_dropout_mask()
            self.cell.reset_recurrent_dropout_mask()
        if stream is not None:
            self.stream_state.write(stream, finals)
        output = outputs if self.return_sequences else outputs[:, -1]
        return (output, *finals) if self.return_state else output

    def _first_states(self, initial_state, stream, batch):
        if stream is not None:
            return self.stream_state.read(stream, batch)
        if initial_state is None:
            return [tf.convert_to_tensor(s) for s in self.get_initial_state(batch_size=batch)]
        states = list(initial_state) if isinstance(initial_state, (list, tuple)) else [initial_state]
        if len(states) != len(self.state_size):
            raise ValueError(
                f"initial_state: {type(self).__name__} has {len(self.state_size)} states, received {len(states)}"
            )
        states = [tf.convert_to_tensor(s, self.compute_dtype) for s in states]
        rows = batch if isinstance(batch, int) else None
        for state, size in zip(states, self.state_size, strict=True):
            if not state.shape.is_compatible_with((rows, size)):
                raise ValueError(f"initial_state: expected shape {(rows, size)}, received {tuple(state.shape)}")
        return states

    def _loop(self, sequences, states, mask, reset, training, context, zeros):
        """-> outputs (B, T, U), and the final states."""
        plain = mask is None and reset is None and context is None
        if current_export_format() == "litert" and plain and zeros and not self.return_state:
            fused = self._fused(sequences)
            if fused is not None:
                return fused, states
        if loops.stepwise():
            return self._cpu_loop(sequences, states, mask, reset, training, context)
        if plain and self._cudnn_serves():
            _, outputs, finals = self.inner_loop(sequences, states, None, training)
            return outputs, finals
        if mask is not None and reset is None and self._cudnn_serves() and not self.go_backwards:
            return self._cudnn_where_it_can(sequences, states, mask, training)
        return self._cpu_loop(sequences, states, mask, reset, training, context)

    def _cudnn_serves(self) -> bool:
        """Whether cuDNN is there and computes this layer. Exports do without it: they must run anywhere."""
        wanted = getattr(self, "use_cudnn", False)  # SimpleRNN has no such argument
        serves = (
            wanted in ("auto", True)
            and loops.has_gpu()
            and self.use_bias
            and not (self.unroll or self.cell.recurrent_dropout)
            and getattr(self, "reset_after", True)
            and self._engine_cell() is not None
            and current_export_format() is None
        )
        if wanted is True and not serves and current_export_format() is None:
            raise ValueError(
                f"use_cudnn=True: {self.name} cannot use cuDNN here (GPU: {loops.has_gpu()}); "
                "'auto' uses it where it can"
            )
        return serves

    def _cudnn_where_it_can(self, sequences, states, mask, training):
        """cuDNN for right-padded batches; the engine for all others, where Keras raises an error."""
        lengths = tf.reduce_sum(tf.cast(mask, tf.int32), axis=1)
        right_padded = tf.reduce_all(tf.equal(mask, tf.sequence_mask(lengths, tf.shape(mask)[1])))
        serves = tf.logical_and(right_padded, tf.reduce_all(lengths > 0))

        def by_cudnn():
            last, outputs, finals = self.inner_loop(sequences, states, mask, training)
            if self.return_sequences and not self.zero_output_for_mask:
                # cuDNN writes zeros behind the end; Keras's documented way is to repeat the last output.
                outputs = tf.where(mask[..., None], outputs, last[:, None])
            return [outputs, *finals]

        def by_engine():
            outputs, finals = self._cpu_loop(sequences, states, mask, None, training, None)
            return [outputs if self.return_sequences else outputs[:, -1:], *finals]

        outputs, *finals = tf.cond(serves, by_cudnn, by_engine)
        return outputs, finals

    def _cpu_loop(self, sequences, states, mask, reset, training, context):
        if self.go_backwards:
            sequences, mask, reset = (None if a is None else tf.reverse(a, [1]) for a in (sequences, mask, reset))
        carry = None if reset is None else tf.cast(tf.logical_not(reset), self.compute_dtype)
        unroll = self.unroll or loops.stepwise()
        cell = None if unroll or (training and self.cell.recurrent_dropout) else self._engine_cell()
        if cell is None:
            step = self._cell_step(training, context)
            outputs, finals = scan(step, sequences, states, mask, carry, unroll)
        else:
            if training and self.cell.dropout:
                sequences = sequences * self.cell.get_dropout_mask(sequences[:, 0])[:, None]
            weights, project = cell.recurrent_weights(self.cell), self._projection(context)
            outputs, finals = recurrence.run(
                cell, project, sequences, states, weights, mask, carry, keep=bool(training)
            )
            if mask is not None:
                # Before a row's first step Keras gives zeros, whatever the initial state is.
                begun = tf.cumsum(tf.cast(mask, tf.int32), axis=1) > 0
                outputs = tf.where(begun[..., None], outputs, tf.zeros_like(outputs))
        if mask is not None and self.zero_output_for_mask:
            outputs = tf.where(mask[..., None], outputs, tf.zeros_like(outputs))
        return outputs, finals

    def _cell_step(self, training, context):
        return lambda x, states: self.cell(x, states, training=training)

    def stepper(self, one_hot=False, parts=1):
        """One step of a built layer, as a function for a loop that is not ours, such as one that writes text.

        What must be done to the weights, and does not depend on the step, is done here and not in the loop.

        Args:
            one_hot: whether `x` below is (B,) int, the place of the one in a row of D - 1 zeros.
            parts: into how many parts the units are cut, where the mathematics allows it; a loop that XLA compiles then
                keeps as many cores busy, each with a kernel of its own to read. The result is the same.

        Returns:
            Function of (x (B, D), list of states (B, U)) -> (output (B, U), list of states).
        """
        engine_cell = self._engine_cell()
        plain = current_export_format() is None and self.compute_dtype == self.variable_dtype
        depth = self.cell.kernel.shape[0]
        if engine_cell is None or not plain:

            def step(x, states):
                x = tf.one_hot(tf.cast(x, tf.int32), depth, dtype=self.compute_dtype) if one_hot else x
                output, states = self.cell(x, states, training=False)
                return output, list(states)

            return step

        parts = parts if engine_cell.separable and self.units % parts == 0 else 1
        kernel, bias = engine_cell.input_weights(self.cell)
        if one_hot:
            kernel, bias = kernel if bias is None else kernel + bias, None  # all that the product of a row can be
        kernels, biases = _unit_parts(kernel, self.units, parts), _unit_parts(bias, self.units, parts)
        weights = zip(*(_unit_parts(w, self.units, parts) for w in engine_cell.recurrent_weights(self.cell)))
        weights = list(weights)

        def step(x, states):
            states_of_parts = zip(*(tf.split(s, parts, axis=1) for s in states))
            after = []
            for kernel, bias, recurrent, part in zip(kernels, biases, weights, states_of_parts, strict=True):
                projected = tf.gather(kernel, x) if one_hot else tf.matmul(x, kernel)  # (B, G U / parts)
                if bias is not None:
                    projected = projected + bias
                # Each part is multiplied by the whole of the state.
                product = tf.matmul if parts == 1 else lambda _, kernel: tf.matmul(states[0], kernel)
                after.append(engine_cell.step(projected, list(part), list(recurrent), product)[0])
            after = [tf.concat(part, axis=1) for part in zip(*after, strict=True)] if parts > 1 else after[0]
            return after[0], after

        return step

    def get_config(self):
        config = {**super().get_config(), "seed": self.cell.seed}
        if hasattr(self, "use_cudnn"):  # these two, and SimpleRNN's seed, Keras forgets
            config |= {"use_cudnn": self.use_cudnn, "implementation": self.cell.implementation}
        return config

    def reset_states(self, stream=None):
        """Set the carried state to zero, of one stream ("training" | "validation" | "inference") or of all."""
        if self.stream_state is not None:
            self.stream_state.reset(stream)

    reset_state = reset_states

    def get_states(self, stream="inference"):
        """The carried states of a stream, a list of arrays (rows, U); no rows before its first batch."""
        return self._need_streams().get(stream)

    def set_states(self, states, stream="inference"):
        """Replace the carried states of a stream by arrays (rows, U)."""
        self._need_streams().set(stream, states)

    def _need_streams(self):
        if self.stream_state is None:
            raise ValueError(f"{self.name} carries no state: it has stateful={self.stateful} and built={self.built}")
        return self.stream_state

    def save_own_variables(self, store):
        super().save_own_variables(store)
        if self.stream_state is not None:
            for stream in ("training", "validation", "inference"):
                for k, state in enumerate(self.stream_state.get(stream)):
                    store[f"{stream}_state_{k}"] = state

    def load_own_variables(self, store):
        names = [k for k in store.keys() if "_state_" in k]
        super().load_own_variables({k: store[k] for k in store.keys() if k not in names})
        if self.stream_state is not None:
            for stream in ("training", "validation", "inference"):
                own = sorted(k for k in names if k.startswith(stream))
                if own:
                    self.stream_state.set(stream, [store[k] for k in own])


def _unit_parts(weight, units, parts):
    """A weight (..., G U) or None, cut into those of `parts` groups of units, each (..., G U / parts) or None."""
    if weight is None or parts == 1:
        return [weight] * parts
    cut = tf.reshape(weight, (*weight.shape[:-1], -1, parts, units // parts))
    return [tf.reshape(cut[..., p, :], (*weight.shape[:-1], -1)) for p in range(parts)]


def has_standard_gates(cell) -> bool:
    """Whether a Keras cell with gates is the one that the engine and cuDNN compute."""
    functions = cell.activation is keras.activations.tanh, cell.recurrent_activation is keras.activations.sigmoid
    return all(functions) and cell.implementation == 2


def _checked_flags(name, flags, sequences, ranks):
    """A bool tensor (B,) or (B, T), or None."""
    flags = keras.tree.flatten(flags)[0] if flags is not None else None
    if flags is None:
        return None
    flags = tf.cast(flags, tf.bool)
    if flags.shape.rank not in ranks or not flags.shape.is_compatible_with(sequences.shape[: flags.shape.rank]):
        wanted = " or ".join(str(tuple(sequences.shape[:r])) for r in ranks)
        raise ValueError(
            f"{name}: expected shape {wanted} for sequences of shape {tuple(sequences.shape)}, "
            f"received {tuple(flags.shape)}"
        )
    return flags
