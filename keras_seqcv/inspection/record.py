"""`record`: what the units of a model's recurrent layers do while it reads."""

import keras
import numpy as np
import tensorflow as tf

from keras_seqcv.inspection.cell_gates import gates_of
from keras_seqcv.inspection.recording import Recording, check_path, writing
from keras_seqcv.inspection.recurrent_calls import cells_of, named_layers, states_kept, watched
from keras_seqcv.layers import AttentionRNN

_STATES = ("hidden", "cell")


def record(model, inputs, path=None, text=None, piece=20, gates=True, dtype="float32") -> Recording:
    """Read a text, and keep the states and gates of all recurrent layers after every token.

    Row t of "hidden" is h_t, of "cell" c_t, and gates are those that made them; all by the layers' own cells and
    weights, from zero states on, in inference. The states of stateful layers are left as they are.

    A text is read in pieces, states going on from one to the next: memory is needed for a piece, and with a `path` for
    nothing else. A model that looks at a whole (`Bidirectional`, attention, several inputs) is given all at once.

    Args:
        model: a built Keras model with `keras.layers.RNN` in it (LSTM, GRU, SimpleRNN, cells of one's own) or layers of
            this package, also inside an `AttentionRNN`.
        inputs: str, for a model with a `vocabulary`; or what the model's call takes, of one sequence: an array (1, T)
            or (1, T, D), or a dict or list of arrays.
        path: None, or a file that ends in .npz or .h5, which is written whole or not at all.
        text: sequence of T str, what was read at each step; by default the tokens, or the steps' numbers.
        piece: int >= 1, steps that are read at once. All are written out in a graph: it takes time to make.
        gates: whether gates are kept, too.
        dtype: "float32" | "float16", of what is kept.

    Returns:
        `Recording`; with a `path` that of the file.

    Raises:
        TypeError, ValueError: for an argument that is not as above; a model without a recurrent layer.
        OSError: the file cannot be written; it names the file.

    Example:

    >>> model = ks.models.LanguageModel(ks.data.Characters("to be or not"), cell="gru", units=8, layers=1)
    >>> ks.inspection.record(model, "to be or not to be")
    Recording(18 tokens, gru_0: 8 units of hidden, update, reset, candidate)

    Reference:
        Karpathy, Johnson, Fei-Fei: Visualizing and Understanding Recurrent Networks. arXiv 1506.02078, 2015.
    """
    check_path(path)
    if dtype not in ("float32", "float16"):
        raise ValueError(f"dtype: expected 'float32' or 'float16', received {dtype!r}")
    if not isinstance(piece, int) or isinstance(piece, bool) or piece < 1:
        raise ValueError(f"piece: expected an int >= 1, received {piece!r}")
    layers = named_layers(model)
    inputs, words = _checked(model, inputs)
    if not model.built:
        model.build(keras.tree.map_structure(np.shape, inputs))
    with states_kept(model):
        if isinstance(inputs, np.ndarray) and not any(_needs_all(layer) for layer in layers.values()):
            words, steps = _words(text, words, inputs.shape[1]), min(piece, inputs.shape[1])
            with writing(path, words, hasattr(model, "vocabulary"), dtype) as (arrays, done):
                _in_pieces(model, layers, inputs, steps, gates, arrays)
        else:
            with watched(model) as found:
                model(inputs, training=False)
            words = _words(text, words, len(found[0].after))
            with writing(path, words, False, dtype) as (arrays, done):
                for steps in found:
                    _keep(arrays, steps.name, _arrays_of(steps, gates), 0, len(words))
    return done[0]


def _checked(model, inputs):
    """Inputs as arrays of one sequence, and the tokens of a text or None."""
    if isinstance(inputs, str):
        if not hasattr(model, "vocabulary"):
            raise TypeError(f"inputs: a text needs a model with a vocabulary, {model.name!r} has none")
        if not inputs:
            raise ValueError("inputs: expected a text, received an empty one")
        tokens = np.asarray(model.vocabulary.encode(inputs))
        return tokens[None], [model.vocabulary.decode([token]) for token in tokens]
    inputs = keras.tree.map_structure(np.asarray, inputs)
    shapes = [a.shape for a in keras.tree.flatten(inputs)]
    if any(len(shape) < 2 or shape[0] != 1 for shape in shapes):
        raise ValueError(f"inputs: expected one sequence, arrays (1, T, ...), received shapes {shapes}")
    return inputs, None


