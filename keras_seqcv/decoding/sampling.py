"""Choosing the next token from logits: greedy, by temperature, among the k best, or within a share of probability."""

import tensorflow as tf


def choose(logits, uniform, temperature, top_k=None, top_p=None):
    """One token per row, by inverting the cumulative distribution.

    p = softmax(logits / temperature), restricted to `top_k` and `top_p`; the token is the first v with
    p_0 + ... + p_v > uniform. A temperature of 0 takes the likeliest token.

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
    >>> [int(choose(logits, tf.constant([u]), 1.0)[0]) for u in (0.05, 0.25, 0.9)]
    [0, 1, 2]
    >>> int(choose(logits, tf.constant([0.05]), 0.0)[0])
    2

    Reference:
        Holtzman et al.: The Curious Case of Neural Text Degeneration (top-p). arXiv 1904.09751, 2019.
    """
    logits = tf.cast(logits, tf.float32)
    temperature = tf.convert_to_tensor(temperature, tf.float32)
    likeliest = tf.argmax(logits, axis=-1, output_type=tf.int32)
    scaled = logits / tf.where(temperature > 0.0, temperature, 1.0)
    scaled = _restrict(scaled, top_k, top_p)
    cumulative = tf.cumsum(tf.nn.softmax(scaled), axis=-1)  # (B, V)
    # Relative to the last entry: rounding may leave the sum a little below 1, and the last token may be a forbidden one.
    below = cumulative <= uniform[:, None] * cumulative[:, -1:]
    sampled = tf.reduce_sum(tf.cast(below, tf.int32), axis=-1)
    return tf.where(temperature > 0.0, sampled, likeliest)


def _restrict(logits, top_k, top_p):
    """Logits with -1e9 where a token is not among the k best or not within the share p."""
    if top_k is None and top_p is None:
        return logits
    descending = tf.sort(logits, axis=-1, direction="DESCENDING")
    lowest = tf.fill(tf.shape(logits[:, :1]), -float("inf"))  # (B, 1), the least logit that stays
    if top_k is not None:
        lowest = tf.gather(descending, top_k - 1, axis=-1)[:, None]
    if top_p is not None:
        allowed = tf.where(descending >= lowest, descending, -1e9)
        before = tf.cumsum(tf.nn.softmax(allowed), axis=-1, exclusive=True)  # probability of all better tokens
        kept = tf.where(before < top_p, descending, float("inf"))
        lowest = tf.maximum(lowest, tf.reduce_min(kept, axis=-1, keepdims=True))
    return tf.where(logits >= lowest, logits, -1e9)
