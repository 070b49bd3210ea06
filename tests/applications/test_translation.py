"""The application at a tiny size: it trains on drawn sentences and on files, writes what it promises, and is scored."""

import gzip
import importlib.util
import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import keras_seqcv as ks

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "applications" / "translation"

pytest.importorskip("sacrebleu")
pytest.importorskip("matplotlib")


def script(name: str):
    """A script of the application as a module; the folder is no package."""
    spec = importlib.util.spec_from_file_location(f"translation_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_scores_by_length():
    texts = ["a b c d e", "a b c d e f g h i j"]
    rows = script("evaluate").scores_by_length(texts, [texts[0], "x"], np.array([5, 30]), True)
    assert [(label, count) for label, count, _ in rows] == [("1-7", 1), ("21+", 1)]
    assert rows[0][2] == pytest.approx(100) and rows[1][2] < 1


@pytest.mark.slow
def test_it_trains_on_drawn_sentences_and_goes_on(tmp_path):
    train, out = script("train"), tmp_path / "out"
    arguments = f"--sentences 60 --epochs 2 --units 16 --batch-size 20 --out {out}".split()
    train.main(arguments)
    result = json.loads((out / "result.json").read_text())
    assert set(result["scores"]) == {"1", "3", "5"} and "exact" in result["scores"]["3"]
    assert len(result["history"]["val_bleu"]) == 2 and np.isfinite(result["history"]["val_loss"]).all()
    assert PIL.Image.open(out / "curves.png").size[0] > 100
    text = ks.data.number_sentences(1).sources[0]
    translation = ks.models.load_model(out / "model.keras").translate(text)
    assert translation.alignment.shape == (len(translation.words), len(text.split()))
    assert ks.export.load_tflite(out / "model.tflite").translate(text).source_words == text.split()


@pytest.mark.long
def test_it_trains_on_files_and_is_scored(tmp_path, capsys):
    pytest.importorskip("sentencepiece")
    pairs, files = ks.data.number_sentences(50), []
    for name, texts in (("en", pairs.sources), ("de", pairs.targets)):
        files.append(str(tmp_path / f"train.{name}.gz"))
        Path(files[-1]).write_bytes(gzip.compress("\n".join(texts).encode()))
    both = ["--source", files[0], "--target", files[1]]
    options = "--subwords 110 --attention none --units 8 --embedding-dim 8 --epochs 1 --batch-size 25".split()
    script("train").main([*both, "--valid", *files, *options, "--out", str(tmp_path / "out")])
    model = str(tmp_path / "out" / "model.keras")
    plot, rows = tmp_path / "length.png", tmp_path / "rows.json"
    capsys.readouterr()
    script("evaluate").main([model, *both, "--names", "vector", "--beams", "2", "--plot", str(plot)])
    assert "| vector | 2 |" in capsys.readouterr().out and PIL.Image.open(plot).size[0] > 100
    exports = script("evaluate_exports")
    exports.FORMS = (None, "dynamic")  # the other two are tested with the model
    exports.main([model, *both, "--ranges", files[0], "--count", "8", "--json", str(rows)])
    rows = {row["form"]: row for row in json.loads(rows.read_text())}
    assert list(rows) == ["Keras", "SavedModel", "float32", "dynamic"]
    assert rows["SavedModel"]["same"] == rows["float32"]["same"] == 8
