"""The checks of what `Translator` is made with and given."""

import tensorflow as tf

from keras_seqcv.models.argument_checks import check_words
from keras_seqcv.models.decoder_arguments import check_decoder_options

ATTENTIONS = {None: None, "additive": "soft", "dot": "dot"}  # as the decoder calls them
_WIDTHS = ("units", "layers", "embedding_dim", "attention_units")


def check_arguments(source_vocabulary, target_vocabulary, options: dict) -> None:
    """Raise TypeError or ValueError that names the first wrong argument; `options` are the others, by name."""
    check_words("source_vocabulary", source_vocabulary, ("pad_id", "unknown_id"))
    check_words("target_vocabulary", target_vocabulary)
    check_decoder_options(options, ATTENTIONS, _WIDTHS, ("bidirectional",))


def check_inputs(inputs) -> None:
    """Inputs of `fit` and of a call: a dict with "source" (B, S) and "tokens" (B, T)."""
    if not isinstance(inputs, dict) or not {"source", "tokens"} <= set(inputs):
        received = sorted(inputs) if isinstance(inputs, dict) else type(inputs).__name__
        raise ValueError(f'inputs: expected a dict with "source" and "tokens", received {received}')
    for name, letter in (("source", "S"), ("tokens", "T")):
        ids = inputs[name]
        if len(ids.shape) != 2:
            raise ValueError(f"{name}: expected shape (B, {letter}), received {tuple(ids.shape)}")
        if not tf.as_dtype(ids.dtype).is_integer:
            raise TypeError(f"{name}: expected integers, received {tf.as_dtype(ids.dtype).name}")
