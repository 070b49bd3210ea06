"""The norm of the gradient in each step of `fit`, seen where the optimizer gets it."""

import keras
import numpy as np
import tensorflow as tf

_COUNTS = ("steps", "usual", "clipped", "broken")
_NUMBERS = ("log_norms", "largest")


class GradientNorms(keras.callbacks.Callback):
    """Counts, in each step of `fit`, how large the gradient is by all weights together, before it is clipped.

    It stands between the model and its optimizer while `fit` runs, inside the compiled step: a norm more to compute.
    With a `LossScaleOptimizer` it sees what is left when the scale is taken away. `take` gives what was seen.

    Args:
        exploding: > 1; a norm of more than so many times the mean of those before it is none that is usual, and left
            out of the mean: a few that explode would be all that it tells of.
    """

    def __init__(self, exploding=1e3):
        if not exploding > 1:
            raise ValueError(f"exploding: expected a number > 1, received {exploding!r}")
        super().__init__()
        self.exploding = exploding
        self._variables = {name: tf.Variable(0, dtype=tf.int64, trainable=False) for name in _COUNTS}
        self._variables |= {name: tf.Variable(0.0, trainable=False) for name in _NUMBERS}
        self._before = tf.Variable(np.inf, dtype=tf.float32, trainable=False)  # log of the mean before the last `take`

    def on_train_begin(self, logs=None):
        self.take()
        self._before.assign(np.inf)
        _attach(self.model, self)

    def on_train_end(self, logs=None):
        _detach(self.model, self)

    def update(self, optimizer, grads) -> None:
        """A step's gradients, in the graph."""
        grads = [tf.cast(tf.convert_to_tensor(g), tf.float32) for g in grads if g is not None]
        norm = tf.linalg.global_norm(grads)
        there = tf.math.is_finite(norm)
        norm = tf.where(there, norm, 0.0)
        log_norm = tf.math.log(tf.maximum(norm, 1e-37))
        usual = (norm > 0) & (log_norm <= self._log_mean() + np.log(self.exploding))
        found = {
            "steps": tf.ones((), tf.int64),
            "usual": tf.cast(usual, tf.int64),
            "broken": tf.cast(~there, tf.int64),
            "clipped": tf.cast(there & _is_clipped(optimizer, grads, norm), tf.int64),
            "log_norms": tf.where(usual, log_norm, 0.0),
        }
        for name, value in found.items():
            self._variables[name].assign_add(value)
        self._variables["largest"].assign(tf.maximum(self._variables["largest"], norm))

    def _log_mean(self):
        """Of the norms that were usual; before there is one, of those before the last `take`."""
        usual = tf.cast(self._variables["usual"], tf.float32)
        return tf.where(usual > 0, self._variables["log_norms"] / tf.maximum(usual, 1.0), self._before)

    def take(self) -> dict:
        """What was seen since it was asked last, which is forgotten.

        Returns:
            dict: "steps"; "norm", the geometric mean of the norms that are usual; "largest"; "clipped", the share of
            steps whose gradient was clipped; "broken", the share whose gradient was no number.
        """
        seen = {name: variable.numpy() for name, variable in self._variables.items()}
        self._before.assign(self._log_mean() if seen["usual"] else np.inf)
        for variable in self._variables.values():
            variable.assign(tf.zeros_like(variable))
        steps = int(seen["steps"])
        return {
            "steps": steps,
            "norm": float(np.exp(seen["log_norms"] / seen["usual"])) if seen["usual"] else float("nan"),
            "largest": float(seen["largest"]),
            "clipped": int(seen["clipped"]) / steps if steps else 0.0,
            "broken": int(seen["broken"]) / steps if steps else 0.0,
        }


def _is_clipped(optimizer, grads, norm):
    """Whether Keras will change the gradients: by their common norm, by each one's own, or by their numbers."""
    if optimizer.global_clipnorm:
        return norm > optimizer.global_clipnorm
    if optimizer.clipnorm:
        return tf.reduce_any([tf.norm(g) > optimizer.clipnorm for g in grads])
    if optimizer.clipvalue:
        return tf.reduce_any([tf.reduce_any(tf.abs(g) > optimizer.clipvalue) for g in grads])
    return tf.constant(False)


def innermost(optimizer):
    """The optimizer that moves weights: the one within a `LossScaleOptimizer`."""
    while hasattr(optimizer, "inner_optimizer"):
        optimizer = optimizer.inner_optimizer
    return optimizer


def _attach(model, watcher: GradientNorms) -> None:
    """Let `watcher` see all gradients. Several may watch: they share what stands in the optimizer's `apply`."""
    optimizer = innermost(model.optimizer)
    if not hasattr(vars(optimizer).get("apply"), "watchers"):
        optimizer.apply = _watched(optimizer)
    watchers = optimizer.apply.watchers
    if watcher not in watchers:  # it is, where the last `fit` ended with an error
        watchers.append(watcher)
    model.make_train_function(force=True)  # the step may have been traced without it


def _detach(model, watcher: GradientNorms) -> None:
    optimizer = innermost(model.optimizer)
    watchers = getattr(vars(optimizer).get("apply"), "watchers", [])
    if watcher in watchers:
        watchers.remove(watcher)
        if not watchers:
            del optimizer.apply
        model.train_function = None  # Keras makes it anew


def _watched(optimizer):
    original = optimizer.apply

    def apply(grads, trainable_variables=None):
        for watcher in apply.watchers:
            watcher.update(optimizer, grads)
        return original(grads, trainable_variables)

    apply.watchers = []
    return apply
