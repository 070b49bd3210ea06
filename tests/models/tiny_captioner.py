"""A captioner small enough for tests, and the same mathematics written as plain NumPy loops in float64."""

import keras
import numpy as np
import tensorflow as tf

import keras_seqcv as ks

WORDS = ["dog", "cat", "red", "blue", "runs", "sits"]
KINDS = {
    "soft": {"attention": "soft"},
    "soft, two GRUs": {"attention": "soft", "cell": "gru", "layers": 2},
    "hard": {"attention": "hard"},
    "after": {"attention": "soft", "attend": "after", "coverage": True},
    "every step": {"attention": None},
    "every step, vanilla": {"attention": None, "cell": "simple_rnn"},
    "first step": {"attention": None, "inject": "first_step", "layers": 2},
    "state": {"attention": None, "inject": "state", "cell": "gru"},
    "tied": {"attention": "soft", "tied_embeddings": True},
    "plain output": {"attention": "soft", "deep_output": False},
}


def encoder(trainable=False):
    """32 x 32 pictures -> 2 x 2 places of depth 5."""
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Conv2D(5, 16, strides=16)(x)
    return ks.models.ImageEncoder(keras.Model(inputs, x), trainable=trainable)


def captioner(seed=0, scale=1.0, **options):
    """A captioner with random weights, so large that its words differ from picture to picture."""
    keras.utils.set_random_seed(seed)
    options = {"units": 6, "embedding_dim": 4, "image_dim": 3, "attention_units": 5, "dropout": 0.0, **options}
    model = ks.models.ImageCaptioner(encoder(), ks.data.Words(tokens=WORDS), **options)
    rng = np.random.default_rng(seed)
    for weight in [*model.projection.weights, *model.decoder.trainable_weights]:
        weight.assign(scale * rng.standard_normal(weight.shape))
    return model


def pictures(count, seed=0):
    """Each of four squares, one for each place: in noise all places would look alike."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 2, 2, 3)).astype("uint8")
    return coarse.repeat(16, axis=1).repeat(16, axis=2)


def rows(count, length, words, seed=0):
    """Tokens (count, length) that begin with the start word, have an end somewhere behind, and pads."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(4, words, (count, length)).astype("int32")
    tokens[:, 0] = 1
    for row in tokens:
        row[rng.integers(2, length + 1) :] = 0
    return tokens


def targets_of(tokens):
    """What follows each word: the next one, and the end word behind the last."""
    following = np.concatenate([tokens[:, 1:], np.zeros_like(tokens[:, :1])], axis=1)
    return np.where((following == 0) & (tokens != 0), 2, following).astype("int32"), (tokens != 0).astype("float32")


def named(model):
    """The weights by the end of their path, float64."""
    return {w.path.split("/", 1)[1]: np.asarray(w.numpy(), "float64") for w in model.weights}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def lstm(x, h, c, kernel, recurrent, bias):
    i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def find(weights, *parts):
    """The one weight whose path holds all parts."""
    found = [value for path, value in weights.items() if all(part in path for part in parts)]
    assert len(found) == 1, (parts, sorted(weights))
    return found[0]


def before_the_first_word(w, features):
    """Of features (B, L, D): memory, keys, and the states h and c of an LSTM."""
    memory = np.maximum(features @ find(w, "projection", "kernel") + find(w, "projection", "bias"), 0)
    keys = memory @ find(w, "attention/memory_kernel")
    mean = memory.mean(1)
    h = np.tanh(mean @ find(w, "start_kernel_0") + find(w, "start_bias_0"))
    c = np.tanh(mean @ find(w, "start_kernel_1") + find(w, "start_bias_1"))
    return memory, keys, h, c


