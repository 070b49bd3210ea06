"""What stands between a model and its optimizer while `fit` runs, inside the compiled step."""

import contextlib

import tensorflow as tf


def innermost(optimizer):
    """The optimizer that moves weights: the one within a `LossScaleOptimizer`."""
    while hasattr(optimizer, "inner_optimizer"):
        optimizer = optimizer.inner_optimizer
    return optimizer


def values_of(gradient):
    """All numbers of a gradient; of an embedding's, those of every word that was read, also where one comes twice."""
    return getattr(gradient, "values", gradient)


def check_every_slice(optimizer) -> None:
    """Let a `LossScaleOptimizer` see every number of a gradient; other optimizers stay as they are.

    Its own `check_finite` makes slices dense, and of several for one row keeps the last: an infinite gradient of a word
    that comes twice goes by unseen, and the weights are no numbers any more.
    """
    if hasattr(optimizer, "check_finite"):
        optimizer.check_finite = _check_finite


def _check_finite(grads):
    return tf.reduce_all([tf.reduce_all(tf.math.is_finite(values_of(g))) for g in grads if g is not None])


def attach(model, optimizer, watcher) -> None:
    """Let `watcher` see all gradients that `optimizer` gets. Several may watch: they share what stands in its `apply`.

    Args:
        model: whose step is traced anew.
        optimizer: the model's, or the one within it.
        watcher: with `update(optimizer, grads)`, which looks; or, of which there can be one, with `gate(optimizer,
            grads, variables, apply)`, which calls `apply(grads, variables)` or lets it be.

    Raises:
        ValueError: for a second with `gate`.
    """
    if not hasattr(vars(optimizer).get("apply"), "watchers"):
        optimizer.apply = _watched(optimizer)
    watchers = optimizer.apply.watchers
    if watcher not in watchers:  # it is, where the last `fit` ended with an error
        if hasattr(watcher, "gate") and any(hasattr(other, "gate") for other in watchers):
            raise ValueError(f"callbacks: expected one {type(watcher).__name__}, received a second")
        watchers.append(watcher)
    model.make_train_function(force=True)  # the step may have been traced without it


def detach(model, optimizer, watcher) -> None:
    watchers = getattr(vars(optimizer).get("apply"), "watchers", [])
    if watcher in watchers:
        watchers.remove(watcher)
        if not watchers:
            del optimizer.apply
        model.train_function = None  # Keras makes it anew


def _watched(optimizer):
    original = optimizer.apply

    def apply(grads, trainable_variables=None):
        grads = list(grads)
        for watcher in apply.watchers:
            if not hasattr(watcher, "gate"):
                watcher.update(optimizer, grads)
        for watcher in apply.watchers:
            if hasattr(watcher, "gate"):
                return watcher.gate(optimizer, grads, trainable_variables, original)
        return original(grads, trainable_variables)

    apply.watchers = []
    return apply


@contextlib.contextmanager
def replaced(thing, **methods):
    """Methods of one object, replaced inside a `with` block."""
    before = {name: vars(thing).get(name) for name in methods}
    for name, method in methods.items():
        setattr(thing, name, method)
    try:
        yield
    finally:
        for name, method in before.items():
            if method is None:
                delattr(thing, name)
            else:
                setattr(thing, name, method)
