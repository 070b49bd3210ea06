"""Beam search for captions: what all captioners and their exports ask of `decoding.beam_search`."""

import tensorflow as tf

from keras_seqcv.decoding import BeamResult, beam_search


def search_captions(step, states, fixed, batch, vocabulary, beam: int, max_length: int, **options) -> BeamResult:
    """The best captions, n of each picture, without reserved words; n is `beam` unless `returned` says otherwise.

    Args:
        step, states, fixed: the decoding protocol.
        batch: B, int or int32 scalar.
        vocabulary: `data.Words`.
        beam, max_length, **options: of `beam_search`.
    """
    start = tf.fill((batch,), vocabulary.start_id)
    forbidden = (vocabulary.pad_id, vocabulary.start_id, vocabulary.unknown_id)
    options = {"returned": beam, **options}
    return beam_search(
        step, states, start, vocabulary.end_id, beam, max_length, fixed=fixed, forbidden=forbidden, **options
    )
