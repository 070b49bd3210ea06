"""A broken step once more, outside of the graph and layer by layer: where did it begin?"""

import contextlib
import dataclasses

import tensorflow as tf

from keras_seqcv.callbacks.numerics_report import all_finite
from keras_seqcv.callbacks.optimizer_watch import replaced, values_of
from keras_seqcv.layers.inner_layers import inner_layers


@dataclasses.dataclass
class Origin:
    """What a step shows that runs again: its loss, and the layer and the direction in which it broke."""

    loss: float = float("nan")
    layer: str | None = None
    began: str | None = None
    note: str = ""


def origin_of(model, train_step, data, side_variables) -> Origin:
    """Run a step again from the same state, with every layer watched, and leave the model as it was.

    Args:
        model: compiled, its weights and states those from before the step.
        train_step: its own.
        data: the batch, of one replica.
        side_variables: list of `tf.Variable` that a step changes besides what the optimizer changes.

    Returns:
        `Origin`. Of a step that cannot run again, or breaks only inside the graph, `note` says so.
    """
    watch, kept = _Watch(), [(v, v.read_value()) for v in side_variables]
    try:
        with watch.around(model):
            train_step(data)
    except Exception as error:  # whatever it is: it must not hide what this is about
        return Origin(note=f"The step could not be run again layer by layer: {type(error).__name__}: {error}")
    finally:
        for variable, value in kept:
            variable.assign(value)
    return watch.origin()


class _Watch:
    """What goes through the layers of a model, forwards and backwards, outside of graphs."""

    def __init__(self):
        self.loss = float("nan")
        self.output = None  # the first layer whose output was not finite, and whether what it read was
        self.gradient = None  # where a gradient was first not finite: a layer, "input" or "output"
        self.of_weights = None  # the layer called last of those whose weights have such a gradient
        self._called = []

    @contextlib.contextmanager
    def around(self, model):
        optimizer = model.optimizer
        scale_loss = optimizer.scale_loss

        def scaled(loss):
            self.loss = float(loss)
            return scale_loss(loss)

        with contextlib.ExitStack() as stack:
            stack.enter_context(replaced(optimizer, apply=self._apply, scale_loss=scaled))
            for layer in inner_layers(model):
                stack.enter_context(replaced(layer, call=self._watched(layer)))
            yield

    def origin(self) -> Origin:
        origin = Origin(self.loss)
        if self.output is not None:
            origin.layer, finite_input = self.output
            origin.began = "output"
            if not finite_input:
                origin.note = "What it reads is not finite either: it began between layers."
        elif self.loss != self.loss or abs(self.loss) == float("inf"):
            origin.note = "The outputs of all layers are finite: it began behind them, in the loss."
        elif self.gradient is not None and self.gradient[1] == "input":
            origin.layer, origin.began = self.gradient[0], "gradient"
        elif self.gradient is not None:
            origin.note = f"The gradient comes to the output of {self.gradient[0]!r} broken: it began behind it."
        elif self.of_weights is not None:
            origin.layer, origin.began = self.of_weights, "gradient"
        else:
            origin.note = "Run again outside of the graph, all was finite."
        return origin

    def _apply(self, grads, trainable_variables=None):
        """In place of the optimizer: nothing moves."""
        pairs = zip(grads, trainable_variables or [], strict=False)
        broken = {id(v) for g, v in pairs if g is not None and not all_finite(values_of(g))}
        for layer in self._called:  # a call ends before those around it: the first layer that holds a weight is its own
            own = broken & {id(v) for v in layer.trainable_variables}
            if own:
                self.of_weights = layer.path
                broken -= own

    def _watched(self, layer):
        original = layer.call

        def call(*args, **kwargs):
            if not tf.executing_eagerly():
                return original(*args, **kwargs)
            finite_input = _finite((args, kwargs))
            args, kwargs = _probed((args, kwargs), lambda dy: self._see(layer, "input", dy))
            outputs = original(*args, **kwargs)
            self._called.append(layer)
            if self.output is None and not _finite(outputs):
                self.output = layer.path, finite_input
            return _probed(outputs, lambda dy: self._see(layer, "output", dy))

        return call

    def _see(self, layer, place, gradient):
        if self.gradient is None and not all_finite(values_of(gradient)):
            self.gradient = layer.path, place


def _finite(structure) -> bool:
    return all(all_finite(leaf) for leaf in tf.nest.flatten(structure) if _is_number(leaf))


def _is_number(leaf) -> bool:
    return isinstance(leaf, tf.Tensor) and leaf.dtype.is_floating


def _probed(structure, see):
    """The same tensors, of whose gradients `see` is told on their way back."""

    @tf.custom_gradient
    def same(x):
        def gradient(dy):
            see(dy)
            return dy

        return tf.identity(x), gradient

    def probe(leaf):
        if not _is_number(leaf):
            return leaf
        copy, mask = same(leaf), getattr(leaf, "_keras_mask", None)
        if mask is not None:
            copy._keras_mask = mask  # where Keras itself puts the mask of a tensor; it has no public way to copy one
        return copy

    return tf.nest.map_structure(probe, structure)
