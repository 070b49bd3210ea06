"""The application at a tiny size: it trains on scenes and on files, writes what it promises; its scores are right."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import keras_seqcv as ks
from tests.models import tiny_captioner as tiny

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "applications" / "image_captioning"


def script(name: str, monkeypatch):
    """A script of the application as a module; the folder is no package."""
    monkeypatch.syspath_prepend(str(FOLDER))
    spec = importlib.util.spec_from_file_location(f"image_captioning_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.delitem(sys.modules, "scenes", raising=False)
    return module


def test_coverage_of_places_by_a_box(monkeypatch):
    covered = script("scenes", monkeypatch).covered
    whole = covered((0, 0, 64, 64), (8, 8))
    np.testing.assert_array_equal(whole, np.ones((8, 8)))
    box = (5, 17, 31, 40)  # left, top, right, bottom
    pixels = np.zeros((64, 64))
    pixels[17:40, 5:31] = 1
    np.testing.assert_allclose(covered(box, (8, 8)), pixels.reshape(8, 8, 8, 8).mean((1, 3)))


def test_scores_of_captions_that_are_known(monkeypatch):
    scenes = script("scenes", monkeypatch)
    some = ks.data.scenes(20, seed=5, image_size=64)
    captions = []
    for scene in some:
        text = scene.captions[0]
        words = text.split()
        attention = np.full((len(words) + 5, 8, 8), 1 / 64)
        for _, noun, number in scene.mentions(text):
            inside = scenes.covered(scene.objects[number].box, (8, 8))
            attention[noun] = inside / inside.sum()
        captions.append(ks.models.Caption(text, words, 0.0, 0.0, [], attention))
    found = scenes.score(captions, some)
    assert found["right"] == 1.0 and found["phrases"] >= 20
    # All of the attention on the object's places, of which those at its border are covered in part.
    assert found["inside"] > 2 * found["chance"]
    wrong = [ks.models.Caption("there are six stars", [], 0, 0, [], captions[0].attention) for _ in some]
    assert scenes.score(wrong, some) == {"right": 0.0}


def test_a_hard_attention_begins_as_a_soft_one_has_learned(tmp_path, monkeypatch, capsys):
    soft, hard = (tiny.captioner(seed, attention=kind) for seed, kind in enumerate(("soft", "hard")))
    soft.save(tmp_path / "soft.keras")
    script("train", monkeypatch).start_from(tmp_path / "soft.keras", hard)
    assert f"{len(hard.weights) - 1} of {len(hard.weights)} weights" in capsys.readouterr().out  # all but the baseline
    features, tokens = soft.encoder(tiny.pictures(3)), np.ones((3, 1), "int32")
    weights = soft.decoder(tokens, soft.memory({"features": features}))[1]
    probabilities = hard.decoder(tokens, hard.memory({"features": features}))[2]
    np.testing.assert_allclose(probabilities, weights, rtol=1e-5)


@pytest.mark.slow
def test_it_trains_on_scenes(tmp_path, monkeypatch):
    train = script("train", monkeypatch)
    out = tmp_path / "out"
    arguments = "--scenes 64 --epochs 1 --units 16 --batch-size 16"
    train.main([*arguments.split(), "--out", str(out)])
    result = json.loads((out / "result.json").read_text())
    assert set(result["scores"]) == {"1", "3", "5"} and "right" in result["scores"]["3"]
    assert np.isfinite(result["history"]["val_loss"]).all()
    assert PIL.Image.open(out / "curves.png").size[0] > 100
    image = ks.data.scenes(1, 9).images()[0]
    assert ks.models.load_model(out / "model.keras").caption(image, beam=3).text is not None
    assert ks.export.load_tflite(out / "model.tflite").caption(image).attention.shape[1:] == (8, 8)


@pytest.mark.long
def test_it_trains_on_files_and_goes_on_by_reward(tmp_path, monkeypatch):
    train = script("train", monkeypatch)
    scenes, folder = ks.data.scenes(12, seed=3), tmp_path / "pictures"
    folder.mkdir()
    lines = []
    for k, scene in enumerate(scenes):
        PIL.Image.fromarray(scene.image).save(folder / f"{k}.png")
        lines += [f"{k}.png#{n}\t{caption}" for n, caption in enumerate(scene.captions)]
    (tmp_path / "captions.txt").write_text("\n".join(lines) + "\n")
    (tmp_path / "train.txt").write_text("\n".join(f"{k}.png" for k in range(8)) + "\n")
    (tmp_path / "valid.txt").write_text("\n".join(f"{k}.png" for k in range(8, 12)) + "\n")
    files = {"images": folder, "captions": "captions.txt", "train": "train.txt", "valid": "valid.txt"}
    paths = [part for name, file in files.items() for part in (f"--{name}", str(tmp_path / file))]
    first = [*paths, *"--attention none --units 16 --batch-size 8 --epochs 1 --min-count 1".split()]
    train.main([*first, "--out", str(tmp_path / "words")])
    weights = str(tmp_path / "words" / "best.weights.h5")
    train.main([*first, "--self-critical", "--start-from", weights, "--out", str(tmp_path / "reward")])
    history = json.loads((tmp_path / "reward" / "result.json").read_text())["history"]
    assert "reward" in history and "val_cider_d" in history
    assert len(list((tmp_path / "features").glob("*.npy"))) == 2  # of pictures and mirrored ones, computed once

    models = [str(tmp_path / name / "model.keras") for name in ("words", "reward")]
    options = ["--beams", "2", "--no-meteor", "--ensemble", "--json", str(tmp_path / "scores.json")]
    script("evaluate", monkeypatch).main([*models, *paths[:4], "--valid", str(tmp_path / "valid.txt"), *options])
    found = json.loads((tmp_path / "scores.json").read_text())
    assert list(found) == [*models, "together"]
    trained = json.loads((tmp_path / "words" / "result.json").read_text())
    model = ks.models.load_model(models[0])
    pictures = [ks.data.load_image(folder / f"{k}.png", model.encoder.image_size) for k in range(8, 12)]
    captions = model.caption(pictures, beam=2)
    assert list(found[models[0]]["2"]["captions"].values()) == [caption.text for caption in captions]
    assert set(found[models[0]]["2"]["scores"]) == set(trained["scores"]["3"])


@pytest.mark.slow
def test_the_demo_captions_photographs(tmp_path, monkeypatch, capsys):
    script("demo", monkeypatch).main(["--out", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "two_dogs_at_a_window.jpg" in printed
    line = next(line for line in printed.splitlines() if "two_dogs" in line)
    assert "dog" in line.split(".jpg")[1]
    page = (tmp_path / "photographs.html").read_text(encoding="utf-8")
    assert page.count("data:image/") >= 6
