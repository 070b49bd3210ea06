"""What a `GlimpseClassifier` learns from: labels by cross-entropy, locations by reward.

Legend: B batch, K labels of a picture with the end mark, N glimpses for each, T = K N glimpses, S most labels.
"""

import math

import tensorflow as tf


def targets_of(labels, end: int):
    """Labels (B, S), -1 behind the last -> targets (B, S + 1), with the end mark behind the last; weights (B, S + 1).

    What is behind the end mark has weight 0.
    """
    labels = tf.pad(tf.cast(labels, tf.int32), [[0, 0], [0, 1]], constant_values=-1)
    there = tf.cast(labels >= 0, tf.float32)
    before = tf.pad(there[:, :-1], [[0, 0], [1, 0]], constant_values=1.0)  # a label, or the end, follows a label
    return tf.where(labels >= 0, labels, end), before


def rewards_of(targets, weights, logits):
    """1 where the likeliest label is right, (B, K); 0 where there is nothing to be said."""
    right = tf.argmax(logits, axis=-1, output_type=tf.int32) == tf.cast(targets, tf.int32)
    return tf.cast(right, tf.float32) * weights


def location_losses(found, rewards, expected, stddev: float, first: bool):
    """REINFORCE, and the error of the baseline.

    L_l = - mean_b sum_t (R_t - b_t) log N(l_t; m_t, stddev^2)
    L_b = mean_b mean_t (R_t - b_t)^2,   R_t = sum_{k' >= k(t)} r_k'

    R_t is the reward that is still to come when location l_t is drawn, of the label k(t) that it is for and of those
    behind it; m_t is its mean, b_t what was expected. No gradient goes through R_t - b_t in L_l.

    Args:
        found: dict of "mean" and "drawn" (B, T, 2), as `GlimpseReader` gives.
        rewards: r, (B, K).
        expected: b, (B, T).
        stddev: of the draw.
        first: whether the first location is drawn, too.

    Returns:
        L_l and L_b, float32 scalars.
    """
    steps = expected.shape[1]
    coming = tf.cumsum(rewards, axis=1, reverse=True)  # (B, K)
    coming = tf.repeat(coming, steps // coming.shape[1], axis=1)  # (B, T)
    counts = tf.constant([1.0 if t or first else 0.0 for t in range(steps)])
    advantage = coming - expected
    away = (tf.stop_gradient(found["drawn"]) - found["mean"]) / stddev
    log_density = -0.5 * tf.reduce_sum(away * away, axis=-1) - 2.0 * math.log(stddev * math.sqrt(2.0 * math.pi))
    reinforce = tf.reduce_sum(log_density * tf.stop_gradient(advantage) * counts, axis=1)
    error = tf.reduce_sum(advantage * advantage * counts, axis=1) / max(1.0, float(steps - 1 + first))
    return -tf.reduce_mean(reinforce), tf.reduce_mean(error)
