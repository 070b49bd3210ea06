"""Attention: layers that look at the places of a memory and hand out what they saw.

Legend: B batch, L places of a memory, D features of a place, Q features of a query, A width of the comparison.
"""

import keras
import tensorflow as tf

from keras_seqcv.layers.export_scope import current_export_format
from keras_seqcv.layers.product_loop import product

SCORES = ("dot", "general", "scaled")


@keras.saving.register_keras_serializable(package="keras_seqcv")
class AdditiveAttention(keras.layers.Layer):
    """Bahdanau's attention: a small network compares the query with every place.

    k_l = m_l W_m                          the keys, which do not depend on the query
    e_l = v . tanh(q W_q + k_l + b)        score of place l
    a_l = exp(e_l) / sum_j exp(e_j)        weights, over the places that are not masked
    c   = sum_l a_l m_l                    context

    q (B, Q) query, m_l (B, D) place l of the memory. W_q is the weight `query_kernel` (Q, A), W_m `memory_kernel`
    (D, A), b `bias` (A,) and v `score_kernel` (A,).

    Args:
        units: int >= 1, A.
        use_bias: whether there is a b.
        kernel_initializer, bias_initializer: as in `keras.layers.Dense`.
        kernel_regularizer, bias_regularizer: likewise.

    Call arguments:
        query: (B, Q).
        memory: (B, L, D).
        mask: (B, L) bool, False where there is no place; by default the mask that travels with the memory.
        keys: (B, L, A), the result of `compute_keys(memory)`. A loop computes it once, before its first step.

    Returns:
        context (B, D) and weights (B, L). Where a row is masked fully, both are zero.

    Raises:
        ValueError: where shapes do not fit each other or those of the first call.

    Example:

    >>> attention = ks.layers.AdditiveAttention(8)
    >>> context, weights = attention(np.ones((2, 3), "float32"), np.ones((2, 5, 4), "float32"))
    >>> context.shape, weights.shape
    (TensorShape([2, 4]), TensorShape([2, 5]))

    Reference:
        Bahdanau, Cho, Bengio: Neural Machine Translation by Jointly Learning to Align and Translate. arXiv 1409.0473,
        2014.
    """

    def __init__(
        self,
        units,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = _checked_units(units)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.supports_masking = True

    def build(self, query_shape, memory_shape):
        self.memory_depth, self.key_depth = memory_shape[-1], self.units
        kernel = {"initializer": self.kernel_initializer, "regularizer": self.kernel_regularizer}
        self.query_kernel = self.add_weight(name="query_kernel", shape=(query_shape[-1], self.units), **kernel)
        self.memory_kernel = self.add_weight(name="memory_kernel", shape=(memory_shape[-1], self.units), **kernel)
        self.bias = None
        if self.use_bias:
            bias = {"initializer": self.bias_initializer, "regularizer": self.bias_regularizer}
            self.bias = self.add_weight(name="bias", shape=(self.units,), **bias)
        self.score_kernel = self.add_weight(name="score_kernel", shape=(self.units, 1), **kernel)

    def call(self, query, memory, mask=None, keys=None):
        return _attend(self, query, memory, mask, keys)

    def compute_keys(self, memory):
        """The memory (B, L, D) as it is compared with queries, (B, L, A)."""
        return _projected(tf.convert_to_tensor(memory, self.compute_dtype), self.memory_kernel)

    def scores(self, query, keys):
        """Query (B, Q), keys (B, L, A) -> scores (B, L)."""
        return additive_scores(query, keys, self.score_weights())

    def score_weights(self) -> dict:
        """The weights of `additive_scores`, in the dtype that is computed in."""
        named = {"query_kernel": self.query_kernel, "score_kernel": self.score_kernel, "bias": self.bias}
        return {k: tf.cast(v, self.compute_dtype) for k, v in named.items() if v is not None}

    def compute_output_shape(self, query_shape, memory_shape):
        return _output_shapes(memory_shape)

    def compute_mask(self, *args, **kwargs):
        return None  # a place that is masked has no weight; every row has a context

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": keras.regularizers.serialize(self.bias_regularizer),
        }


