"""Exports to places that cannot be written, files that cannot be read: errors that name them, nothing half-written."""

import os
import resource

import numpy as np
import pytest

import keras_seqcv as ks
from tests.models.language_model_oracles import small

pytest.importorskip("ai_edge_litert")


@pytest.fixture(scope="module")
def model():
    return small(cell="gru")


@pytest.fixture(scope="module")
def lite_file(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("lite") / "model.tflite"
    ks.export.tflite(model, path, max_length=20, verbose=False)
    return path


@pytest.mark.parametrize("write", ["saved_model", "tflite"])
def test_unwritable_path(model, tmp_path, write):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError, match="cannot write .*file/model"):
        getattr(ks.export, write)(model, tmp_path / "file" / "model", verbose=False)
    with pytest.raises((ValueError, OSError), match="/dev/full"):
        getattr(ks.export, write)(model, "/dev/full/model", verbose=False)
    assert os.listdir(tmp_path) == ["file"] and (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("name", ["saved_model", "model.tflite", "model.keras"])
def test_full_disk(tmp_path, name):
    """Files end at 20 kB: nothing new is left, and what was there stays."""
    model, path = small(cell="gru", units=64), tmp_path / name
    write = {
        "saved_model": lambda: ks.export.saved_model(model, path, verbose=False),
        "model.tflite": lambda: ks.export.tflite(model, path, verbose=False),
        "model.keras": lambda: model.save(path),
    }[name]
    if name != "saved_model":
        path.write_bytes(b"earlier")
    before = os.listdir(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(OSError, match=f"cannot write .*{name}"):
            write()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(tmp_path) == before
    if name != "saved_model":
        assert path.read_bytes() == b"earlier"


def test_bad_options(model, tmp_path):
    for options, message in (({"max_length": 0}, "max_length"), ({"quantize": "int4"}, "quantize")):
        with pytest.raises(ValueError, match=message):
            ks.export.tflite(model, tmp_path / "m.tflite", verbose=False, **options)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("damage", ["empty", "half", "random", "flipped"])
def test_damaged_litert_file(lite_file, tmp_path, damage):
    data = lite_file.read_bytes()
    flipped = bytearray(data)
    flipped[len(data) // 3] ^= 255
    content = {"empty": b"", "half": data[: len(data) // 2], "random": np.random.default_rng(0).bytes(2000)}
    path = tmp_path / "damaged.tflite"
    path.write_bytes(content.get(damage, bytes(flipped)))
    with pytest.raises(ValueError, match="damaged.tflite"):
        ks.export.load_tflite(path)
