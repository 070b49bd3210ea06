"""A loop over time for any step that names its products, with a gradient that is quick without being written by hand.

Legend: B batch, T time. The loop is time-major, `(T, B, ...)`.

A step multiplies by its kernels through the function `product` that it is given, and does everything else with plain
TensorFlow. That is enough for a gradient as a hand would write it:

- Forward, what goes into a product and what comes out is kept, and nothing else: whatever lies between two products is
  computed again on the way back, which for a tanh over all places of a memory is quicker than to fetch it.
- Backward, a step's products are replaced by what came out of them, and TensorFlow differentiates the rest.
- The gradient of a kernel is one product over all steps after the loop. What a step uses without `product` has its
  gradient summed up in the loop.

Otherwise it is `recurrence` again: compiled by XLA, the batch in groups of rows that do not wait for each other.
"""

import dataclasses
import functools
from collections.abc import Callable

import tensorflow as tf

from keras_seqcv.layers.export_scope import current_export_format
from keras_seqcv.layers.loops import (
    buffer,
    cut_rows,
    group_count,
    jit_serves,
    join,
    pad_time,
    padded_length,
    swap_time,
    traced_apart,
    unstack,
)


def product(a, kernel, transpose=False):
    """Rows `a` (B, N) times `kernel`: (N, M) for all rows, or (B, N, M) with one for each -> (B, M).

    Args:
        transpose: whether the kernel comes as (M, N) or (B, M, N).
    """
    if kernel.shape.rank == 2:
        return tf.matmul(a, kernel, transpose_b=transpose)
    return tf.linalg.matvec(kernel, a, transpose_a=not transpose)


def loop(step: Callable, xs, states: list, fixed, weights, mask=None, keep: bool = True):
    """Run `step` over time.

    Args:
        step: a hashable function (product, x, states, fixed, weights) -> (outputs, states), where `product` is like
            the one above. Equal steps share compiled loops.
        xs: any nested structure of (B, T, ...), what a step reads of its own. At least one tensor.
        states: list of (B, ...), the state before the first step.
        fixed: any nested structure of (B, ...), the same at every step.
        weights: any nested structure of tensors, the same for all rows.
        mask: (B, T) bool or None. Where False, the states stay as they were, and outputs are zero.
        keep: whether to keep what a gradient needs. If one is asked for all the same, the forward loop runs again.

    Returns:
        The outputs of all steps, in the structure that the step gives, each (B, T, ...), and the final states.
    """
    if mask is not None:
        xs, step = {"given": xs, "mask": mask}, _Masked(step)
    first = tf.nest.flatten(xs)[0]
    batch, steps, length = first.shape[0], first.shape[1], tf.shape(first)[1]
    kernels = [w for w in tf.nest.flatten(weights) if w.shape.rank == 2]
    jit = all(jit_serves(kernel, batch) for kernel in kernels)
    padding = padded_length(length) - length if jit and steps is None else None

    def sequence(x):
        x = swap_time(x)  # (T, B', ...)
        return x if padding is None else pad_time(x, padding)

    # Each group of rows has what belongs to it in tensors of its own.
    of_rows = {"xs": xs, "states": list(states), "fixed": fixed}
    count = group_count(batch) if jit else 1
    # A tensor that is there twice, as keys and as memory, becomes two: each has a gradient of its own.
    cut = [cut_rows(tf.identity(a), count) for a in tf.nest.flatten(of_rows)]
    groups = [tf.nest.pack_sequence_as(of_rows, parts) for parts in zip(*cut, strict=True)]
    groups = [{**group, "xs": tf.nest.map_structure(sequence, group["xs"])} for group in groups]
    arguments = {"groups": groups, "weights": weights}
    structures = {}

    def recur(*flat):
        inputs = {"length": length, **tf.nest.pack_sequence_as(arguments, flat)}
        results, kept = _compiled(_forward, step, jit, keep=keep)(**inputs)
        structures["results"] = tf.nest.map_structure(lambda _: 0, results)

        def gradient(*upstream):
            full = kept if keep else _compiled(_forward, step, jit, keep=True)(**inputs)[1]
            dresults = tf.nest.pack_sequence_as(structures["results"], upstream)
            backward = _compiled(_backward, step, jit)
            in_loop, deltas = backward(dresults=dresults, kept=full, **inputs)
            return _gradients(step, inputs, full, in_loop, deltas)

        return tf.nest.flatten(results), gradient

    if current_export_format() is None:
        flat = tf.custom_gradient(recur)(*tf.nest.flatten(arguments))
    else:  # a graph that is saved holds no gradient
        flat, _ = recur(*tf.nest.flatten(arguments))
    results = tf.nest.pack_sequence_as(structures["results"], flat)

    def whole(*parts):
        y = join(swap_time(part if padding is None else part[:length]) for part in parts)  # (B, T, ...)
        y.set_shape((batch, steps, *y.shape[2:]))
        return y

    outputs = tf.nest.map_structure(whole, *(r["outputs"] for r in results))
    finals = [join(parts) for parts in zip(*(r["states"] for r in results), strict=True)]
    return outputs, finals


