"""A loop over time for any step function, with TensorFlow's own gradient."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from keras_seqcv.layers.loops import swap_time


def scan(step: Callable, sequences, states: Sequence, mask=None, carry=None, unroll: bool = False):
    """Run `step` over time; the general and slower sister of `recurrence.run`.

    Args:
        step: function of (inputs of one step (B, D), list of states) -> (output (B, U), list of new states).
        sequences: (B, T, D).
        states: list of tensors, each (B, ...).
        mask: (B, T) bool or None. Where False, the states stay as they were, and the output is the one before.
        carry: (B, T) of the states' dtype or None: 0 where a row's state is set to zero before the step, else 1.
        unroll: write every step into the graph instead of a loop. Needs a static T.

    Returns:
        outputs (B, T, U), where a masked step repeats the output before it (zero before the first, and after a reset),
        and the list of final states.
    """

    inputs, mask, carry = (None if a is None else swap_time(a) for a in (sequences, mask, carry))

    def masked_step(t, x, states, previous_output):
        if carry is not None:
            states = [s * _right_pad_rank(carry[t], s) for s in states]
            if previous_output is not None:
                previous_output = previous_output * _right_pad_rank(carry[t], previous_output)
        output, after = step(x, states)
        if mask is not None:
            previous_output = tf.zeros_like(output) if previous_output is None else previous_output
            output = tf.where(_right_pad_rank(mask[t], output), output, previous_output)
            after = [tf.where(_right_pad_rank(mask[t], new), new, old) for new, old in zip(after, states, strict=True)]
        return output, list(after)

    states = list(states)
    if unroll:
        outputs, output = [], None
        for t, x in enumerate(tf.unstack(inputs)):
            output, states = masked_step(t, x, states, output)
            outputs.append(output)
        return tf.stack(outputs, axis=1), states

    shape_of_output, _ = step(inputs[0], states)  # used for its shape and type alone
    output = tf.zeros_like(shape_of_output)
    steps = inputs.shape[0] or tf.shape(inputs)[0]
    buffer = tf.TensorArray(output.dtype, size=steps, element_shape=output.shape)

    def body(t, output, states, buffer):
        output, states = masked_step(t, inputs[t], states, output)
        return t + 1, output, states, buffer.write(t, output)

    _, _, states, buffer = tf.while_loop(
        lambda t, *_: t < steps, body, (tf.constant(0), output, states, buffer), maximum_iterations=steps
    )
    return swap_time(buffer.stack()), states


def _right_pad_rank(a, like):
    """(B,) -> (B, 1, ...) of the rank of `like`."""
    return tf.reshape(a, (-1, *[1] * (like.shape.rank - 1)))
