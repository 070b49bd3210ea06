"""The checks of what `ImageCaptioner` is made with and given."""

from keras_seqcv.models.argument_checks import check_words
from keras_seqcv.models.decoder_arguments import check_decoder_options
from keras_seqcv.models.image_encoder import ImageEncoder
from keras_seqcv.models.sequence_decoder import ATTENTIONS

_WIDTHS = ("units", "layers", "embedding_dim", "image_dim", "attention_units")


def check_arguments(encoder, vocabulary, options: dict) -> None:
    """Raise TypeError or ValueError that names the first wrong argument; `options` are the others, by name."""
    if not isinstance(encoder, ImageEncoder):
        raise TypeError(f"encoder: expected a ks.models.ImageEncoder, received {type(encoder).__name__}")
    check_words("vocabulary", vocabulary)
    check_decoder_options(options, ATTENTIONS, _WIDTHS)
    if options["attention"] is not None and encoder.pooling:
        raise ValueError(f"encoder: attention={options['attention']!r} looks at places; expected pooling=None")
