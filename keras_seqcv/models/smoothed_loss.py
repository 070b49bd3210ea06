"""Cross-entropy of words with label smoothing, from logits, without one-hot targets."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="keras_seqcv")
class SmoothedCrossEntropy(keras.losses.Loss):
    """Nats per word; part of the target's probability is spread over all words.

    l = -(1 - s) log p_y - s / V sum_v log p_v,   p = softmax(logits)

    The mean is over the weights: words of weight zero, such as padding, do not count at all.

    Args:
        smoothing: s, in [0, 1).

    Call arguments:
        y_true: (..., ) int, y. y_pred: (..., V) logits. sample_weight: (...).

    Raises:
        ValueError: for another smoothing.

    Example:

    >>> loss = ks.models.SmoothedCrossEntropy(0.1)
    >>> float(loss(np.array([[0, 1]]), np.zeros((1, 2, 4), "float32"))) == float(np.log(np.float32(4)))
    True

    Reference:
        Szegedy et al.: Rethinking the Inception Architecture. arXiv 1512.00567, 2015.
    """

    def __init__(self, smoothing=0.0, name="cross_entropy", **kwargs):
        super().__init__(name=name, **{"reduction": "mean_with_sample_weight", **kwargs})
        if isinstance(smoothing, bool) or not isinstance(smoothing, (int, float)) or not 0 <= smoothing < 1:
            raise ValueError(f"smoothing: expected a number in [0, 1), received {smoothing!r}")
        self.smoothing = smoothing

    def call(self, y_true, y_pred):
        y_true, y_pred = tf.cast(y_true, tf.int32), tf.cast(y_pred, tf.float32)
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(y_true, y_pred)
        if not self.smoothing:
            return nats
        # sum_v log p_v / V = mean_v z_v - log sum_v exp z_v
        spread = tf.reduce_logsumexp(y_pred, axis=-1) - tf.reduce_mean(y_pred, axis=-1)
        return (1.0 - self.smoothing) * nats + self.smoothing * spread

    def get_config(self):
        return {**super().get_config(), "smoothing": self.smoothing}
