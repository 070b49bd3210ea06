"""`SequenceEncoder`: reads a sequence of features or of words, and keeps all of it, or one vector."""

import keras
import tensorflow as tf

from keras_seqcv.layers.export_scope import current_export_format
from keras_seqcv.models.recurrent_stack import make_stack, stack_stepper, zero_states

POOLINGS = ("last", "mean", "attention")


class SequenceEncoder(keras.layers.Layer):
    """Recurrent layers in one or in both directions, and what is kept of their outputs h_1 ... h_T.

    "last":       v = h_T; of two directions what each has read last, [h_T, h'_1]
    "mean":       v = mean_t h_t
    "attention":  v = sum_t a_t h_t,  a = softmax_t(w . tanh(h_t W + b))

    T is the last step of a row that is not masked; masks are right-padded.

    Args:
        cell: "simple_rnn" | "lstm" | "gru".
        units: U. layers_count: layers one on the other. bidirectional: whether each reads both ways, 2 U wide.
        pooling: one of the three, or None: no vector.
        dropout: rate in [0, 1) at the input of each layer.

    Call arguments:
        sequence: (B, T, D). mask: (B, T) bool, or None. training: bool.

    Returns:
        outputs (B, T, F), F = U or 2 U; vector (B, F) or None; weights (B, T) of "attention" or None.

    Reference:
        Yang et al.: Hierarchical Attention Networks for Document Classification. NAACL 2016. ("attention")
    """

    def __init__(
        self, cell="lstm", units=256, layers_count=1, bidirectional=False, pooling="last", dropout=0.0, **kwargs
    ):
        super().__init__(**kwargs)
        self.supports_masking = True  # the mask is an argument; none goes on
        dtype = self.dtype_policy
        self.pooling = pooling
        self.forward = make_stack(cell, units, layers_count, dtype)
        self.backward = make_stack(cell, units, layers_count, dtype, "backward", True) if bidirectional else []
        self.width = units * (2 if bidirectional else 1)
        self.dropout = keras.layers.Dropout(dropout, dtype=dtype)
        self.score = None
        if pooling == "attention":
            self.hidden = keras.layers.Dense(self.width, activation="tanh", dtype=dtype, name="hidden")
            self.score = keras.layers.Dense(1, use_bias=False, dtype=dtype, name="score")

    def compute_mask(self, *args, **kwargs):
        return None

    def build(self, sequence_shape):
        width = sequence_shape[-1]
        for k, rnn in enumerate(self.forward):
            for one in (rnn, self.backward[k]) if self.backward else (rnn,):
                one.build((None, None, width))
                one.built = True
            width = self.width
        if self.score:
            self.hidden.build((None, None, width))
            self.score.build((None, None, width))

    def call(self, sequence, mask=None, training=False):
        x = sequence
        for k, rnn in enumerate(self.forward):
            x = self.dropout(x, training=training)
            y = rnn(x, mask=mask, training=training)  # (B, T, U)
            if self.backward:
                behind = self.backward[k](x, mask=mask, training=training)
                y = tf.concat([y, tf.reverse(behind, [1])], axis=2)  # (B, T, 2 U)
            x = y
        return x, *self._pooled(x, mask)

    def _pooled(self, outputs, mask):
        """Outputs (B, T, F) -> vector (B, F), weights (B, T)."""
        if self.pooling is None:
            return None, None
        if self.pooling == "last":
            # Behind its end a row repeats its last output; read backwards, the last output is the first one.
            if not self.backward:
                return outputs[:, -1], None
            forward, backward = tf.split(outputs, 2, axis=2)
            return tf.concat([forward[:, -1], backward[:, 0]], axis=1), None
        if self.pooling == "mean":
            scores = tf.zeros_like(outputs[..., 0], tf.float32)
        else:
            scores = tf.cast(self.score(self.hidden(outputs))[..., 0], tf.float32)  # (B, T)
        if mask is not None:
            scores = tf.where(mask, scores, -1e9)
        weights = tf.nn.softmax(scores)
        vector = tf.reduce_sum(outputs * tf.cast(weights, outputs.dtype)[..., None], axis=1)
        return vector, weights if self.pooling == "attention" else None

    def initial_states(self, batch) -> list:
        """Of one direction, for `stepper`: the states before the first step, list of (B, U)."""
        return zero_states(self.forward, batch)

    def stepper(self):
        """Of one direction: a function (x (B, D), states) -> output (B, U), states."""
        return stack_stepper(self.forward)


class TextEncoder(keras.layers.Layer):
    """Embeds words and reads them with a `SequenceEncoder`.

    Args:
        words: V. embedding_dim: width of a word. pad_id: what is no word.
        word_dropout: rate at which a word is replaced by `unknown_id` in training.
        initializer: of the embedding. Where all that follows is multiplied by what a question says, small numbers at
            the beginning cost many epochs.
        **kwargs: of `SequenceEncoder`, and `name`, `dtype`.

    Call arguments:
        tokens: (B, T) int, padded on the right. training: bool.

    Returns:
        outputs (B, T, F), vector (B, F) or None, weights (B, T) or None, mask (B, T) bool. In a LiteRT file a row has
        no padding and the mask is None: so an LSTM is one fused operator there.
    """

    def __init__(
        self, words, embedding_dim, pad_id=0, unknown_id=None, word_dropout=0.0, initializer=None, name=None, **kwargs
    ):
        super().__init__(name=name, dtype=kwargs.get("dtype"))
        self.pad_id, self.unknown_id, self.word_dropout = pad_id, unknown_id, word_dropout
        dtype = kwargs["dtype"] = self.dtype_policy
        initializer = initializer or keras.initializers.RandomUniform(-0.1, 0.1)
        self.embedding = keras.layers.Embedding(words, embedding_dim, initializer, dtype=dtype, name="embedding")
        self.encoder = SequenceEncoder(**kwargs, name="encoder")
        self.seed_generator = keras.random.SeedGenerator()

    @property
    def width(self) -> int:
        """F."""
        return self.encoder.width

    def build(self, tokens_shape=None):
        self.embedding.build((None, None))
        self.encoder.build((None, None, self.embedding.output_dim))
        self.encoder.built = True

    def call(self, tokens, training=False):
        tokens = tf.cast(tokens, tf.int32)
        mask = None if current_export_format() == "litert" else tokens != self.pad_id
        if training and self.word_dropout:
            drawn = keras.random.uniform(tf.shape(tokens), seed=self.seed_generator) < self.word_dropout
            tokens = tf.where(drawn & (tokens != self.pad_id), self.unknown_id, tokens)
        outputs, vector, weights = self.encoder(self.embedding(tokens), mask=mask, training=training)
        return outputs, vector, weights, mask
