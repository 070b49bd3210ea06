"""`LanguageModel` in NumPy and float64, token by token, and the text it writes."""

import keras
import numpy as np

from keras_seqcv.data import Characters
from keras_seqcv.models import LanguageModel
from tests.decoding.choice_oracle import Stream, choice

LETTERS = "abcdefghij \n"


def small(vocabulary=None, loud=4.0, **options):
    """A small model with random weights, biases included; the larger `loud`, the surer it is of its next token."""
    model = LanguageModel(vocabulary or Characters(tokens=LETTERS), **{"layers": 1, "units": 8, **options})
    model.build((None, None))
    random = np.random.default_rng(len(model.weights))
    for weight in model.weights:
        spread = loud if weight.path.endswith("logits/kernel") else 0.7
        weight.assign(random.normal(0, spread, weight.shape))
    return model


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def simple_rnn(x, states, kernel, recurrent, bias):
    return [np.tanh(x @ kernel + states[0] @ recurrent + bias)]


def lstm(x, states, kernel, recurrent, bias):
    h, c = states
    i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return [sigmoid(o) * np.tanh(c), c]


def gru(x, states, kernel, recurrent, bias):
    (h,) = states
    (xz, xr, xh), (hz, hr, hh) = np.split(x @ kernel + bias[0], 3), np.split(h @ recurrent + bias[1], 3)
    z, r = sigmoid(xz + hz), sigmoid(xr + hr)
    return [z * h + (1 - z) * np.tanh(xh + r * hh)]


class Reader:
    """Reads one token after the other and gives the logits of the next."""

    def __init__(self, model):
        self.config = model.get_config()
        self.words = len(model.vocabulary)
        self.cell = {"simple_rnn": simple_rnn, "lstm": lstm, "gru": gru}[self.config["cell"]]
        arrays = [w.astype("float64") for w in model.get_weights()]
        self.table = arrays.pop(0) if self.config["embedding_dim"] else np.eye(self.words)
        self.bias, self.kernel = arrays.pop(), arrays.pop()
        self.layers = [arrays[k : k + 3] for k in range(0, len(arrays), 3)]
        assert len(self.layers) == self.config["layers"]
        self.reset()

    def reset(self):
        count = 2 if self.config["cell"] == "lstm" else 1
        self.states = [[np.zeros(self.config["units"])] * count for _ in self.layers]

    def __call__(self, token: int):
        x = self.table[token]
        for k, weights in enumerate(self.layers):
            self.states[k] = self.cell(x, self.states[k], *weights)
            x = self.states[k][0] + (x if self.config["residual"] and k > 0 else 0)
        return x @ self.kernel + self.bias


def logits_of(model, tokens, reset=None):
    """Tokens (B, T), reset (B, T) -> logits (B, T, V)."""
    rows = []
    for r, row in enumerate(tokens):
        reader, outputs = Reader(model), []
        for t, token in enumerate(row):
            if reset is not None and reset[r][t]:
                reader.reset()
            outputs.append(reader(token))
        rows.append(outputs)
    return np.array(rows)


def scores_of(model, ids):
    logits = logits_of(model, [ids])[0]
    logits -= logits.max(axis=1, keepdims=True)
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return log_p[np.arange(len(ids) - 1), ids[1:]]


def written(model, prompt_ids, length, seed=0, row=0, **options):
    """The ids that follow a prompt."""
    reader, stream, ids = Reader(model), Stream(seed, row), []
    for token in prompt_ids:
        logits = reader(token)
    for _ in range(length):
        token, near = choice(logits, next(stream), **options)
        assert near > 3e-6, "rounding may decide here: choose another seed"
        ids.append(token)
        logits = reader(token)
    return ids


def repetitive(text="the quick brown fox. ", times=40):
    return text * times


def fast(model, rate=2e-2, **options):
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=1.0), **options)
    return model
