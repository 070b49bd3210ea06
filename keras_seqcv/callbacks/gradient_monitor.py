"""`GradientMonitor`: says in words when gradients vanish or explode, and what to do."""

import math
import warnings

from keras_seqcv.callbacks.gradient_norms import GradientNorms
from keras_seqcv.callbacks.optimizer_watch import innermost
from keras_seqcv.inspection import gradient_flow

_EXPLODING = (
    "Clip by the norm: with global_clipnorm={calm:.2g}, as it was in the mean before, or less. Else a smaller learning "
    "rate, an LSTM or a GRU instead of a SimpleRNN, an orthogonal recurrent_initializer, or shorter sequences."
)
_VANISHING = (
    "From so far back next to nothing is learned now. An LSTM or a GRU instead of a SimpleRNN, an orthogonal (with "
    "relu: an identity) recurrent_initializer, attention over all steps, or a loss at more steps than the last."
)
_GATES_VANISHING = (
    "From so far back next to nothing is learned now; gates may learn to keep more. Else a bias_initializer that keeps "
    "from the start, as an LSTM's unit_forget_bias, attention over all steps, or a loss at more steps than the last."
)


class GradientMonitor(GradientNorms):
    """Watches the gradient in each step of `fit`, and warns when it vanishes or explodes.

    After each epoch `logs` hold "gradient_norm", the geometric mean of the norms by all weights together, before they
    are clipped, and "gradients_clipped", the share of steps in which Keras clipped (`clipnorm`, `global_clipnorm`,
    `clipvalue`): history and callbacks behind this one see them. Each warning comes once.

    It explodes where the gradient of a step is no number, where the norm of a step is more than `exploding` times the
    geometric mean of all before it, or where in `batch` the norm of dL/dh_t grows to more than `exploding` times from a
    layer's last step to its first. It vanishes where in `batch` the norm falls from its largest to less than
    `vanishing` of that at the first step: of an LSTM by its cell or its output, whichever keeps more.

    Args:
        batch: (x, y) or (x, y, sample_weight) that `gradient_flow` is asked about at the start, and after each epoch;
            None: only norms by weights are watched, by which vanishing is not seen. Of a loss at every step give
            the last alone a weight, for else each step has a gradient of its own that hides what is lost.
        vanishing: in (0, 1).
        exploding: > 1.

    Attributes:
        history: list of what was seen in each epoch: "steps", "norm", "largest", "clipped", "broken",
            "sudden" and "calm" (see `GradientNorms.take`), and "flow", a `GradientFlow` with `batch`, else None.
        warnings: list of the texts of all warnings.

    Raises:
        ValueError: for an argument that is not as above; in `fit`, for a batch that `gradient_flow` does not take.

    Example:

    >>> model = keras.Sequential([keras.Input((9, 2)), keras.layers.GRU(8, name="gru"), keras.layers.Dense(1)])
    >>> model.compile(keras.optimizers.SGD(0.1, global_clipnorm=1.0), "mse")
    >>> x, y = np.ones((8, 9, 2), "float32"), np.ones((8, 1), "float32")
    >>> monitor = ks.callbacks.GradientMonitor((x, y))
    >>> history = model.fit(x, y, verbose=0, callbacks=[monitor]).history
    >>> monitor.history[0]["steps"], sorted(history), monitor.warnings
    (1, ['gradient_norm', 'gradients_clipped', 'loss'], [])

    Reference:
        Pascanu, Mikolov, Bengio: On the difficulty of training recurrent neural networks. arXiv 1211.5063, 2013.
    """

    def __init__(self, batch=None, vanishing=1e-4, exploding=1e3):
        if not 0 < vanishing < 1:
            raise ValueError(f"vanishing: expected a number in (0, 1), received {vanishing!r}")
        super().__init__(exploding)
        self.batch, self.vanishing = batch, vanishing
        self.history, self.warnings, self._told = [], [], set()

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        if self.batch is not None:
            self._look_at_flow(gradient_flow(self.model, self.batch), "at the start", math.nan)

    def on_epoch_end(self, epoch, logs=None):
        seen = self.take()
        seen["flow"] = None if self.batch is None else gradient_flow(self.model, self.batch)
        self.history.append(seen)
        if logs is not None:
            logs["gradient_norm"], logs["gradients_clipped"] = seen["norm"], seen["clipped"]
        when = f"in epoch {epoch + 1}"
        if seen["broken"]:
            share = f"{seen['broken']:.1%} of the steps"
            self._warn(
                "broken", f"Exploding gradients: {when} the gradient was no number in {share}. ", _EXPLODING, seen
            )
        elif seen["sudden"] and not self._clips():
            text = f"Exploding gradients: {when} the largest norm was {seen['largest']:.2g}, "
            self._warn("sudden", text + f"where {seen['calm']:.2g} was usual. ", _EXPLODING, seen)
        if seen["flow"]:
            self._look_at_flow(seen["flow"], when, seen["calm"])

    def _clips(self) -> bool:
        optimizer = innermost(self.model.optimizer)
        return bool(optimizer.global_clipnorm or optimizer.clipnorm or optimizer.clipvalue)

    def _look_at_flow(self, flow, when, calm):
        usual = {"calm": flow.global_norm if math.isnan(calm) else calm}
        for layer in flow.layers:
            kept = {state: flow.norms(layer, state) for state in flow.rows[layer]}
            text = f"gradients in {layer!r}: {when} the norm of dL/dh is "
            hidden = kept["hidden"]
            ends = f"{hidden[0]:.2g} at the first of {len(hidden)} steps and "
            if hidden[0] > self.exploding * hidden[-1] > 0:
                text = f"Exploding {text}{ends}{hidden[-1]:.2g} at the last. "
                self._warn(("exploding", layer), text, _EXPLODING, usual)
            elif all(norms[0] < self.vanishing * norms.max() for norms in kept.values()):
                text = f"Vanishing {text}{ends}{hidden.max():.2g} at its largest. "
                advice = _GATES_VANISHING if len(flow.spectra[layer]) > 1 else _VANISHING
                self._warn(("vanishing", layer), text, advice, usual)

    def _warn(self, kind, text: str, advice: str, seen: dict) -> None:
        if kind not in self._told:
            self._told.add(kind)
            self.warnings.append(text + advice.format(calm=seen["calm"]))
            warnings.warn(self.warnings[-1], stacklevel=2)
