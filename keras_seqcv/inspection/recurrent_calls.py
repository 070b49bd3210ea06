"""The steps of a model's recurrent layers, watched while the model is called.

Legend: B batch, T time, U units.
"""

import contextlib
import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterator

import keras
import tensorflow as tf

from keras_seqcv.layers import AttentionRNN
from keras_seqcv.layers.inner_layers import inner_layers
from keras_seqcv.layers.loops import stepwise_scope
from keras_seqcv.layers.recurrent_layer import RecurrentLayer
from keras_seqcv.layers.scan import scan
from keras_seqcv.layers.stream_state import STREAMS


@dataclasses.dataclass
class Steps:
    """What a cell did in one call of its layer, step by step, in the order in which it went.

    Args:
        name: of the layer; of a stack of cells also the cell's; a second call of the same layer ends in "#2".
        layer: the recurrent layer. cell: the one of its cells.
        mask: (B, T) bool, which steps were there, in the order of the sequence; or None.
        see: what is called with each state before it is used; or None.
        inputs: list of T tensors (B, D). before, after: list of T lists of states (B, U), of a step that is masked
            as if it were there.
    """

    name: str
    layer: keras.layers.Layer
    cell: keras.layers.Layer
    mask: object = None
    see: Callable | None = None
    inputs: list = dataclasses.field(default_factory=list)
    before: list = dataclasses.field(default_factory=list)
    after: list = dataclasses.field(default_factory=list)

    @property
    def backwards(self) -> bool:
        return bool(getattr(self.layer, "go_backwards", False))

    def in_time(self, steps: list) -> list:
        """A list of what was done one step after the other, in the order of the sequence."""
        return steps[::-1] if self.backwards else steps

    def add(self, inputs, before, after) -> None:
        self.inputs.append(inputs)
        self.before.append(_flat(before))
        self.after.append(_flat(after))
        for state in self.after[-1] if self.see else ():
            self.see(state)


def named_layers(model) -> dict:
    """Name -> layer, of all layers of a model that go through time, however deep they lie in it.

    The name is the layer's own; where several have the same, "~2" and so on is behind it. Keras has no public list of
    the layers within layers, so its own is read here.

    Raises:
        ValueError: there is none.
    """
    found, counts = {}, {}
    for layer in inner_layers(model):
        if isinstance(layer, _RECURRENT):
            counts[layer.name] = counts.get(layer.name, 0) + 1
            found[layer.name + (f"~{counts[layer.name]}" if counts[layer.name] > 1 else "")] = layer
    if not found:
        raise ValueError(f"model: expected one with a recurrent layer, {model.name!r} has none")
    return found


def cells_of(layer) -> list:
    """The cells of a recurrent layer, from the input to the output."""
    if isinstance(layer, AttentionRNN):
        return layer.cell.cells
    return list(layer.cell.cells) if isinstance(layer.cell, keras.layers.StackedRNNCells) else [layer.cell]


@contextlib.contextmanager
def watched(model, initial_states: dict | None = None, see: Callable | None = None) -> Iterator[list]:
    """Watch a model's recurrent layers: a list that has a `Steps` for each of their cells after each of their calls.

    Inside, the layers go through time in Python, by their cells' own code, so that each state is a tensor of its own
    that a `tf.GradientTape` knows. Behind it the layers are as before; for the states of stateful ones see
    `states_kept`.

    Args:
        model: a built model or layer.
        initial_states: name of a layer -> list of states (B, U); of layers that are named the first states are these.
        see: called with each state that a cell gives, before it is used, as a tape's `watch`.

    Raises:
        ValueError: for a model without a recurrent layer.
    """
    found, calls = [], {}
    with contextlib.ExitStack() as stack:
        stack.enter_context(stepwise_scope())
        for name, layer in named_layers(model).items():
            stack.enter_context(_watched_layer(layer, name, found, calls, initial_states or {}, see))
        yield found


