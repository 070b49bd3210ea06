"""The norm of the gradient in each step of `fit`, seen where the optimizer gets it."""

import keras
import numpy as np
import tensorflow as tf

from keras_seqcv.callbacks.optimizer_watch import attach, detach, innermost

_COUNTS = ("steps", "whole", "clipped", "broken", "sudden")
_NUMBERS = ("log_norms", "largest")


class GradientNorms(keras.callbacks.Callback):
    """Counts, in each step of `fit`, how large the gradient is by all weights together, before it is clipped.

    It stands between the model and its optimizer while `fit` runs, inside the compiled step: a norm more to compute.
    With a `LossScaleOptimizer` it sees what is left when the scale is taken away; of several replicas each has a
    gradient of its own, and counts. `take` gives what was seen.

    Args:
        exploding: > 1; a norm of more than so many times the geometric mean of those before it is sudden. With the
            first that is, or that is no number, the weights are no longer what they were: "calm" is the mean before.
    """

    def __init__(self, exploding=1e3):
        if not exploding > 1:
            raise ValueError(f"exploding: expected a number > 1, received {exploding!r}")
        super().__init__()
        self.exploding = exploding
        self._variables = {name: tf.Variable(0, dtype=tf.int64, trainable=False) for name in _COUNTS}
        self._variables |= {name: tf.Variable(0.0, trainable=False) for name in _NUMBERS}
        self._calm = tf.Variable([0.0, 0.0], trainable=False)  # logs of norms, and how many, until one is sudden
        self._over = tf.Variable(False, trainable=False)  # whether one was

    def on_train_begin(self, logs=None):
        self.take()
        self._calm.assign([0.0, 0.0])
        self._over.assign(False)
        attach(self.model, innermost(self.model.optimizer), self)

    def on_train_end(self, logs=None):
        detach(self.model, innermost(self.model.optimizer), self)

    def update(self, optimizer, grads) -> None:
        """A step's gradients, in the graph."""
        grads = [tf.cast(tf.convert_to_tensor(g), tf.float32) for g in grads if g is not None]
        norm = tf.linalg.global_norm(grads)
        there = tf.math.is_finite(norm)
        norm = tf.where(there, norm, 0.0)
        log_norm = tf.math.log(tf.maximum(norm, 1e-37))
        sudden = (self._calm[1] > 0) & (log_norm > self._calm_mean() + np.log(self.exploding))
        self._over.assign(self._over | sudden | ~there)
        whole = norm > 0  # a gradient of zero, as at the start of some networks, has no logarithm
        self._calm.assign_add(tf.where(whole & ~self._over, [log_norm, 1.0], 0.0))
        found = {
            "steps": tf.ones((), tf.int64),
            "whole": tf.cast(whole, tf.int64),
            "sudden": tf.cast(sudden, tf.int64),
            "broken": tf.cast(~there, tf.int64),
            "clipped": tf.cast(there & _is_clipped(optimizer, grads, norm), tf.int64),
            "log_norms": tf.where(whole, log_norm, 0.0),
        }
        for name, value in found.items():
            self._variables[name].assign_add(value)
        self._variables["largest"].assign(tf.maximum(self._variables["largest"], norm))

    def _calm_mean(self):
        """Logarithm of the geometric mean."""
        return self._calm[0] / tf.maximum(self._calm[1], 1.0)

    def take(self) -> dict:
        """What was seen since it was asked last, which is forgotten.

        Returns:
            dict: "steps"; "norm", the geometric mean of the norms; "largest"; shares of the steps: "clipped", whose
            gradient was clipped, "broken", whose gradient was no number, "sudden", whose norm was; and "calm", the
            mean since the start of `fit` and until the first that was sudden or broken. A mean of none is NaN.
        """
        seen = {name: variable.numpy() for name, variable in self._variables.items()}
        for variable in self._variables.values():
            variable.assign(tf.zeros_like(variable))
        steps = int(seen["steps"])
        means = {
            "norm": float(np.exp(seen["log_norms"] / seen["whole"])) if seen["whole"] else float("nan"),
            "calm": float(np.exp(self._calm_mean())) if self._calm[1] else float("nan"),
        }
        shares = {name: int(seen[name]) / max(steps, 1) for name in ("clipped", "broken", "sudden")}
        return {"steps": steps, "largest": float(seen["largest"]), **means, **shares}


def _is_clipped(optimizer, grads, norm):
    """Whether Keras will change the gradients: by their common norm, by each one's own, or by their numbers."""
    if optimizer.global_clipnorm:
        return norm > optimizer.global_clipnorm
    if optimizer.clipnorm:
        return tf.reduce_any([tf.norm(g) > optimizer.clipnorm for g in grads])
    if optimizer.clipvalue:
        return tf.reduce_any([tf.reduce_any(tf.abs(g) > optimizer.clipvalue) for g in grads])
    return tf.constant(False)
