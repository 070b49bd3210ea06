"""From what an encoder has read to labels: what classifiers of texts, of features and of videos have in common."""

import json

import keras
import tensorflow as tf

from keras_seqcv.models.smoothed_loss import SmoothedCrossEntropy


class LabelHead(keras.layers.Layer):
    """Logits of labels: of each sequence, or of every step of it.

    logits = dropout(v) W + b,   v the vector of a sequence, or the output of a step

    Args:
        labels: C, how many.
        per_step: bool.
        dropout: rate in [0, 1).

    Call arguments:
        outputs: (B, T, F). vector: (B, F), not looked at with `per_step`. training: bool.

    Returns:
        logits, float32: (B, C), or (B, T, C) with `per_step`.
    """

    def __init__(self, labels, per_step=False, dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.per_step = per_step
        self.dropout = keras.layers.Dropout(dropout, dtype=self.dtype_policy)
        self.logits = keras.layers.Dense(labels, dtype=self.dtype_policy, name="logits")

    def compute_mask(self, *args, **kwargs):
        return None

    def build(self, width):
        self.logits.build((None, width) if not self.per_step else (None, None, width))

    def call(self, outputs, vector=None, training=False):
        x = outputs if self.per_step else vector
        return tf.cast(self.logits(self.dropout(x, training=training)), tf.float32)


def label_stepper(encoder, head, embed=tf.identity):
    """One step of a model in one direction: a function (x, states) -> probabilities (B, C), states.

    A model that labels sequences by their last state says after every step what it thinks of all so far.

    Args:
        encoder: `SequenceEncoder`, without pooling or with "last".
        head: `LabelHead`.
        embed: function from x to (B, D).
    """
    step = encoder.stepper()

    def advance(x, states):
        output, states = step(embed(x), states)
        return tf.nn.softmax(tf.cast(head.logits(output), tf.float32)), states

    return advance


def can_step(encoder) -> bool:
    """Whether what is said after a step depends on no later one, and on no more than a state."""
    return not encoder.backward and encoder.pooling in (None, "last")


def compile_options(label_smoothing: float, loss, metrics, weighted_metrics) -> dict:
    """What `compile` of a classifier is given where it is not told: nats per label and accuracy, padding left out."""
    if loss is None:
        loss = SmoothedCrossEntropy(label_smoothing)
    if metrics is None and weighted_metrics is None:
        weighted_metrics = [keras.metrics.SparseCategoricalAccuracy("accuracy")]
    return {"loss": loss, "metrics": metrics, "weighted_metrics": weighted_metrics}


def labels_json(labels, per_step: bool, **others) -> dict:
    """The file that tells an export's user what its numbers mean; `others`: what else belongs to them."""
    content = {"labels": list(labels), "per_step": per_step, **others}
    return {"labels.json": json.dumps(content, ensure_ascii=False, indent=1)}