@dataclasses.dataclass(frozen=True)
class _Masked:
    """A step that changes no state, and puts out zeros, in the rows that are masked."""

    step: Callable

    def __call__(self, product, x, states, fixed, weights):
        outputs, after = self.step(product, x["given"], states, fixed, weights)
        mask = x["mask"][:, None]
        outputs = tf.nest.map_structure(lambda y: tf.where(mask, y, tf.zeros_like(y)), outputs)
        return outputs, [tf.where(mask, new, old) for new, old in zip(after, states, strict=True)]


class _Recorder:
    """A `product` that notes its calls."""

    def __init__(self):
        self.calls = []

    def product(self, a, kernel, transpose=False):
        out = product(a, kernel, transpose)
        self.calls.append((a, kernel, transpose, out))
        return out


def _calls(step, group, weights):
    """The products of a group's first step: (what went in, kernel, transpose, what came out) of each."""
    recorder = _Recorder()
    step(recorder.product, _first(group["xs"]), group["states"], group["fixed"], weights)
    return recorder.calls


def _inputs(calls, states):
    """What went into the products and is not a state, each once; and for each call where its input is kept."""
    inputs, places = [], []
    for a, *_ in calls:
        for name, tensors in (("states", states), ("inputs", inputs)):
            found = [k for k, tensor in enumerate(tensors) if tensor is a]
            if found:
                places.append((name, found[0]))
                break
        else:
            places.append(("inputs", len(inputs)))
            inputs.append(a)
    return inputs, places


def _replacing(outs, backward):
    """A `product` whose results are known: `outs`, in the order of the calls. Gradients go to them, and through.

    `backward` has for each call the function that takes the gradient of its result to that of its input.
    """
    remaining = zip(outs, backward, strict=True)

    def replaced(a, kernel, transpose=False):
        out, through = next(remaining)
        known = tf.custom_gradient(lambda a, out: (tf.identity(out), lambda delta: (through(delta), delta)))
        return known(a, out)

    return replaced


def _backward_products(calls):
    """For `_replacing`; made before a loop, where kernels are transposed once."""

    def through(kernel, transpose):
        if kernel.shape.rank == 3:
            return lambda delta: product(delta, kernel, not transpose)
        other = kernel if transpose else tf.transpose(kernel)
        return lambda delta: tf.matmul(delta, other)

    return [through(kernel, transpose) for _, kernel, transpose, _ in calls]


