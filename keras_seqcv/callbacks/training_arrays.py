"""All the numbers that a training consists of, as arrays, and back."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from keras_seqcv.layers.inner_layers import inner_layers


def training_variables(model) -> list[tuple[str, tf.Variable]]:
    """Name and variable of all that a step of `fit` may change, in an order that is the same in every process.

    These are weights, seeds of layers, the optimizer's and the metrics' variables, and what layers keep beside them,
    such as the streams of stateful layers.
    """
    named = [(f"model {v.path}", v) for v in model.variables]
    named += [(f"optimizer {v.path}", v) for v in model.optimizer.variables]
    named += [(f"metric {v.path}", v) for v in model.metrics_variables]
    found = {id(variable.value): (name, variable.value) for name, variable in named}
    for layer in inner_layers(model):
        for thing in tf.train.TrackableView(layer).descendants():
            if isinstance(thing, tf.Variable):
                found.setdefault(id(thing), (f"variable {thing.name}", thing))
    return list(found.values())


def of_metric(name: str) -> bool:
    """Whether a variable of `training_variables` is a metric's."""
    return name.startswith("metric ")


def read_variables(named, strategy) -> dict[str, np.ndarray]:
    """The values by name, with the number of each; of a variable whose replicas differ, those of all replicas."""
    arrays = {}
    for k, (name, variable) in enumerate(named):
        copies = [copy.numpy() for copy in strategy.experimental_local_results(variable)]
        if all(_same(copy, copies[0]) for copy in copies[1:]):
            copies = copies[:1]
        for i, copy in enumerate(copies):
            arrays[f"{k:05} {i} {name}"] = copy
    return arrays


def write_variables(named, arrays: dict[str, np.ndarray], strategy) -> None:
    """The reverse of `read_variables`.

    Raises:
        ValueError: if these are not the variables that were read.
    """
    by_number: dict[int, list] = {}
    for key in sorted(arrays):
        by_number.setdefault(int(key.split(" ", 1)[0]), []).append((key.split(" ", 2)[2], arrays[key]))
    if len(by_number) != len(named):
        raise ValueError(f"it has {len(by_number)} variables, and this training {len(named)}")
    for (name, variable), found in zip(named, by_number.values(), strict=True):
        values, copies = [value for _, value in found], strategy.experimental_local_results(variable)
        if len(values) not in (1, len(copies)):
            raise ValueError(f"it is of {len(values)} replicas, and this training has {len(copies)}")
        for copy, value in zip(copies, values if len(values) > 1 else values * len(copies), strict=True):
            if not copy.shape.is_compatible_with(value.shape) or copy.dtype.as_numpy_dtype != value.dtype:
                received = f"{found[0][0]!r} is {value.dtype} of shape {value.shape}"
                raise ValueError(f"{received}, and this training's {name!r} is {copy.dtype.name} of shape {copy.shape}")
            copy.assign(value)


def _same(one, other) -> bool:
    return one.shape == other.shape and one.tobytes() == other.tobytes()


def read_chance() -> dict:
    """The states of the random numbers that belong to no model: Python's, NumPy's, Keras's and TensorFlow's."""
    keras_state = _keras_generator().state.numpy().tolist()  # first: its seed is a number of Python's
    version, numbers, gauss = random.getstate()
    name, keys, *rest = np.random.get_state()
    return {
        "python": [version, list(numbers), gauss],
        "numpy": [name, keys.tolist(), *rest],
        "keras": keras_state,
        "tensorflow": tf.random.get_global_generator().state.numpy().tolist(),
    }


def write_chance(states: dict) -> None:
    """The reverse of `read_chance`."""
    version, numbers, gauss = states["python"]
    random.setstate((version, tuple(numbers), gauss))
    name, keys, *rest = states["numpy"]
    np.random.set_state((name, np.array(keys, "uint32"), *rest))
    _keras_generator().state.assign(np.array(states["keras"], "uint32"))
    tf.random.get_global_generator().state.assign(states["tensorflow"])


def _keras_generator() -> keras.random.SeedGenerator:
    """What `keras.random` draws its seeds from where it is given none. It has no public name."""
    from keras.src.random.seed_generator import global_seed_generator

    return global_seed_generator()


def save_arrays(arrays: dict[str, np.ndarray], path: Path) -> None:
    """Arrays in one file: a line of JSON that says of each its name, type and shape, and behind it their numbers.

    Not NumPy's `.npz`, which writes types such as bfloat16 but reads them as bytes.
    """
    head = [[name, array.dtype.name, list(array.shape)] for name, array in arrays.items()]
    with path.open("wb") as file:
        file.write(json.dumps(head).encode() + b"\n")
        for array in arrays.values():
            file.write(np.ascontiguousarray(array).tobytes())


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """The reverse of `save_arrays`."""
    with path.open("rb") as file:
        head = json.loads(file.readline())
        return {name: array for name, array in _arrays(head, file)}


def _arrays(head, file) -> Iterator[tuple[str, np.ndarray]]:
    for name, dtype, shape in head:
        dtype = tf.as_dtype(dtype).as_numpy_dtype
        size = int(np.prod(shape, dtype="int64")) * np.dtype(dtype).itemsize
        yield name, np.frombuffer(bytearray(file.read(size)), dtype).reshape(shape)
