"""What other callbacks have learned in a training, as arrays and JSON, and back."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from keras_seqcv.placing import placed

_PLAIN = (bool, int, float, str, type(None))
# How Keras's callbacks compare what they watch: chosen at the end of an epoch, where `min_delta` gets its sign as well.
_COMPARISONS = {"less": keras.ops.less, "greater": keras.ops.greater}


def values_of(callback) -> dict:
    """What of a callback can be kept: plain values, arrays, variables, comparisons, and lists and dicts of these."""
    values = {}
    for name, value in vars(callback).items():
        if name not in ("params", "_model"):
            kept = _kept(value)
            if kept is not None:
                values[name] = kept
    return values


def _kept(value):
    """[kind, value], or None if it is of no kind that can be kept."""
    if isinstance(value, (np.ndarray, np.generic)):
        return None if value.dtype.hasobject else ["array", np.array(value)]
    if isinstance(value, (tf.Variable, keras.Variable)):
        return ["variable", np.array(value.numpy())]
    if isinstance(value, _PLAIN):
        return ["plain", value]
    for name, comparison in _COMPARISONS.items():
        if value is comparison:
            return ["comparison", name]
    if type(value) in (list, tuple):
        inside = [_kept(one) for one in value]
        return None if None in inside else ["tuple" if isinstance(value, tuple) else "list", inside]
    if type(value) is dict and all(isinstance(key, str) for key in value):
        inside = {key: _kept(one) for key, one in value.items()}
        return None if None in inside.values() else ["dict", inside]
    return None


def changed(before: dict, after: dict) -> dict:
    """What is otherwise than before. The rest, such as an option, is what the constructor makes of it."""
    return {name: value for name, value in after.items() if name not in before or not _equal(before[name], value)}


def _equal(one, other) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    return one == other or (one != one and other != other)  # NaN is like NaN


def take_arrays(kept, arrays: dict):
    """The same for JSON: arrays go to `arrays`, and their names there stay."""
    if isinstance(kept, np.ndarray):
        key = str(len(arrays))
        arrays[key] = kept
        return {"array": key}
    if isinstance(kept, list):
        return [take_arrays(one, arrays) for one in kept]
    if isinstance(kept, dict):
        return {"dict": {key: take_arrays(one, arrays) for key, one in kept.items()}}
    return kept


def put_arrays(kept, arrays: dict):
    """The reverse of `take_arrays`."""
    if isinstance(kept, list):
        return [put_arrays(one, arrays) for one in kept]
    if isinstance(kept, dict):
        if "array" in kept:
            return arrays[kept["array"]]
        return {key: put_arrays(one, arrays) for key, one in kept["dict"].items()}
    return kept


def set_values(callback, values: dict) -> None:
    """Give a callback the attributes that another one had."""
    for name, kept in values.items():
        old = getattr(callback, name, None)
        setattr(callback, name, _made(kept, old))


def _made(kept, old):
    """The value; what was in a variable goes into the callback's own one, `old`."""
    kind, value = kept
    if kind == "variable":
        old.assign(value)
        return old
    if kind == "comparison":
        return _COMPARISONS[value]
    if kind in ("list", "tuple"):
        olds = old if isinstance(old, (list, tuple)) and len(old) == len(value) else [None] * len(value)
        made = [_made(*pair) for pair in zip(value, olds, strict=True)]
        return tuple(made) if kind == "tuple" else made
    if kind == "dict":
        return {key: _made(one, old.get(key) if isinstance(old, dict) else None) for key, one in value.items()}
    return value


def continue_csv(logger: keras.callbacks.CSVLogger, epoch: int) -> None:
    """Let a `CSVLogger` go on with its file, without the rows of `epoch` and of those behind it, which come again."""
    logger.append = True
    path = Path(logger.filename)
    if not path.is_file():
        return
    with path.open(newline="") as file:
        head, *rows = file.readlines() or [""]
    whole = [row for row in rows if row.endswith("\n") and _epoch_of(row, logger.sep) < epoch]
    with placed(path, folder=False) as temporary, temporary.open("w", newline="") as file:
        file.writelines([head, *whole] if whole else [])  # without rows, the logger writes a head of its own


def _epoch_of(row: str, separator: str) -> float:
    first = row.split(separator, 1)[0]
    return int(first) if first.isdigit() else float("inf")
