"""`Recording`: what the units of recurrent layers were at every token of a text; in memory, or in a file."""

import contextlib
import dataclasses
import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from keras_seqcv.archive_checks import check_arrays
from keras_seqcv.hdf5_checks import check_hdf5
from keras_seqcv.placing import placed

_KINDS = (".npz", ".h5", ".hdf5")


@dataclasses.dataclass(frozen=True)
class Recording:
    """States and gates of recurrent layers over a text.

    Args:
        tokens: list of T str, what was read.
        layers: name of a layer -> name of a state or gate -> array (T, U): "hidden"; of an LSTM also "cell", "input",
            "forget", "candidate", "output"; of a GRU "update", "reset", "candidate". Row t is after token t was read.
            Of an HDF5 file these are its data sets, which are read where they are sliced.
        probability: (T,) float32, what the model gave token t before it was read, NaN for the first; None for a model
            that is no language model.

    Example:

    >>> states = {"lstm": {"hidden": np.zeros((3, 8), "float32")}}
    >>> ks.inspection.Recording(list("abc"), states, None)
    Recording(3 tokens, lstm: 8 units of hidden)
    """

    tokens: list
    layers: Mapping
    probability: np.ndarray | None

    def __repr__(self) -> str:
        parts = [f"{name}: {self.units(name)} units of {', '.join(states)}" for name, states in self.layers.items()]
        return f"Recording({len(self.tokens)} tokens, {'; '.join(parts)})"

    @property
    def text(self) -> str:
        """All tokens, one behind the other."""
        return "".join(self.tokens)

    def units(self, layer: str) -> int:
        """U of a layer."""
        return next(iter(self.layers[layer].values())).shape[1]

    def values(self, layer: str, state: str = "hidden", unit: int | None = None) -> np.ndarray:
        """Float32 values of a state or a gate: (T, U), or (T,) of one unit.

        Raises:
            ValueError: for a layer, a state or a unit that is not there.
        """
        if layer not in self.layers or state not in self.layers[layer]:
            known = {name: list(states) for name, states in self.layers.items()}
            raise ValueError(f"layer, state: expected of {known}, received {layer!r}, {state!r}")
        array = self.layers[layer][state]
        if unit is not None and not 0 <= unit < array.shape[1]:
            raise ValueError(f"unit: expected 0 to {array.shape[1] - 1} of {layer!r}, received {unit!r}")
        return np.asarray(array[...] if unit is None else array[:, unit], "float32")


def check_path(path) -> None:
    """Raise ValueError unless a path is None, or ends in .npz, .h5 or .hdf5."""
    if path is not None and Path(path).suffix.lower() not in _KINDS:
        raise ValueError(f"path: expected it to end in {', '.join(_KINDS)}, received {os.fspath(path)!r}")


@contextlib.contextmanager
def writing(path, tokens: list, probability: bool, dtype: str):
    """Arrays of T rows to be filled piece by piece, in memory or, with a path, in a file that is put in place whole.

    Gives a function (layer, state, width) -> array (T, width), the same for the same names, and the array of
    probabilities or None; and a list that holds the finished `Recording` behind the `with` block.
    """
    done = []
    if path is None:
        arrays = _Arrays(lambda name, shape, kind: np.zeros(shape, kind), len(tokens), dtype, probability)
        yield arrays, done
        done.append(Recording(tokens, arrays.layers, arrays.probability))
        return
    write = _npz if Path(path).suffix.lower() == ".npz" else _hdf5
    with placed(Path(path), folder=False) as temporary, write(temporary, tokens, dtype, probability) as arrays:
        yield arrays, done
    done.append(load_recording(path))


class _Arrays:
    """Arrays that are made when they are first asked for."""

    def __init__(self, make, count, dtype, probability):
        self.make, self.count, self.dtype, self.layers = make, count, dtype, {}
        self.probability = make("probability", (count,), "float32") if probability else None
        if probability:
            self.probability[:] = np.nan

    def __call__(self, layer, state, width):
        states = self.layers.setdefault(layer, {})
        if state not in states:
            states[state] = self.make(_key(layer, state), (self.count, width), self.dtype)
        return states[state]


@contextlib.contextmanager
def _npz(path, tokens, dtype, probability):
    """Each array is filled in a file of its own, and then put into the archive: none is held in memory."""
    with tempfile.TemporaryDirectory(dir=Path(path).parent) as folder:
        files = {}

        def make(name, shape, kind):
            files[name] = Path(folder) / f"{len(files)}.npy"
            return np.lib.format.open_memmap(files[name], "w+", kind, shape)

        arrays = _Arrays(make, len(tokens), dtype, probability)
        yield arrays
        make("tokens", *_bytes_like(tokens))[:] = _bytes(tokens)
        for array in (arrays.probability, *(a for states in arrays.layers.values() for a in states.values())):
            if array is not None:
                array.flush()
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, file in files.items():
                archive.write(file, f"{name}.npy")


@contextlib.contextmanager
def _hdf5(path, tokens, dtype, probability):
    import h5py  # Keras brings it

    with h5py.File(path, "w", track_order=True) as file:
        arrays = _Arrays(
            lambda name, shape, kind: file.create_dataset(name, shape, kind), len(tokens), dtype, probability
        )
        yield arrays
        file.create_dataset("tokens", data=_bytes(tokens))


def load_recording(path: str | os.PathLike) -> Recording:
    """Read what `record` has written.

    Args:
        path: .npz, which is read into memory, or .h5, whose arrays are read where they are sliced.

    Returns:
        `Recording`.

    Raises:
        OSError: the file cannot be read. ValueError: it is no recording. Both name the file.

    Example:

    >>> model = ks.models.LanguageModel(ks.data.Characters("abc"), units=8, layers=1)
    >>> _ = ks.inspection.record(model, "abcabc", "states.npz")
    >>> ks.inspection.load_recording("states.npz").text
    'abcabc'
    """
    check_path(path)
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        arrays = _read_npz(path) if path.suffix.lower() == ".npz" else _read_hdf5(path)
        tokens = json.loads(np.asarray(arrays.pop("tokens")[...]).tobytes())
        probability = arrays.pop("probability", None)
        probability = None if probability is None else np.asarray(probability[...])
        layers = {}
        for key, array in arrays.items():
            layer, state = json.loads(key)
            layers.setdefault(layer, {})[state] = array
        if not layers or any(a.shape[0] != len(tokens) for states in layers.values() for a in states.values()):
            raise ValueError("arrays do not fit the tokens")
    except Exception as error:  # zipfile, zlib, json, NumPy and HDF5 raise of many kinds
        raise ValueError(f"{path}: expected a recording, as `ks.inspection.record` writes it: {error}") from error
    return Recording(tokens, layers, probability)


def _read_npz(path) -> dict:
    check_arrays(path)
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _read_hdf5(path) -> dict:
    import h5py

    file = h5py.File(path, "r")
    check_hdf5(file, path.stat().st_size)
    return {name: file[name] for name in file}


def _key(layer: str, state: str) -> str:
    # A slash would be a folder, in HDF5 and in an archive.
    return json.dumps([layer, state]).replace("/", "\\u002f")


def _bytes(tokens: list) -> np.ndarray:
    return np.frombuffer(json.dumps(tokens).encode(), "uint8")


def _bytes_like(tokens: list) -> tuple:
    return _bytes(tokens).shape, "uint8"
