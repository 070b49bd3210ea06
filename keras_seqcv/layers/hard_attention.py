"""`HardAttention`: looks at one place of a memory at a time, and learns where by reward."""

import keras
import tensorflow as tf

from keras_seqcv.distribution import total
from keras_seqcv.layers.attention import AdditiveAttention, attention_weights
from keras_seqcv.layers.product_loop import product

_TINY = 1e-37  # a probability of zero has a logarithm all the same; above the least normal float32


@keras.saving.register_keras_serializable(package="keras_seqcv")
class HardAttention(keras.layers.Layer):
    """Stochastic attention: one place is drawn, and the context is what lies there.

    p   = softmax(e), e_l = v . tanh(q W_q + m_l W_m + b)      as in `AdditiveAttention`
    s   ~ p                                                    the place, drawn in training, else the likeliest
    c   = m_s                                                  context

    No gradient goes through a draw: with a loss on the context alone the layer does not learn where to look. Its
    weights learn by REINFORCE, from the reward R (B,) that followed the draw, such as log p(word | s):

    L   = - reward_weight (R - b) log p_s  -  entropy_weight H[p]        `reinforce_loss`, added to the model's loss
    b  <- baseline_decay b + (1 - baseline_decay) mean(R)                `baseline`, a moving average

    The gradient of E[-R] is that of L (with `entropy_weight=0`) plus that of -R itself, on average over s, whatever b.

    Args:
        units: int >= 1, width of the comparison.
        reward_weight: float >= 0.
        entropy_weight: float >= 0: keeps the distribution from closing too early.
        baseline_decay: float in [0, 1).
        sample: whether a place is drawn outside of training, too.
        seed: int or None.

    Call arguments:
        query: (B, Q).
        memory: (B, L, D).
        mask: (B, L) bool, False where there is no place; by default the mask that travels with the memory.
        keys: (B, L, A), the result of `compute_keys(memory)`.
        training: bool.

    Returns:
        context (B, D) and weights (B, L): one at the place, zero elsewhere. Where a row is masked fully, both are zero.

    Raises:
        ValueError: where an argument is not as above, or shapes do not fit.

    Example:

    >>> attention = ks.layers.HardAttention(8, seed=1)
    >>> query, memory = np.ones((2, 3), "float32"), np.ones((2, 5, 4), "float32")
    >>> context, weights = attention(query, memory, training=True)
    >>> tf.reduce_sum(weights, axis=1).numpy().tolist()
    [1.0, 1.0]
    >>> attention.reinforce_loss(query, memory, weights, reward=np.array([0.5, 1.0], "float32")).shape
    TensorShape([2])

    Reference:
        Xu et al.: Show, Attend and Tell: Neural Image Caption Generation with Visual Attention. Section 4.1. arXiv
        1502.03044, 2015.
    """

    def __init__(
        self,
        units,
        reward_weight=1.0,
        entropy_weight=0.002,
        baseline_decay=0.9,
        sample=False,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        for name, value in (("reward_weight", reward_weight), ("entropy_weight", entropy_weight)):
            if not value >= 0:
                raise ValueError(f"{name}: expected a number >= 0, received {value!r}")
        if not 0 <= baseline_decay < 1:
            raise ValueError(f"baseline_decay: expected a number in [0, 1), received {baseline_decay!r}")
        self.attention = AdditiveAttention(units, dtype=self.dtype_policy, name="attention")
        self.units = units
        self.reward_weight = reward_weight
        self.entropy_weight = entropy_weight
        self.baseline_decay = baseline_decay
        self.sample = sample
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def build(self, query_shape, memory_shape):
        self.attention.build(query_shape, memory_shape)
        self.memory_depth, self.key_depth = self.attention.memory_depth, self.attention.key_depth
        self.baseline = self.add_weight(name="baseline", shape=(), initializer="zeros", trainable=False)

    def call(self, query, memory, mask=None, keys=None, training=False):
        probabilities, memory = attention_weights(self.attention, query, memory, mask, keys)
        noise = self.noise(tf.shape(probabilities)) if training or self.sample else None
        weights = drawn_place(probabilities, noise)
        return product(weights, memory), weights

    def noise(self, shape):
        """Gumbel noise, float32: the place where log p + noise is largest is a draw from p."""
        uniform = keras.random.uniform(shape, _TINY, 1.0, "float32", self.seed_generator)
        return -tf.math.log(-tf.math.log(uniform))

    def score_weights(self) -> dict:
        return self.attention.score_weights()

    def compute_keys(self, memory):
        """The memory (B, L, D) as it is compared with queries, (B, L, A)."""
        return self.attention.compute_keys(memory)

    def probabilities(self, query, memory, mask=None, keys=None):
        """The distribution p (B, L) that a place is drawn from; arguments as in a call."""
        return attention_weights(self.attention, query, memory, mask, keys)[0]

    def reinforce_loss(self, query, memory, weights, reward, mask=None, keys=None):
        """The loss L of a draw, by which the layer learns where to look; moves the baseline on.

        Args:
            query, memory, mask, keys: as in the call that drew.
            weights: (B, L), what that call returned.
            reward: (B,), the larger the better. No gradient goes into it.

        Returns:
            (B,) float32. A row without a place has no loss.

        Raises:
            ValueError: where shapes do not fit.
        """
        return self.loss_of_draws(self.probabilities(query, memory, mask, keys), weights, reward)

    def loss_of_draws(self, probabilities, weights, reward, mask=None):
        """`reinforce_loss` of draws whose distribution is there, such as those of all steps of an `AttentionRNN`.

        Args:
            probabilities, weights: (..., L).
            reward: (...), the larger the better. No gradient goes into it.
            mask: (...) bool or None: draws that count.

        Returns:
            (...) float32, zero where masked.

        Raises:
            ValueError: where shapes do not fit.
        """
        weights = tf.convert_to_tensor(weights, probabilities.dtype)
        reward = tf.stop_gradient(tf.convert_to_tensor(reward, "float32"))
        if not weights.shape.is_compatible_with(probabilities.shape):
            raise ValueError(f"weights: expected shape {tuple(probabilities.shape)}, received {tuple(weights.shape)}")
        if not reward.shape.is_compatible_with(probabilities.shape[:-1]):
            raise ValueError(
                f"reward: expected shape {tuple(probabilities.shape[:-1])}, received {tuple(reward.shape)}"
            )
        counts = tf.ones_like(reward) if mask is None else tf.cast(mask, "float32")
        log_p = _logarithm(probabilities)
        drawn = tf.reduce_sum(tf.cast(weights, "float32") * log_p, axis=-1)
        entropy = -tf.reduce_sum(tf.cast(probabilities, "float32") * log_p, axis=-1)
        advantage = reward - tf.stop_gradient(tf.cast(self.baseline, "float32"))
        loss = -self.reward_weight * advantage * drawn - self.entropy_weight * entropy
        there = total(tf.reduce_sum(counts))  # on all replicas, whose baseline is the same
        mean = tf.math.divide_no_nan(total(tf.reduce_sum(reward * counts)), there)
        moved = self.baseline_decay * self.baseline + (1.0 - self.baseline_decay) * tf.cast(mean, self.baseline.dtype)
        self.baseline.assign(tf.where(there > 0, moved, self.baseline))
        return loss * counts

    def compute_output_shape(self, query_shape, memory_shape):
        return self.attention.compute_output_shape(query_shape, memory_shape)

    def compute_mask(self, *args, **kwargs):
        return None

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "reward_weight": self.reward_weight,
            "entropy_weight": self.entropy_weight,
            "baseline_decay": self.baseline_decay,
            "sample": self.sample,
            "seed": self.seed,
        }


def drawn_place(probabilities, noise=None):
    """Probabilities (B, L) -> one at the place that `noise` (B, L) draws, or else at the likeliest; no gradient."""
    scores = probabilities if noise is None else _logarithm(probabilities) + noise
    place = tf.one_hot(tf.argmax(scores, axis=-1), tf.shape(scores)[-1], dtype=probabilities.dtype)
    # A row that is masked fully has no place; and a masked one is never taken.
    return tf.stop_gradient(tf.where(probabilities > 0, place, tf.zeros_like(place)))


def _logarithm(probabilities):
    """In float32, finite, with a gradient of zero where a probability is zero."""
    return tf.math.log(tf.maximum(tf.cast(probabilities, "float32"), _TINY))