def _forward(step, length, groups, weights, keep):
    """For each group: outputs of all steps and final states; and what is kept of each step for the way back."""
    steps = _steps(groups)
    inputs = [tf.nest.map_structure(unstack, g["xs"]) for g in groups]

    def advance(x, states, group):
        recorder = _Recorder()
        outputs, after = step(recorder.product, x, states, group["fixed"], weights)
        kept = {}
        if keep:
            kept = {
                "states": states,
                "inputs": _inputs(recorder.calls, states)[0],
                "outs": [c[-1] for c in recorder.calls],
            }
        return after, {"outputs": outputs, "kept": kept}

    def body(t, carried):
        result = []
        for arrays, group, (states, buffers) in zip(inputs, groups, carried, strict=True):
            after, written = advance(_read(arrays, t), states, group)
            result.append((after, tf.nest.map_structure(lambda b, v: b.write(t, v), buffers, written)))
        return t + 1, result

    start = []
    for group in groups:
        _, like = advance(_first(group["xs"]), group["states"], group)  # for its shapes only; pruned from the graph
        start.append((group["states"], tf.nest.map_structure(lambda v: buffer(steps, v), like)))
    _, result = tf.while_loop(lambda t, _: t < length, body, (tf.constant(0), start), maximum_iterations=steps)
    stacked = [tf.nest.map_structure(lambda b: b.stack(), buffers) for _, buffers in result]
    results = [{"outputs": s["outputs"], "states": states} for (states, _), s in zip(result, stacked, strict=True)]
    return results, [s["kept"] for s in stacked]


def _backward(step, length, groups, weights, dresults, kept):
    """For each group: the gradients that are there when the loop is done, and those of all products' results."""
    steps = _steps(groups)
    arrays = [
        tf.nest.map_structure(unstack, {"x": g["xs"], "kept": k, "dy": d["outputs"]})
        for g, k, d in zip(groups, kept, dresults, strict=True)
    ]
    direct = _direct(step, groups[0], weights)
    products = [_backward_products(_calls(step, group, weights)) for group in groups]

    def sources(now, group):
        common = tf.nest.flatten((group["fixed"], weights))
        return {"x": _floats(now["x"]), "states": now["kept"]["states"], "direct": [common[k] for k in direct]}

    def retreat(now, dstates, group, products):
        """The gradients of the states after a step -> those of its sources and of its products' results."""
        wanted, outs, states = sources(now, group), now["kept"]["outs"], now["kept"]["states"]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([wanted, outs])
            outputs, after = step(_replacing(outs, products), now["x"], states, group["fixed"], weights)
        targets, upstream = [*_floats(outputs), *after], [*_floats(now["dy"]), *dstates]
        return tape.gradient(targets, [wanted, outs], upstream, unconnected_gradients="zero")

    def body(t, carried):
        result = []
        for array, group, of_group, (dstates, sums, buffers) in zip(arrays, groups, products, carried, strict=True):
            grads, douts = retreat(_read(array, t), dstates, group, of_group)
            sums = [a + b for a, b in zip(sums, grads["direct"], strict=True)]
            written = {"x": grads["x"], "outs": douts}
            buffers = tf.nest.map_structure(lambda b, v: b.write(t, v), buffers, written)
            result.append((grads["states"], sums, buffers))
        return t - 1, result

    start = []
    for array, group, d in zip(arrays, groups, dresults, strict=True):
        now = _read(array, 0)
        of_step = sources(now, group)
        like = {"x": of_step["x"], "outs": now["kept"]["outs"]}
        sums = [tf.zeros_like(a) for a in of_step["direct"]]
        start.append((d["states"], sums, tf.nest.map_structure(lambda v: buffer(steps, v), like)))
    _, result = tf.while_loop(lambda t, _: t >= 0, body, (length - 1, start), maximum_iterations=steps)
    in_loop, deltas = [], []
    for dstates, sums, buffers in result:
        stacked = tf.nest.map_structure(lambda b: b.stack(), buffers)
        in_loop.append({"x": stacked["x"], "states": dstates, "direct": sums})
        deltas.append(stacked["outs"])
    return in_loop, deltas


