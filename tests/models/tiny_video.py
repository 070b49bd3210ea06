"""Video classifiers small enough for tests, of every kind, with weights that tell, and clips for them."""

import keras
import numpy as np

import keras_seqcv as ks
from tests.models.tiny_classifier import numbers, said

__all__ = ["KINDS", "LABELS", "SIZE", "clips", "model", "numbers", "said"]

LABELS = ("left", "right", "up")
SIZE = (8, 12)
KINDS = {
    "last": {},
    "attention": {"bidirectional": True, "pooling": "attention", "layers": 2},
    "mean of a GRU": {"cell": "gru", "pooling": "mean", "frame_pooling": "mean"},
    "frames": {"per_frame": True, "cell": "gru", "frame_dim": 4},
    "frames, both ways": {"per_frame": True, "bidirectional": True},
    "places": {"per_frame": True, "cell": "gru", "place_units": 3},
    "places of a clip": {"place_units": 3, "frame_pooling": "mean"},
    "one vector each": {"cell": "simple_rnn"},
}


def model(kind="last", seed=0, trainable=True, **options):
    keras.utils.set_random_seed(seed)
    network = ks.models.small_image_network(SIZE, filters=(3, 4))
    pooling = "avg" if kind == "one vector each" else None
    encoder = ks.models.ImageEncoder(network, trainable=trainable, freeze_batch_norm=False, pooling=pooling)
    found = ks.models.VideoClassifier(encoder, LABELS, **{"units": 5, "dropout": 0.0, **KINDS[kind], **options})
    rng = np.random.default_rng(seed)
    places = found.looker.places.weights if found.looker.places else []
    for weight in places + found.looker.dense.weights + found.reader.weights + found.head.weights:
        weight.assign(0.6 * rng.standard_normal(weight.shape))
    return found


def clips(count, seed=0, longest=9, size=SIZE):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, longest + 1, count)
    return [rng.integers(0, 256, (length, *size, 3)).astype("uint8") for length in lengths]
