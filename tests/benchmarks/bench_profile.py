"""Where one of our training steps goes: its parts, each timed alone by the package's own functions, beside the whole.

Parts are timed without the rest of the graph around them. In the step, what does not depend on each other may overlap
(weight gradients of one layer with the backward loop of the next), so "the rest" can be smaller than its work, and even
negative. The last column is the same work with nothing but its matrix products: what is left of it on this machine if
everything else were free.
"""

import functools

import keras
import numpy as np
import tensorflow as tf

import keras_seqcv as ks
from keras_seqcv.layers import loops, recurrence
from tests.benchmarks import steps, timing

COLUMNS = {"part": "{}", "ms": "{:.1f}", "share of the step": "{:.0%}", "matrix products alone, ms": "{:.1f}"}
PARTS = {
    "input projections": "project",
    "forward loops": "forward",
    "dense layer and loss, both ways": "dense",
    "backward loops": "backward",
    "weight gradients": "weights",
    "gradient of the inputs (second layer)": "inputs",
    "time-major row groups, and back": "order",
    "clipping and Adam": "optimizer",
}


def main(argv=None):
    args = timing.arguments(__doc__, argv, rounds=15, add=options)
    batch, length = (4, 8) if args.quick else (32, 64)
    units = 8 if args.quick else args.units
    timing.progress("profile:", args.kind, units)
    x, y = steps.batch_of_characters(batch, length)
    model = steps.keras_model(ks.layers, args.kind, units)
    parts, products = Parts(model, batch, length).functions(y)
    functions = {"whole": steps.keras_step(model, x, y), **parts}
    functions |= {f"{name} products": function for name, function in products.items()}
    result = timing.compare(functions, args.rounds)
    show(args, result, f"2 {args.kind} layers of {units} units, batch {batch}, {length} steps.")


def options(parser):
    parser.add_argument("--kind", default="LSTM", choices=["LSTM", "GRU", "SimpleRNN"])
    parser.add_argument("--units", type=int, default=256)


def show(args, result, note):
    rows = []
    for title, name in PARTS.items():
        row = {"part": title, "ms": 1e3 * result.median(name), "share of the step": result.ratio(name, to="whole")}
        if f"{name} products" in result.seconds:
            row["matrix products alone, ms"] = 1e3 * result.median(f"{name} products")
        rows.append(row)
    whole = 1e3 * result.median("whole")
    rest = whole - sum(row["ms"] for row in rows)
    products = sum(row.get("matrix products alone, ms", 0) for row in rows)
    rows.append({"part": "the rest, and overlap", "ms": rest, "share of the step": rest / whole})
    rows.append({"part": "whole step", "ms": whole, "share of the step": 1.0, "matrix products alone, ms": products})
    timing.show(__file__, COLUMNS, rows, args, note)


