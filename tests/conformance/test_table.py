"""The table is complete."""

import inspect

import keras

import keras_seqcv as ks
from tests.conformance.table import TABLE


def classes_without_a_row(module) -> set[str]:
    public = {name for name in module.__all__ if inspect.isclass(getattr(module, name))}
    layers = [row.make() for row in TABLE]
    tested = layers + [layer.cell for layer in layers if hasattr(layer, "cell")]  # a cell by the layer that runs it
    return public - {type(layer).__name__ for layer in tested}


def test_every_public_layer_has_a_row():
    missing = classes_without_a_row(ks.layers)
    assert not missing, f"no row in tests/conformance/table.py for {sorted(missing)}"
    assert len({row.name for row in TABLE}) == len(TABLE)


def test_a_layer_without_a_row_is_found(monkeypatch):
    class Forgotten(keras.layers.Layer):
        pass

    monkeypatch.setattr(ks.layers, "Forgotten", Forgotten, raising=False)
    monkeypatch.setattr(ks.layers, "__all__", [*ks.layers.__all__, "Forgotten"])
    assert classes_without_a_row(ks.layers) == {"Forgotten"}
