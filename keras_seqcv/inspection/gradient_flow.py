"""How much of a loss's gradient reaches each step of each recurrent layer."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from keras_seqcv.inspection.cell_gates import recurrent_kernels
from keras_seqcv.inspection.recurrent_calls import begin_anew, states_kept, watched

_STATES = ("hidden", "cell")


@dataclasses.dataclass(frozen=True)
class Spectrum:
    """Of a recurrent kernel's part (U, U) the eigenvalues, (U,) complex, and the singular values, (U,), largest first.

    Example:
        >>> from keras_seqcv.inspection import Spectrum
        >>> Spectrum(np.array([0.5 + 0j, -0.9]), np.array([1.5, 0.5])).radius
        0.9
    """

    eigenvalues: np.ndarray
    singular_values: np.ndarray

    @property
    def radius(self) -> float:
        """The largest modulus of an eigenvalue: above 1 a linear network explodes, below 1 it forgets."""
        return float(np.abs(self.eigenvalues).max())

    @property
    def condition(self) -> float:
        """The largest singular value over the smallest, inf where that is zero."""
        largest, smallest = self.singular_values[0], self.singular_values[-1]
        return float("inf") if smallest == 0 else float(largest / smallest)


@dataclasses.dataclass(frozen=True)
class GradientFlow:
    """What `gradient_flow` saw.

    Args:
        loss: of the batch.
        rows: name of a layer -> {"hidden": (B, T), "cell": (B, T) of an LSTM}, the norm of the loss's derivative by
            each row's state after each step, over the units. Steps are in the order of the sequence.
        weights: path of a weight -> norm of its gradient.
        spectra: name of a layer -> name of a gate -> `Spectrum` of the recurrent kernel's part.

    Example:
        >>> from keras_seqcv.inspection import GradientFlow
        >>> flow = GradientFlow(0.5, {"rnn": {"hidden": np.array([[0.75, 3.0], [1.0, 4.0]])}}, {"a": 3.0, "b": 4.0}, {})
        >>> flow.norms("rnn").tolist(), flow.per_step("rnn"), flow.global_norm
        ([1.25, 5.0], 0.25, 5.0)
    """

    loss: float
    rows: dict
    weights: dict
    spectra: dict

    @property
    def layers(self) -> list:
        """Names of the layers, in the order in which they were called."""
        return list(self.rows)

    @property
    def global_norm(self) -> float:
        """The norm of the gradient by all weights together, which `global_clipnorm` compares."""
        return float(np.sqrt(sum(norm**2 for norm in self.weights.values())))

    def norms(self, layer: str, state: str = "hidden") -> np.ndarray:
        """The norm over all rows and units of dL/dh_t, or dL/dc_t with "cell": (T,)."""
        if layer not in self.rows or state not in self.rows[layer]:
            known = {name: list(states) for name, states in self.rows.items()}
            raise ValueError(f"layer, state: expected of {known}, received {layer!r}, {state!r}")
        return np.sqrt((self.rows[layer][state] ** 2).sum(0))

    def per_step(self, layer: str, state: str = "hidden") -> float:
        """The factor by which the norm changes with a step back, as a geometric mean from the largest to the first.

        1 where the first is the largest, or the only one; 0 where nothing reaches the first; NaN where one is.
        """
        norms = self.norms(layer, state)
        if np.isnan(norms).any():
            return float("nan")
        peak = int(np.argmax(norms))
        return float((norms[0] / norms[peak]) ** (1 / peak)) if peak and norms[peak] > 0 else 1.0


def gradient_flow(model, batch, loss=None, training=True) -> GradientFlow:
    """The gradient of the loss by the state of every recurrent layer after every step, and by all weights.

    dL/dh_t = sum over all ways from h_t to L: by the output of step t, and by all steps behind it.

    h_t (B, U) is the state that a layer's cell gives at step t, c_t that of an LSTM's cell. The loss is the model's
    own, so that these are the derivatives which a step of `fit` is made of; a stream of as many rows as the batch has
    goes on, another begins anew. Where a step is masked no state is computed, and the derivative is zero. Nothing of
    the model is changed, its streams and moving averages included.

    Works on any model with `keras.layers.RNN` in it (LSTM, GRU, SimpleRNN, cells of one's own, `Bidirectional`), on the
    layers of this package, and on the attention of a decoder. A `keras.Model` that trains by a step of its own is
    asked for `compute_loss` of what a call gives.

    To see how far the gradient of one late step reaches, give that step alone a weight: (x, y, sample_weight).

    Args:
        model: built; compiled, unless `loss` is given.
        batch: (x, y) or (x, y, sample_weight), as `fit` takes them.
        loss: function of (y, what the model gives) or the name of one, instead of the model's.
        training: bool, for dropout and for the stream that is used.

    Returns:
        `GradientFlow`.

    Raises:
        ValueError: for a model without a recurrent layer, not built, or without a loss; for a batch without y.

    Example:

    >>> model = keras.Sequential([keras.Input((9, 2)), keras.layers.SimpleRNN(8, name="rnn"), keras.layers.Dense(1)])
    >>> model.compile(loss="mse")
    >>> flow = ks.inspection.gradient_flow(model, (np.ones((4, 9, 2)), np.ones((4, 1))))
    >>> flow.norms("rnn").shape, flow.rows["rnn"]["hidden"].shape, sorted(flow.spectra["rnn"])
    ((9,), (4, 9), ['candidate'])

    Reference:
        Pascanu, Mikolov, Bengio: On the difficulty of training recurrent neural networks. arXiv 1211.5063, 2013.
    """
    x, y, sample_weight = _unpacked(batch)
    if not model.built:
        raise ValueError(f"model: expected one that is built, {model.name!r} has no weights yet")
    if loss is None and not model.compiled:
        raise ValueError("loss: expected a loss, or a model that is compiled")
    kept = [(v, v.numpy()) for v in [*model.non_trainable_variables, *model.metrics_variables]]
    try:
        with states_kept(model), tf.GradientTape() as tape, watched(model, see=tape.watch) as found:
            begin_anew(model, len(keras.tree.flatten(x)[0]), "training" if training else "inference")
            given = model(x, training=training)
            if loss is None:
                value = model.compute_loss(x, y, given, sample_weight, training=training)
            else:
                value = tf.reduce_mean(keras.losses.get(loss)(y, given)) + sum(model.losses)
    finally:
        for variable, before in kept:
            variable.assign(before)
    variables = model.trainable_variables
    states, by_weights = tape.gradient(value, [[steps.after for steps in found], [v.value for v in variables]])
    rows = {steps.name: _row_norms(steps, grads) for steps, grads in zip(found, states, strict=True)}
    weights = {v.path: _norm(grad) for v, grad in zip(variables, by_weights, strict=True)}
    return GradientFlow(float(value), rows, weights, {steps.name: spectra(steps.cell) for steps in found})


def spectra(cell) -> dict:
    """Name of a gate -> `Spectrum` of its recurrent kernel, of a Keras cell; NaN where training broke the kernel."""
    return {name: _spectrum(kernel) for name, kernel in recurrent_kernels(cell).items()}


def _spectrum(kernel) -> Spectrum:
    if not np.isfinite(kernel).all():
        return Spectrum(np.full(len(kernel), np.nan), np.full(len(kernel), np.nan))
    return Spectrum(np.linalg.eigvals(kernel), np.linalg.svd(kernel, compute_uv=False))


def _unpacked(batch):
    if not isinstance(batch, (tuple, list)) or len(batch) not in (2, 3):
        raise ValueError(f"batch: expected (x, y) or (x, y, sample_weight), received {type(batch).__name__}")
    tensors = keras.tree.map_structure(lambda a: a if a is None else tf.convert_to_tensor(a), tuple(batch))
    return (*tensors, None)[:3]


def _row_norms(steps, grads) -> dict:
    """Gradients by a cell's states, (T lists of (B, U) or None) -> name of a state -> norms (B, T)."""
    found = {}
    for k, like in enumerate(steps.after[0]):
        name = _STATES[k] if k < len(_STATES) else f"state_{k}"
        none, axes = tf.zeros(tf.shape(like)[:1], tf.float64), list(range(1, like.shape.rank))
        norms = [none if grad[k] is None else tf.sqrt(tf.reduce_sum(_float(grad[k]) ** 2, axes)) for grad in grads]
        found[name] = tf.stack(steps.in_time(norms), axis=1).numpy()
    return found


def _norm(grad) -> float:
    return 0.0 if grad is None else float(tf.norm(_float(tf.convert_to_tensor(grad))))


def _float(a):
    """What vanishes has a square that float32 does not have."""
    return tf.cast(a, tf.float64)
