"""Labelled clips: what is found in folders and tables, the batches made of it, and what is wrong, named."""

import functools
import logging
import sys

import numpy as np
import PIL.Image
import pytest

import keras_seqcv as ks
from keras_seqcv.data.tfds_videos import videos_builder
from tests.data.test_video_files import saved, shades

NAMES = ("jump", "run")


@pytest.fixture
def folder(tmp_path):
    """Two labels, three clips of each: a folder of frames, a GIF, and an animated WebP."""
    for n, name in enumerate(NAMES):
        (tmp_path / name / "a").mkdir(parents=True)
        for k, frame in enumerate(shades(3 + n)):
            PIL.Image.fromarray(frame).save(tmp_path / name / "a" / f"{k}.png")
        saved(tmp_path / name / "b.gif", shades(4))
        saved(tmp_path / name / "c.webp", shades(6), lossless=True)
        (tmp_path / name / "notes.txt").write_text("no clip")
    return tmp_path


def rows(dataset):
    """(frames, label or labels) of each clip, without padding."""
    for inputs, labels, *weights in dataset.as_numpy_iterator():
        for k, length in enumerate(inputs["lengths"]):
            assert not inputs["video"][k, length:].any()
            if weights:
                assert weights[0][k].tolist() == [1.0] * length + [0.0] * (len(weights[0][k]) - length)
            yield inputs["video"][k, :length], labels[k, :length].tolist() if weights else int(labels[k])


def test_a_folder_for_each_label(folder):
    found = ks.data.read_labelled_videos(folder)
    assert found.names == list(NAMES) and len(found) == 6 and not found.per_step
    assert [clip.name for clip in found.clips] == ["a", "b.gif", "c.webp"] * 2
    data = ks.data.labelled_videos(folder, batch_size=4, names=NAMES, image_size=(8, 12), validation=0)
    lengths = sorted((label, len(frames)) for frames, label in rows(data))
    assert lengths == [(0, 3), (0, 4), (0, 6), (1, 4), (1, 4), (1, 6)]
    assert data.batches == 2 and data.names == NAMES
    for frames, _ in rows(data):
        assert frames.shape[1:] == (8, 12, 3) and frames[:, 0, 0, 0].tolist() == [40 * k for k in range(len(frames))]


def test_tables(folder):
    (folder / "clips.csv").write_text("label,video\nrun,jump/a\njump,run/b.gif\n")
    found = ks.data.read_labelled_videos(folder / "clips.csv")
    assert found.labels == ["run", "jump"] and found.clips[1] == folder / "run" / "b.gif"
    (folder / "clips.tsv").write_text("jump/a\trun\n")
    assert ks.data.read_labelled_videos(folder / "clips.tsv").labels == ["run"]


def test_what_happens_when(folder):
    """A table of (path, start, end, label): a label for each frame, the rest by name."""
    (folder / "events.csv").write_text(
        "path,start,end,word\njump/c.webp,4,5,run\njump/a,0,3,run\njump/c.webp,0,2,jump\n"
    )
    some = ks.data.read_labelled_videos(folder / "events.csv", rest="still")
    assert some.per_step and some.names == ["jump", "run", "still"]
    options = {"names": (*NAMES, "still"), "image_size": 8, "per_frame": True, "validation": 0, "batch_size": 2}
    found = dict((len(frames), labels) for frames, labels in rows(ks.data.labelled_videos(some, **options)))
    assert found == {6: [0, 0, 2, 2, 1, 2], 3: [1, 1, 1]}
    spaced = ks.data.labelled_videos(some, **options, frames=3)
    assert sorted(labels for _, labels in rows(spaced)) == [[0, 2, 2], [1, 1, 1]]
    bare = ks.data.read_labelled_videos(folder / "events.csv")
    with pytest.raises(ValueError, match=r"events.csv, line 2, jump/c.webp: expected a label for every frame.*for 2"):
        ks.data.labelled_videos(bare, **options)
    (folder / "events.csv").write_text("jump/a\t0\t2\trun\njump/a\t1\t3\tjump\n".replace("\t", ","))
    with pytest.raises(ValueError, match=r"line 1, jump/a: expected one label for a frame, 'jump' \(1 to 3\)"):
        ks.data.labelled_videos(ks.data.read_labelled_videos(folder / "events.csv"), **options)


def test_moving_scenes_by_clip_and_by_frame():
    scenes = ks.data.moving_scenes(40, seed=4)
    options = {"names": scenes.names, "image_size": 32, "batch_size": 8}
    train, valid = ks.data.labelled_videos(scenes, **options, validation=0.25)
    assert len(train.clips) == 30 and len(valid.clips) == 10
    seen = [frames for frames, _ in rows(train)] + [frames for frames, _ in rows(valid)]
    assert {frames.tobytes() for frames in seen} == {scene.frames.tobytes() for scene in scenes}
    told = {scene.frames.tobytes(): [scenes.names.index(n) for n in scene.frame_labels] for scene in scenes}
    frames = ks.data.labelled_videos(scenes, **options, per_frame=True, validation=0)
    assert all(labels == told[clip.tobytes()] for clip, labels in rows(frames))
    assert len({inputs["video"].shape[1] for inputs, *_ in frames}) <= 8


