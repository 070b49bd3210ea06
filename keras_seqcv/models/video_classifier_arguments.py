"""The checks of what `VideoClassifier` is made with and given."""

import tensorflow as tf

from keras_seqcv.models.argument_checks import check_options, check_width, checked_lengths, checked_texts
from keras_seqcv.models.image_encoder import ImageEncoder
from keras_seqcv.models.recurrent_stack import LAYERS
from keras_seqcv.models.sequence_encoder import POOLINGS

FRAME_POOLINGS = ("flatten", "mean")
_NAMES = {"cell": sorted(LAYERS), "pooling": (None, *POOLINGS), "frame_pooling": FRAME_POOLINGS}
_EXPECTED = 'a clip (B, T, H, W, 3), or {"video" or "features", "lengths"}'


def check_arguments(encoder, labels, options: dict) -> tuple:
    """Raise TypeError or ValueError that names the first wrong argument; return the labels as a tuple."""
    if not isinstance(encoder, ImageEncoder):
        raise TypeError(f"encoder: expected a ks.models.ImageEncoder, received {type(encoder).__name__}")
    check_options(options, _NAMES, ("units", "layers"), ("dropout", "label_smoothing"), ("bidirectional", "per_frame"))
    for name in ("place_units", "frame_dim"):
        if options[name] is not None:
            check_width(name, options[name])
    if options["place_units"] is not None and len(encoder.feature_shape) == 1:
        raise ValueError('place_units: reads places, and the encoder gives none: pooling="avg"')
    if options["per_frame"] and options["pooling"] is not None:
        raise ValueError(f"pooling: per_frame=True labels every frame; expected None, received {options['pooling']!r}")
    return checked_texts("labels", labels)


def checked_video(inputs, feature_shape):
    """Frames (B, T, H, W, 3), or None; their features (B, T, L, D) or (B, T, D), or None; mask (B, T) or None."""
    lengths = None
    if isinstance(inputs, dict):
        if set(inputs) - {"lengths"} not in ({"video"}, {"features"}):
            raise ValueError(f"inputs: expected {_EXPECTED}, received {sorted(inputs)}")
        lengths = inputs.get("lengths")
        if "features" in inputs:
            features = tf.convert_to_tensor(inputs["features"])
            if not features.shape.is_compatible_with((None, None, *feature_shape)):
                expected = str(("B", "T", *feature_shape)).replace("'", "")
                received = tuple(features.shape)
                raise ValueError(f"features: expected shape {expected}, as the encoder gives, received {received}")
            return None, features, _mask(lengths, features)
        inputs = inputs["video"]
    if not hasattr(inputs, "shape"):
        raise TypeError(f"inputs: expected {_EXPECTED}, received {type(inputs).__name__}")
    video = tf.convert_to_tensor(inputs)
    if not video.shape.is_compatible_with((None, None, None, None, 3)):
        raise ValueError(f"inputs: expected {_EXPECTED}, received shape {tuple(video.shape)}")
    return video, None, _mask(lengths, video)


def _mask(lengths, sequence):
    return None if lengths is None else checked_lengths(lengths, sequence)