def soft_logits(model, features, tokens):
    """Show, Attend and Tell: features (B, L, D), tokens (B, T) -> logits (B, T, V), weights (B, T, L)."""
    w = named(model)
    memory, keys, h, c = before_the_first_word(w, features)
    table = find(w, "embedding/embeddings")
    logits, looked = [], []
    for t in range(tokens.shape[1]):
        x = table[tokens[:, t]]
        query = h @ find(w, "query_kernel") + find(w, "attention/bias")
        a = softmax(np.tanh(keys + query[:, None]) @ find(w, "score_kernel").reshape(-1))
        z = np.einsum("bl,bld->bd", a, memory)
        z = z * sigmoid(h @ find(w, "gate_kernel") + find(w, "gate_bias"))
        cell = [find(w, "lstm_0", end) for end in ("/kernel", "recurrent_kernel", "bias")]
        h, c = lstm(np.concatenate([x, z], -1), h, c, *cell)
        o = np.tanh(np.concatenate([h, z], -1) @ find(w, "deep", "kernel") + find(w, "deep", "bias") + x)
        logits.append(o @ find(w, "logits", "kernel") + find(w, "logits", "bias"))
        looked.append(a)
    return np.stack(logits, 1), np.stack(looked, 1)


def luong_logits(model, features, tokens):
    """Attention after the cell, with input feeding and coverage: logits (B, T, V), weights (B, T, L)."""
    w = named(model)
    memory, keys, h, c = before_the_first_word(w, features)
    y, covered = np.zeros_like(h), np.zeros(memory.shape[:2])
    table = find(w, "embedding/embeddings")
    logits, looked = [], []
    for t in range(tokens.shape[1]):
        x = table[tokens[:, t]]
        cell = [find(w, "lstm_0", end) for end in ("/kernel", "recurrent_kernel", "bias")]
        h, c = lstm(np.concatenate([x, y], -1), h, c, *cell)
        query = h @ find(w, "query_kernel") + find(w, "attention/bias")
        moved = keys + covered[..., None] * find(w, "coverage_kernel")
        a = softmax(np.tanh(moved + query[:, None]) @ find(w, "score_kernel").reshape(-1))
        covered = covered + a
        z = np.einsum("bl,bld->bd", a, memory)
        z = z * sigmoid(h @ find(w, "gate_kernel") + find(w, "gate_bias"))
        y = np.tanh(np.concatenate([z, h], -1) @ find(w, "combine_kernel"))
        o = np.tanh(y @ find(w, "deep", "kernel") + find(w, "deep", "bias") + x)
        logits.append(o @ find(w, "logits", "kernel") + find(w, "logits", "bias"))
        looked.append(a)
    return np.stack(logits, 1), np.stack(looked, 1)


def vector_logits(model, features, tokens):
    """The lecture's captioner, h = tanh(W_x x + W_v v + W_h h + b): logits (B, T, V)."""
    w = named(model)
    vector = np.maximum(features.mean(1) @ find(w, "projection", "kernel") + find(w, "projection", "bias"), 0)
    kernel, recurrent, bias = (find(w, "simple_rnn_0", end) for end in ("/kernel", "recurrent_kernel", "bias"))
    table = find(w, "embedding/embeddings")
    of_words, of_vector = kernel[: table.shape[1]], kernel[table.shape[1] :]
    h, logits = np.zeros((len(tokens), recurrent.shape[0])), []
    for t in range(tokens.shape[1]):
        x = table[tokens[:, t]]
        h = np.tanh(x @ of_words + vector @ of_vector + h @ recurrent + bias)
        o = np.tanh(h @ find(w, "deep", "kernel") + find(w, "deep", "bias") + x)
        logits.append(o @ find(w, "logits", "kernel") + find(w, "logits", "bias"))
    return np.stack(logits, 1)


def by_steps(model, memory, tokens):
    """Logits (B, T, V) by the decoding protocol, one word at a time."""
    step, states, fixed = model.stepper(), model.initial_states(memory), model.fixed(memory)
    logits = []
    for t in range(tokens.shape[1]):
        y, states, *_ = step(tf.constant(tokens[:, t]), states, fixed)
        logits.append(y)
    return tf.stack(logits, axis=1).numpy()


def log_probability(model, features, words):
    """log p of words (ids, without start and end) with the end behind them, by reading them: float."""
    tokens = np.array([[1, *words]], "int32")
    logits = model({"features": features, "tokens": tokens}).numpy()[0].astype("float64")
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    return sum(log_p[t, word] for t, word in enumerate([*words, 2]))
