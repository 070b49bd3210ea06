"""The engine under `SimpleRNN`, `LSTM` and `GRU`: one loop over time with a hand-written gradient.

Legend: B batch, T time, D features, U units, G width of a projected input in units (4 for an LSTM). The loops are
time-major, `(T, B, ...)`, because a step then reads and writes one contiguous block.

What makes it fast on a CPU, each found by measuring:

- All inputs are projected in one product before the loop (by the layer), the loop holds the recurrent product alone,
  and the gradient of the recurrent kernel is one product after the backward loop.
- The loop is compiled by XLA, and the batch is cut into groups of rows that do not depend on each other, so that XLA's
  executor works on one group per core. Groups are cut where the time axis goes to the front, which copies anyway, and
  joined where it goes back; in between each has its own buffers, and nothing of a projected input's size is joined.
- The backward loop is written one step late: it carries the gradient of a step's input, finished, into the next step's
  product. Otherwise XLA computes it twice, once for the product and once for the buffer.
- Nothing is kept for the backward pass where there will be none (`keep=False`); if a gradient is asked for all the
  same, the forward loop runs again and keeps it then.
"""

import functools
from collections.abc import Callable, Sequence

import tensorflow as tf

from keras_seqcv.layers.export_scope import current_export_format
from keras_seqcv.layers.loops import (
    buffer,
    group_count,
    jit_serves,
    join,
    pad_time,
    padded_length,
    row_groups,
    swap_time,
    traced_apart,
    unstack,
)


class Cell:
    """The mathematics of one recurrent step and of its gradient, without weights: they come as arguments.

    Subclasses are hashable values (frozen dataclasses): compiled loops are shared by equal cells. A step's gradient is
    cut in two, `local` (element-wise) and `pull` (the product with the transposed kernel), so that the loop can put the
    product first.
    """

    # Whether a unit's step reads the other units through the product alone, so that units can be computed apart.
    separable = True
    # Whether a step reads the first state through its one product alone, so that more can be put behind it, (B, U + N).
    state_in_product_only = False

    @classmethod
    def of(cls, cell):
        """The mathematics of a Keras cell, or None where its options need the cell itself."""
        raise NotImplementedError

    def input_weights(self, cell):
        """The weights of a Keras cell by which inputs are projected: kernel (D, G U), and bias (G U,) or None."""
        raise NotImplementedError

    def recurrent_weights(self, cell):
        """The weights of a Keras cell that `step` takes."""
        raise NotImplementedError

    def step(self, x, states, weights, product=tf.matmul):
        """`x` (B, G U), `states` list of (B, U) -> new states, and a list of what the gradient needs beside them.

        `product` multiplies by a kernel; a loop that treats the gradients of kernels in its own way gives its own.
        """
        raise NotImplementedError

    def transposed(self, weights):
        """The weights as `local` and `pull` want them, made once before the backward loop."""
        raise NotImplementedError

    def local(self, dstates, saved, previous, states, transposed):
        """Gradients of the new states -> `deltas`, and the gradients of the previous states that pass by the product.

        `deltas` is a list of (B, .): what is multiplied by the transposed kernel, and what else the gradients of inputs
        and weights need of the step. An empty tuple in the list of gradients stands for zero.
        """
        raise NotImplementedError

    def pull(self, delta, transposed):
        """The first of `deltas` (B, .) -> the gradient of the previous output that came through the product, (B, U)."""
        raise NotImplementedError

    def input_gradient(self, deltas):
        """All steps' `deltas`, each (T, B, .) -> the gradient of the projected inputs, (T, B, G U)."""
        return deltas[0]

    def weight_gradients(self, product, saved, deltas):
        """All steps at once, saved and deltas lists of (T, B, .) -> the gradient of each weight.

        `product(d, gate=None)` sums the outer products of the outputs before each step, times `gate`, with `d`.
        """
        raise NotImplementedError


def project(inputs, kernel, bias=None):
    """All steps' inputs (T, B, D) through one product with `kernel` (D, P) -> (T, B, P)."""
    x = tf.matmul(tf.reshape(inputs, (-1, inputs.shape[-1])), kernel)  # (T B, P)
    if bias is not None:
        x = tf.nn.bias_add(x, bias)
    x = tf.reshape(x, (*_dims(inputs)[:2], kernel.shape[-1]))
    x.set_shape((*inputs.shape[:2], kernel.shape[-1]))
    return x


def _dims(a):
    dynamic = tf.shape(a)
    return [n or dynamic[k] for k, n in enumerate(a.shape)]


