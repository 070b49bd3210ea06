"""The likeliest words after several beams, from their logits, in as few passes as possible."""

import math

import tensorflow as tf

NEVER = -float("inf")
_LEAST_WIDTH = 8


def likely_words(logits, scores, count: int, struck=None):
    """The `count` likeliest continuations of each search, a search having K' beams.

    log p(y v) = log p(y) + z_v - max z - log sum_u exp(z_u - max z)

    y a beam, v a word after it, z the logits. The sum is over all words: that some are struck out does not make the
    others likelier.

    Args:
        logits: (S K', V) float, -inf for what cannot be; computed in float32.
        scores: (S, K') float32, log p of the beams, -inf for one that does not exist.
        count: int in [1, K' V].
        struck: (V,) or (S K', V) float32, -inf for what is struck out and 0 for the rest, or None.

    Returns:
        log p (S, count) float32, in falling order, of equal ones the first beam's first word first; beams (S, count)
        int32 in [0, K'); words (S, count) int32. What cannot be comes last, with -inf.

    Example:
        >>> from keras_seqcv.decoding.likely_words import likely_words
        >>> logits, scores = tf.math.log([[0.1, 0.9], [0.6, 0.4]]), tf.math.log([[0.3, 0.7]])
        >>> log_p, beams, words = likely_words(logits, scores, 3)
        >>> np.exp(log_p).round(2), beams.numpy().tolist(), words.numpy().tolist()
        (array([[0.42, 0.28, 0.27]], dtype=float32), [[1, 1, 0]], [[0, 1, 1]])
    """
    logits = tf.cast(logits, tf.float32)
    size = logits.shape[1]
    top = tf.reduce_max(logits, axis=1, keepdims=True)
    top = tf.where(top > NEVER, top, 0.0)  # a beam without any possible word: no -inf + inf
    centred = logits - top
    total = tf.reduce_sum(tf.exp(centred), axis=1, keepdims=True)
    # Ranked beside the best beam: far from zero float32 would take words for equally likely that are not.
    best = tf.reduce_max(scores, axis=1, keepdims=True)
    best = tf.where(best > NEVER, best, 0.0)  # (S, 1)
    # The total is at least 1, or 0 without any possible word: no -inf + inf there either.
    ranks = centred + (tf.reshape(scores - best, (-1, 1)) - tf.math.log(tf.maximum(total, 1.0)))
    ranks = ranks if struck is None else ranks + struck
    values, places = largest(tf.reshape(ranks, (-1, scores.shape[1] * size)), count)
    return values + best, tf.math.floordiv(places, size), tf.math.floormod(places, size)


def largest(a, count: int):
    """`tf.math.top_k` for few of many: the same values and indices, two to four times as fast.

    The k largest lie in the k pieces whose largest elements are largest, and a maximum is found faster than a ranking.
    XLA ranks fast only where nothing takes a slice of the result.

    Args:
        a: (N, V) float, V known.
        count: int in [1, V].

    Returns:
        values and int32 indices (N, count), in falling order, of equal ones the first index first.

    Example:
        >>> from keras_seqcv.decoding.likely_words import largest
        >>> largest(tf.constant([[0.0, 3.0, 1.0, 3.0]]), 3)[1].numpy().tolist()
        [[1, 3, 2]]
    """
    size = a.shape[1]
    width = 1 << max(math.isqrt(size // count).bit_length() - 1, 0)  # about sqrt(V / k), where the work is least
    if width < _LEAST_WIDTH:
        values, indices = tf.math.top_k(a, count)
        return values, indices
    pieces = -(-size // width)
    if pieces * width > size:  # -inf at the end: behind all that is in the row, even behind other -inf
        a = tf.pad(a, [[0, 0], [0, pieces * width - size]], constant_values=NEVER)
    a = tf.reshape(a, (-1, pieces, width))
    _, which = tf.math.top_k(tf.reduce_max(a, axis=2), count)
    which = -tf.math.top_k(-which, count)[0]  # by rising index, so that of equal elements the first one stays first
    candidates = tf.reshape(tf.gather(a, which, batch_dims=1), (-1, count * width))
    values, place = tf.math.top_k(candidates, count)
    piece = tf.gather(which, tf.math.floordiv(place, width), batch_dims=1)
    return values, piece * width + tf.math.floormod(place, width)  # (N, count)
