"""The application at a tiny size: it trains, writes its files, exports what agrees, and measures and draws it."""

import importlib.util
import json
import runpy
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_seqcv as ks

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "applications" / "char_language_model"
TEXT = "".join(
    f"Line {k}:\nthe {'quick' if k % 3 else 'slow'} brown fox jumps over dog {k * 7 % 11}.\n\n" for k in range(80)
)
TINY = [
    "--layers",
    "1",
    "--units",
    "8",
    "--epochs",
    "1",
    "--learning-rate",
    "0.01",
    "--batch-size",
    "4",
    "--steps",
    "16",
    "--prompt",
    "Line",
]

pytestmark = pytest.mark.slow


def script(name: str):
    """A script of the application as a module; the folder is no package."""
    spec = importlib.util.spec_from_file_location(f"char_language_model_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def train(folder: Path, *extra: str) -> Path:
    text, out = folder / "text.txt", folder / "out"
    text.write_text(TEXT, encoding="utf-8")
    script("train").main(["--text", str(text), "--out", str(out), *TINY, *extra])
    return out


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    return train(tmp_path_factory.mktemp("stream"))


@pytest.fixture(scope="module")
def learned(tmp_path_factory) -> Path:
    """Trained until it knows the text well: only then quantisation can do harm that shows."""
    return train(tmp_path_factory.mktemp("learned"), "--epochs", "20")


@pytest.fixture(scope="module")
def stateless(tmp_path_factory) -> Path:
    return train(tmp_path_factory.mktemp("stateless"), "--stateless", "--cell", "gru")


@pytest.mark.parametrize("name", ["run", "stateless"])
def test_writes_a_model_that_scores_as_reported(name, request):
    out = request.getfixturevalue(name)
    result = json.loads((out / "result.json").read_text(encoding="utf-8"))
    assert result["minutes"] > 0 and len(result["loss"]) == 1
    model = keras.saving.load_model(out / "model.keras")
    assert model.cell == ("gru" if name == "stateless" else "lstm") and model.units == 8
    # The loss of validation once more, from probabilities of the model on its streams.
    _, valid = ks.data.text_streams(TEXT, 4, 16, validation=0.1, vocabulary=model.vocabulary)
    rows = [np.concatenate(parts, 1) for parts in zip(*[(x.numpy(), y.numpy()) for x, y in valid])]
    logits, _ = model.read(rows[0], model.initial_states(4))
    logits = logits.numpy().astype("float64")
    chosen = np.take_along_axis(logits, rows[1][..., None], -1)[..., 0]
    assert np.mean(np.log(np.exp(logits).sum(-1)) - chosen) == pytest.approx(np.min(result["val_loss"]), abs=1e-4)


def test_writes_history_and_exports(run):
    history = (run / "history.csv").read_text(encoding="utf-8").splitlines()
    assert len(history) == 2 and "val_loss" in history[0].split(",")
    assert (run / "saved_model" / "saved_model.pb").is_file()
    expected = keras.saving.load_model(run / "model.keras").generate("Line", length=300, greedy=True)
    assert ks.export.load_tflite(run / "model_float32.tflite").generate("Line", length=300, greedy=True) == expected
    # The default of train.py, weights in int8: the same vocabulary, and a file of its own.
    lite = ks.export.load_tflite(run / "model.tflite")
    assert lite.vocabulary.encode("Line").tolist() == ks.data.Characters(TEXT).encode("Line").tolist()
    assert len(lite.generate("Line", length=300, greedy=True)) == 304


def test_stateless_training_starts_every_chunk_from_zero():
    module, seen = script("train"), []

    class Seen(ks.models.LanguageModel):
        def call(self, inputs, training=False):
            seen.append(inputs.keys())
            return super().call(inputs, training)

    tokens = np.array([[1, 2, 3], [2, 1, 0]])
    inputs, targets = module.forget(tokens, tokens[:, ::-1])
    assert np.array_equal(inputs["tokens"], tokens) and np.array_equal(targets, tokens[:, ::-1])
    assert inputs["reset"].numpy().tolist() == [True, True]
    model = Seen(ks.data.Characters("abcd"), layers=1, units=4)
    first = model(inputs).numpy()
    assert np.allclose(model(inputs).numpy(), first) and "reset" in seen[0]
    assert not np.allclose(model({"tokens": tokens}).numpy(), first)


@pytest.mark.long
def test_exports_are_measured(learned, tmp_path, capsys):
    module = script("evaluate_exports")
    sizes = ["--validation", "0.1", "--characters", "200", "--length", "100", "--prompt", "Line"]
    places = [
        "--text",
        str(learned.parent / "text.txt"),
        "--out",
        str(tmp_path / "lite"),
        "--json",
        str(tmp_path / "a" / "b.json"),
    ]
    rows = module.main([str(learned / "model.keras"), *places, *sizes])
    assert json.loads((tmp_path / "a" / "b.json").read_text(encoding="utf-8")) == rows
    assert [row["form"] for row in rows] == ["Keras", "float32", "float16", "dynamic", "int8"]
    own, single, half, *quantized = rows
    # The nats of the Keras model by a loop of its own, over one long sequence.
    model = keras.saving.load_model(learned / "model.keras")
    ids = np.asarray(model.vocabulary.encode(TEXT[-201:]))
    logits = model.read(ids[None, :-1], model.initial_states(1))[0][0].numpy().astype("float64")
    expected = np.mean(np.log(np.exp(logits).sum(-1)) - logits[np.arange(200), ids[1:]])
    assert own["nats"] == pytest.approx(expected, abs=1e-4) and single["nats"] == pytest.approx(expected, abs=1e-4)
    assert expected < 1.0
    assert half["nats"] == pytest.approx(expected, abs=1e-2)
    for form in quantized:
        assert form["nats"] == pytest.approx(expected, abs=0.1), form["form"]
    assert single["same"] and single["same_characters"] == 104 and half["bytes"] < single["bytes"]
    for row in rows[1:]:
        assert row["bytes"] == (tmp_path / "lite" / f"{row['form']}.tflite").stat().st_size
    table = capsys.readouterr().out[-2000:]
    assert all(f"| {row['form']} |" in table for row in rows)
    assert module.held_back(TEXT, 0.1) == TEXT[-round(len(TEXT) * 0.1) :]
    with pytest.raises(ValueError, match="--characters"):
        module.held_back(TEXT, 0.1, len(TEXT))


def test_curves_are_drawn(run, stateless, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    module = script("plot_curves")
    module.main([str(run / "history.csv"), str(stateless / "history.csv"), "--out", str(tmp_path / "new" / "c.png")])
    picture = tmp_path / "new" / "c.png"
    assert picture.read_bytes()[:4] == b"\x89PNG" and picture.stat().st_size < 60_000
    assert "stream: 1 epochs" in capsys.readouterr().out
    (tmp_path / "empty.csv").write_text("epoch,loss\n", encoding="utf-8")
    with pytest.raises(ValueError, match="empty.csv"):
        module.validation(tmp_path / "empty.csv")


@pytest.mark.parametrize("name", ["train", "evaluate_exports", "plot_curves"])
def test_help(name, monkeypatch, capsys):
    path = str(FOLDER / f"{name}.py")
    monkeypatch.setattr(sys, "argv", [path, "--help"])
    monkeypatch.syspath_prepend(str(FOLDER))
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(path, run_name="__main__")  # as `python` does it, which would import TensorFlow once more
    assert stopped.value.code == 0 and "usage:" in capsys.readouterr().out
