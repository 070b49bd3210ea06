"""An answerer small enough for tests, and the same mathematics as plain NumPy in float64, a question at a time."""

import keras
import numpy as np

import keras_seqcv as ks
from tests.models import tiny_captioner

WORDS = ["what", "where", "red", "blue", "is", "it"]
ANSWERS = ["yes", "no", "red", "blue", "two"]
KINDS = {
    "one look": {"attention_layers": 1, "fusion": "concat"},
    "two looks": {"attention_layers": 2, "fusion": "bilinear", "question_pooling": "attention"},
    "film": {"attention_layers": 1, "fusion": "bilinear", "film_layers": 2},
    "product": {"attention_layers": 2, "fusion": "product", "bidirectional": True, "cell": "gru"},
    "vector": {"attention_layers": 0, "fusion": "bilinear", "question_pooling": "mean", "cell": "simple_rnn"},
    "vector, sum": {"attention_layers": 0, "fusion": "concat"},
}


def answerer(seed=0, scale=0.7, **options):
    """An answerer with random weights, so large that its answers differ from picture to picture."""
    keras.utils.set_random_seed(seed)
    options = {"units": 4, "fusion_dim": 5, "embedding_dim": 3, "dropout": 0.0, **options}
    encoder = tiny_captioner.encoder()
    model = ks.models.VisualQuestionAnswerer(encoder, ks.data.Words(tokens=WORDS), ANSWERS, **options)
    rng = np.random.default_rng(seed)
    inside = {id(w) for w in model.encoder.weights}
    for weight in model.trainable_weights:
        if id(weight) not in inside:
            weight.assign(scale * rng.standard_normal(weight.shape))
    for norm in model.film.norms if model.film else ():
        norm.moving_mean.assign(rng.standard_normal(norm.moving_mean.shape))
        norm.moving_variance.assign(rng.random(norm.moving_variance.shape) + 0.5)
    return model


def questions(count, length=5, seed=0):
    """Tokens (count, length) of one word at least, and pads."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(4, 4 + len(WORDS), (count, length)).astype("int32")
    for row in tokens:
        row[rng.integers(1, length + 1) :] = 0
    return tokens


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def dense(layer, x):
    y = x @ np.asarray(layer.kernel, "float64")
    y = y if layer.bias is None else y + np.asarray(layer.bias, "float64")
    functions = {"relu": lambda x: np.maximum(x, 0), "tanh": np.tanh, "linear": lambda x: x}
    return functions[layer.activation.__name__](y)


def fused(model, q, v):
    """Question (Q,), places (..., D) -> z (..., F)."""
    layer = model.fusion
    if layer.kind == "concat":
        both = np.concatenate([np.broadcast_to(q, (*v.shape[:-1], len(q))), v], axis=-1)
        kernel = np.concatenate([np.asarray(one.kernel, "float64") for one in (layer.of_question, layer.of_picture)])
        return np.maximum(both @ kernel + np.asarray(layer.of_question.bias, "float64"), 0)
    z = dense(layer.of_question, q) * dense(layer.of_picture, v)
    return dense(layer.out, z) if layer.kind == "bilinear" else z


def modulated(model, q, v):
    """Question (Q,), places (h, w, D) -> (h, w, C): every convolution as a sum over its kernel's places."""
    film = model.film
    rows, columns = (np.linspace(-1, 1, n) for n in v.shape[:2])
    x = dense(film.first, np.concatenate([v, np.stack(np.meshgrid(rows, columns, indexing="ij"), -1)], axis=-1))
    for convolution, norm, modulation in zip(film.convolutions, film.norms, film.modulations, strict=True):
        kernel, around = np.asarray(convolution.kernel, "float64"), np.pad(x, ((1, 1), (1, 1), (0, 0)))
        y = np.zeros_like(x)
        for row in range(x.shape[0]):
            for column in range(x.shape[1]):
                y[row, column] = np.einsum("rcd,rcde->e", around[row : row + 3, column : column + 3], kernel)
        y = (y - np.asarray(norm.moving_mean)) / np.sqrt(np.asarray(norm.moving_variance) + norm.epsilon)
        scale, shift = np.split(dense(modulation, q), 2)
        x = x + np.maximum((1 + scale) * y + shift, 0)
    return x


def logits_of(model, features, question):
    """Features (L, D) of one picture and the vector of one question -> logits (A,), weights of the looks (K, L)."""
    features = np.asarray(features, "float64")
    if model.film:
        places = modulated(model, question, features.reshape(*model.encoder.places, -1))
        features = places.reshape(len(features), -1)
    if not model.attentions:
        found, looks = fused(model, question, features.mean(0)), []
    else:
        z, u, looks = fused(model, question, features), dense(model.first_query, question), []
        for attention in model.attentions:
            w = {k: np.asarray(getattr(attention, k), "float64") for k in ("query_kernel", "memory_kernel", "bias")}
            hidden = np.tanh(z @ w["memory_kernel"] + u @ w["query_kernel"] + w["bias"])
            a = softmax((hidden @ np.asarray(attention.score_kernel, "float64"))[:, 0])
            u = u + a @ z
            looks.append(a)
        found = np.concatenate([u, z.mean(0), z.max(0)])
    return dense(model.output_layer, dense(model.hidden, found)), looks