def test_windows_are_others_each_time_and_in_the_middle_for_validation():
    clips, labels = [shades(6), shades(3)], [list("ababab"), list("abb")]
    options = {"names": ("a", "b"), "image_size": 4, "per_frame": True, "batch_size": 1, "window": 4}
    train, valid = ks.data.labelled_videos(
        clips, labels, valid=ks.data.LabelledVideos(clips, labels, ["0", "1"]), **options
    )
    starts = set()
    for _ in range(12):
        for frames, numbers in rows(train):
            shown = (frames[:, 0, 0, 0] // 40).tolist()
            assert numbers == [[0, 1, 0, 1, 0, 1], [0, 1, 1]][len(frames) == 3][shown[0] : shown[-1] + 1]
            starts.add((len(frames), shown[0]))
    assert starts == {(4, 0), (4, 1), (4, 2), (3, 0)}
    for _ in range(3):
        assert sorted((len(f), int(f[0, 0, 0, 0]) // 40) for f, _ in rows(valid)) == [(3, 0), (4, 1)]


def test_changes_are_for_training_alone():
    change = ks.data.VideoChanges(shift=2, mirror=True, light=0.2, contrast=0.1)
    clip = np.random.default_rng(0).integers(60, 180, (5, 8, 10, 3)).astype("uint8")
    valid = ks.data.LabelledVideos([clip], ["run"], ["0"])
    options = {"names": NAMES, "image_size": (8, 10), "augment": change, "valid": valid}
    train, same = ks.data.labelled_videos([clip] * 6, ["run"] * 6, **options)
    first, second = ([frames for frames, _ in rows(train)] for _ in range(2))
    assert len({frames.tobytes() for frames in [*first, *second]}) > 6
    np.testing.assert_array_equal(next(iter(rows(same)))[0], clip)
    with pytest.raises(ValueError, match=r"`augment` must return uint8 of shape \(5, 8, 10, 3\)"):
        ks.data.clip_store.changes(None, True, lambda frames, chance: frames[:1])(clip, 0, None)


@pytest.mark.parametrize("options", [{"shift": 3}, {"mirror": True}, {"light": 0.3}, {"contrast": 0.3}])
def test_a_change_is_the_same_in_all_frames(options):
    """Of a clip that stands still nothing moves; and each change is what it says, or nothing at all."""
    still = np.repeat(np.random.default_rng(1).integers(90, 160, (1, 9, 9, 3)).astype("uint8"), 4, 0)
    wanted = {still[0].tobytes(), still[0, :, ::-1].tobytes()}
    changed = 0
    for seed in range(16):
        found = ks.data.VideoChanges(**options)(still, np.random.default_rng(seed))
        assert (found == found[0]).all()
        changed += (found != still).any()
        if "shift" in options:
            shifts = [(y, x) for y in range(-3, 4) for x in range(-3, 4)]
            inner = [np.roll(still[0], s, (0, 1))[3:-3, 3:-3].tobytes() for s in shifts]
            assert found[0, 3:-3, 3:-3].tobytes() in inner
        elif "mirror" in options:
            assert found[0].tobytes() in wanted
        else:
            ratio = found.astype(float).mean() / still.mean() if "light" in options else found.std() / still.std()
            assert 0.68 < ratio < 1.32
    assert changed >= 3


def test_features_of_a_frozen_encoder_are_computed_once(tmp_path):
    encoder = ks.models.ImageEncoder(ks.models.small_image_network(8, filters=(2, 3)), trainable=False)
    model = ks.models.VideoClassifier(encoder, NAMES, units=3)
    clips = [shades(4), shades(6), shades(2)]
    options = {"model": model, "validation": 0, "batch_size": 3, "shuffle": False}
    (inputs, labels), *_ = ks.data.labelled_videos(clips, ["run", "jump", "run"], cache=tmp_path, **options)
    (frames, same), *_ = ks.data.labelled_videos(clips, ["run", "jump", "run"], **options)
    assert labels.numpy().tolist() == same.numpy().tolist() and inputs["features"].shape == (3, 6, 16, 3)
    for k, length in enumerate(frames["lengths"]):
        wanted = encoder(frames["video"][k, :length])
        np.testing.assert_allclose(inputs["features"][k, :length], wanted, atol=1e-5)
    assert len(list(tmp_path.iterdir())) == 1
    encoder.trainable = True
    with pytest.raises(ValueError, match="`cache` needs a model whose encoder is frozen"):
        ks.data.labelled_videos(clips, ["run", "jump", "run"], cache=tmp_path, **options)


def test_clips_that_are_wrong_are_named_or_left_out(folder, caplog):
    (folder / "run" / "d.gif").write_bytes(b"GIF89a and no more")
    (folder / "run" / "e").mkdir()
    options = {"names": NAMES, "image_size": 8, "validation": 0}
    with pytest.raises(ValueError, match=r"run/d.gif: cannot be decoded"):
        ks.data.labelled_videos(folder, **options)
    with caplog.at_level(logging.WARNING, "keras_seqcv"):
        data = ks.data.labelled_videos(folder, **options, wrong="skip")
    assert len(data.clips) == 6 == len(list(rows(data)))
    assert "2 are wrong and skipped, 6 are left" in caplog.text and "run/e: expected a folder of frames" in caplog.text
    (folder / "clips.csv").write_text("path,label\njump/a,run\nrun/a,fly\njump/zzz,run\n,run\n")
    table = folder / "clips.csv"
    assert ks.data.read_labelled_videos(table, labels=NAMES, wrong="skip").labels == ["run"]
    for line, message in {3: "'fly'", 4: "there is no .*zzz", 5: "expected a clip, received an empty one"}.items():
        lines = table.read_text().split("\n")
        (folder / "one.csv").write_text("\n".join([lines[0], lines[line - 1]]))
        with pytest.raises(ValueError, match=rf"one.csv, line 2: .*{message}"):
            ks.data.read_labelled_videos(folder / "one.csv", labels=NAMES)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"labels": ["run"]}, ValueError, "`labels` must be a list of 2, one for each clip, received 1"),
        ({"labels": ["run", "fly"]}, ValueError, r"`clips\[1\]`: expected one of the labels .*'fly'"),
        ({"clips": [shades(2), np.zeros((2, 8, 8, 3))]}, TypeError, r"`clips\[1\]`: expected uint8"),
        ({"clips": []}, ValueError, "`clips` must hold a clip at least"),
        ({"names": None}, ValueError, "either `model`, or `names` and `image_size`, received neither"),
        ({"per_frame": True}, ValueError, "`train` must have a label for each frame, received one label for each clip"),
        ({"per_frame": 1}, TypeError, "`per_frame` must be a bool"),
        ({"labels": [["run"], ["run"]]}, ValueError, "must have one label for each clip, received a label for each"),
        (
            {"labels": [["run"], ["run"]], "per_frame": True},
            ValueError,
            r"\[0\]`: expected a label for each of 2 frames",
        ),
        (
            {"labels": [[(0, 3, "run")]] * 2, "per_frame": True},
            ValueError,
            "expected 0 <= start < end <= 2, received 0",
        ),
        ({"frames": 0}, ValueError, "`frames` must be at least 1"),
        ({"augment": 3}, TypeError, "`augment` must be a function or None"),
        ({"cache": "x"}, ValueError, "`cache` needs a model whose encoder is frozen, .*received no model"),
        ({"batch_size": 0}, ValueError, "`batch_size` must be at least 1"),
    ],
)
def test_bad_input(change, error, message):
    given = {"clips": [shades(2), shades(2)], "labels": ["run", "jump"], "names": NAMES, "image_size": 8, **change}
    with pytest.raises(error, match=message):
        ks.data.labelled_videos(given.pop("clips"), given.pop("labels"), **given, validation=0)


