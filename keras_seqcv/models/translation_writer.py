"""Texts in, translations out: what `Translator` does around its compiled loops."""

import numpy as np
import tensorflow as tf

from keras_seqcv.hypotheses import read_hypotheses
from keras_seqcv.layers.loops import jit_scope
from keras_seqcv.models.word_search import SearchFunctions, check_count, checked_search, search_words
from keras_seqcv.translation import Translation, source_of

_ROWS = 160  # hypotheses that are written at a time
_STEP = 4  # sources are padded to a multiple of that


class TranslationWriter:
    """Translates with a `Translator`, in batches of texts of about one length.

    Args:
        model: the `Translator`.
    """

    def __init__(self, model):
        self._model = model
        self._functions = SearchFunctions()

    def translate(self, texts, beam, max_length, options):
        check_count("beam", beam)
        single = isinstance(texts, str)
        words, listed = self._model.source_vocabulary, [texts] if single else _listed(texts)
        sources = [source_of(words, text, "texts" if single else f"texts[{k}]") for k, text in enumerate(listed)]
        found = [None] * len(sources)
        for rows, longest in _batches(sources, max(1, _ROWS // beam)):
            length = default_length(longest) if max_length is None else max_length
            search = self._search(beam, length, options)
            for row, translation in zip(rows, self._translated(search, [sources[k] for k in rows]), strict=True):
                found[row] = translation
        return found[0] if single else found

    def _search(self, beam, max_length, options):
        options = checked_search("translate", beam, max_length, options)
        model = self._model

        def search(source):
            with jit_scope(False):  # the steps of the encoder are few beside those of the search
                return search_translations(model, source, tf.shape(source)[0], beam, max_length, **options)

        key = (beam, max_length, *sorted(options.items()))
        return self._functions.function(key, search, input_signature=[tf.TensorSpec((None, None), tf.int32)])

    def _translated(self, search, sources) -> list[Translation]:
        longest = max(len(ids) for ids, _ in sources)
        shape = (len(sources), -(-longest // _STEP) * _STEP)
        tokens = np.full(shape, self._model.source_vocabulary.pad_id, "int32")
        for row, (ids, _) in zip(tokens, sources, strict=True):
            row[: len(ids)] = ids
        result = search(tokens)
        weights = None if result.weights is None else result.weights[:, 0].numpy()
        ids, scores, log_p = (a.numpy() for a in (result.ids, result.scores, result.log_probabilities))
        made = []
        for b, (_, words) in enumerate(sources):
            row = slice(b, b + 1)
            looked = None if weights is None else weights[row]
            make = Translation.maker(words)
            made += read_hypotheses(make, self._model.vocabulary, ids[row], scores[row], log_p[row], looked)
        return made


def search_translations(model, source, batch, beam: int, max_length: int, **options):
    """The beam search of `decoding` for sources (B, S), in the graph -> a `BeamResult`."""
    memory = model.memory({"source": source})
    protocol = model.stepper(), model.initial_states(memory), model.fixed(memory)
    if model.attention is not None:
        options = {**options, "memory_mask": memory.get("mask"), "places": tf.shape(source)[1]}
    return search_words(*protocol, batch, model.vocabulary, beam, max_length, **options)


def default_length(source_words: int) -> int:
    """The most words of a translation of so many; few different ones, for each is traced once."""
    return 2 * max(8, 1 << (source_words - 1).bit_length()) + 8


def _batches(sources, size):
    """Rows that are translated together, with the length of the longest source: none reaches over a power of two."""
    lengths = np.array([len(ids) for ids, _ in sources])
    order = np.argsort(lengths, kind="stable")
    limits = np.array([default_length(int(length)) for length in lengths[order]])
    for limit in np.unique(limits):
        some = order[limits == limit]
        for k in range(0, len(some), size):
            rows = some[k : k + size]
            yield rows, int(lengths[rows].max())


def _listed(texts) -> list:
    try:
        texts = list(texts)
    except TypeError as error:
        raise TypeError(f"texts: expected str or a list of str, received {type(texts).__name__}") from error
    if not texts:
        raise ValueError("texts: expected at least one text, received none")
    return texts