@contextlib.contextmanager
def _watched_layer(layer, own_name, found, calls, initial_states, see):
    original = layer.call
    signature = inspect.signature(original)

    def call(*args, **kwargs):
        given = signature.bind(*args, **kwargs).arguments
        if own_name in initial_states:
            given["initial_state"] = initial_states[own_name]
        calls[own_name] = calls.get(own_name, 0) + 1
        cells = cells_of(layer)
        names = [own_name if len(cells) == 1 else f"{own_name}/{cell.name}" for cell in cells]
        again = f"#{calls[own_name]}" if calls[own_name] > 1 else ""
        mask = given.get("mask")
        mask = getattr(next(iter(given.values())), "_keras_mask", None) if mask is None else mask
        own = [Steps(name + again, layer, cell, mask, see) for name, cell in zip(names, cells, strict=True)]
        found.extend(own)
        with _watched_loop(layer, own):
            return original(**given)

    with _replaced(layer, "call", call):
        yield


@contextlib.contextmanager
def _watched_loop(layer, own):
    """Inside, what the cells of a layer do goes into `own`, a `Steps` for each."""
    if isinstance(layer, RecurrentLayer):  # ours; it may compute a step by code of its own

        def cell_step(*args, make=layer._cell_step):
            return _watching(make(*args), own[0])

        with _replaced(layer, "_cell_step", cell_step):
            yield
        return
    if isinstance(layer, AttentionRNN):
        with _watched_cells(own):
            yield
        return
    with _replaced(layer, "inner_loop", functools.partial(_inner_loop, layer, own)):
        yield


@contextlib.contextmanager
def _watched_cells(own):
    with contextlib.ExitStack() as stack:
        for steps in own:
            stack.enter_context(_replaced(steps.cell, "call", _watching(steps.cell.call, steps)))
        yield


def _watching(step, steps):
    def watching(inputs, states, *args, **kwargs):
        output, after = step(inputs, states, *args, **kwargs)
        steps.add(inputs, states, after)
        return output, after

    return watching


def _inner_loop(layer, own, sequences, initial_state, mask, training=False):
    """What Keras calls by this name, in Python. Its own, unrolled, mistakes the mask of a layer that goes backwards."""
    options = {"training": training} if "training" in inspect.signature(layer.cell.call).parameters else {}

    def step(x, states):
        output, after = layer.cell(x, keras.tree.pack_sequence_as(initial_state, states), **options)
        return output, keras.tree.flatten(after)

    if layer.go_backwards:
        sequences, mask = (None if a is None else tf.reverse(a, [1]) for a in (sequences, mask))
    with _watched_cells(own):  # of stacked cells Keras has called the lower ones before, for the shapes of dropout
        outputs, finals = scan(step, sequences, keras.tree.flatten(initial_state), mask, unroll=True)
    if mask is not None and layer.zero_output_for_mask:
        there = tf.reshape(mask, (*tf.unstack(tf.shape(mask)), *[1] * (outputs.shape.rank - 2)))
        outputs = tf.where(there, outputs, tf.zeros_like(outputs))
    return outputs[:, -1], outputs, keras.tree.pack_sequence_as(initial_state, finals)


@contextlib.contextmanager
def _replaced(thing, name: str, value):
    """An attribute of this one object, for a while."""
    own = name in vars(thing)
    before = getattr(thing, name)
    setattr(thing, name, value)
    try:
        yield
    finally:
        if own:
            setattr(thing, name, before)
        else:
            delattr(thing, name)


@contextlib.contextmanager
def states_kept(model) -> Iterator[None]:
    """Behind it the states of all stateful recurrent layers are as they were; to be opened outside of any graph."""
    with contextlib.ExitStack() as stack:
        for layer in named_layers(model).values():
            if getattr(layer, "stream_state", None) is not None:
                for stream in STREAMS:
                    stack.callback(layer.set_states, layer.get_states(stream), stream)
            elif getattr(layer, "stateful", False):
                for variable in keras.tree.flatten(layer.states):
                    stack.callback(variable.assign, variable.numpy())
        yield


def begin_anew(model, rows: int, stream: str) -> None:
    """Let stateful layers of this package, whose stream goes on for other rows than these, begin with zero states."""
    for layer in named_layers(model).values():
        if getattr(layer, "stream_state", None) is not None and len(layer.get_states(stream)[0]) != rows:
            layer.reset_states(stream)


def _flat(states) -> list:
    return [s for s in keras.tree.flatten(states) if tf.is_tensor(s) or isinstance(s, tf.Variable)]


_RECURRENT = (keras.layers.RNN, AttentionRNN)
