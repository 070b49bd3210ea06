"""The application at a tiny size: it trains on every kind of pictures, goes on, and writes what it promises."""

import argparse
import importlib.util
import json
import sys
from pathlib import Path

import keras
import numpy as np
import PIL.Image
import pytest

import keras_seqcv as ks

FOLDER = Path(__file__).resolve().parents[2] / "applications" / "glimpse_digits"
OTHERS = ("train", "pictures")
DATA = "--count 48 --test-count 12 --epochs 1 --batch-size 16".split()
TINY = [*DATA, *"--glimpses 2 --units 8 --glimpse-units 4 --averages 0 2".split()]


def script(name: str, monkeypatch):
    """A script of the application as a module; the folder is no package."""
    monkeypatch.syspath_prepend(str(FOLDER))
    for other in OTHERS:
        monkeypatch.delitem(sys.modules, other, raising=False)
    spec = importlib.util.spec_from_file_location(f"glimpse_digits_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for other in OTHERS:
        monkeypatch.delitem(sys.modules, other, raising=False)
    return module


def options(monkeypatch, *words):
    parser = argparse.ArgumentParser()
    script("train", monkeypatch).add_data(parser)
    return parser.parse_args([*DATA, *words])


def test_digits_are_put_anywhere_and_nothing_of_them_is_lost(monkeypatch):
    picture = np.zeros((5, 6, 1), "uint8")
    picture[1:3, 2:5, 0] = [[200, 10, 0], [0, 30, 90]]  # a box of 2 by 3
    anew = script("pictures", monkeypatch).Anew(np.ones((1, 4, 4, 1), "uint8"), 0)
    moved = anew(np.repeat(picture[None], 400, 0), np.random.default_rng(0))
    places = {}
    for one in moved[..., 0]:
        (row,), (column,) = np.nonzero(one == 200)
        np.testing.assert_array_equal(one[row : row + 2, column : column + 3], picture[1:3, 2:5, 0])
        assert np.count_nonzero(one) == 4
        places[row, column] = places.get((row, column), 0) + 1
    assert len(places) == 4 * 4 and min(places.values()) >= 10  # 25 each
    assert not anew(np.zeros((2, 5, 6, 1), "uint8"), np.random.default_rng(0)).any()


def test_clutter_is_of_other_digits_and_hides_nothing(monkeypatch):
    picture = np.full((1, 9, 9, 1), 0, "uint8")
    picture[0, 4, 4] = 200
    anew = script("pictures", monkeypatch).Anew(np.full((3, 4, 4, 1), 7, "uint8"), clutter=2, side=3)
    for seed in range(20):
        moved = anew(picture, np.random.default_rng(seed))
        assert (moved == 200).sum() == 1 and 8 <= (moved == 7).sum() <= 18


@pytest.mark.parametrize("task", ["plain", "translated", "cluttered", "several"])
def test_pictures_of_each_task(monkeypatch, task):
    pictures = script("pictures", monkeypatch)
    args = options(monkeypatch, "--task", task, "--image-size", "40", "80", "--per-image", "1", "2", "--shift", "2")
    digits, test, change = pictures.pictures(args)
    size = (28, 28, 1) if task == "plain" else (40, 80, 1)
    assert digits.image_shape == test.image_shape == size and (len(digits), len(test)) == (48, 12)
    assert digits.most == test.most == (2 if task == "several" else None)
    changed = change(digits.images[:8], np.random.default_rng(0))
    assert changed.shape == (8, *size) and (changed != digits.images[:8]).any((1, 2, 3)).all()
    bright = (changed > 60).sum((1, 2, 3)) / (digits.images[:8] > 60).sum((1, 2, 3))
    assert (bright > 1.1).any() if task == "cluttered" else (bright <= 1).all() and bright.mean() > 0.9
    if task in ("translated", "cluttered"):  # each drawn digit once
        drawn = ks.data.drawn_digits(48, seed=args.seed)
        np.testing.assert_array_equal(digits.images[:, 6:34, 26:54], drawn.images)
        assert digits.labels.tolist() == drawn.labels.tolist()
        with pytest.raises(ValueError, match=r"--image-size: expected \(28, 28\), that of the digits, or more"):
            pictures.in_the_middle(drawn, (27, 60))


@pytest.mark.slow
def test_it_trains_and_writes_what_it_promises_and_its_exports_are_compared(tmp_path, monkeypatch, capsys):
    train, out = script("train", monkeypatch), tmp_path / "out"
    train.main([*TINY, "--out", str(out)])
    result = json.loads((out / "result.json").read_text())
    assert sorted(result["test"]) == ["0", "2"] and result["test"]["2"]["pictures"] == 12
    assert np.isfinite(result["history"]["val_loss"]).all() and result["seconds"] > 0
    model = ks.models.load_model(out / "model.keras")
    digits = ks.data.drawn_digits(12, seed=2)
    wrong = np.mean(
        [one.label != digits.names[k] for one, k in zip(model.classify(digits.images, 2, 1), digits.labels)]
    )
    assert result["test"]["2"]["error"] == pytest.approx(wrong)
    assert result["parameters"] == model.count_params()
    for name in ("glimpses_0", "glimpses_7", "curves"):
        assert PIL.Image.open(out / f"{name}.png").size[0] > 100
    assert len(ks.data.load_video(out / "reading.gif")) == 2
    assert ks.export.load_tflite(out / "model.tflite").signatures["classify"]

    other = train.new_model(digits, train.arguments([*TINY, "--start", str(out / "model.keras"), "--stddev", "0.2"]))
    assert other.options["stddev"] == 0.2
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)

    evaluate, file = script("evaluate_exports", monkeypatch), tmp_path / "rows.json"
    given = "--pictures 6 --draws 2 --forms float32".split()
    evaluate.main([str(out / "model.keras"), *DATA, *given, "--json", str(file)])
    rows = {row["form"]: row for row in json.loads(file.read_text())}
    assert list(rows) == ["Keras", "SavedModel", "float32"]
    for form in ("SavedModel", "float32"):
        assert rows[form]["same"] == 6 and rows[form]["apart"] < 1e-5 and rows[form]["right"] == rows["Keras"]["right"]
    assert rows["float32"]["ms"] > 0 and rows["float32"]["MB"] == (out / "model.tflite").stat().st_size / 1e6
    assert "| float32 | 0." in capsys.readouterr().out


