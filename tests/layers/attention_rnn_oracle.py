"""A recurrent network that looks at a memory, as a NumPy loop in float64 that shares no code with the package."""

import numpy as np

from tests.layers.oracles import STEPS, sigmoid


def named(cell) -> dict:
    """The weights of an `AttentionRNNCell` by their names, float64 arrays; those of the cells in a list."""
    weights = {w.name: w.numpy() for w in cell.weights if w.path.split("/")[-2] == cell.name}
    weights["attention"] = {w.name: w.numpy() for w in cell.attention.weights}
    weights["cells"] = [[w.numpy() for w in c.weights] for c in cell.cells]
    return weights


def run(cell, kinds, weights, x, memory, mask=None, memory_mask=None):
    """Features (B, T, F), weights (B, T, L) and the final states of `AttentionRNN(cell)`.

    Args:
        cell: for its options alone.
        kinds: for each cell a key of `tests.layers.oracles.STEPS`.
        weights: as `named` gives them.
    """
    batch, steps, _ = x.shape
    places, depth = memory.shape[1:]
    mask = np.ones((batch, steps), bool) if mask is None else mask
    memory_mask = np.ones((batch, places), bool) if memory_mask is None else memory_mask
    sizes = [own[1].shape[0] for own, kind in zip(weights["cells"], kinds) for _ in range(2 if kind == "lstm" else 1)]
    states = [np.zeros((batch, size)) for size in sizes]
    if cell.start == "memory":
        valid = memory_mask[..., None]
        mean = (memory * valid).sum(1) / np.maximum(valid.sum(1), 1)
        states = [np.tanh(mean @ weights[f"start_kernel_{k}"] + weights[f"start_bias_{k}"]) for k in range(len(sizes))]
    width = weights["combine_kernel"].shape[1] if cell.attend == "after" else sizes[-1] + depth
    vector, covered = np.zeros((batch, width)), np.zeros((batch, places))
    all_features, all_weights = [], []
    for t in range(steps):
        before = [*states, vector, covered]
        top = len(sizes) - (2 if kinds[-1] == "lstm" else 1)
        if cell.attend == "before":
            context, looked = look(cell, weights, states[top], memory, memory_mask, covered)
            h, states = through(kinds, weights, np.concatenate([x[:, t], context], 1), states)
            vector = np.concatenate([h, context], 1)
        else:
            fed = [vector] if cell.feed else []
            h, states = through(kinds, weights, np.concatenate([x[:, t], *fed], 1), states)
            context, looked = look(cell, weights, h, memory, memory_mask, covered)
            vector = np.tanh(np.concatenate([context, h], 1) @ weights["combine_kernel"])
        there = mask[:, t, None]
        all_features.append(np.where(there, vector, 0.0))
        all_weights.append(np.where(there, looked, 0.0))
        after = [*states, vector, covered + looked]
        *states, vector, covered = [np.where(there, new, old) for new, old in zip(after, before)]
    states += [vector] if cell.attend == "after" and cell.feed else []
    states += [covered] if cell.coverage else []
    return np.stack(all_features, 1), np.stack(all_weights, 1), states


def through(kinds, weights, x, states):
    after = []
    for kind, own in zip(kinds, weights["cells"]):
        count = 2 if kind == "lstm" else 1
        mine, states = states[:count], states[count:]
        after.append(STEPS[kind](x, mine, own))
        x = after[-1][0]
    return x, [s for of_cell in after for s in of_cell]


def look(cell, weights, query, memory, memory_mask, covered):
    """Row by row, place by place."""
    own, shares = weights["attention"], np.zeros(memory_mask.shape)
    for b, (q, places) in enumerate(zip(query, memory)):
        scores = np.full(len(places), -np.inf)
        for k, m in enumerate(places):
            extra = covered[b, k] * weights["coverage_kernel"] if cell.coverage else 0.0
            if "score_kernel" in own:
                total = q @ own["query_kernel"] + m @ own["memory_kernel"] + own["bias"] + extra
                score = np.tanh(total) @ own["score_kernel"][:, 0]
            else:
                key = m @ own["kernel"] if "kernel" in own else m
                score = q @ (key + extra) / (np.sqrt(len(q)) if cell.attention.score == "scaled" else 1.0)
            scores[k] = score if memory_mask[b, k] else -np.inf
        if memory_mask[b].any():
            shares[b] = np.exp(scores - scores.max())
            shares[b] /= shares[b].sum()
    context = np.einsum("bl,bld->bd", shares, memory)
    if cell.gate:
        context = context * sigmoid(query @ weights["gate_kernel"] + weights["gate_bias"])
    return context, shares
