"""The checks of the options that models with a `SequenceDecoder` have in common."""

from keras_seqcv.layers.attention_rnn_cell import ORDERS
from keras_seqcv.models.argument_checks import check_options, is_number
from keras_seqcv.models.sequence_decoder import CELLS, INJECTS

_CHOICES = {"cell": sorted(CELLS), "inject": list(INJECTS), "attend": list(ORDERS)}
_RATES = ("dropout", "word_dropout", "label_smoothing")
_FLAGS = ("deep_output", "tied_embeddings", "gate", "coverage")
_WITHOUT_ATTENTION = {"attend": "before", "coverage": False, "doubly_stochastic": 0}


def check_decoder_options(options: dict, attentions, widths, flags=()) -> None:
    """Raise TypeError or ValueError that names the first wrong option.

    Args:
        options: all of them by name.
        attentions: what "attention" may be.
        widths: names of counts and widths.
        flags: names of bools beside those of the decoder.
    """
    check_options(options, {"attention": list(attentions), **_CHOICES}, widths, _RATES, (*_FLAGS, *flags))
    penalty = options.get("doubly_stochastic", 0)
    if not is_number(penalty) or not penalty >= 0:
        raise ValueError(f"doubly_stochastic: expected a number >= 0, received {penalty!r}")
    if options["attention"] is None:
        for name, without in _WITHOUT_ATTENTION.items():
            if options.get(name, without) != without:
                raise ValueError(f"{name}: a model without attention does not look; expected {without!r}")
    widths = options["units"], options["embedding_dim"]
    if options["tied_embeddings"] and not options["deep_output"] and (options["attention"] or widths[0] != widths[1]):
        raise ValueError("tied_embeddings: needs deep_output=True, whose output is as wide as an embedding")


def check_scheduled_sampling(rate) -> float:
    if not is_number(rate) or not 0 <= rate <= 1:
        raise ValueError(f"scheduled_sampling: expected a number in [0, 1], received {rate!r}")
    return float(rate)
