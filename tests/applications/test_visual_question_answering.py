"""The application at a tiny size: it trains on scenes and on files, and its scores are right."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import keras_seqcv as ks

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "applications" / "visual_question_answering"


def script(name: str, monkeypatch):
    """A script of the application as a module; the folder is no package."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.delitem(sys.modules, "scenes", raising=False)
    spec = importlib.util.spec_from_file_location(f"visual_question_answering_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.delitem(sys.modules, "scenes", raising=False)
    return module


def test_scores_by_kind_of_answers_that_are_known(monkeypatch):
    scenes = script("scenes", monkeypatch)
    train, valid = scenes.scene_sets(40, 10)
    right = [[q.answer for q in some] for some in valid.questions]
    assert set(scenes.score(right, valid).values()) == {1.0}
    wrong = [[a if q.kind == "color" else "?" for a, q in zip(r, s)] for r, s in zip(right, valid.questions)]
    found = scenes.score(wrong, valid)
    assert found["color"] == 1 and found["count"] == found["yes/no"] == 0
    share = np.mean([q.kind == "color" for some in valid.questions for q in some])
    assert found["all"] == pytest.approx(share)
    common = scenes.most_common(train, valid)
    kinds = {q.kind: a for some, given in zip(valid.questions, common) for q, a in zip(some, given)}
    assert kinds["yes/no"] in ("yes", "no") and kinds["color"] in ks.data.scenes(1).answers


def test_it_trains_on_scenes(tmp_path, monkeypatch, capsys):
    train = script("train", monkeypatch)
    sizes = ["--scenes", "32", "--epochs", "1", "--batch-size", "16", "--units", "8"]
    train.main(["--out", str(tmp_path / "run"), *sizes])
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert set(result["kinds"]["model"]) == {"count", "color", "position", "relation", "yes/no", "all"}
    model = ks.models.load_model(tmp_path / "run" / "model.keras")
    scene = ks.data.scenes(1)[0]
    lite = ks.export.load_tflite(tmp_path / "run" / "model.tflite")
    assert lite.answer(scene.image, scene.questions[0].question).text in model.answers
    assert "everything is in" in capsys.readouterr().out


@pytest.mark.long
def test_it_trains_on_the_files_of_easy_vqa(tmp_path, monkeypatch, capsys):
    data = tmp_path / "data"
    for part, count in (("train", 6), ("test", 2)):
        (data / part / "images").mkdir(parents=True)
        asked = []
        for k in range(count):
            color, rgb = (("red", (200, 0, 0)), ("blue", (0, 0, 200)))[k % 2]
            PIL.Image.new("RGB", (64, 64), rgb).save(data / part / "images" / f"{k}.png")
            asked += [["what color is the shape?", color, k], ["is it red, or not?", "yes" if k % 2 == 0 else "no", k]]
        (data / part / "questions.json").write_text(json.dumps(asked))
    script("easy_vqa", monkeypatch).main([str(tmp_path / "files"), "--data", str(data)])
    command = capsys.readouterr().out.splitlines()[-1].split()
    assert command[:2] == ["python", "train.py"]
    sizes = ["--epochs", "1", "--batch-size", "3", "--units", "8", "--attention-layers", "0", "--film-layers", "0"]
    script("train", monkeypatch).main([*command[2:], "--out", str(tmp_path / "run"), *sizes])
    model = ks.models.load_model(tmp_path / "run" / "model.keras")
    assert set(model.answers) == {"red", "blue", "yes", "no"} and model.options["attention_layers"] == 0
    assert 0 <= json.loads((tmp_path / "run" / "result.json").read_text())["accuracy"] <= 1
