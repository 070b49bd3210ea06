"""How a token is chosen, in Python and float64, one token at a time."""

import numpy as np


def distribution(logits, temperature=1.0, top_k=None, top_p=None):
    """Probabilities (V,) after all restrictions, and how near a decision of `top_p` was."""
    logits = np.asarray(logits, "float64")
    order = sorted(range(len(logits)), key=lambda v: (-logits[v], v))
    kept = order[: len(order) if top_k is None else top_k]
    weights = {v: np.exp((logits[v] - logits[order[0]]) / temperature) for v in kept}
    nearest = np.inf
    if top_p is not None:
        total, before, chosen = sum(weights.values()), 0.0, []
        for v in kept:
            share = before / total
            nearest = min(nearest, abs(share - top_p))
            if share < top_p:
                chosen.append(v)
            before += weights[v]
        weights = {v: weights[v] for v in chosen}
    p = np.zeros(len(logits))
    for v, weight in weights.items():
        p[v] = weight
    return p / p.sum(), nearest


def choice(logits, uniform, temperature=1.0, top_k=None, top_p=None, greedy=False):
    """The token, and how near the decision was: below 1e-5 float32 may decide otherwise."""
    if greedy:
        ordered = np.sort(np.asarray(logits, "float64"))
        return int(np.argmax(logits)), (ordered[-1] - ordered[-2] if len(ordered) > 1 else np.inf)
    p, near = distribution(logits, temperature, top_k, top_p)
    cumulative = np.cumsum(p)
    return int(np.sum(cumulative <= uniform)), min(near, np.abs(cumulative[:-1] - uniform).min(initial=np.inf))


class Stream:
    """Uniform numbers of the stream (seed, row): L'Ecuyer's generator in Python integers."""

    def __init__(self, seed: int, row: int):
        left, right = [(seed >> 16) & 0xFFFF, row >> 16], [seed & 0xFFFF, row & 0xFFFF]
        for turn in range(1, 17):
            a, b = left[0] * 31153 + turn * 40503, left[1] * 27073 + turn * 24727
            left, right = [(right[0] + (a >> 9)) % 65536, (right[1] + (b >> 9)) % 65536], left[::-1]
        words = [left[i] * 32768 + right[i] // 2 for i in range(2)]
        self.first, self.second = words[0] % 2147483562 + 1, words[1] % 2147483398 + 1

    def __next__(self) -> float:
        self.first, self.second = 40014 * self.first % 2147483563, 40692 * self.second % 2147483399
        return ((self.first - self.second) % 2147483562 // 256 + 0.5) / 2**23
