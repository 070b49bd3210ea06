"""The application at a tiny size: it trains on moving scenes and on files, and writes what it promises."""

import importlib.util
import io
import json
import sys
import tarfile
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import keras_seqcv as ks

FOLDER = Path(__file__).resolve().parents[2] / "applications" / "video_classification"
TINY = "--filters 3 4 --units 6 --place-units 3 --epochs 1 1 --batch-size 16".split()
OTHERS = ("train", "clips", "baselines")


def script(name: str, monkeypatch):
    """A script of the application as a module; the folder is no package."""
    monkeypatch.syspath_prepend(str(FOLDER))
    for other in OTHERS:
        monkeypatch.delitem(sys.modules, other, raising=False)
    spec = importlib.util.spec_from_file_location(f"video_classification_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for other in OTHERS:
        monkeypatch.delitem(sys.modules, other, raising=False)
    return module


def grid_folder(folder, count=6):
    """Films as GRID's are here: 75 grey frames in one picture; the shade tells the word."""
    spoken = {}
    with tarfile.open(folder / "grid_s1_mouth_64x32x75.tar", "w") as archive:
        for k in range(count):
            strip, file = np.full((75 * 32, 64), 100, "uint8"), io.BytesIO()
            strip[20 * 32 : 30 * 32] = 200
            PIL.Image.fromarray(strip).save(file, "JPEG")
            member = tarfile.TarInfo(f"clip{k}.jpg")
            member.size = file.tell()
            file.seek(0)
            archive.addfile(member, file)
            spoken[f"clip{k}"] = [[0, 20, "sil"], [20, 30, ("bin", "lay")[k % 2]], [30, 30, "sp"], [30, 74, "sp"]]
    (folder / "grid_s1_align.json").write_text(json.dumps(spoken))
    return folder


def test_films_of_grid_and_their_words(tmp_path, monkeypatch):
    data = script("clips", monkeypatch).grid(grid_folder(tmp_path), held_out=2)
    train, test = data.whole
    assert len(train) == 4 and len(test) == 2 and not {*train.places} & {*test.places}
    for part, frames in zip(data.whole, data.frames):
        for k, name in enumerate(part.places):
            word = ("bin", "lay")[int(name[-1]) % 2]
            assert part.labels[k] == word and part.clips[k].shape == (75, 32, 64)
            labels = frames.frame_labels(k, 75)  # no alignment names the last frame
            assert labels == ["sil"] * 20 + [word] * 10 + ["sil"] * 45
            assert part.clips[k][25].mean() > 190 > 110 > part.clips[k][[0, 74]].mean()


def test_a_baseline_is_blind_to_order(monkeypatch):
    baselines = script("baselines", monkeypatch)
    encoder = ks.models.ImageEncoder(ks.models.small_image_network(8, filters=(2, 2)), trainable=True)
    rng = np.random.default_rng(0)
    clip = rng.integers(0, 256, (1, 5, 8, 8, 3)).astype("uint8")
    whole = baselines.WithoutOrder(encoder, ("a", "b"), 4)
    lengths = np.array([5], "int32")
    found = whole({"video": clip, "lengths": lengths})
    np.testing.assert_allclose(whole({"video": clip[:, ::-1], "lengths": lengths}), found, atol=1e-6)
    padding = np.concatenate([clip, clip[:, :2]], 1)
    np.testing.assert_allclose(whole({"video": padding, "lengths": lengths}), found, atol=1e-6)
    frames = baselines.WithoutOrder(encoder, ("a", "b"), 4, per_frame=True)
    each = frames({"video": clip, "lengths": lengths})[0]
    alone = [frames({"video": clip[:, k : k + 1], "lengths": np.array([1], "int32")})[0, 0] for k in range(5)]
    np.testing.assert_allclose(each, alone, atol=1e-6)
    some = baselines.single_frames(ks.data.LabelledVideos([clip[0]], ["a"], ["x"]))
    assert [one.shape for one in some.clips] == [(1, 8, 8, 3)] * 5 and some.labels == ["a"] * 5


@pytest.mark.long
def test_it_trains_on_moving_scenes_and_its_exports_are_compared(tmp_path, monkeypatch, capsys):
    train, out = script("train", monkeypatch), tmp_path / "out"
    monkeypatch.setattr(train.sources, "moving", lambda count, draw=train.sources.moving: draw(count, 16, 8))
    train.main(["--count", "32", *TINY, "--no-baselines", "--out", str(out)])
    result = json.loads((out / "result.json").read_text())
    assert result["clips"]["clips"] == 16 and 0 <= result["clips"]["accuracy"] <= 1
    assert np.isfinite(result["frames"]["history"]["val_loss"]).all() and 0 < result["frames"]["rest"] < 1
    for name in ("confusion", "frames_0", "curves"):
        assert PIL.Image.open(out / f"{name}.png").size[0] > 100
    frames, clips = (ks.models.load_model(out / f"{name}.keras") for name in ("frames", "clips"))
    assert frames.per_step and not clips.per_step and clips.labels == frames.labels
    scene = ks.data.moving_scenes(1)[0]
    assert ks.export.load_tflite(out / "clips.tflite").classify(scene.frames).label in clips.labels

    for name, per_clip in (("frames", False), ("clips", True)):
        capsys.readouterr()
        forms = ["--forms", "float32", *([] if per_clip else ["int8"])]
        options = ["--count", "6", *forms, "--json", str(tmp_path / "rows.json")]
        evaluate = script("evaluate_exports", monkeypatch)
        monkeypatch.setattr(
            evaluate.sources, "moving", lambda _, count, draw=evaluate.sources.moving: draw(8, count, 8)
        )
        evaluate.main([str(out / f"{name}.keras"), *options])
        rows = {row["form"]: row for row in json.loads((tmp_path / "rows.json").read_text())}
        assert list(rows)[:4] == ["Keras", "SavedModel", "float32", "float32, frame by frame"]
        count = rows["Keras"]["labels"]
        assert (count == 6) == per_clip
        for form in ("SavedModel", "float32", "float32, frame by frame", "Keras, frame by frame"):
            assert rows[form]["same"] == count
        assert f"{count} of {count} |" in capsys.readouterr().out


@pytest.mark.slow
def test_it_trains_on_files(tmp_path, monkeypatch):
    for k, scene in enumerate(ks.data.moving_scenes(16, frames=8)):
        folder = tmp_path / "clips" / ("even", "odd")[k % 2] / str(k)
        folder.mkdir(parents=True)
        for t, frame in enumerate(scene.frames):
            PIL.Image.fromarray(frame).save(folder / f"{t}.png")
    train = script("train", monkeypatch)
    options = ["--image-size", "16", "16", "--both-ways", "--pooling", "attention"]
    train.main(["--videos", str(tmp_path / "clips"), *options, *TINY, "--out", str(tmp_path / "out")])
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert result["clips"]["clips"] == 3 and "frames" not in result
    assert sorted(result["baselines"]) == ["mean of frames, clips", "single frame, clips"]
    model = ks.models.load_model(tmp_path / "out" / "clips.keras")
    assert model.labels == ("even", "odd") and model.encoder.image_size == (16, 16)
