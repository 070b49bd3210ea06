"""Beam search in plain Python and float64: all hypotheses by enumeration, and the search with lists. No tensors."""

import itertools
from collections import Counter

import numpy as np


def log_softmax(logits):
    shifted = logits - logits.max()
    return shifted - np.log(np.exp(shifted).sum())


class Recurrent:
    """h <- tanh(x_token + h U + bias); logits = h W; weights = softmax(h A + memory). `row` chooses bias and memory."""

    def __init__(self, words, seed=0, units=6, rows=3, places=4, sharpness=2.0):
        rng = np.random.default_rng(seed)
        self.words, self.units, self.rows, self.places = words, units, rows, places
        self.embedding = rng.normal(0, 1.5, (words, units)).astype("float32")
        self.recurrent = rng.normal(0, 0.9, (units, units)).astype("float32")
        self.bias = rng.normal(0, 0.5, (rows, units)).astype("float32")
        self.output = rng.normal(0, sharpness, (units, words)).astype("float32")
        self.attention = rng.normal(0, 1.0, (units, places)).astype("float32")
        self.memory = rng.normal(0, 1.0, (rows, places)).astype("float32")

    def start(self, row):
        return np.zeros(self.units)

    def step(self, row, token, h):
        """Log-probabilities (V,), weights (L,), next state; all float64."""
        h = np.tanh(self.embedding[token].astype("float64") + h @ self.recurrent.astype("float64") + self.bias[row])
        scores = h @ self.attention.astype("float64") + self.memory[row]
        return log_softmax(h @ self.output.astype("float64")), np.exp(log_softmax(scores)), h


class Markov:
    """What comes next depends on the last token and on the row."""

    places = 2

    def __init__(self, words, seed=0, rows=3, sharpness=2.0):
        self.words, self.rows = words, rows
        self.table = np.random.default_rng(seed).normal(0, sharpness, (rows, words, words)).astype("float32")

    def start(self, row):
        return None

    def step(self, row, token, state):
        return log_softmax(self.table[row, token].astype("float64")), np.full(2, 0.5), None


def allowed(ids, forbidden=(), end=0, min_length=0, ngram=0, **_):
    """Whether a hypothesis, or the beginning of one, may be written."""
    ids = list(ids)
    if set(ids) & set(forbidden) or (end in ids and len(ids) < min_length):
        return False
    grams = [tuple(ids[i : i + ngram]) for i in range(len(ids) - ngram + 1)] if ngram else []
    return len(grams) == len(set(grams))


def log_probability(model, row, start, ids):
    """log p(ids), and the weights (len(ids), L)."""
    state, token, total, weights = model.start(row), start, 0.0, []
    for following in ids:
        log_p, looked, state = model.step(row, token, state)
        total, token = total + log_p[following], following
        weights.append(looked)
    return total, np.array(weights)


def score(log_p, weights, alpha=0.0, beta=0.0, mask=None, **_):
    """s(y) of a whole hypothesis."""
    penalty = ((5 + len(weights)) / 6) ** alpha
    covered = np.log(np.clip(np.sum(weights, axis=0), 1e-6, 1.0))
    return log_p / penalty + beta * np.sum(covered if mask is None else covered[np.array(mask, bool)])


def enumerated(model, row, start, end, max_length, returned, **options):
    """The best hypotheses of all there are: list of (ids, score, log p, weights)."""
    others = [w for w in range(model.words) if w != end]
    found = []
    for length in range(1, max_length + 1):
        for body in itertools.product(others, repeat=length - 1):
            lasts = range(model.words) if length == max_length else [end]
            for ids in ([*body, last] for last in lasts):
                if allowed(ids, end=end, **options):
                    log_p, weights = log_probability(model, row, start, ids)
                    found.append((ids, score(log_p, weights, **options), log_p, weights))
    return sorted(found, key=lambda h: -h[1])[:returned]


def searched(model, row, start, end, max_length, beams, returned, groups=1, diversity=0.0, **options):
    """Beam search to the last step, with lists: list of (ids, score, log p, weights)."""
    width = beams // groups
    live = [[([], 0.0, start, model.start(row))] for _ in range(groups)]  # of each group: (ids, log p, token, state)
    ended = [[] for _ in range(groups)]
    for _ in range(max_length):
        said = Counter()
        for g in range(groups):
            candidates = []
            for ids, before, token, state in live[g]:
                log_p, _, after = model.step(row, token, state)
                for word in range(model.words):
                    if log_p[word] > -np.inf and allowed([*ids, word], end=end, **options):
                        penalty = diversity * said[word] if word != end else 0.0
                        candidates.append((before + log_p[word] - penalty, [*ids, word], before + log_p[word], after))
            candidates.sort(key=lambda c: -c[0])
            ended[g] += [(ids, total) for _, ids, total, _ in candidates[:width] if ids[-1] == end]
            live[g] = [(ids, total, ids[-1], state) for _, ids, total, state in candidates if ids[-1] != end][:width]
            said.update(ids[-1] for ids, *_ in live[g])
    best = []
    for g in range(groups):
        own = []
        for ids, log_p in ended[g] + [(ids, log_p) for ids, log_p, *_ in live[g]]:
            weights = log_probability(model, row, start, ids)[1]
            own.append((ids, score(log_p, weights, **options), log_p, weights))
        best += sorted(own, key=lambda h: -h[1])[:width]
    return sorted(best, key=lambda h: -h[1])[:returned]