def _product_with_previous(initial, outputs, carry):
    """The function `product` that `Cell.weight_gradients` takes, from the first state (B, U) and outputs (T, B, U).

    The first step stands apart, so that the outputs of the others are used where they lie instead of being shifted.
    """

    def product(delta, gate=None):
        first, others = initial, outputs[:-1]
        for factor in (carry, gate):
            if factor is not None:
                first, others = first * factor[0], others * factor[1:]
        rows = tf.reshape(others, (-1, others.shape[-1]))
        later = tf.reshape(delta[1:], (-1, delta.shape[-1]))
        return tf.matmul(first, delta[0], transpose_a=True) + tf.matmul(rows, later, transpose_a=True)

    return product


def run(cell: Cell, project, sequences, states: Sequence, weights: Sequence, mask=None, carry=None, keep: bool = True):
    """Run `cell` over time.

    Args:
        cell: the mathematics of a step.
        project: function of (inputs (T, B', D), the slice of the batch that they are) -> projected inputs (T, B', G U).
        sequences: (B, T, D).
        states: list of (B, U), the state before the first step.
        weights: list of tensors for `cell`.
        mask: (B, T) bool or None. Where False, the states stay as they were.
        carry: (B, T) of the sequences' dtype or None: 0 where a row's state is set to zero before the step, else 1.
        keep: whether to keep what a gradient needs. Costs memory when there is none; its absence costs time when there
            is one. The result is the same.

    Returns:
        `outputs` (B, T, U), the first state after every step, and the list of final states, each (B, U).
    """
    steps, length = sequences.shape[1], tf.shape(sequences)[1]
    jit = jit_serves(weights[0], sequences.shape[0])
    rows = row_groups(sequences, group_count(sequences.shape[0]) if jit else 1)
    xs = [project(swap_time(sequences[r]), r) for r in rows]  # each (T, B', G U)
    optional = {k: swap_time(v)[..., None] for k, v in (("mask", mask), ("carry", carry)) if v is not None}  # (T, B, 1)
    if jit and steps is None:
        # XLA compiles for each new shape. A few padded lengths keep the number of compilations small, and the loop
        # stops at the true length, so that padding costs memory and no time.
        padding = padded_length(length) - length
        xs, optional = tf.nest.map_structure(lambda a: pad_time(a, padding), (xs, optional))

    def forward(keep):
        return _loop(_forward, cell, jit, keep=keep)

    def recur(xs, states, weights):
        inputs = dict(xs=xs, initial=states, weights=weights, optional=optional, length=length)
        finals, kept = forward(keep)(**inputs)
        outputs = [k["states"][0] for k in kept]
        finals = [join(parts) for parts in zip(*finals, strict=True)]

        def gradient(*upstream):
            doutputs, dfinals = list(upstream[: len(rows)]), list(upstream[len(rows) :])
            full = kept if keep else forward(keep=True)(**inputs)[1]
            inputs_backward = {k: v for k, v in inputs.items() if k != "xs"}
            backward = _loop(_backward, cell, jit)
            dstates, deltas = backward(doutputs=doutputs, dfinals=dfinals, kept=full, **inputs_backward)
            carried = optional.get("carry")
            products = [
                _product_with_previous(states[0][r], k["states"][0], None if carried is None else carried[:, r])
                for r, k in zip(rows, full, strict=True)
            ]
            per_group = [
                cell.weight_gradients(p, k["saved"], d) for p, k, d in zip(products, full, deltas, strict=True)
            ]
            dxs = [cell.input_gradient(d) for d in deltas]
            dweights = [functools.reduce(tf.add, parts) for parts in zip(*per_group, strict=True)]
            return dxs, [join(parts) for parts in zip(*dstates, strict=True)], dweights

        return (*outputs, *finals), gradient

    if current_export_format() is None:
        results = tf.custom_gradient(recur)(xs, list(states), list(weights))
    else:  # a graph that is saved holds no gradient
        results, _ = recur(xs, list(states), list(weights))
    outputs, finals = results[: len(rows)], list(results[len(rows) :])
    if jit and steps is None:
        outputs = [y[:length] for y in outputs]
    outputs = join(swap_time(y) for y in outputs)  # (B, T, U)
    outputs.set_shape((*sequences.shape[:2], outputs.shape[-1]))
    return outputs, finals


