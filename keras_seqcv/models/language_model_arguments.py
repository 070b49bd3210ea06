"""The checks of what `LanguageModel` is made with."""

from keras_seqcv.models.argument_checks import check_options, check_words


def check_arguments(vocabulary, cells, options: dict):
    """Raise TypeError or ValueError that names the first wrong argument; `cells` are the names that `cell` may be."""
    check_words("vocabulary", vocabulary, reserved=())
    widths = ["layers", "units", *([] if options["embedding_dim"] is None else ["embedding_dim"])]
    check_options(options, {"cell": cells}, widths, ["dropout"], ["residual", "stateful"])
