"""The checks of what `ImageCaptioner` is made with and given."""

import numbers

import tensorflow as tf

from keras_seqcv import data
from keras_seqcv.layers.attention_rnn_cell import ORDERS
from keras_seqcv.models.image_encoder import ImageEncoder
from keras_seqcv.models.sequence_decoder import ATTENTIONS, CELLS, INJECTS

_RESERVED = ("pad_id", "start_id", "end_id", "unknown_id")
_NAMES = {"cell": sorted(CELLS), "attention": list(ATTENTIONS), "inject": list(INJECTS), "attend": list(ORDERS)}
_WIDTHS = ("units", "layers", "embedding_dim", "image_dim", "attention_units")
_RATES = ("dropout", "word_dropout", "label_smoothing")
_FLAGS = ("deep_output", "tied_embeddings", "gate", "coverage")


def check_arguments(encoder, vocabulary, options: dict) -> None:
    """Raise TypeError or ValueError that names the first wrong argument; `options` are the others, by name."""
    if not isinstance(encoder, ImageEncoder):
        raise TypeError(f"encoder: expected a ks.models.ImageEncoder, received {type(encoder).__name__}")
    if not isinstance(vocabulary, data.Vocabulary):
        raise TypeError(f"vocabulary: expected a ks.data.Words, received {type(vocabulary).__name__}")
    missing = [name for name in _RESERVED if getattr(vocabulary, name, None) is None]
    if missing:
        raise ValueError(f"vocabulary: expected one with {', '.join(missing)} (ks.data.Words), received {vocabulary!r}")
    for name, allowed in _NAMES.items():
        if options[name] not in allowed:
            raise ValueError(f"{name}: expected one of {allowed}, received {options[name]!r}")
    for name in _WIDTHS:
        value = options[name]
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name}: expected an int >= 1, received {value!r}")
    for name in _RATES:
        if not _is_number(options[name]) or not 0 <= options[name] < 1:
            raise ValueError(f"{name}: expected a number in [0, 1), received {options[name]!r}")
    for name in _FLAGS:
        if not isinstance(options[name], bool):
            raise TypeError(f"{name}: expected a bool, received {options[name]!r}")
    if not _is_number(options["doubly_stochastic"]) or not options["doubly_stochastic"] >= 0:
        raise ValueError(f"doubly_stochastic: expected a number >= 0, received {options['doubly_stochastic']!r}")
    _check_combinations(encoder, options)


def _check_combinations(encoder, options) -> None:
    if options["attention"] is not None and encoder.pooling:
        raise ValueError(f"encoder: attention={options['attention']!r} looks at places; expected pooling=None")
    if options["attention"] is None:
        for name, without in (("doubly_stochastic", 0), ("attend", "before"), ("coverage", False)):
            if options[name] != without:
                raise ValueError(f"{name}: a model without attention does not look; expected {without!r}")
    widths = options["units"], options["embedding_dim"]
    if options["tied_embeddings"] and not options["deep_output"] and (options["attention"] or widths[0] != widths[1]):
        raise ValueError("tied_embeddings: needs deep_output=True, whose output is as wide as an embedding")


def check_scheduled_sampling(rate) -> float:
    if not _is_number(rate) or not 0 <= rate <= 1:
        raise ValueError(f"scheduled_sampling: expected a number in [0, 1], received {rate!r}")
    return float(rate)


def check_inputs(inputs) -> None:
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


def checked_features(features, feature_shape, pools: bool):
    """Features as a float tensor, whose shape is that of the encoder, or without its places where they are pooled."""
    features = tf.convert_to_tensor(features)
    allowed = [feature_shape, feature_shape[-1:]] if pools else [feature_shape]
    if not any(features.shape.is_compatible_with((None, *shape)) for shape in allowed):
        expected = " or ".join(str(("B", *shape)).replace("'", "") for shape in allowed)
        raise ValueError(f"features: expected shape {expected}, as the encoder gives, received {tuple(features.shape)}")
    return features


def _is_number(value) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)
