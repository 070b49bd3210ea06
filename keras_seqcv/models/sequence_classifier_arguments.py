"""The checks of what `SequenceClassifier` is made with and given."""

import tensorflow as tf

from keras_seqcv.models.argument_checks import check_options, check_width, check_words, checked_lengths, checked_texts
from keras_seqcv.models.recurrent_stack import LAYERS
from keras_seqcv.models.sequence_encoder import POOLINGS

_NAMES = {"cell": sorted(LAYERS), "pooling": (None, *POOLINGS)}
_WIDTHS = ("units", "layers")
_RATES = ("dropout", "word_dropout", "label_smoothing")
_FLAGS = ("bidirectional", "per_step")


def check_arguments(labels, vocabulary, features, options: dict) -> tuple:
    """Raise TypeError or ValueError that names the first wrong argument; return the labels as a tuple."""
    if (vocabulary is None) == (features is None):
        received = "neither" if vocabulary is None else "both"
        raise ValueError(f"vocabulary: expected a vocabulary, or features, their width; received {received}")
    if vocabulary is not None:
        check_words("vocabulary", vocabulary, ("pad_id", "unknown_id"))
    else:
        check_width("features", features)
    check_options(options, _NAMES, _WIDTHS, _RATES, _FLAGS)
    if options["embedding_dim"] is not None:
        check_width("embedding_dim", options["embedding_dim"])
    if options["per_step"] and options["pooling"] is not None:
        raise ValueError(f"pooling: per_step=True labels every step; expected None, received {options['pooling']!r}")
    for name in ("embedding_dim", "word_dropout"):
        if vocabulary is None and options[name]:
            raise ValueError(f"{name}: is of words, and a model of features has none; received {options[name]!r}")
    return checked_texts("labels", labels)


def checked_tokens(inputs):
    """Token ids (B, T) as a tensor."""
    tokens = tf.convert_to_tensor(inputs)
    if tokens.shape.rank != 2:
        raise ValueError(f"inputs: expected token ids of shape (B, T), received {tuple(tokens.shape)}")
    if not tokens.dtype.is_integer:
        raise TypeError(f"inputs: expected token ids, integers, received {tokens.dtype.name}")
    return tokens


def checked_features(inputs, depth: int):
    """Features (B, T, D), and a mask (B, T) or None: of an array, or of a dict with "features" and "lengths"."""
    lengths = None
    if isinstance(inputs, dict):
        if set(inputs) != {"features", "lengths"}:
            raise ValueError(f'inputs: expected an array or {{"features", "lengths"}}, received {sorted(inputs)}')
        inputs, lengths = inputs["features"], inputs["lengths"]
    features = tf.convert_to_tensor(inputs)
    if not features.shape.is_compatible_with((None, None, depth)):
        raise ValueError(f"features: expected shape (B, T, {depth}), received {tuple(features.shape)}")
    return features, None if lengths is None else checked_lengths(lengths, features)


def check_explain(explain, per_step: bool, pooling) -> None:
    """What `classify` is to show beside the label."""
    if explain not in (None, "attention", "gradient"):
        raise ValueError(f"explain: expected None, 'attention' or 'gradient', received {explain!r}")
    if explain and per_step:
        raise ValueError("explain: shows what decided on one label; a model with per_step=True has one for every step")
    if explain == "attention" and pooling != "attention":
        raise ValueError(f"explain: 'attention' needs a model with pooling='attention', this one has {pooling!r}")
