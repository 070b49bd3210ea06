"""What a `GlimpseClassifier` offers where this package is not installed: SavedModel and LiteRT signatures."""

import numpy as np
import tensorflow as tf

from keras_seqcv.models.image_inputs import unit_pictures
from keras_seqcv.request_checks import checked

_EXAMPLES = 4


def signatures(model, format: str) -> dict:
    """Name -> tf.function. C labels, S the most of a picture, T glimpses; labels are in `labels.json`.

    Both; SavedModel any number of pictures, LiteRT one:
        classify: image (B, H, W, C) uint8, seed int32 and samples int32, how many draws are averaged (0: none) ->
            probabilities (B, C), or (B, S + 1, C + 1) with the end mark behind the labels; path (B, samples, T, 2), row
            and column of each glimpse in [-1, 1]. A SavedModel also: label (B,), or (B, S), empty behind the last, str.
    """
    batch = 1 if format == "litert" else None
    specs = [
        tf.TensorSpec((batch, *model.image_shape), tf.uint8, name="image"),
        tf.TensorSpec((), tf.int32, name="seed"),
        tf.TensorSpec((), tf.int32, name="samples"),
    ]

    @tf.function(input_signature=specs, autograph=False)
    def classify(image, seed, samples):
        if batch is None:
            samples = checked(samples, (samples >= 0, "samples: expected a number from 0 on, received", samples))
        probabilities, path = model.look(unit_pictures(image, model.image_shape, "image"), seed, samples)
        found = {"probabilities": probabilities, "path": path}
        return found if format == "litert" else found | {"label": _labels(model.labels, probabilities)}

    return {"classify": classify}


def _labels(names, probabilities):
    """The likeliest labels as str: (B,), or (B, S), empty from the end mark on, which is behind S of them anyway."""
    best = tf.argmax(probabilities, axis=-1, output_type=tf.int32)
    if best.shape.rank == 1:
        return tf.gather(tf.constant(names), best)
    ended = tf.cumsum(tf.cast(best == len(names), tf.int32), axis=1) > 0
    return tf.gather(tf.constant([*names, ""]), tf.where(ended, len(names), best))[:, :-1]


def examples(model, format: str, images=None) -> dict:
    """Name -> list of inputs by name, of pictures or of noise."""
    if images is None:
        images = np.random.default_rng(0).integers(0, 256, (_EXAMPLES, *model.image_shape)).astype("uint8")
    images = np.asarray(images)
    if images.shape[1:] != model.image_shape or images.dtype != np.uint8 or not len(images):
        expected = str(("N", *model.image_shape)).replace("'", "")
        raise ValueError(f"images: expected uint8 of shape {expected}, received {images.dtype} of {images.shape}")
    parts = [images] if format == "saved_model" else [image[None] for image in images]
    return {
        "classify": [{"image": part, "seed": np.int32(k), "samples": np.int32(k % 3)} for k, part in enumerate(parts)]
    }