def _direct(step, group, weights):
    """Which of the fixed tensors and weights, by their place, a step uses otherwise than in a product."""
    flat = tf.nest.flatten((group["fixed"], weights))
    places = [k for k, a in enumerate(flat) if a.dtype.is_floating]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([flat[k] for k in places])
        calls = _calls(step, group, weights)
        known = _replacing([tf.stop_gradient(c[-1]) for c in calls], _backward_products(calls))
        outputs, after = step(known, _first(group["xs"]), group["states"], group["fixed"], weights)
        targets = [*_floats(outputs), *after]
    grads = tape.gradient(targets, [flat[k] for k in places])
    return [k for k, g in zip(places, grads, strict=True) if g is not None]


def _gradients(step, inputs, kept, in_loop, deltas):
    """The gradients of all arguments, flat, None where there is none."""
    groups, weights = inputs["groups"], inputs["weights"]
    direct = _direct(step, groups[0], weights)
    dgroups, dweights = [], [None] * len(tf.nest.flatten(weights))
    for group, k, looped, delta in zip(groups, kept, in_loop, deltas, strict=True):
        grads = _through_kernels(step, group, weights, k, delta)
        for place, grad in zip(direct, looped["direct"], strict=True):
            grads[place] = _sum(grads[place], grad)
        count = len(tf.nest.flatten(group["fixed"]))
        dgroups.append([*grads[:count], *looped["states"], *_at_floats(group["xs"], looped["x"])])
        dweights = [_sum(a, b) for a, b in zip(dweights, grads[count:], strict=True)]
    return [*(g for dgroup in dgroups for g in dgroup), *dweights]


def _through_kernels(step, group, weights, kept, deltas):
    """The gradients of the fixed tensors and the weights, flat, that come from the products, made over all steps."""
    flat = tf.nest.flatten((group["fixed"], weights))
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([a for a in flat if a.dtype.is_floating])
        calls = _calls(step, group, weights)
    _, places = _inputs(calls, group["states"])
    kernels, dkernels = [], []
    for (_, kernel, transpose, _), (name, k), delta in zip(calls, places, deltas, strict=True):
        a = kept[name][k]  # (T, B, N); delta is (T, B, M)
        left, right = (delta, a) if transpose else (a, delta)
        if kernel.shape.rank == 2:
            rows = [tf.reshape(side, (-1, side.shape[-1])) for side in (left, right)]
            dkernels.append(tf.matmul(*rows, transpose_a=True))
        else:
            dkernels.append(tf.einsum("tbn,tbm->bnm", left, right))
        kernels.append(kernel)
    floats = [k for k, a in enumerate(flat) if a.dtype.is_floating]
    grads = tape.gradient(kernels, [flat[k] for k in floats], dkernels)
    result = [None] * len(flat)
    for k, grad in zip(floats, grads, strict=True):
        result[k] = grad
    return result


@functools.cache
def _compiled(function: Callable, step: Callable, jit: bool, **options) -> Callable:
    bound = functools.partial(function, step, **options)
    return traced_apart(tf.function(bound, jit_compile=True, autograph=False)) if jit else bound


def _steps(groups):
    x = tf.nest.flatten(groups[0]["xs"])[0]
    return x.shape[0] or tf.shape(x)[0]


def _first(tree):
    return tf.nest.map_structure(lambda x: x[0], tree)


def _read(arrays, t):
    return tf.nest.map_structure(lambda a: a.read(t), arrays)


def _floats(tree) -> list:
    return [a for a in tf.nest.flatten(tree) if a.dtype.is_floating]


def _at_floats(tree, grads) -> list:
    """One gradient for each tensor of `tree`, in its order: `grads` are those of the floating ones."""
    grads = iter(grads)
    return [next(grads) if a.dtype.is_floating else None for a in tf.nest.flatten(tree)]


def _sum(a, b):
    return b if a is None else a if b is None else a + b