@keras.saving.register_keras_serializable(package="keras_seqcv")
class DotProductAttention(keras.layers.Layer):
    """Luong's attention: the score of a place is its product with the query.

    k_l = m_l  ("dot", "scaled")   or   m_l W  ("general")
    e_l = q . k_l  ("dot", "general")   or   q . k_l / sqrt(Q)  ("scaled")
    a_l = exp(e_l) / sum_j exp(e_j)        weights, over the places that are not masked
    c   = sum_l a_l m_l                    context

    q (B, Q) query, m_l (B, D) place l of the memory. W is the weight `kernel` (D, Q), which "general" alone has; the
    others need D = Q.

    Args:
        score: "dot" | "general" | "scaled".
        kernel_initializer, kernel_regularizer: as in `keras.layers.Dense`.

    Call arguments:
        query: (B, Q).
        memory: (B, L, D).
        mask: (B, L) bool, False where there is no place; by default the mask that travels with the memory.
        keys: (B, L, Q), the result of `compute_keys(memory)`. A loop computes it once, before its first step.

    Returns:
        context (B, D) and weights (B, L). Where a row is masked fully, both are zero.

    Raises:
        ValueError: where shapes do not fit each other or those of the first call.

    Example:

    >>> attention = ks.layers.DotProductAttention("scaled")
    >>> context, weights = attention(np.ones((2, 4), "float32"), np.ones((2, 5, 4), "float32"))
    >>> print(weights[0].numpy())
    [0.2 0.2 0.2 0.2 0.2]

    Reference:
        Luong, Pham, Manning: Effective Approaches to Attention-based Neural Machine Translation. arXiv 1508.04025,
        2015. Scaling: Vaswani et al., Attention Is All You Need, arXiv 1706.03762, 2017.
    """

    def __init__(self, score="dot", kernel_initializer="glorot_uniform", kernel_regularizer=None, **kwargs):
        super().__init__(**kwargs)
        if score not in SCORES:
            raise ValueError(f"score: expected one of {SCORES}, received {score!r}")
        self.score = score
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.supports_masking = True

    def build(self, query_shape, memory_shape):
        self.memory_depth, self.key_depth = memory_shape[-1], query_shape[-1]
        if self.score == "general":
            self.kernel = self.add_weight(
                name="kernel",
                shape=(memory_shape[-1], query_shape[-1]),
                initializer=self.kernel_initializer,
                regularizer=self.kernel_regularizer,
            )
        elif query_shape[-1] != memory_shape[-1]:
            raise ValueError(
                f"score={self.score!r} needs a query as deep as the memory; received query {tuple(query_shape)} and "
                f'memory {tuple(memory_shape)}. score="general" takes any two.'
            )

    def call(self, query, memory, mask=None, keys=None):
        return _attend(self, query, memory, mask, keys)

    def compute_keys(self, memory):
        """The memory (B, L, D) as it is compared with queries, (B, L, Q)."""
        memory = tf.convert_to_tensor(memory, self.compute_dtype)
        return _projected(memory, self.kernel) if self.score == "general" else memory

    def scores(self, query, keys):
        """Query (B, Q), keys (B, L, Q) -> scores (B, L)."""
        if self.score == "scaled":
            query = query * tf.cast(self.key_depth, query.dtype) ** -0.5
        return dot_scores(query, keys)

    def score_weights(self) -> dict:
        return {}

    def compute_output_shape(self, query_shape, memory_shape):
        return _output_shapes(memory_shape)

    def compute_mask(self, *args, **kwargs):
        return None

    def get_config(self):
        return {
            **super().get_config(),
            "score": self.score,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }


def additive_scores(query, keys, weights, product=product):
    """Query (B, Q), keys (B, L, A) -> v . tanh(q W_q + k_l + b), (B, L); weights by name, `product` for its kernels."""
    projected = product(query, weights["query_kernel"])  # (B, A)
    if "bias" in weights:
        projected = projected + weights["bias"]
    return _compared(keys, projected, weights["score_kernel"])


def _compared(keys, query, kernel):
    """Keys (B, L, A), query (B, A), kernel (A, 1) -> tanh(k_l + q) along the kernel, (B, L)."""
    if current_export_format() is None:
        return _compared_by_hand(keys, query, kernel)
    return _along(tf.tanh(keys + query[:, None]), kernel)  # a graph that is saved holds no gradient


