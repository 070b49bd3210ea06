"""One step of a recurrent network that looks at a memory: the mathematics, without weights; they come as arguments.

Legend: B batch, L places of a memory, D features of a place, A width of the comparison, U units, F fed features.
"""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from keras_seqcv.layers.attention import additive_scores, dot_scores, masked_softmax
from keras_seqcv.layers.hard_attention import drawn_place
from keras_seqcv.layers.recurrence import Cell


@dataclasses.dataclass(frozen=True)
class EngineCells:
    """A stack of cells of the engine. `weights`: "inputs" and "recurrent", a list for each cell, and "fed" (F, G U).

    Where the first cell allows it, there is no "fed": that kernel lies below the recurrent one, and what is fed behind
    the state, for one product instead of two.
    """

    cells: tuple[Cell, ...]
    state_counts: tuple[int, ...]

    def __call__(self, product, x, fed, states, weights):
        """The first cell's projected input (B, G U), what is fed to it (B, F) or None -> output (B, U), states."""
        if fed is not None and "fed" in weights:
            x = x + product(fed, weights["fed"])
        after = []
        for k, (cell, count) in enumerate(zip(self.cells, self.state_counts, strict=True)):
            own, states = states[:count], states[count:]
            if k > 0:
                kernel, *bias = weights["inputs"][k - 1]
                x = product(after[-1][0], kernel)
                x = x + bias[0] if bias else x
            elif fed is not None and "fed" not in weights:
                own = [tf.concat([own[0], fed], axis=1), *own[1:]]
            after.append(cell.step(x, own, weights["recurrent"][k], product)[0])
        return after[-1][0], [s for of_cell in after for s in of_cell]


@dataclasses.dataclass(frozen=True)
class Look:
    """How a step looks: `fixed` holds "keys" (B, L, A), "memory" (B, L, D) and, if there is one, "mask" (B, L).

    With `coverage`, keys move with what was already looked at: k_l + covered_l w.
    """

    kind: str  # "additive" | "dot" | "hard"
    scale: float = 1.0
    coverage: bool = False

    def __call__(self, product, query, covered, noise, fixed, weights):
        """Query (B, Q) -> context (B, D), and the weights (B, L), by name; a hard look adds "probabilities"."""
        own = weights["attention"]
        if self.kind == "dot":
            query = query * tf.cast(self.scale, query.dtype)
            scores = dot_scores(query, fixed["keys"], product)
            if self.coverage:
                scores = scores + covered * tf.reduce_sum(query * weights["coverage"], axis=1, keepdims=True)
        else:
            keys = fixed["keys"]
            if self.coverage:
                keys = keys + covered[..., None] * weights["coverage"]
            scores = additive_scores(query, keys, own, product)
        looked = {"weights": masked_softmax(scores, fixed.get("mask"))}
        if self.kind == "hard":
            probabilities = looked["weights"]
            looked = {"weights": drawn_place(probabilities, noise), "probabilities": probabilities}
        return product(looked["weights"], fixed["memory"]), looked


@dataclasses.dataclass(frozen=True)
class AttentionStep:
    """h_t from x_t, what lies in the memory, and h_{t-1}.

    States: those of the cells; with `feeds_back` the last attention vector (B, F); with coverage what was looked at
    (B, L). `advance` is called as `EngineCells` is.
    """

    advance: Callable
    look: Look
    query: int  # the state of the cells that looks, before the step
    before: bool
    gate: bool = False
    feeds_back: bool = False

    def __call__(self, product, x, states, fixed, weights):
        states = list(states)
        covered = states.pop() if self.look.coverage else None
        vector = states.pop() if self.feeds_back else None
        noise = x.get("noise")
        if self.before:
            context, looked = self._see(product, states[self.query], covered, noise, fixed, weights)
            h, states = self.advance(product, x["input"], _dropped(context, fixed), states, weights)
            features = tf.concat([h, context], axis=1)
        else:
            fed = None if vector is None else _dropped(vector, fixed)
            h, states = self.advance(product, x["input"], fed, states, weights)
            context, looked = self._see(product, h, covered, noise, fixed, weights)
            features = tf.tanh(product(tf.concat([context, h], axis=1), weights["combine"]))
        if self.feeds_back:
            states = [*states, features]
        if covered is not None:
            states = [*states, covered + looked["weights"]]
        return {"features": features, **looked}, states

    def _see(self, product, query, covered, noise, fixed, weights):
        context, looked = self.look(product, query, covered, noise, fixed, weights)
        if self.gate:
            context = context * tf.sigmoid(product(query, weights["gate"]) + weights["gate_bias"])
        return context, looked


def _dropped(fed, fixed):
    return fed * fixed["fed_dropout"] if "fed_dropout" in fixed else fed
