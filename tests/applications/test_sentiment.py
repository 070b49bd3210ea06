"""The application at a tiny size: it trains on drawn opinions and on files, and writes what it promises."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import keras_seqcv as ks

FOLDER = Path(__file__).resolve().parents[2] / "applications" / "sentiment"
TINY = "--units 4 --embedding-dim 4 --epochs 1 --batch-size 16".split()


def script(name: str, monkeypatch):
    """A script of the application as a module; the folder is no package."""
    monkeypatch.syspath_prepend(str(FOLDER))
    for other in ("train", "baseline"):
        monkeypatch.delitem(sys.modules, other, raising=False)
    spec = importlib.util.spec_from_file_location(f"sentiment_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for other in ("train", "baseline"):
        monkeypatch.delitem(sys.modules, other, raising=False)
    return module


def test_the_bag_of_words_learns_what_words_tell(monkeypatch):
    rng = np.random.default_rng(0)
    rows = [(rng.choice(["fine", "great", "it", "is"], 5), "good") for _ in range(40)]
    rows += [(rng.choice(["poor", "weak", "it", "is"], 5), "bad") for _ in range(40)]
    texts = ks.data.LabelledTexts([" ".join(some) for some, _ in rows], [label for _, label in rows], [""] * 80)
    bag = script("baseline", monkeypatch).BagOfWords(texts.names, texts.words())
    bag.fit(texts, texts, epochs=5)
    assert bag.labels(["it is great", "it is weak", "fine fine"]) == ["good", "bad", "good"]
    ids, values = bag._row("it is great it")
    assert len(ids) == len(set(ids)) and np.linalg.norm(values) == pytest.approx(1)
    counts = bag._counts("it is it is")
    assert counts["it"] == 2 and counts[("it", "is")] == 2 and counts[("is", "it")] == 1


@pytest.mark.slow
def test_it_trains_on_files_and_its_exports_are_compared(tmp_path, monkeypatch, capsys):
    some = ks.data.opinions(200)
    some = some.chosen([k for k, text in enumerate(some.texts) if 9 <= len(text.split()) <= 12][:28])  # of one length
    for k, (text, label) in enumerate(zip(some.texts, some.labels)):
        folder = tmp_path / "reviews" / label
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{k}.txt").write_text(text.replace(" but ", "<br /><br />but "))
    train, out = script("train", monkeypatch), tmp_path / "out"
    train.main(["--data", str(tmp_path / "reviews"), "--test", str(tmp_path / "reviews"), *TINY, "--out", str(out)])
    result = json.loads((out / "result.json").read_text())
    assert result["texts"] == 28 and 0 <= result["accuracy"] <= 1 and 0 <= result["bag_of_words"] <= 1
    assert np.isfinite(result["history"]["val_loss"]).all()
    for name in ("confusion", "words", "curves"):
        assert PIL.Image.open(out / f"{name}.png").size[0] > 100
    assert (out / "words.html").stat().st_size > 1000
    model = ks.models.load_model(out / "model.keras")
    assert "br" not in model.vocabulary.tokens
    assert ks.export.load_tflite(out / "model.tflite").classify(some.texts[0]).words == some.texts[0].split()

    capsys.readouterr()
    options = ["--data", str(tmp_path / "reviews"), "--count", "20", "--json", str(tmp_path / "rows.json")]
    script("evaluate_exports", monkeypatch).main([str(out / "model.keras"), *options])
    rows = {row["form"]: row for row in json.loads((tmp_path / "rows.json").read_text())}
    assert list(rows) == ["Keras", "SavedModel", "float32", "float16", "dynamic", "int8"]
    assert rows["SavedModel"]["same"] == rows["float32"]["same"] == 20 and rows["float32"]["fused LSTMs"] == 2
    assert all(0 < row["MB"] < 1 for row in list(rows.values())[1:])
    assert capsys.readouterr().out.count("20 of 20") >= 3


@pytest.mark.slow
def test_it_labels_words(tmp_path, monkeypatch):
    script("train", monkeypatch).main(["--tags", "--one-way", "--count", "64", *TINY, "--out", str(tmp_path)])
    result = json.loads((tmp_path / "result.json").read_text())
    assert 0 <= result["accuracy_named"] <= 1 and result["texts"] == 2000
    lite = ks.export.load_tflite(tmp_path / "model.tflite")
    assert sorted(lite.signatures) == ["classify", "step"]
    assert len(lite.classify("the plot is not good").labels) == 5
