"""Classifiers small enough for tests, with weights so large that labels differ from text to text."""

import keras
import numpy as np

import keras_seqcv as ks

WORDS = ["plot", "acting", "good", "bad", "not", "but", "the", "is"]
LABELS = ["bad", "good", "mixed"]
KINDS = {
    "attention": {"pooling": "attention", "bidirectional": True},
    "mean of a GRU": {"pooling": "mean", "cell": "gru"},
    "last": {"layers": 2},
    "steps": {"per_step": True},
    "steps, both ways": {"per_step": True, "bidirectional": True, "cell": "simple_rnn"},
    "features": {"features": 3, "pooling": "attention", "bidirectional": True},
    "steps of features": {"features": 3, "per_step": True, "cell": "gru"},
}


def classifier(seed=0, scale=0.8, **options):
    keras.utils.set_random_seed(seed)
    options = {"units": 5, "dropout": 0.0, **options}
    if "features" not in options:
        options = {"vocabulary": ks.data.Words(tokens=WORDS), "embedding_dim": 4, **options}
    model = ks.models.SequenceClassifier(LABELS, **options)
    rng = np.random.default_rng(seed)
    for weight in model.trainable_weights:
        weight.assign(scale * rng.standard_normal(weight.shape))
    return model


def texts(count, seed=0, longest=9):
    """Texts of known words, and an unknown one now and then."""
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice([*WORDS, "unheard"], rng.integers(1, longest + 1))) for _ in range(count)]


def features(count, seed=0, longest=9):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((rng.integers(1, longest + 1), 3)).astype("float32") for _ in range(count)]


def inputs(model, count, seed=0):
    return texts(count, seed) if model.vocabulary else features(count, seed)


def said(results):
    """Labels of results, of steps too."""
    return [getattr(one, "labels", None) or one.label for one in results]


def numbers(results):
    """All probabilities, as one array."""
    rows = [one.probabilities for one in results]
    return np.concatenate([np.ravel(list(r.values()) if isinstance(r, dict) else r) for r in rows])
