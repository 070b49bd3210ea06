"""`tf.data` of pictures with texts about them."""

import weakref

import numpy as np
import tensorflow as tf

from keras_seqcv.data.image_store import READERS
from keras_seqcv.data.planned_dataset import finished, planned_dataset

_FEATURE_BATCH = 8  # pictures that an encoder sees at once


class FeatureStore:
    """Features of pictures by number, and those of the mirrored pictures.

    Args:
        features: (N, ...), or what reads like that, such as `np.memmap`.
        mirrored: likewise, or None.
    """

    dtype = "float32"

    def __init__(self, features: np.ndarray, mirrored: np.ndarray | None = None):
        self._sets = features, mirrored
        self.shape = tuple(features.shape[1:])

    def batch(self, items, mirrored=None) -> np.ndarray:
        """Returns features (B, ...) float32."""
        features = np.empty((len(items), *self.shape), "float32")
        for row, item in enumerate(items):
            features[row] = self._sets[mirrored is not None and bool(mirrored[row])][item]
        return features


class Part:
    """The pictures and captions of one dataset.

    Args:
        pictures: `ImageStore` or `FeatureStore`.
        places: (P,) int, number of each picture of this part in the store.
        batches: `CaptionBatches` or `QuestionBatches` of the texts about these pictures, or None.
    """

    def __init__(self, pictures, places: np.ndarray, batches):
        self.pictures, self.places, self.batches = pictures, np.asarray(places), batches

    def plan(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        return self.batches.plan(number)

    def batch(self, rows: np.ndarray, seed: int) -> tuple[np.ndarray, ...]:
        tokens, targets, weights, item, mirrored = self.batches.batch(rows, seed)
        pictures = self.pictures.batch(self.places[item], mirrored)
        return pictures, tokens, targets, weights, item


def text_dataset(part: Part) -> tf.data.Dataset:
    """Batches as `captions` and `questions` describe them; the part lives as long as what is made of them."""
    batches, pictures = part.batches, part.pictures
    key = "image" if pictures.dtype == "uint8" else "features"
    image, item = tf.TensorSpec((None, *pictures.shape), pictures.dtype), tf.TensorSpec((None,), tf.int32)
    signature = [image, *batches.specs, item]

    def arranged(image, tokens, targets, weights, item):
        return {key: image, "tokens": tokens, "item": item}, targets, weights

    return planned_dataset(part, batches.batches, batches.batch_size, signature, arranged, READERS)


def picture_dataset(part: Part, batch_size: int, mirrored: bool = False) -> tf.data.Dataset:
    """The pictures or features of a part, in order, in batches (b, ...)."""
    weak, count = weakref.ref(part), len(part.places)

    def batch(start):
        places = weak().places[start : start + batch_size]
        return weak().pictures.batch(places, [mirrored] * len(places))

    @tf.autograph.experimental.do_not_convert
    def element(start):
        value = tf.numpy_function(batch, [start], tf.as_dtype(part.pictures.dtype), stateful=False)
        return tf.ensure_shape(value, (None, *part.pictures.shape))

    dataset = tf.data.Dataset.range(0, count, batch_size).map(element, num_parallel_calls=READERS)
    return finished(dataset, part)


def encoded_pictures(encoder, images, cache, mirror: bool, verbose: int) -> FeatureStore:
    """Features of all pictures of a store, computed once and kept in a folder, and with `mirror` a second set."""
    sets, identity = [], images.identity()
    part = Part(images, np.arange(len(images.names)), None)
    for mirrored in (False, True)[: 1 + mirror]:
        named = None if identity is None else [f"size {images.size}, mirrored {mirrored}", *identity]
        dataset = picture_dataset(part, _FEATURE_BATCH, mirrored)
        sets.append(encoder.cached_features(dataset, cache, identity=named, dtype="float16", verbose=verbose))
    return FeatureStore(*sets)
