"""Choosing the next token from logits: greedy, by temperature, among the k best, or within a share of probability."""

import tensorflow as tf

from keras_seqcv.layers import current_export_format

_SMALL = 256

# Below it logits / temperature may leave float32; nothing but the likeliest token can be chosen there anyway.
_LEAST_TEMPERATURE = 1e-20
_NEVER = -float("inf")


def choose(logits, uniform, temperature, top_k=None, top_p=None):
    """One token per row, by inverting the cumulative distribution.

    p = softmax(logits / temperature), restricted to `top_k` and `top_p`; the token is the first v with
    p_0 + ... + p_v > uniform. A temperature of 0 takes the likeliest token. Of equal logits the first counts as the
    likeliest.

    Args:
        logits: (B, V) float.
        uniform: (B,) float32 in (0, 1).
        temperature: () float32 >= 0.
        top_k: None, or () int32 in [1, V]: only the k likeliest tokens.
        top_p: None, or () float32 in (0, 1]: only the likeliest tokens that together just reach this probability.

    Returns:
        (B,) int32.

    Example:

    >>> logits = tf.math.log([[0.1, 0.2, 0.7]])
    >>> [int(ks.decoding.choose(logits, tf.constant([u]), 1.0)[0]) for u in (0.05, 0.25, 0.9)]
    [0, 1, 2]
    >>> int(ks.decoding.choose(logits, tf.constant([0.05]), 0.0)[0])
    2

    Reference:
        Holtzman et al.: The Curious Case of Neural Text Degeneration (top-p). arXiv 1904.09751, 2019.
    """
    logits = tf.cast(logits, tf.float32)
    temperature = tf.convert_to_tensor(temperature, tf.float32)
    likeliest = tf.argmax(logits, axis=-1, output_type=tf.int32)
    sampling = temperature > _LEAST_TEMPERATURE
    scaled = logits / tf.where(sampling, temperature, 1.0)
    scaled = _restrict(scaled, top_k, top_p)
    p = tf.nn.softmax(scaled)
    cumulative = _cumulative_sum(p)  # (B, V)
    # Rounding may leave the last sum below 1, and let a sum rise at a token without probability, which is never chosen.
    possible = p > 0.0
    total = tf.reduce_max(tf.where(possible, cumulative, tf.zeros_like(cumulative)), axis=-1, keepdims=True)
    reached = possible & ((cumulative > uniform[:, None] * total) | (cumulative >= total))
    tokens = tf.range(tf.shape(scaled)[-1])
    sampled = tf.reduce_min(tf.where(reached, tokens, tf.shape(scaled)[-1]), axis=-1)
    return tf.where(sampling, sampled, likeliest)


def _cumulative_sum(p):
    # XLA sums quadratically in V and without vector instructions; for a small V a product with a triangle of ones is
    # much faster. Not in an export, where a quantised product would make the sums coarse, nor where there is a GPU,
    # whose products round to TF32.
    words, gpu = p.shape[-1], tf.config.list_physical_devices("GPU")
    if words is None or words > _SMALL or gpu or current_export_format() is not None:
        return tf.cumsum(p, axis=-1)
    return tf.matmul(p, tf.linalg.band_part(tf.ones((words, words)), 0, -1))


def _restrict(logits, top_k, top_p):
    """Logits with -inf where a token is not among the k best or not within the share p."""
    if top_k is None and top_p is None:
        return logits
    descending = tf.sort(logits, axis=-1, direction="DESCENDING")
    stays = tf.ones_like(descending, tf.bool)  # (B, V), by falling logit
    if top_k is not None:
        stays &= tf.range(tf.shape(logits)[-1]) < top_k
    if top_p is not None:
        before = tf.cumsum(tf.nn.softmax(tf.where(stays, descending, _NEVER)), axis=-1, exclusive=True)
        stays &= before < top_p
    count = tf.reduce_sum(tf.cast(stays, tf.int32), axis=-1, keepdims=True)  # (B, 1), at least 1
    least = tf.reduce_min(tf.where(stays, descending, -_NEVER), axis=-1, keepdims=True)
    better, equal = logits > least, tf.equal(logits, least)
    # Of tokens that are equal at the border, the first ones fill the places that are left.
    left = count - tf.reduce_sum(tf.cast(better, tf.int32), axis=-1, keepdims=True)
    equal &= tf.cumsum(tf.cast(equal, tf.int32), axis=-1) <= left
    return tf.where(better | equal, logits, _NEVER)
