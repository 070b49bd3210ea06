"""What a hypothesis pays for, and what it may not say: length, coverage, repeated n-grams, words of other groups."""

import numpy as np
import tensorflow as tf

# A place that was not looked at at all would cost infinitely much; below this share it costs no more.
LEAST_COVERED = 1e-6


def length_penalties(alpha: float, max_length: int) -> np.ndarray:
    """lp(n) = ((5 + n) / 6)^alpha for n = 1 ... max_length, (max_length,), float32.

    Example:
        >>> from keras_seqcv.decoding.beam_penalties import length_penalties
        >>> length_penalties(1.0, 3)
        array([1.       , 1.1666666, 1.3333334], dtype=float32)

    Reference:
        Wu et al.: Google's Neural Machine Translation System. arXiv 1609.08144, 2016, equation 14.
    """
    return (((5.0 + np.arange(1, max_length + 1)) / 6.0) ** alpha).astype(np.float32)


def coverage_penalties(covered, mask):
    """cp = sum_l log min(covered_l, 1), covered_l the weights of place l summed over time, but at least 1e-6.

    Args:
        covered: (N, L) float32.
        mask: (N, L) float32, 0 where there is no place, or None.

    Returns:
        (N,) float32 <= 0.

    Example:
        >>> from keras_seqcv.decoding.beam_penalties import coverage_penalties
        >>> float(coverage_penalties(tf.constant([[0.5, 3.0]]), None)[0])
        -0.6931...

    Reference:
        Wu et al.: Google's Neural Machine Translation System. arXiv 1609.08144, 2016, equation 14.
    """
    costs = tf.math.log(tf.minimum(tf.maximum(covered, LEAST_COVERED), 1.0))
    return tf.reduce_sum(costs if mask is None else costs * mask, axis=1)


def best_coverage(covered, mask, steps):
    """The least that a hypothesis can come to pay for coverage after `steps` more steps, (N,) float32 <= 0.

    Each step spreads a weight of one at most. The logarithm is concave: nothing is better than L equal sums, so that
    cp <= L log min((sum_l min(covered_l, 1) + steps) / L, 1).
    """
    reached = tf.minimum(covered, 1.0)
    if mask is None:
        places = tf.cast(tf.shape(covered)[1], tf.float32)
    else:
        reached, places = reached * mask, tf.maximum(tf.reduce_sum(mask, axis=1), 1.0)
    # The 1e-5 makes up for rounding: a bound that is a little too high costs at most a step.
    mean = (tf.reduce_sum(reached, axis=1) + tf.cast(steps, tf.float32)) / places + LEAST_COVERED + 1e-5
    return places * tf.math.log(tf.minimum(mean, 1.0))


def ngram_enders(history, n: int):
    """The tokens that would complete an n-gram that a hypothesis has already.

    Args:
        history: (N, H) int32, the tokens of each hypothesis, the last one first, -1 where there is none.
        n: int >= 1.

    Returns:
        (N, H - n + 1) int32, -1 in places without such a token.

    Example:
        >>> from keras_seqcv.decoding.beam_penalties import ngram_enders
        >>> ngram_enders(tf.constant([[7, 5, 7, -1]]), 2).numpy().tolist()  # 7 5 7: not 5 again
        [[-1, 5, -1]]
    """
    width = history.shape[1] - n + 1
    enders = history[:, :width]  # what came after the n - 1 tokens before it
    for j in range(n - 1):  # these are the last n - 1 tokens once more?
        again = tf.equal(history[:, 1 + j : 1 + j + width], history[:, j : j + 1])
        enders = tf.where(again, enders, -1)
    return enders


def hamming(words, others):
    """How many of `others` (B, M) each of `words` (B, C) is, (B, C) float32.

    Reference:
        Vijayakumar et al.: Diverse Beam Search. arXiv 1610.02424, 2016, section 4.1.
    """
    same = tf.equal(words[:, :, None], others[:, None, :])  # (B, C, M)
    return tf.reduce_sum(tf.cast(same, tf.float32), axis=2)