class Parts:
    """The parts of a training step as functions without arguments, over arrays of the sizes that occur in it."""

    def __init__(self, model, batch, length):
        *self.layers, self.dense = model.layers
        self.optimizer, self.variables = model.optimizer, model.trainable_variables
        self.units, self.batch, self.length = self.layers[0].units, batch, length
        self.rng = np.random.default_rng(0)
        # The widths of the layers' inputs and outputs; every layer below is called as `recurrence.run` calls it.
        self.sequences = [self.noise(length, batch, width) for width in (steps.WORDS, self.units)]  # (T, B, D)
        self.doutputs = self.noise(length, batch, self.units)
        self.groups = loops.group_count(batch)
        self.rows = loops.row_groups(self.doutputs[0], self.groups)
        self.loops = [self.loop_of(layer, x) for layer, x in zip(self.layers, self.sequences)]

    def noise(self, *shape):
        return tf.constant(0.1 * self.rng.standard_normal(shape), tf.float32)

    def loop_of(self, layer, sequences):
        """What a layer's loops read, as arrays that are computed once; the row groups lie apart."""
        cell, project = layer._engine_cell(), layer._projection()
        weights = cell.recurrent_weights(layer.cell)
        inputs = [tf.identity(sequences[:, r]) for r in self.rows]  # each (T, B', D)
        initial = [self.noise(self.batch, self.units) for _ in tf.nest.flatten(layer.cell.state_size)]
        doutputs = [self.doutputs[:, r] for r in self.rows]
        loop = functools.partial(recurrence._loop, cell=cell, jit=True)
        length = tf.constant(self.length)
        shared = dict(initial=initial, weights=weights, optional={}, length=length)
        xs = [project(x, r) for x, r in zip(inputs, self.rows)]
        forward = functools.partial(loop(recurrence._forward, keep=True), xs=xs, **shared)
        _, kept = forward()
        backward = functools.partial(
            loop(recurrence._backward), doutputs=doutputs, dfinals=initial, kept=kept, **shared
        )
        _, deltas = backward()
        dxs = [cell.input_gradient(d) for d in deltas]  # each (T, B', G U)
        return dict(
            cell=cell, inputs=inputs, initial=initial, forward=forward, kept=kept,
            backward=backward, deltas=deltas, dxs=dxs,
        )  # fmt: skip

    def functions(self, targets):
        """Name -> function: the parts; and of those that hold matrix products, the products alone."""
        dense = graph(self.dense_and_loss)
        # Going in: inputs of two layers and gradients of outputs. Coming out: outputs, and the second inputs' gradient.
        batches = [self.noise(self.batch, self.length, self.units) for _ in range(4)]
        parts_of_rows = [[self.noise(self.length, self.batch // self.groups, self.units) for _ in self.rows]] * 3
        gradients = [self.noise(*v.shape) for v in self.variables]
        # The optimiser works on copies: the whole step goes on with the model's own weights.
        copies = [keras.Variable(v) for v in self.variables]
        optimizer = keras.optimizers.Adam.from_config(self.optimizer.get_config())
        optimizer.build(copies)
        apply = graph(lambda: optimizer.apply(gradients, copies))
        parts = {
            "project": after_another(
                functools.partial(self.project, layer, loop["inputs"]) for layer, loop in zip(self.layers, self.loops)
            ),
            "forward": after_another(loop["forward"] for loop in self.loops),
            "dense": lambda: dense(self.doutputs, tf.constant(targets)),
            "backward": after_another(loop["backward"] for loop in self.loops),
            "weights": after_another(functools.partial(self.weight_gradients, k) for k in range(len(self.layers))),
            "inputs": graph(self.input_gradient),
            "order": functools.partial(graph(self.change_order), batches, parts_of_rows),
            "optimizer": apply,
        }
        return parts, self.products()

    def dense_and_loss(self, outputs, targets):
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        with tf.GradientTape() as tape:
            tape.watch(outputs)
            value = loss(targets, self.dense(tf.reshape(outputs, (self.batch, self.length, self.units))))
        return value, tape.gradient(value, [outputs, *(v.value for v in self.dense.trainable_variables)])

    def weight_gradients(self, k):
        """Those of the recurrent weights as in `recurrence.run`, those of the projections from TensorFlow."""
        loop, result = self.loops[k], []
        for rows, kept, deltas in zip(self.rows, loop["kept"], loop["deltas"]):
            product = recurrence._product_with_previous(loop["initial"][0][rows], kept["states"][0], None)
            result.append(loop["cell"].weight_gradients(product, kept["saved"], deltas))
        result = [functools.reduce(tf.add, of_groups) for of_groups in zip(*result)]
        cell = self.layers[k].cell
        return result + self.through_projection(k, loop["inputs"], [cell.kernel.value, cell.bias.value])

    def input_gradient(self):
        inputs = self.loops[1]["inputs"]
        return self.through_projection(1, inputs, inputs)

    def through_projection(self, k, inputs, sources):
        """The projection itself is not needed for its gradient, and TensorFlow leaves it out of the graph."""
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            projected = self.project(self.layers[k], inputs)
        return tape.gradient(projected, sources, output_gradients=self.loops[k]["dxs"])

    def project(self, layer, inputs):
        project = layer._projection()
        return [project(x, r) for x, r in zip(inputs, self.rows)]

    def change_order(self, batches, parts):
        """Blocks (B, T, U) to time-major row groups, and back to whole batches."""
        result = [[tf.transpose(block[r], (1, 0, 2)) for r in self.rows] for block in batches]
        return result + [tf.concat([tf.transpose(a, (1, 0, 2)) for a in groups], axis=0) for groups in parts]

    def products(self):
        wide = self.loops[0]["dxs"][0].shape[-1]  # G U
        flat = [tf.reshape(x, (-1, x.shape[-1])) for x in self.sequences]  # (T B, D)
        kernels = [self.noise(x.shape[-1], wide) for x in flat]
        hidden, delta, dlogits = (self.noise(self.length * self.batch, n) for n in (self.units, wide, steps.WORDS))
        output = self.noise(self.units, steps.WORDS)
        recurrent = self.noise(self.units, wide) * (10.0 / wide**0.5)  # keeps the numbers below of one size
        transposed = tf.transpose(recurrent)
        states = [self.noise(rows.stop - rows.start if rows.stop else self.batch, self.units) for rows in self.rows]
        gates = wide // self.units

        def forward_step(h):
            return tf.add_n(tf.split(tf.matmul(h, recurrent), gates, axis=1))

        def backward_step(h):
            return tf.matmul(tf.tile(h, (1, gates)), transposed)

        def loop(step):
            """As many products as there are steps, each waiting for the one before; row groups do not wait."""
            start = (0, states)
            return tf.while_loop(lambda t, _: t < self.length, lambda t, s: (t + 1, [step(h) for h in s]), start)[1]

        forward, backward = (graph(functools.partial(loop, s), jit_compile=True) for s in (forward_step, backward_step))
        return {
            "project": graph(lambda: [tf.matmul(x, k) for x, k in zip(flat, kernels)]),
            "forward": after_another([forward] * 2),
            "dense": graph(
                lambda: [
                    tf.matmul(hidden, output),
                    tf.matmul(hidden, dlogits, transpose_a=True),
                    tf.matmul(dlogits, output, transpose_b=True),
                ]
            ),
            "backward": after_another([backward] * 2),
            # Four: two kernels, and two recurrent kernels, whose outer factors are two different arrays in the step.
            "weights": graph(lambda: [tf.matmul(x, delta, transpose_a=True) for x in (*flat, hidden, hidden + 1.0)]),
            "inputs": graph(lambda: tf.matmul(delta, kernels[1], transpose_b=True)),
        }


def graph(function, **options):
    return tf.function(function, autograph=False, **options)


def after_another(functions):
    """Each in a graph of its own: in a common one they would overlap."""
    graphs = [graph(function) for function in functions]
    return lambda: [function() for function in graphs]


if __name__ == "__main__":
    main()
