"""Several models that write one sequence together."""

from collections.abc import Callable, Sequence

import tensorflow as tf


def ensemble(steps: Sequence[Callable]) -> Callable:
    """One step of several models' steps: the mean of their probabilities.

    logits_v  = log (1/M sum_m p_{m,v}),   p_m = softmax(logits of model m)
    weights_l = mean over those models that give weights

    The models write the same words. Each has its own states, and its own fixed tensors.

    Args:
        steps: M functions `step(tokens, states) -> (logits, states)` or `(logits, states, weights)`, see `beam_search`.

    Returns:
        A function `step(tokens, states, fixed=None)`, `states` a list of M states and `fixed` a list of M fixed
        tensors; a model whose fixed tensors are None is called without them. It gives log-probabilities (N, V) float32,
        a list of M states, and weights (N, L) float32 if any of the models gives some.

    Raises:
        ValueError: there are no steps, states or fixed tensors are not one for each of them, or models differ in words
            or places.

    Example:

    >>> sure = lambda tokens, states: (tf.math.log(tf.repeat([[0.1, 0.9]], tf.shape(tokens)[0], axis=0)), states)
    >>> torn = lambda tokens, states: (tf.zeros((tf.shape(tokens)[0], 2)), states)
    >>> step = ks.decoding.ensemble([sure, torn])
    >>> logits, _ = step(tf.constant([0]), [(), ()])
    >>> np.exp(logits).round(2)
    array([[0.3, 0.7]], dtype=float32)

    Reference:
        Sutskever, Vinyals, Le: Sequence to Sequence Learning with Neural Networks (ensembles). arXiv 1409.3215, 2014.
    """
    steps = list(steps)
    if not steps:
        raise ValueError("steps: expected at least one step, received none")

    def step(tokens, states, fixed=None):
        fixed = [None] * len(steps) if fixed is None else fixed
        for name, given in (("states", states), ("fixed", fixed)):
            if not isinstance(given, (list, tuple)) or len(given) != len(steps):
                raise ValueError(f"{name}: expected a list of {len(steps)}, one for each step, received {given!r}")
        results = [
            one(tokens, own) if own_fixed is None else one(tokens, own, own_fixed)
            for one, own, own_fixed in zip(steps, states, fixed)
        ]
        logits = _log_of_mean([result[0] for result in results])
        after = [result[1] for result in results]
        weights = [tf.cast(result[2], tf.float32) for result in results if len(result) == 3]
        if not weights:
            return logits, after
        _check_widths("places", weights)
        return logits, after, tf.add_n(weights) / len(weights)

    return step


def _log_of_mean(logits):
    """log (1/M sum_m softmax(logits_m)), (N, V), without leaving the range of float32 where words are unlikely."""
    _check_widths("words", logits)
    logs = [tf.nn.log_softmax(tf.cast(one, tf.float32)) for one in logits]
    top = logs[0]
    for one in logs[1:]:
        top = tf.maximum(top, one)
    top = tf.maximum(top, tf.float32.min)  # a word that no model knows: no -inf + inf
    return top + tf.math.log(tf.add_n([tf.exp(one - top) for one in logs]) / len(logs))


def _check_widths(name, parts) -> None:
    widths = [part.shape[-1] for part in parts]
    if any(not part.shape[-1:].is_compatible_with(parts[0].shape[-1:]) for part in parts):
        raise ValueError(f"steps: expected models with equally many {name}, received {widths}")
