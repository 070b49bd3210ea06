"""Metrics of language models: how surprised the model is by each token."""

import math

import keras
from keras import ops


class TokenCrossEntropy(keras.metrics.Metric):
    """Mean cross-entropy per token over all batches, the base of the metrics of this file.

        mean = sum_n w_n (-log p_n) / sum_n w_n

    where p_n is the probability that the model gave to token n, and w_n its weight: `sample_weight`, and 0 where the
    Keras mask of the predictions is false. (`compile` hands `sample_weight` to its `weighted_metrics` only.)

    Args:
        name: name of the metric.
        dtype: type of the sums. None: Keras's float type.
        from_logits: whether predictions are logits; else they are probabilities.
    """

    def __init__(self, name, dtype=None, from_logits=True):
        super().__init__(name=name, dtype=dtype)
        if not isinstance(from_logits, bool):
            raise TypeError(f"`from_logits` must be a bool, received {type(from_logits).__name__}")
        self.from_logits = from_logits
        self.total = self.add_variable(shape=(), initializer="zeros", name="total")
        self.count = self.add_variable(shape=(), initializer="zeros", name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch.

        Args:
            y_true: token ids, integers (B, T).
            y_pred: logits (B, T, V); its Keras mask (B, T) is heeded.
            sample_weight: None, or weights (B, T), (B, 1) or (B,).

        Raises:
            ValueError: shapes that do not fit.
        """
        mask = getattr(y_pred, "_keras_mask", None)
        # Keras's losses turn ids to floats. With the same calls on the same tensors the graph computes cross-entropy
        # once for the loss and all metrics. Half precision would round ids.
        dtype = "float64" if self.dtype == "float64" else "float32"
        y_true = ops.cast(ops.convert_to_tensor(y_true), dtype)
        y_pred = ops.cast(ops.convert_to_tensor(y_pred), dtype)
        if len(y_pred.shape) != len(y_true.shape) + 1:
            raise ValueError(
                f"{self.name}: expected `y_true` (B, T) and `y_pred` (B, T, V), "
                f"received shapes {tuple(y_true.shape)} and {tuple(y_pred.shape)}"
            )
        values = ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=self.from_logits)  # (B, T)
        values = ops.cast(values, self.dtype)
        weights = ops.ones_like(values)
        if mask is not None:
            weights = weights * ops.cast(mask, self.dtype)
        if sample_weight is not None:
            sample_weight = ops.cast(sample_weight, self.dtype)
            while len(sample_weight.shape) < len(values.shape):
                sample_weight = ops.expand_dims(sample_weight, -1)
            weights = weights * sample_weight
        self.total.assign_add(ops.sum(values * weights))
        self.count.assign_add(ops.sum(weights))

    def mean(self):
        """Mean cross-entropy in nats; 0 before the first token."""
        return ops.divide_no_nan(self.total, self.count)

    def get_config(self):
        return {**super().get_config(), "from_logits": self.from_logits}


@keras.saving.register_keras_serializable(package="keras_seqcv")
class Nats(TokenCrossEntropy):
    """Mean cross-entropy per token in nats (natural logarithm).

    Unlike the loss that Keras shows, it is weighted by tokens over all batches and has no regularisation in it.

    Args:
        name: name of the metric.
        dtype: type of the sums. None: Keras's float type.
        from_logits: whether predictions are logits; else they are probabilities.

    Example:
        >>> import numpy as np
        >>> from keras_seqcv.metrics import Nats
        >>> round(float(Nats()(np.zeros((1, 3), "int32"), np.zeros((1, 3, 8), "float32"))), 4)  # log 8
        2.0794
    """

    def __init__(self, name="nats", dtype=None, from_logits=True):
        super().__init__(name, dtype, from_logits)

    def result(self):
        return self.mean()


@keras.saving.register_keras_serializable(package="keras_seqcv")
class BitsPerCharacter(TokenCrossEntropy):
    """Mean cross-entropy per token in bits: nats / log 2. With characters as tokens, bits per character.

    Args:
        name: name of the metric.
        dtype: type of the sums. None: Keras's float type.
        from_logits: whether predictions are logits; else they are probabilities.

    Example:
        >>> import numpy as np
        >>> from keras_seqcv.metrics import BitsPerCharacter
        >>> round(float(BitsPerCharacter()(np.zeros((1, 3), "int32"), np.zeros((1, 3, 8), "float32"))), 4)
        3.0
    """

    def __init__(self, name="bits_per_character", dtype=None, from_logits=True):
        super().__init__(name, dtype, from_logits)

    def result(self):
        return self.mean() / math.log(2)


@keras.saving.register_keras_serializable(package="keras_seqcv")
class Perplexity(TokenCrossEntropy):
    """Exponential of the mean cross-entropy over all tokens (not the mean of exponentials).

    Args:
        name: name of the metric.
        dtype: type of the sums. None: Keras's float type.
        from_logits: whether predictions are logits; else they are probabilities.

    Example:
        >>> import numpy as np
        >>> from keras_seqcv.metrics import Perplexity
        >>> round(float(Perplexity()(np.zeros((1, 3), "int32"), np.zeros((1, 3, 8), "float32"))), 3)
        8.0
    """

    def __init__(self, name="perplexity", dtype=None, from_logits=True):
        super().__init__(name, dtype, from_logits)

    def result(self):
        return ops.exp(self.mean())