@tf.custom_gradient
def _compared_by_hand(keys, query, kernel):
    """`_compared`, with a gradient for XLA's sake, whose sums over other axes than the last are slower than all else.

    Here they are products. And tanh is computed again instead of being kept.
    """

    def gradient(dscores):
        compared = tf.tanh(keys + query[:, None])  # (B, L, A)
        dkernel = tf.reduce_sum(product(dscores, compared), axis=0)[:, None]
        dkeys = dscores[..., None] * kernel[:, 0] * (1.0 - compared * compared)
        dquery = product(tf.ones_like(dscores), dkeys)
        return dkeys, dquery, dkernel

    return _along(tf.tanh(keys + query[:, None]), kernel), gradient


def _along(compared, kernel):
    """(B, L, A) along the kernel (A, 1) -> (B, L)."""
    flat = tf.reshape(compared, (-1, kernel.shape[0]))
    return tf.reshape(tf.matmul(flat, kernel), tf.shape(compared)[:2])


def dot_scores(query, keys, product=product):
    """Query (B, Q), keys (B, L, Q) -> q . k_l, (B, L)."""
    return product(query, keys, transpose=True)


def masked_softmax(scores, mask=None):
    """Scores (B, L) -> weights (B, L) that sum to one over the places that are not masked; zero where all are."""
    exact = tf.cast(scores, tf.float32) if scores.dtype.size < 4 else scores
    if mask is None:
        return tf.cast(tf.nn.softmax(exact), scores.dtype)
    weights = tf.nn.softmax(tf.where(mask, exact, exact.dtype.min))
    return tf.cast(tf.where(mask, weights, tf.zeros_like(weights)), scores.dtype)


def attention_weights(layer, query, memory, mask, keys):
    """The weights (B, L) of a soft attention layer, and the memory as a tensor; all arguments are checked."""
    if mask is None:
        mask = getattr(memory, "_keras_mask", None)  # Keras hands on a mask only to a layer of one argument
    query, memory = (tf.convert_to_tensor(a, layer.compute_dtype) for a in (query, memory))
    if query.shape.rank != 2 or memory.shape.rank != 3 or not query.shape[:1].is_compatible_with(memory.shape[:1]):
        raise ValueError(
            f"{layer.name}: expected query (B, Q) and memory (B, L, D), received {tuple(query.shape)} and "
            f"{tuple(memory.shape)}"
        )
    if memory.shape[-1] != layer.memory_depth:
        raise ValueError(
            f"memory: {layer.name} was built for {layer.memory_depth} features, received shape {tuple(memory.shape)}"
        )
    if keys is None:
        keys = layer.compute_keys(memory)
    else:
        keys = tf.convert_to_tensor(keys, layer.compute_dtype)
        _check_shape("keys", keys, (*memory.shape[:2], layer.key_depth), memory)
    if mask is not None:
        mask = tf.cast(mask, tf.bool)
        _check_shape("mask", mask, tuple(memory.shape[:2]), memory)
    return masked_softmax(layer.scores(query, keys), mask), memory


def _attend(layer, query, memory, mask, keys):
    weights, memory = attention_weights(layer, query, memory, mask, keys)
    return product(weights, memory), weights


def _projected(memory, kernel):
    """(B, L, D) times (D, A) as one product of matrices: the gradient of a batch of them makes one kernel for each."""
    return tf.tensordot(memory, tf.cast(kernel, memory.dtype), 1)


def _check_shape(name, tensor, wanted, memory):
    if not tensor.shape.is_compatible_with(wanted):
        raise ValueError(
            f"{name}: expected shape {wanted} for a memory of shape {tuple(memory.shape)}, received "
            f"{tuple(tensor.shape)}"
        )


def _checked_units(units):
    if isinstance(units, bool) or not isinstance(units, int) or units < 1:
        raise ValueError(f"units: expected an int >= 1, received {units!r}")
    return units


def _output_shapes(memory_shape):
    return (memory_shape[0], memory_shape[-1]), tuple(memory_shape[:2])
