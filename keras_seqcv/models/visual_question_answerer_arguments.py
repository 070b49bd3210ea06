"""The checks of what `VisualQuestionAnswerer` is made with."""

from keras_seqcv.models.argument_checks import check_choice, check_options, check_width, check_words, checked_texts
from keras_seqcv.models.fusion import FUSIONS
from keras_seqcv.models.image_encoder import ImageEncoder
from keras_seqcv.models.recurrent_stack import LAYERS
from keras_seqcv.models.sequence_encoder import POOLINGS

_NAMES = {"cell": sorted(LAYERS), "question_pooling": POOLINGS, "fusion": FUSIONS}
_WIDTHS = ("units", "layers", "embedding_dim", "fusion_dim")
_RATES = ("dropout", "word_dropout")
_FLAGS = ("bidirectional", "soft_answers")


def check_arguments(encoder, vocabulary, answers, options: dict) -> tuple:
    """Raise TypeError or ValueError that names the first wrong argument; return the answers as a tuple."""
    if not isinstance(encoder, ImageEncoder):
        raise TypeError(f"encoder: expected a ks.models.ImageEncoder, received {type(encoder).__name__}")
    check_words("vocabulary", vocabulary, ("pad_id", "unknown_id"))
    check_options(options, _NAMES, _WIDTHS, _RATES, _FLAGS)
    check_choice("blind_to", options["blind_to"], (None, "image", "question"))
    if options["blind_to"] and options["fusion"] != "concat":
        raise ValueError('fusion: a product with nothing is nothing; expected "concat" where blind_to is given')
    check_width("attention_layers", options["attention_layers"], least=0)
    check_width("film_layers", options["film_layers"], least=0)
    if options["film_layers"] and not options["attention_layers"]:
        raise ValueError("film_layers: convolutions need places; expected 0 where attention_layers is 0")
    if options["attention_layers"] and encoder.pooling:
        raise ValueError("encoder: attention_layers > 0 look at places; expected pooling=None, or attention_layers=0")
    return checked_texts("answers", answers)
