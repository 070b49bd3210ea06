"""The recurrent layers once more, as NumPy loops in float64 that share no code with the package.

Legend: B batch, T time, D features, U units, C width of a context.
"""

import numpy as np


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def simple_rnn_step(x, states, weights, context=None):
    """Weights kernel (D, U), recurrent kernel (U, U), bias (U,), and with a context (B, C) its kernel (C, U)."""
    kernel, recurrent, bias = weights[:3]
    total = x @ kernel + states[0] @ recurrent + bias
    if context is not None:
        total = total + context @ weights[3]
    return [np.tanh(total)]


def lstm_step(x, states, weights, context=None):
    """Gates in the order i f g o. Weights (D, 4U), (U, 4U), (4U,)."""
    kernel, recurrent, bias = weights
    h, c = states
    i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return [sigmoid(o) * np.tanh(c), c]


def gru_step(x, states, weights, context=None):
    """cuDNN's form, gates in the order z r g. Weights (D, 3U), (U, 3U), (2, 3U)."""
    kernel, recurrent, (bias, recurrent_bias) = weights
    (h,) = states
    x_z, x_r, x_g = np.split(x @ kernel + bias, 3, axis=1)
    h_z, h_r, h_g = np.split(h @ recurrent + recurrent_bias, 3, axis=1)
    z, r = sigmoid(x_z + h_z), sigmoid(x_r + h_r)
    return [z * h + (1.0 - z) * np.tanh(x_g + r * h_g)]


def textbook_gru_step(x, states, weights, context=None):
    """The reset gate acts on the state, before the product. Weights (D, 3U), (U, 3U), (3U,)."""
    kernel, recurrent, bias = weights
    (h,) = states
    w_z, w_r, w_g = np.split(kernel, 3, axis=1)
    r_z, r_r, r_g = np.split(recurrent, 3, axis=1)
    b_z, b_r, b_g = np.split(bias, 3)
    z = sigmoid(x @ w_z + h @ r_z + b_z)
    r = sigmoid(x @ w_r + h @ r_r + b_r)
    return [z * h + (1.0 - z) * np.tanh(x @ w_g + (r * h) @ r_g + b_g)]


STEPS = {
    "simple_rnn": simple_rnn_step,
    "simple_rnn_context": simple_rnn_step,
    "lstm": lstm_step,
    "gru": gru_step,
    "textbook_gru": textbook_gru_step,
}
STATES = {"lstm": 2}


def run(
    kind, x, weights, initial=None, mask=None, reset=None, backwards=False, context=None, zero_output_for_mask=False
):
    """Outputs (B, T, U) and the list of final states (B, U) of the layer `kind`, a key of `STEPS`.

    Args:
        x: (B, T, D).
        weights: as Keras orders them.
        initial: list of (B, U), or None for zeros.
        mask, reset: (B, T) bool, or `reset` (B,), or None.
        backwards: begin with the last step; the outputs are in the order in which they were computed.
    """
    batch, steps, _ = x.shape
    units = weights[1].shape[0]
    states = [np.zeros((batch, units)) for _ in range(STATES.get(kind, 1))] if initial is None else list(initial)
    mask = np.ones((batch, steps), bool) if mask is None else mask
    reset = np.zeros((batch, steps), bool) if reset is None else reset
    times = list(range(steps))[:: -1 if backwards else 1]
    if reset.ndim == 1:  # before the row's first step
        first = np.zeros((batch, steps), bool)
        first[:, times[0]] = reset
        reset = first
    output, outputs = np.zeros((batch, units)), []
    for t in times:
        # A row that begins anew has nothing to repeat.
        *states, output = [np.where(reset[:, t, None], 0.0, s) for s in (*states, output)]
        after = STEPS[kind](x[:, t], states, weights, context)
        states = [np.where(mask[:, t, None], new, old) for new, old in zip(after, states)]
        if zero_output_for_mask:
            output = np.where(mask[:, t, None], after[0], 0.0)
        else:
            output = np.where(mask[:, t, None], after[0], output)
        outputs.append(output)
    return np.stack(outputs, axis=1), states


def finite_differences(function, arrays, step=1e-6):
    """The gradient of `function(arrays)`, a number, by every entry of every array, by central differences."""
    gradients = []
    for array in arrays:
        gradient = np.zeros_like(array)
        for index in np.ndindex(array.shape):
            kept = array[index]
            array[index] = kept + step
            above = function(arrays)
            array[index] = kept - step
            below = function(arrays)
            array[index] = kept
            gradient[index] = (above - below) / (2 * step)
        gradients.append(gradient)
    return gradients