def _forward(cell, length, xs, initial, weights, optional, keep):
    """Per group: the list of final states; and the states (and, if `keep`, what else is saved) of all steps."""
    steps = xs[0].shape[0] or tf.shape(xs[0])[0]
    rows = row_groups(initial[0], len(xs))
    inputs, options = [unstack(x) for x in xs], {k: unstack(v) for k, v in optional.items()}

    def step(t, x, states, buffers, option):
        before = states if "carry" not in option else [s * option["carry"] for s in states]
        after, saved = cell.step(x, before, weights)
        if "mask" in option:
            # A reset counts at a masked step too: the state stays what it was, zero after a reset.
            after = [tf.where(option["mask"], new, old) for new, old in zip(after, before, strict=True)]
        written = after if keep else after[:1]
        kept, scratch = buffers
        kept = [b.write(t, v) for b, v in zip(kept, written, strict=True)]
        return after, (kept, [b.write(t if keep else 0, v) for b, v in zip(scratch, saved, strict=True)])

    def body(t, groups_state):
        option = {k: v.read(t) for k, v in options.items()}
        return t + 1, [
            step(t, x.read(t), states, buffers, {k: v[r] for k, v in option.items()})
            for r, x, (states, buffers) in zip(rows, inputs, groups_state, strict=True)
        ]

    def buffers_of(r, x):
        states = [s[r] for s in initial]
        _, saved = cell.step(x[0], states, weights)  # for its shapes only; pruned from the graph
        kept = [buffer(steps, s) for s in (states if keep else states[:1])]
        # Where nothing is kept, one place for what a step saves still goes round: written out, these values are
        # computed once and by vector instructions; else XLA fuses them into one slow kernel (GRU: twice the time).
        return kept, [buffer(steps if keep else 1, s) for s in saved]

    start = (tf.constant(0), [([s[r] for s in initial], buffers_of(r, x)) for r, x in zip(rows, xs, strict=True)])
    _, result = tf.while_loop(lambda t, _: t < length, body, start, maximum_iterations=steps)
    finals = [states for states, _ in result]
    kept = [{"states": [b.stack() for b in k], "saved": [b.stack() for b in saved]} for _, (k, saved) in result]
    return finals, kept


def _backward(cell, length, doutputs, dfinals, initial, kept, weights, optional):
    """Per group: the gradients of the initial states, and the deltas of all steps."""
    steps = doutputs[0].shape[0] or tf.shape(doutputs[0])[0]
    rows = row_groups(initial[0], len(kept))
    transposed = cell.transposed(weights)
    dys, options = [unstack(d) for d in doutputs], {k: unstack(v) for k, v in optional.items()}
    saved = [[unstack(s) for s in k["saved"]] for k in kept]
    states = [[unstack(s) for s in k["states"]] for k in kept]

    def states_before(g, t):
        """The states that entered step t."""
        before = [s.read(tf.maximum(t - 1, 0)) for s in states[g]]
        before = [tf.where(t > 0, s, first[rows[g]]) for s, first in zip(before, initial, strict=True)]
        return before if "carry" not in options else [s * options["carry"].read(t)[rows[g]] for s in before]

    def local(g, t, dstates):
        """The gradients of the states after step t -> its deltas, and what goes past its product."""
        dstates = [dstates[0] + dys[g].read(t), *dstates[1:]]
        held = [()] * len(dstates)
        if "mask" in options:
            mask = options["mask"].read(t)[rows[g]]
            held = [tf.where(mask, tf.zeros_like(d), d) for d in dstates]
            dstates = [tf.where(mask, d, tf.zeros_like(d)) for d in dstates]
        now, after = [s.read(t) for s in saved[g]], [s.read(t) for s in states[g]]
        deltas, direct = cell.local(dstates, now, states_before(g, t), after, transposed)
        return deltas, [_add(d, h) for d, h in zip(direct, held, strict=True)]

    def through(g, t, deltas, direct):
        """Past the product of step t: the gradients of the states before it."""
        dstates = [_add(cell.pull(deltas[0], transposed), direct[0]), *direct[1:]]
        if "carry" in options:
            dstates = [d * options["carry"].read(t)[rows[g]] for d in dstates]
        return dstates

    def body(t, carried):
        result = []
        for g, (deltas, direct, buffers) in enumerate(carried):
            buffers = [b.write(t, d) for b, d in zip(buffers, deltas, strict=True)]
            result.append((*local(g, t - 1, through(g, t, deltas, direct)), buffers))
        return t - 1, result

    last = length - 1
    start = []
    for g, r in enumerate(rows):
        deltas, direct = local(g, last, [d[r] for d in dfinals])
        start.append((deltas, direct, [buffer(steps, d) for d in deltas]))
    _, result = tf.while_loop(lambda t, _: t > 0, body, (last, start), maximum_iterations=steps)
    dstates = [through(g, 0, deltas, direct) for g, (deltas, direct, _) in enumerate(result)]
    stacks = [[b.write(0, d).stack() for b, d in zip(buffers, deltas, strict=True)] for deltas, _, buffers in result]
    return dstates, stacks


@functools.cache
def _loop(function: Callable, cell: Cell, jit: bool, **options) -> Callable:
    bound = functools.partial(function, cell, **options)
    return traced_apart(tf.function(bound, jit_compile=True, autograph=False)) if jit else bound


def _add(a, b):
    """The sum of two gradients, where an empty tuple is zero."""
    return a if isinstance(b, tuple) else b if isinstance(a, tuple) else a + b
