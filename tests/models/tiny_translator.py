"""A translator small enough for tests, and the same mathematics written as plain NumPy loops in float64."""

import keras
import numpy as np

import keras_seqcv as ks
from tests.models.tiny_captioner import find, lstm, named, sigmoid, softmax

SOURCE = ["ein", "zwei", "drei", "hund", "hunde", "rot"]
TARGET = ["one", "two", "three", "dog", "dogs", "red"]
KINDS = {
    "additive": {"attention": "additive"},
    "dot, after, LSTM": {"attention": "dot", "attend": "after", "cell": "lstm"},
    "two layers": {"attention": "additive", "layers": 2, "bidirectional": False, "gate": True, "coverage": True},
    "state": {"attention": None},
    "every step, LSTM": {"attention": None, "inject": "every_step", "cell": "lstm", "layers": 2},
    "first step, tied": {"attention": None, "inject": "first_step", "cell": "simple_rnn", "tied_embeddings": True},
}


def translator(seed=0, scale=1.0, **options):
    """A translator with random weights, so large that its words differ from source to source."""
    keras.utils.set_random_seed(seed)
    options = {"units": 6, "embedding_dim": 4, "attention_units": 5, "dropout": 0.0, **options}
    words = ks.data.Words(tokens=SOURCE), ks.data.Words(tokens=TARGET)
    model = ks.models.Translator(*words, **options)
    rng = np.random.default_rng(seed)
    for weight in model.trainable_weights:
        weight.assign(scale * rng.standard_normal(weight.shape))
    layer = model.decoder.vocabulary_layer
    bias = model.decoder.vocabulary_bias if layer is None else layer.bias
    bias.assign(
        0.3 * bias - np.eye(len(model.vocabulary), dtype="float32")[2]
    )  # the source decides, and no end comes at once
    return model


def sources(lengths, seed=0):
    """Ids (B, S) of sources of these lengths, padded behind."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(4, 4 + len(SOURCE), (len(lengths), max(lengths))).astype("int32")
    return np.where(np.arange(max(lengths)) < np.array(lengths)[:, None], tokens, 0)


def texts(count, seed=0):
    """Sentences of one to six words."""
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(SOURCE, rng.integers(1, 7))) for _ in range(count)]


def gru(x, h, kernel, recurrent, bias):
    """Keras's GRU with `reset_after`; bias (2, 3 U)."""
    xz, xr, xh = np.split(x @ kernel + bias[0], 3, axis=-1)
    hz, hr, hh = np.split(h @ recurrent + bias[1], 3, axis=-1)
    z, r = sigmoid(xz + hz), sigmoid(xr + hr)
    return z * h + (1 - z) * np.tanh(xh + r * hh)


def read(w, cell, x):
    """Outputs (S, 2 U) of one layer in both directions over x (S, D), without padding."""
    units = find(w, f"encoder/{cell}_0", "recurrent_kernel").shape[0]
    both = []
    for name, order in ((f"encoder/{cell}_0", x), ("encoder/backward_0", x[::-1])):
        weights = [find(w, name, end) for end in ("/kernel", "recurrent_kernel", "bias")]
        h, c, outputs = np.zeros(units), np.zeros(units), []
        for step in order:
            if cell == "lstm":
                h, c = lstm(step, h, c, *weights)
            else:
                h = gru(step, h, *weights)
            outputs.append(h)
        both.append(np.stack(outputs))
    return np.concatenate([both[0], both[1][::-1]], axis=1)


def memory_of(model, source):
    w = named(model)
    return w, read(w, model.options["cell"], find(w, "encoder/embedding")[source])


def deep(w, features, x):
    o = np.tanh(features @ find(w, "deep", "kernel") + find(w, "deep", "bias") + x)
    return o @ find(w, "logits", "kernel") + find(w, "logits", "bias")


def bahdanau(model, source, tokens):
    """One row: source (S,), tokens (T,) -> logits (T, V), weights (T, S)."""
    w, memory = memory_of(model, source)
    keys = memory @ find(w, "attention/memory_kernel")
    h = np.tanh(memory.mean(0) @ find(w, "start_kernel_0") + find(w, "start_bias_0"))
    cell = [find(w, "cell/gru_0", end) for end in ("/kernel", "recurrent_kernel", "bias")]
    logits, looked = [], []
    for x in find(w, "decoder/embedding")[tokens]:
        query = h @ find(w, "query_kernel") + find(w, "attention/bias")
        a = softmax(np.tanh(keys + query) @ find(w, "score_kernel").reshape(-1))
        h = gru(np.concatenate([x, a @ memory]), h, *cell)
        logits.append(deep(w, np.concatenate([h, a @ memory]), x))
        looked.append(a)
    return np.stack(logits), np.stack(looked)


def luong(model, source, tokens):
    """Attention after an LSTM cell, with the score h W m and input feeding; as `bahdanau`."""
    w, memory = memory_of(model, source)
    keys = memory @ find(w, "attention/kernel")
    h, c = (np.tanh(memory.mean(0) @ find(w, f"start_kernel_{k}") + find(w, f"start_bias_{k}")) for k in (0, 1))
    cell = [find(w, "cell/lstm_0", end) for end in ("/kernel", "recurrent_kernel", "bias")]
    y, logits, looked = np.zeros_like(h), [], []
    for x in find(w, "decoder/embedding")[tokens]:
        h, c = lstm(np.concatenate([x, y]), h, c, *cell)
        a = softmax(keys @ h)
        y = np.tanh(np.concatenate([a @ memory, h]) @ find(w, "combine_kernel"))
        logits.append(deep(w, y, x))
        looked.append(a)
    return np.stack(logits), np.stack(looked)


def encoder_decoder(model, source, tokens):
    """Without attention: the first state comes from what each direction has read last."""
    w, memory = memory_of(model, source)
    units = memory.shape[1] // 2
    vector = np.concatenate([memory[-1, :units], memory[0, units:]])
    h = np.tanh(vector @ find(w, "start_0", "kernel") + find(w, "start_0", "bias"))
    cell = [find(w, "core/gru_0", end) for end in ("/kernel", "recurrent_kernel", "bias")]
    logits = []
    for x in find(w, "decoder/embedding")[tokens]:
        h = gru(x, h, *cell)
        logits.append(deep(w, h, x))
    return np.stack(logits), None


def log_probability(model, source, words):
    """log p of words (ids, without start and end) with the end behind them, by reading them: float."""
    inputs = {"source": np.array([source], "int32"), "tokens": np.array([[1, *words]], "int32")}
    logits = model(inputs).numpy()[0].astype("float64")
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    return sum(log_p[t, word] for t, word in enumerate([*words, 2]))