@pytest.mark.long
def test_an_interrupted_training_goes_on_where_it_was(tmp_path, monkeypatch):
    """One of several digits, too."""
    train = script("train", monkeypatch)
    several = "--task several --per-image 1 2 --image-size 36 60 --context 6 --cell lstm --join product".split()
    args = train.arguments([*TINY, *several, "--epochs", "3", "--out", str(tmp_path)])
    digits, test, change = train.pictures(args)

    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    model = train.new_model(digits, args)
    with pytest.raises(KeyboardInterrupt):
        train.fit(model, digits, test, change, args, lambda *given: [*train.callbacks(*given), Stop()])
    other = train.new_model(digits, args)
    history = train.fit(other, digits, test, change, args, train.callbacks)
    assert history.epoch == [0, 1, 2]
    assert int(other.optimizer.iterations.numpy()) == 9
    log = train.read_log(tmp_path)
    assert len(log["val_exact"]) == len(log["seconds"]) == 3 and log["loss"] == history.history["loss"]
    assert not (tmp_path / "resume").exists()  # the next training is one of its own
    assert other.options["max_labels"] == 2 and other.options["cell"] == "lstm"
    assert 0 <= train.scores(other, test, 0)["label error"] <= 1


def test_what_counts_as_wrong(monkeypatch):
    train = script("train", monkeypatch)
    rows, said = [[1, 2], [3, -1], [4, 5]], [["1", "2"], ["3", "3"], ["4"]]

    class Model:
        def classify(self, images, samples, seed):
            empty = np.zeros((1, 2))
            return [ks.models.Reading(" ".join(one), one, 1.0, np.zeros((3, 11)), empty, empty[None]) for one in said]

    test = ks.data.LabelledImages(np.zeros((3, 8, 8), "uint8"), rows, [str(k) for k in range(10)])
    found = train.scores(Model(), test, 1)
    assert found == {"error": pytest.approx(2 / 3), "pictures": 3, "label error": pytest.approx(1 / 5)}


@pytest.mark.slow
def test_baselines_on_the_same_pictures(tmp_path, monkeypatch, capsys):
    baselines = script("baselines", monkeypatch)
    small = "--image-size 32 32 --units 8 --filters 2 3".split()
    baselines.main([*DATA, *small, "--out", str(tmp_path)])
    rows = json.loads((tmp_path / "baselines.json").read_text())
    assert rows["fully connected"]["products"] == 32 * 32 * 8 + 8 * 10
    assert rows["fully connected"]["parameters"] == 32 * 32 * 8 + 8 * 10 + 8 + 10
    convolutions = 9 * (32 * 32 * 2 + 16 * 16 * 2 * 3)
    assert rows["convolutional"]["products"] == convolutions + 8 * 8 * 3 * 128 + 128 * 10
    assert all(0 <= row["error"] <= 1 for row in rows.values())
    with pytest.raises(SystemExit):
        baselines.main([*DATA, *small, "--task", "several"])
    assert "--task: baselines say one label" in capsys.readouterr().err
