"""Beam search for texts: what models that write, and their exports, ask of `decoding.beam_search`."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from keras_seqcv.decoding import BeamResult, beam_search

SEARCH_OPTIONS = (
    "returned",
    "min_length",
    "no_repeat_ngram",
    "length_penalty",
    "coverage_penalty",
    "groups",
    "diversity",
)


def search_words(step, states, fixed, batch, vocabulary, beam: int, max_length: int, **options) -> BeamResult:
    """The best texts, n of each row, without reserved words; n is `beam` unless `returned` says otherwise.

    Args:
        step, states, fixed: the decoding protocol.
        batch: B, int or int32 scalar.
        vocabulary: `data.Words` or `data.Subwords`.
        beam, max_length, **options: of `beam_search`.
    """
    start = tf.fill((batch,), vocabulary.start_id)
    forbidden = (vocabulary.pad_id, vocabulary.start_id, vocabulary.unknown_id)
    options = {"returned": beam, **options}
    return beam_search(
        step, states, start, vocabulary.end_id, beam, max_length, fixed=fixed, forbidden=forbidden, **options
    )


def searched_texts(vocabulary, ids):
    """Ids (B, n, T) of a search -> text (B, n), in the graph."""
    flat = tf.reshape(ids, (-1, ids.shape[-1]))
    whole = tf.cumsum(tf.cast(flat == vocabulary.end_id, tf.int32), axis=1) == 0
    lengths = tf.reduce_sum(tf.cast(whole, tf.int32), axis=1)
    return tf.reshape(vocabulary.decode_tensor(flat, lengths), (-1, ids.shape[1]))


class SearchFunctions:
    """Compiled loops, one for each set of options in use."""

    def __init__(self):
        self._functions = {}

    def function(self, key, function: Callable, **options):
        """The compiled function of that key; it is made at the first use."""
        if key not in self._functions:
            self._functions[key] = tf.function(function, autograph=False, **options)
        return self._functions[key]


def checked_search(verb: str, beam, max_length, options: dict) -> dict:
    """The options of a search as `search_words` takes them, checked; lengths without the end become such with it."""
    unknown = sorted(set(options) - set(SEARCH_OPTIONS))
    if unknown:
        raise TypeError(f"{verb}: unknown options {unknown}; there are {list(SEARCH_OPTIONS)}")
    check_count("beam", beam)
    check_count("max_length", max_length)
    # The search counts the end as a word.
    return {**options, "min_length": options["min_length"] + 1} if options.get("min_length") else options


def check_count(name, value) -> None:
    """A whole number from one on."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name}: expected an int >= 1, received {value!r}")
