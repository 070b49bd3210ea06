"""Pictures as models get them: in the inputs of `fit`, and from people."""

import os

import numpy as np
import PIL.Image
import tensorflow as tf

from keras_seqcv.image_files import load_image
from keras_seqcv.models.image_resizing import resized


def check_image_inputs(inputs) -> None:
    """Inputs of `fit` and of a call: a dict with "tokens" and one of "image" and "features"."""
    if not isinstance(inputs, dict) or "tokens" not in inputs or ("image" in inputs) == ("features" in inputs):
        received = sorted(inputs) if isinstance(inputs, dict) else type(inputs).__name__
        raise ValueError(f'inputs: expected a dict with "tokens" and either "image" or "features", received {received}')
    tokens = inputs["tokens"]
    if len(tokens.shape) not in (2, 3):
        raise ValueError(f"tokens: expected shape (B, T) or (B, N, T), received {tuple(tokens.shape)}")
    if not tf.as_dtype(tokens.dtype).is_integer:
        raise TypeError(f"tokens: expected integers, received {tf.as_dtype(tokens.dtype).name}")


def pictures_of(inputs) -> dict:
    """What of the inputs of `fit` the encoder or the decoder sees: "image" or "features"."""
    return {name: inputs[name] for name in ("image", "features") if name in inputs}


def features_of(encoder, inputs: dict, pools: bool, dtype, training=False):
    """Features of a dict with "image" or "features": (B, L, D), or their mean (B, D) if the model `pools` them."""
    if "features" in inputs:
        features = tf.cast(checked_features(inputs["features"], encoder.feature_shape, pools), dtype)
    else:
        features = encoder(inputs["image"], training=training)
    return tf.reduce_mean(features, axis=1) if pools and features.shape.rank == 3 else features


def checked_features(features, feature_shape, pools: bool):
    """Features as a float tensor, whose shape is that of the encoder, or without its places where they are pooled."""
    features = tf.convert_to_tensor(features)
    allowed = [feature_shape, feature_shape[-1:]] if pools else [feature_shape]
    if not any(features.shape.is_compatible_with((None, *shape)) for shape in allowed):
        expected = " or ".join(str(("B", *shape)).replace("'", "") for shape in allowed)
        raise ValueError(f"features: expected shape {expected}, as the encoder gives, received {tuple(features.shape)}")
    return features


def unit_pictures(pictures, image_shape, name: str):
    """Pictures (B, H, W, C) of this shape, integers or floats in [0, 255], as float32 in [0, 1]; `name` for errors."""
    expected = str(("B", *image_shape)).replace("'", "")
    if not hasattr(pictures, "shape"):
        raise TypeError(f"{name}: expected shape {expected}, received {type(pictures).__name__}")
    pictures = tf.convert_to_tensor(pictures)
    if not pictures.shape.is_compatible_with((None, *image_shape)):
        raise ValueError(f"{name}: expected shape {expected}, as the model's, received {tuple(pictures.shape)}")
    return tf.cast(pictures, tf.float32) / 255.0


def is_single(images) -> bool:
    """Whether this is one picture, and not several."""
    if isinstance(images, (str, bytes, os.PathLike, PIL.Image.Image)):
        return True
    return hasattr(images, "shape") and len(images.shape) < 4


def prepared(image, size) -> np.ndarray:
    """A picture of any size as an encoder of this `size` resizes it, (H, W, 3) float32."""
    array = tf.cast(load_image(image), tf.float32)
    return resized(array[None], size)[0].numpy()
