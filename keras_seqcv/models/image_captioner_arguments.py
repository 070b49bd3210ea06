"""The checks of what `ImageCaptioner` is made with and given."""

import tensorflow as tf

from keras_seqcv.layers.attention_rnn_cell import ORDERS
from keras_seqcv.models.argument_checks import check_options, check_words, is_number
from keras_seqcv.models.image_encoder import ImageEncoder
from keras_seqcv.models.sequence_decoder import ATTENTIONS, CELLS, INJECTS

_NAMES = {"cell": sorted(CELLS), "attention": list(ATTENTIONS), "inject": list(INJECTS), "attend": list(ORDERS)}
_WIDTHS = ("units", "layers", "embedding_dim", "image_dim", "attention_units")
_RATES = ("dropout", "word_dropout", "label_smoothing")
_FLAGS = ("deep_output", "tied_embeddings", "gate", "coverage")


def check_arguments(encoder, vocabulary, options: dict) -> None:
    """Raise TypeError or ValueError that names the first wrong argument; `options` are the others, by name."""
    if not isinstance(encoder, ImageEncoder):
        raise TypeError(f"encoder: expected a ks.models.ImageEncoder, received {type(encoder).__name__}")
    check_words("vocabulary", vocabulary)
    check_options(options, _NAMES, _WIDTHS, _RATES, _FLAGS)
    if not is_number(options["doubly_stochastic"]) or not options["doubly_stochastic"] >= 0:
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
    if not is_number(rate) or not 0 <= rate <= 1:
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
