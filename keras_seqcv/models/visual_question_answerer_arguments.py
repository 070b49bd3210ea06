"""The checks of what `VisualQuestionAnswerer` is made with."""

from keras_seqcv.models.argument_checks import check_choice, check_options, check_width, check_words
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
    check_width("attention_layers", options["attention_layers"], least=0)
    if options["attention_layers"] and encoder.pooling:
        raise ValueError("encoder: attention_layers > 0 look at places; expected pooling=None, or attention_layers=0")
    return checked_texts("answers", answers)


def checked_texts(name, texts) -> tuple:
    """Different texts, two at least: answers or labels."""
    if isinstance(texts, (str, bytes)) or not hasattr(texts, "__iter__"):
        raise TypeError(f"{name}: expected a sequence of str, received {type(texts).__name__}")
    texts = tuple(texts)
    for k, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"{name}: expected a sequence of str, received {type(text).__name__} at place {k}")
        if not text.strip():
            raise ValueError(f"{name}: expected texts, received an empty one at place {k}")
        if texts.index(text) != k:
            raise ValueError(f"{name}: {text!r} is there twice, at places {texts.index(text)} and {k}")
    if len(texts) < 2:
        raise ValueError(f"{name}: expected two or more, received {len(texts)}")
    return texts
