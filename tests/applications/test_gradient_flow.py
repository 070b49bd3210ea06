"""The application at a tiny size: its problems are what they say, it trains, and it writes what it promises."""

import importlib.util
import json
import sys
from pathlib import Path

import keras
import numpy as np
import PIL.Image
import pytest

import keras_seqcv as ks

FOLDER = Path(__file__).resolve().parents[2] / "applications" / "gradient_flow"
OTHERS = ("networks", "tasks")
TINY = "--units 6 --batch-size 4".split()


def script(name: str, monkeypatch):
    """A script of the application as a module; the folder is no package."""
    monkeypatch.syspath_prepend(str(FOLDER))
    for other in OTHERS:
        monkeypatch.delitem(sys.modules, other, raising=False)
    spec = importlib.util.spec_from_file_location(f"gradient_flow_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for other in OTHERS:
        monkeypatch.delitem(sys.modules, other, raising=False)
    return module


def test_what_is_added_is_what_is_marked(monkeypatch):
    tasks = script("tasks", monkeypatch)
    x, y = tasks.adding(200, 7, np.random.default_rng(0))
    assert x.shape == (200, 7, 2) and y.shape == (200, 1) and x.dtype == y.dtype == np.float32
    for row, wanted in zip(x, y):
        first, second = np.flatnonzero(row[:, 1])
        assert first < 3 <= second
        assert wanted == pytest.approx(row[first, 0] + row[second, 0])
    assert {tuple(np.flatnonzero(row[:, 1])) for row in x} == {(a, b) for a in range(3) for b in range(3, 7)}
    assert tasks.baseline("adding", y) == pytest.approx(np.mean((1 - y) ** 2))
    assert tasks.baseline("adding", tasks.adding(40000, 2, np.random.default_rng(1))[1]) == pytest.approx(1 / 6, 0.02)


def test_what_is_copied_comes_first_and_is_said_last(monkeypatch):
    tasks = script("tasks", monkeypatch)
    x, y = tasks.copying(50, 5, np.random.default_rng(0))
    assert x.shape == (50, 25, 10) and y.shape == (50, 25) and (x.sum(-1) == 1).all()
    words = x.argmax(-1)
    np.testing.assert_array_equal(y[:, -10:], words[:, :10])
    assert set(words[:, :10].ravel()) == set(range(8))
    assert (words[:, 10:14] == 8).all() and (words[:, 14] == 9).all() and (words[:, 15:] == 8).all()
    assert (y[:, :15] == 8).all()
    # Who says "blank" until the mark, and then each symbol with an eighth.
    says = np.full((50, 25, 10), 1e-9)
    says[:, :15, 8], says[:, 15:, :8] = 1, 1 / 8
    loss = keras.losses.SparseCategoricalCrossentropy()(y, says)
    assert tasks.baseline("copying", y) == pytest.approx(float(loss), 1e-4)


def test_batches_are_fresh_and_the_same_for_a_seed(monkeypatch):
    tasks = script("tasks", monkeypatch)
    taken = [list(tasks.batches("adding", 6, 3, seed).take(2)) for seed in (1, 1, 2)]
    (a, b), (again, _), (other, _) = taken
    assert a[0].shape == (3, 6, 2)
    np.testing.assert_array_equal(a[0], again[0])
    assert (a[0] != b[0]).numpy().any() and (a[0] != other[0]).numpy().any()


def test_the_starts_are_what_they_are_called(monkeypatch):
    networks = script("networks", monkeypatch)
    kernels = {}
    for name in networks.CELLS:
        model = networks.network(name, "adding", 2, 6, seed=1)
        assert model.output_shape == (None, 1) and len(model.layers) == 3
        assert networks.network(name, "copying", 1, 6, seed=1).output_shape == (None, None, 10)
        kernels[name] = model.layers[0].cell.recurrent_kernel.numpy()
    np.testing.assert_array_equal(kernels["SimpleRNN, identity, relu"], np.eye(6))
    orthogonal = kernels["SimpleRNN, orthogonal"]
    np.testing.assert_allclose(orthogonal @ orthogonal.T, np.eye(6), atol=1e-5)
    assert np.abs(kernels["SimpleRNN"] @ kernels["SimpleRNN"].T - np.eye(6)).max() > 0.1


@pytest.mark.slow
@pytest.mark.parametrize(("task", "lengths", "layers"), [("adding", [4, 6], [1]), ("copying", [3], [1, 2])])
def test_it_trains_and_writes_what_it_promises(tmp_path, monkeypatch, capsys, task, lengths, layers):
    train = script("train", monkeypatch)
    monkeypatch.setattr(train, "TEST", 64)
    many = ["--lengths", *map(str, lengths), "--layers", *map(str, layers)]
    options = ["--task", task, *many, *"--learning-rates 0.01 --steps 20".split()]
    train.main([*TINY, *options, "--cells", "SimpleRNN, orthogonal", "--out", str(tmp_path)])
    rows = json.loads((tmp_path / f"{task}.json").read_text())
    names = ["SimpleRNN, orthogonal", "SimpleRNN, orthogonal, 2 layers"][: len(layers)]
    assert [(row["name"], row["length"]) for row in rows] == [(name, length) for length in lengths for name in names]
    for row in rows:
        assert np.isfinite(row["loss"]) and row["learning_rate"] == 0.01 and len(row["history"]) == 10
        assert 0 <= row["clipped"] <= 1 and 0 < row["reach"]["start"] <= 1
    assert rows[0]["radius"]["start"]["candidate"] == pytest.approx(1, abs=1e-4)  # orthogonal
    assert rows[0]["radius"]["end"]["candidate"] != pytest.approx(1, abs=1e-4)
    kinds = ["start", "end", "curves", *("spectrum_" + n.replace(", ", "_").replace(" ", "_") for n in names)]
    wanted = {f"{task}_{length}_{kind}.png" for length in lengths for kind in kinds}
    assert {path.name for path in tmp_path.glob("*.png")} == wanted
    first = [f"{row['loss'] / row['baseline']:.3f}" for row in rows if row["name"] == names[0]]
    assert " | ".join([f"| {names[0]}", *first]) + " |" in capsys.readouterr().out.splitlines()


@pytest.mark.slow
def test_the_rate_that_ends_best_counts(tmp_path, monkeypatch):
    train = script("train", monkeypatch)
    monkeypatch.setattr(train, "TEST", 8)
    options = "--cells SimpleRNN --lengths 3 --learning-rates 0 0.01 --steps 40".split()
    train.main([*TINY, *options, "--out", str(tmp_path)])
    (row,) = json.loads((tmp_path / "adding.json").read_text())
    assert row["learning_rate"] == 0.01 and row["history"][-1] < row["history"][0]


@pytest.mark.slow
def test_clipping_saves_what_explodes(tmp_path, monkeypatch, capsys):
    exploding = script("exploding", monkeypatch)
    with pytest.warns(UserWarning, match="Exploding gradients"):
        exploding.main(["--length", "12", "--learning-rate", "0.5", "--epochs", "4", "--out", str(tmp_path)])
    found = json.loads((tmp_path / "exploding.json").read_text())
    lost, saved = (found[name]["history"] for name in ("not clipped", "global_clipnorm=1"))
    assert not np.isfinite(lost["loss"][-1]) and np.isfinite(saved["loss"]).all()
    assert max(lost["gradients_clipped"]) == 0 < min(saved["gradients_clipped"])
    assert found["not clipped"]["warnings"] and "global_clipnorm" in capsys.readouterr().out
    assert PIL.Image.open(tmp_path / "exploding.png").size[0] > 100


def test_of_the_last_step_alone_the_norms_say_how_far_it_reaches(monkeypatch):
    train, tasks = script("train", monkeypatch), script("tasks", monkeypatch)
    model = script("networks", monkeypatch).network("GRU", "copying", 1, 6, seed=1)
    batch = tasks.copying(3, 4, np.random.default_rng(0))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(loss=loss)
    last = train.last_alone(batch)
    flow = ks.inspection.gradient_flow(model, last)
    wanted = np.mean([loss(y[-1:], model(x[None])[0, -1:]) for x, y in zip(*batch)])
    assert flow.loss == pytest.approx(float(wanted), 1e-4)
    norms = flow.norms("layer_1")
    assert train.reach(flow) == pytest.approx(norms[0] / norms.max()) and norms.argmax() == norms.size - 1
