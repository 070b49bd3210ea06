"""Pictures in the signatures of exports: encoded files of any size in a SavedModel, one array in LiteRT."""

import io

import numpy as np
import PIL.Image
import tensorflow as tf

from keras_seqcv.models.image_resizing import resized

_EXAMPLES = 4


def picture_spec(encoder, format: str):
    """The spec of the input "image", and the function from it to what the encoder takes, (B, H, W, 3)."""
    if format == "litert":
        return tf.TensorSpec((1, *encoder.image_size, 3), tf.uint8, name="image"), tf.identity
    return tf.TensorSpec((None,), tf.string, name="image"), lambda image: _decoded(image, encoder.image_size)


def maps_of(encoder, weights):
    """Weights (..., L) -> (..., h, w)."""
    return tf.reshape(weights, tf.concat([tf.shape(weights)[:-1], encoder.places], axis=0))


def example_pictures(encoder, images=None) -> np.ndarray:
    """`images` (N, H, W, 3) uint8 of the encoder's size, checked; None: coarse noise."""
    if images is None:
        rng = np.random.default_rng(0)
        height, width = encoder.image_size
        coarse = rng.integers(0, 256, (_EXAMPLES, 6, 6, 3)).astype("uint8")
        pictures = [PIL.Image.fromarray(c).resize((width, height), PIL.Image.Resampling.BICUBIC) for c in coarse]
        images = [np.asarray(p) for p in pictures]
    arrays = np.asarray(images)
    if arrays.shape[1:] != (*encoder.image_size, 3) or arrays.dtype != "uint8" or not len(arrays):
        expected = ("N", *encoder.image_size, 3)
        raise ValueError(f"images: expected uint8 of shape {expected}, received {arrays.dtype} of {arrays.shape}")
    return arrays


def image_inputs(arrays: np.ndarray, format: str) -> list[dict]:
    """Example inputs "image" of pictures (N, H, W, 3): one by one, or all as JPEG files and all as PNG files."""
    if format == "litert":
        return [{"image": a[None]} for a in arrays]
    pictures = [PIL.Image.fromarray(a) for a in arrays]
    return [{"image": np.array([_encoded(p, kind) for p in pictures], "O")} for kind in ("JPEG", "PNG")]


def _encoded(picture, kind) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, quality=90)
    return file.getvalue()


def _decoded(images, size):
    """Encoded pictures (B,) -> (B, H, W, 3) float32, resized as the encoder does it."""

    def one(content):
        # The exact arithmetic of JPEG, which Pillow uses too; by itself TensorFlow takes the faster one.
        jpeg = lambda: tf.io.decode_jpeg(content, channels=3, dct_method="INTEGER_ACCURATE")  # noqa: E731
        other = lambda: tf.io.decode_image(content, channels=3, expand_animations=False)  # noqa: E731
        picture = tf.cond(tf.io.is_jpeg(content), jpeg, other)
        picture.set_shape((None, None, 3))
        return resized(tf.cast(picture, tf.float32)[None], size)[0]

    return tf.map_fn(one, images, fn_output_signature=tf.TensorSpec((*size, 3), tf.float32))
