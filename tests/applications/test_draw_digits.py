"""The application at a tiny size: it trains, goes on after an interruption, draws, and its exports are compared."""

import importlib.util
import json
import sys
from pathlib import Path

import keras
import numpy as np
import PIL.Image
import pytest

import keras_seqcv as ks

FOLDER = Path(__file__).resolve().parents[2] / "applications" / "draw_digits"
TINY = "--count 64 --steps 3 --units 8 --latent 3 --batch-size 32".split()


def script(name: str, monkeypatch):
    """A script of the application as a module; the folder is no package, and other applications have a `train` too."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.delitem(sys.modules, "train", raising=False)
    spec = importlib.util.spec_from_file_location(f"draw_digits_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.delitem(sys.modules, "train", raising=False)
    return module


@pytest.mark.long
def test_it_trains_goes_on_and_its_exports_are_compared(tmp_path, monkeypatch, capsys):
    train, out = script("train", monkeypatch), tmp_path / "out"
    command = [*TINY, "--labels", "--epochs", "3", "--out", str(out)]

    class Interruption(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    with monkeypatch.context() as interrupted:
        interrupted.setattr(train, "callbacks", lambda *given, made=train.callbacks: [*made(*given), Interruption()])
        with pytest.raises(KeyboardInterrupt):
            train.main(command)
    assert len(train.history(out / "history.csv")["loss"]) == 1 and not (out / "model.keras").exists()
    train.main(command)
    history = train.history(out / "history.csv")
    assert len(history["val_loss"]) == 3 and json.loads((out / "minutes.json").read_text())["epochs"] == 3
    result = json.loads((out / "result.json").read_text())
    assert result["val_loss"] == history["val_loss"] and result["epochs"] == 3 and result["minutes"] > 0
    np.testing.assert_allclose(np.add(history["reconstruction"], history["kl"]), history["loss"], rtol=1e-4)
    for name in ("curves.png", "drawing.png", "drawing.gif"):
        assert PIL.Image.open(out / name).size[0] > 100

    model = ks.models.load_model(out / "model.keras")
    more = train.arguments([*command, "--start", str(out / "model.keras"), "--steps", "7"])
    longer = train.new_model(ks.data.drawn_digits(2), more)
    assert longer.options["steps"] == 7 and longer.draw(1, seed=3, label="7").canvases.shape[1] == 7
    for a, b in zip(model.get_weights(), longer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    drawing = ks.export.load_tflite(out / "model.tflite").draw(2, seed=3, label="7")
    np.testing.assert_allclose(drawing.canvases, model.draw(2, seed=3, label="7").canvases, atol=1e-5)

    rows = tmp_path / "rows.json"
    options = ["--count", "64", "--first", "20", "--likelihood", "3", "--json", str(rows)]
    script("evaluate", monkeypatch).main([str(out / "model.keras"), *options])
    (row,) = json.loads(rows.read_text())
    assert row["pictures"] == 20 and 0 < row["bound"] < 28 * 28
    assert row["nats"] == pytest.approx(row["bound"], abs=1)

    script("evaluate_exports", monkeypatch).main(
        [str(out / "model.keras"), "--count", "3", "--forms", "float32", "dynamic", "--json", str(rows)]
    )
    found = {row["form"]: row for row in json.loads(rows.read_text())}
    assert list(found) == ["SavedModel", "float32", "dynamic"]
    assert found["SavedModel"]["largest"] < 1e-5 and found["float32"]["largest"] < 1e-5
    assert "| float32 |" in capsys.readouterr().out


@pytest.mark.slow
def test_it_trains_without_attention_on_files(tmp_path, monkeypatch):
    digits = ks.data.drawn_digits(40, image_size=12)
    parts = {"x_train": digits.images[:30], "y_train": digits.labels[:30]}
    np.savez(tmp_path / "digits.npz", **parts, x_test=digits.images[30:], y_test=digits.labels[30:])
    train = script("train", monkeypatch)
    options = ["--data", str(tmp_path / "digits.npz"), "--read", "0", "--write", "0", "--epochs", "1"]
    train.main([*TINY, *options, "--out", str(tmp_path / "out")])
    model = ks.models.load_model(tmp_path / "out" / "model.keras")
    assert model.image_shape == (12, 12, 1) and model.draw(1).windows is None and model.labels is None
