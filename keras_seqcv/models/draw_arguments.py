"""The checks of what `DRAW` is made with and given."""

import numpy as np
import tensorflow as tf

from keras_seqcv.models.argument_checks import check_width, checked_texts
from keras_seqcv.models.image_inputs import unit_pictures


def check_arguments(image_shape, options: dict) -> tuple[tuple, tuple | None]:
    """Raise TypeError or ValueError that names the first wrong argument; return shape and labels as tuples."""
    shape = tuple(image_shape) if isinstance(image_shape, (list, tuple)) else image_shape
    counts = isinstance(shape, tuple) and len(shape) == 3
    if not counts or not all(isinstance(n, int) and not isinstance(n, bool) and n >= 1 for n in shape):
        raise ValueError(f"image_shape: expected three ints (H, W, C), received {image_shape!r}")
    for name in ("steps", "units", "latent_dim"):
        check_width(name, options[name])
    for name in ("read", "write"):
        if options[name] is None:
            continue
        check_width(name, options[name])
        if options[name] > min(shape[:2]):
            size = f"{options[name]} x {options[name]}"
            raise ValueError(f"{name}: expected a patch no larger than the picture, {shape[:2]}, received {size}")
    if options["seed"] is not None:
        check_width("seed", options["seed"], 0)
    labels = options["labels"]
    return shape, None if labels is None else checked_texts("labels", labels)


def checked_inputs(inputs, image_shape, labels):
    """Pictures (B, H, W, C) float32 in [0, 1], and the numbers of their labels (B,) int32 or None."""
    expected = 'a dict of "image" and "label"' if labels else "pictures"
    label = None
    if isinstance(inputs, dict):
        if set(inputs) not in ({"image"}, {"image", "label"}):
            raise ValueError(f"inputs: expected {expected}, received {sorted(inputs)}")
        inputs, label = inputs["image"], inputs.get("label")
    if (labels is None) != (label is None):
        raise ValueError(f"inputs: this model takes {expected}, received {'no' if label is None else 'a'} label")
    images = unit_pictures(inputs, image_shape, "images")
    if label is None:
        return images, None
    label = tf.convert_to_tensor(label)
    if not label.dtype.is_integer or not label.shape.is_compatible_with(images.shape[:1]):
        wanted = tuple(images.shape[:1])
        raise ValueError(f"label: expected integers {wanted}, received {label.dtype.name} {tuple(label.shape)}")
    message = f"label: expected numbers from 0 to {len(labels) - 1}"
    if tf.executing_eagerly() and not np.all((label.numpy() >= 0) & (label.numpy() < len(labels))):
        raise ValueError(f"{message}, received {label.numpy().min()} to {label.numpy().max()}")
    inside = tf.debugging.assert_equal(tf.reduce_all((label >= 0) & (label < len(labels))), True, message)
    with tf.control_dependencies([inside] if inside is not None else []):
        return images, tf.cast(label, tf.int32)