@pytest.mark.parametrize("options", [{"shift": -1}, {"light": 1.0}, {"contrast": True}, {"shift": 1.5}, {"mirror": 1}])
def test_bad_changes(options):
    with pytest.raises((TypeError, ValueError), match=f"`{next(iter(options))}` must"):
        ks.data.VideoChanges(**options)


def test_a_set_of_tensorflow_datasets(tmp_path, monkeypatch):
    tfds = pytest.importorskip("tensorflow_datasets")
    pytest.importorskip("importlib_resources")

    class TinyClips(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            video = tfds.features.Video(shape=(None, 16, 24, 3))
            features = {"video": video, "label": tfds.features.ClassLabel(names=NAMES)}
            return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

        def _split_generators(self, dl_manager):
            return {"train": self._generate_examples((3, 5, 4)), "test": self._generate_examples((6,))}

        def _generate_examples(self, lengths):
            for k, length in enumerate(lengths):
                yield k, {"video": shades(length), "label": NAMES[k % 2]}

    builder = functools.partial(videos_builder, data_dir=str(tmp_path))
    monkeypatch.setattr(sys.modules["keras_seqcv.data.labelled_videos"], "videos_builder", builder)
    train, valid = ks.data.labelled_videos("tfds:tiny_clips", names=NAMES, image_size=8, valid="test")
    assert sorted((len(frames), label) for frames, label in rows(train)) == [(3, 0), (4, 0), (5, 1)]
    assert [(len(frames), label) for frames, label in rows(valid)] == [(6, 0)]
    assert train.clips.places[0].startswith("tiny_clips/1.0.0, train, example 0")
