"""`SequenceDecoder`: writes words about a memory; what captioner and translator have in common."""

import keras
import tensorflow as tf

from keras_seqcv import layers
from keras_seqcv.models.decoder_cores import CELLS, INJECTS, LookingCore, VectorCore

ATTENTIONS = (None, "soft", "hard")  # of pictures; "dot" is for texts


class SequenceDecoder(keras.layers.Layer):
    """Writes words one after the other about a memory, which it looks at or holds as one vector.

    x_t      = E[token_t]                                            embedding
    f_t, a_t = core(x_t, memory)                                     `LookingCore` or `VectorCore`
    o_t      = tanh(f_t W_o + b_o + x_t)                             with `deep_output`, else f_t
    logits_t = o_t W_v + b_v                                         W_v = E^T with `tied_embeddings`

    Args:
        words: V.
        attention: None | "soft" | "hard" | "dot".
        inject: how a vector is given where attention is None: "every_step" | "first_step" | "state".
        cell: "simple_rnn" | "lstm" | "gru".
        units: U. layers_count: of cells, one on the other. embedding_dim: width of E. attention_units: of the keys.
        attend: "before" | "after" the cell. deep_output, tied_embeddings, gate, coverage: bool.
        dropout: rate at the input, at the output, and on what is looked at.
        word_dropout: rate at which a word that is read in training is replaced by `unknown_id`.
        doubly_stochastic: weight of the penalty, see `AttentionRNN`.

    Call arguments:
        tokens: (B, T) int, what is read. memory: (B, L, D), or (B, D) without attention. mask: (B, T) bool.
        memory_mask: (B, L) bool. training: bool.

    Returns:
        logits (B, T, V) float32, weights (B, T, L) or None, probabilities (B, T, L) of hard attention or None.
    """

    def __init__(
        self,
        words,
        attention="soft",
        inject="every_step",
        cell="lstm",
        units=512,
        layers_count=1,
        embedding_dim=512,
        attention_units=512,
        deep_output=True,
        tied_embeddings=False,
        attend="before",
        gate=True,
        coverage=False,
        dropout=0.5,
        word_dropout=0.0,
        doubly_stochastic=0.0,
        unknown_id=None,
        start_id=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.supports_masking = True  # the mask is an argument; none goes on
        dtype = self.dtype_policy
        self.words = words
        self.deep_output = deep_output
        self.tied_embeddings = tied_embeddings
        self.word_dropout = word_dropout
        self.unknown_id, self.start_id = unknown_id, start_id
        self.seed_generator = keras.random.SeedGenerator()
        scale = keras.initializers.RandomUniform(-0.1, 0.1)
        self.embedding = keras.layers.Embedding(words, embedding_dim, scale, dtype=dtype, name="embedding")
        if attention is None:
            self.core = VectorCore(inject, cell, units, layers_count, dropout, dtype=dtype, name="core")
        else:
            if attention == "dot":
                looks = layers.DotProductAttention("general", dtype=dtype, name="attention")
            else:
                kind = {"soft": layers.AdditiveAttention, "hard": layers.HardAttention}[attention]
                looks = kind(attention_units, dtype=dtype, name="attention")
            arguments = (looks, cell, units, layers_count, attend, gate, coverage, dropout, doubly_stochastic)
            self.core = LookingCore(*arguments, dtype=dtype, name="core")
        self.dropout = keras.layers.Dropout(dropout, dtype=dtype)
        self.deep = keras.layers.Dense(embedding_dim, dtype=dtype, name="deep") if deep_output else None
        self.vocabulary_layer = None
        if not tied_embeddings:
            self.vocabulary_layer = keras.layers.Dense(words, dtype=dtype, name="logits")

    def compute_mask(self, *args, **kwargs):
        return None

    def build(self, memory_shape):
        width = self.embedding.output_dim
        self.embedding.build((None, None))
        self.core.build((None, None, width), memory_shape)
        self.core.built = True
        features = self.core.feature_width
        if self.deep_output:
            self.deep.build((None, None, features))
            features = width
        if self.tied_embeddings:
            self.vocabulary_bias = self.add_weight(name="logits_bias", shape=(self.words,), initializer="zeros")
        else:
            self.vocabulary_layer.build((None, None, features))

    def call(self, tokens, memory, mask=None, memory_mask=None, training=False):
        tokens = self._with_unknown(tokens) if training and self.word_dropout else tokens
        x = self.embedding(tokens)  # (B, T, E)
        features, weights, probabilities = self.core(x, memory, mask=mask, memory_mask=memory_mask, training=training)
        return self._logits(features, x, training), weights, probabilities

    def _with_unknown(self, tokens):
        drawn = keras.random.uniform(tf.shape(tokens), seed=self.seed_generator) < self.word_dropout
        return tf.where(drawn & (tokens != self.start_id), self.unknown_id, tokens)

    def _logits(self, features, x, training=False):
        """Features (..., F) and words (..., E) -> logits (..., V), float32."""
        features = self.dropout(features, training=training)
        if self.deep_output:
            features = self.dropout(tf.tanh(self.deep(features) + x), training=training)
        if not self.tied_embeddings:
            return tf.cast(self.vocabulary_layer(features), tf.float32)
        table = tf.cast(self.embedding.embeddings, features.dtype)
        flat = tf.matmul(tf.reshape(features, (-1, features.shape[-1])), table, transpose_b=True)
        logits = tf.reshape(flat, tf.concat([tf.shape(features)[:-1], [self.words]], axis=0))
        logits.set_shape((*features.shape[:-1], self.words))
        return tf.cast(logits, tf.float32) + self.vocabulary_bias

    def fixed(self, memory, memory_mask=None) -> dict:
        """What a step needs of the memory, and never changes: name -> (B, ...)."""
        return self.core.fixed(memory, memory_mask)

    def initial_states(self, memory, memory_mask=None) -> list:
        """The states before the first word."""
        return self.core.initial_states(memory, memory_mask)

    def stepper(self):
        """The decoding protocol: a function (tokens (B,), states, fixed) -> logits (B, V), states[, weights (B, L)]."""
        advance = self.core.stepper()

        def step(tokens, states, fixed):
            x = self.embedding(tokens)  # (B, E)
            features, states, weights = advance(x, states, fixed)
            logits = self._logits(features, x)
            return (logits, states) if weights is None else (logits, states, weights)

        return step


__all__ = ["ATTENTIONS", "CELLS", "INJECTS", "SequenceDecoder"]