def _words(text, words, steps) -> list:
    if text is None:
        return [str(k) for k in range(steps)] if words is None else words
    text = list(text)
    if len(text) != steps or not all(isinstance(word, str) for word in text):
        raise ValueError(f"text: expected {steps} str, one for each step, received {len(text)}")
    return text


def _needs_all(layer) -> bool:
    return isinstance(layer, AttentionRNN) or getattr(layer, "go_backwards", False)


def _in_pieces(model, layers, inputs, piece, gates, arrays) -> None:
    steps = inputs.shape[1]
    states = {name: layer.get_initial_state(batch_size=1) for name, layer in layers.items()}
    read = _reader(model, layers, gates)
    for start in range(0, steps, piece):
        part = inputs[:, start : start + piece]
        count = part.shape[1]
        if count < piece:  # the last: what stands behind it changes nothing of what is before it
            part = np.concatenate([part, np.repeat(part[:, -1:], piece - count, axis=1)], axis=1)
        given, found, states = read(tf.constant(part), states)
        for name, values in found.items():
            _keep(arrays, name, values, start, count)
        if arrays.probability is not None:
            following = inputs[0, start + 1 : start + count + 1]
            shares = tf.nn.softmax(tf.cast(given[0, : len(following)], tf.float32)).numpy()
            arrays.probability[start + 1 : start + 1 + len(following)] = shares[np.arange(len(following)), following]


def _reader(model, layers, gates):
    """A compiled function (inputs, states) -> what the model gives, all arrays by layer and name, the states after."""

    @tf.function(autograph=False)
    def read(inputs, states):
        with watched(model, states) as found:
            given = model(inputs, training=False)
        after = {}
        for name, layer in layers.items():
            own = [steps for steps in found if steps.layer is layer]
            if len(own) != len(cells_of(layer)):
                raise ValueError(f"model: {name!r} is called {len(own)} times; expected once, where states go on")
            flat = [state for steps in own for state in steps.after[-1]]
            after[name] = keras.tree.pack_sequence_as(states[name], flat)
        return given, {steps.name: _tensors_of(steps, gates) for steps in found}, after

    return read


def _tensors_of(steps, gates) -> dict:
    """Name -> (T, U) of the only row, in the order of the sequence."""
    stacked = [tf.stack(steps.in_time([after[k] for after in steps.after]))[:, 0] for k in range(len(steps.after[0]))]
    found = {_STATES[k] if k < len(_STATES) else f"state_{k}": a for k, a in enumerate(stacked)}
    if gates:
        inputs = tf.stack(steps.in_time(steps.inputs))[:, 0]
        before = [tf.stack(steps.in_time([b[k] for b in steps.before]))[:, 0] for k in range(len(stacked))]
        found |= gates_of(steps.cell, inputs, before)
    return {name: tf.cast(a, tf.float32) for name, a in found.items()}


def _arrays_of(steps, gates) -> dict:
    """The same as arrays; at a step that is masked states are those before it, and gates are zero."""
    found = {name: a.numpy() for name, a in _tensors_of(steps, gates).items()}
    if steps.mask is not None:
        order = np.flatnonzero(~np.asarray(steps.mask)[0])
        states = {name for name in found if name in _STATES or name.startswith("state_")}
        for t in order[::-1] if steps.backwards else order:
            before = t + 1 if steps.backwards else t - 1
            for name, array in found.items():
                array[t] = array[before] if name in states and 0 <= before < len(array) else 0.0
    return found


def _keep(arrays, name, values, start, count) -> None:
    for state, value in values.items():
        if len(value.shape) != 2:
            raise ValueError(f"model: {name!r} has states of shape {tuple(value.shape[1:])}; expected (U,)")
        arrays(name, state, value.shape[1])[start : start + count] = np.asarray(value)[:count]
