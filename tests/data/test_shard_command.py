"""write_shards and its command: what is on disk, whole or not at all, and arguments that are not as they should be."""

import gzip
import hashlib
import json
import runpy
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_seqcv import data
from keras_seqcv.data import shard
from keras_seqcv.data.shard import main
from tests.data.caption_oracles import WORDS, pictures, texts
from tests.data.shard_sets import assert_same, rows


@pytest.fixture
def photos(tmp_path):
    """A folder of pictures of several kinds, with text files beside them."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for k, (image, some) in enumerate(zip(pictures(12, side=16), texts(12))):
        Image.fromarray(image).save(folder / f"{k:02d}.{('jpg', 'png', 'webp')[k % 3]}")
        (folder / f"{k:02d}.txt").write_text("\n".join(some))
    return folder


def test_pictures_stay_as_their_files_are(tmp_path, photos):
    main(["captions", str(photos), "--out", str(tmp_path / "shards"), "--shards", "2", "--validation", "0", "--quiet"])
    paths = sorted(str(path) for path in (tmp_path / "shards").glob("*.tfrecord"))
    # Read by TensorFlow's own reader, which knows nothing of our tables.
    features = {"image": tf.io.FixedLenFeature([], tf.string), "name": tf.io.FixedLenFeature([], tf.string)}
    found = {}
    for record in tf.data.TFRecordDataset(paths):
        example = tf.io.parse_single_example(record, features)
        found[example["name"].numpy().decode()] = example["image"].numpy()
    assert found == {path.name: path.read_bytes() for path in photos.glob("*.[jpw]*")}
    index = json.loads((tmp_path / "shards" / "index.json").read_text())
    assert (index["version"], index["kind"], index["parts"]["train"]["records"]) == (1, "captions", 12)
    for entry in index["parts"]["train"]["files"]:
        content = (tmp_path / "shards" / entry["name"]).read_bytes()
        assert (entry["bytes"], entry["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert sorted(entry["records"] for entry in index["parts"]["train"]["files"]) == [6, 6]


def test_the_command_writes_what_the_function_writes(tmp_path, photos, monkeypatch, capsys):
    (tmp_path / "words.json").write_text(WORDS.to_json())
    command = f"captions {photos} --vocabulary {tmp_path}/words.json --validation 0.25 --seed 3 --shards 2"
    monkeypatch.setattr(sys, "argv", ["shard.py", *command.split(), "--out", str(tmp_path / "one")])
    runpy.run_path(shard.__file__, run_name="__main__")  # as `python -m` does
    bars = capsys.readouterr().err
    assert "train: 100%" in bars and "valid: 100%" in bars
    options = {"vocabulary": WORDS, "validation": 0.25, "seed": 3, "shards": 2, "verbose": 0}
    data.write_shards(tmp_path / "two", "captions", photos, **options)
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "two").iterdir())
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_damaged_pictures_are_skipped_or_leave_nothing_behind(tmp_path, photos, caplog):
    (photos / "03.jpg").write_bytes(b"no picture")
    (photos / "04.png").write_bytes((photos / "04.png").read_bytes()[:60])
    arguments = {"vocabulary": WORDS, "validation": 0, "shards": 2, "verbose": 0}
    with pytest.raises(ValueError, match="2 of 12 pictures cannot be read(.|\n)*03.jpg(.|\n)*04.png"):
        data.write_shards(tmp_path / "new" / "shards", "captions", photos, **arguments)
    assert not (tmp_path / "new").exists()
    data.write_shards(tmp_path / "shards", "captions", photos, missing="skip", **arguments)
    assert len(data.sharded(tmp_path / "shards", 4, image_size=8).names) == 10
    assert "2 of 12 pictures cannot be read and are skipped" in caplog.text


def test_nothing_is_left_of_shards_that_were_not_finished(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("keras_seqcv.data.shard_writer.RecordWriter.write", full)
    with pytest.raises(OSError, match=f"cannot write {tmp_path}/shards: .*No space left"):
        data.write_shards(tmp_path / "shards", "texts", data.opinions(20), shards=2, verbose=0)
    assert list(tmp_path.iterdir()) == []


def test_large_files_of_sentences_are_gone_through_line_by_line(tmp_path):
    pairs = data.number_sentences(40)
    (tmp_path / "train.de").write_text("\ufeff" + "\n".join(pairs.sources), encoding="utf-8")
    with gzip.open(tmp_path / "train.en.gz", "wt") as file:
        file.write("\n".join(pairs.targets) + "\n")
    sides = [str(tmp_path / "train.de"), str(tmp_path / "train.en.gz")]
    main(["translations", *sides, "--out", str(tmp_path / "shards"), "--shards", "2", "--seed", "4", "--quiet"])
    shards = data.sharded(tmp_path / "shards", 6, shuffle=False)
    words = shards[0].source_vocabulary, shards[0].target_vocabulary
    memory = data.translations(*sides, 6, vocabularies=words, shuffle=False, seed=4)
    for mine, theirs in zip(shards, memory):
        assert_same(mine, theirs)
        assert list(mine.texts) == theirs.texts and list(mine.references) == theirs.references
    assert words[0] == data.Words(memory[0].texts)  # those for training
    (tmp_path / "train.de").write_text("\n".join(pairs.sources[:-1]))
    with pytest.raises(SystemExit, match="error: .*train.de ends behind line 39"):
        main(["translations", *sides, "--out", str(tmp_path / "other"), "--quiet"])
    (tmp_path / "train.de").write_text("\n".join([*pairs.sources[:5], " ", *pairs.sources[6:]]))
    with pytest.raises(SystemExit, match="error: .*train.de, line 6 is empty"):
        main(["translations", *sides, "--out", str(tmp_path / "other"), "--quiet"])


def test_a_folder_for_each_label(tmp_path):
    for k, image in enumerate(pictures(10, side=16)):
        (tmp_path / "set" / "ab"[k % 2]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(tmp_path / "set" / "ab"[k % 2] / f"{k}.png")
    command = ["images", str(tmp_path / "set"), "--image-size", "8", "--validation", "0", "--shards", "2", "--quiet"]
    main([*command, "--out", str(tmp_path / "shards")])
    order = [*range(0, 10, 2), *range(1, 10, 2)]
    images = np.stack([data.load_image(image, 8) for image in pictures(10, side=16)[order]])
    some = data.LabelledImages(images, [0] * 5 + [1] * 5, ("a", "b"))
    shards = data.sharded(tmp_path / "shards", 4, shuffle=False)
    assert_same(shards, data.labelled_images(some, 4, validation=0, shuffle=False))
    assert shards.names == ("a", "b")
    (tmp_path / "set" / "a" / "0.png").write_bytes(b"nothing")
    with pytest.raises(SystemExit, match="error: .*0.png: no picture"):
        main([*command, "--out", str(tmp_path / "other")])


def test_files_of_clips_stay_as_they_are(tmp_path):
    scenes = data.moving_scenes(20)
    for k, scene in enumerate(scenes):
        frames = [Image.fromarray(frame) for frame in scene.frames[::3]]
        folder = tmp_path / "clips" / ("left", "right")[k % 2]
        folder.mkdir(parents=True, exist_ok=True)
        if k < 10:
            frames[0].save(folder / f"{k}.gif", save_all=True, append_images=frames[1:])
        else:
            (folder / str(k)).mkdir()
            for n, frame in enumerate(frames):
                frame.save(folder / str(k) / f"{n}.png")
    main(["videos", str(tmp_path / "clips"), "--out", str(tmp_path / "shards"), "--shards", "2", "--quiet"])
    options = {"names": ["left", "right"], "image_size": 12, "shuffle": False}
    memory = data.labelled_videos(tmp_path / "clips", batch_size=2, **options)
    for mine, theirs in zip(data.sharded(tmp_path / "shards", 2, image_size=12, shuffle=False), memory):
        assert_same(mine, theirs)


def test_questions_of_files(tmp_path, photos):
    for path in photos.glob("*.txt"):
        path.write_text("is it a?\tyes\nis it b?\tno\n")
    (tmp_path / "answers.txt").write_text("yes\nno\n")
    command = ["questions", str(photos), "--answers", str(tmp_path / "answers.txt"), "--validation", "0", "--quiet"]
    main([*command, "--out", str(tmp_path / "shards"), "--shards", "2"])
    dataset = data.sharded(tmp_path / "shards", 4, image_size=8)
    assert (sum(rows(dataset).values()), dataset.answers) == (24, ["yes", "no"])
    assert dataset.questions[0] == [("is it a?", ["yes"]), ("is it b?", ["no"])]


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"kind": "poems"}, ValueError, "`kind` must be one of .*'captions'.* received 'poems'"),
        ({"shards": 0}, ValueError, r"`shards` must lie in \[1, 99999\], received 0"),
        ({"shards": 2.0}, TypeError, "`shards` must be an int, received float"),
        ({"shards": 30}, ValueError, "`shards` must be at most 18, the records of the train part; received 30"),
        ({"file_format": "zip"}, ValueError, "`file_format` must be one of .*received 'zip'"),
        ({"verbose": 2}, ValueError, "`verbose` must be 0 or 1, received 2"),
        ({"out": 3}, TypeError, "`out` must be a folder, received int"),
        ({"out": "."}, ValueError, "`out` must be a new folder, or an empty one"),
        ({"batch_size": 3}, TypeError, "written with the options .*'validation'.*received .'batch_size'"),
        ({"validation": 2}, ValueError, "`validation` must lie in"),
    ],
)
def test_bad_arguments_of_writing(tmp_path, monkeypatch, options, kind, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "something").write_text("kept")
    given = {"out": "new", "kind": "texts", "shards": 2, "verbose": 0} | options
    with pytest.raises(kind, match=message):
        data.write_shards(given.pop("out"), given.pop("kind"), data.opinions(20), **given)
    assert [path.name for path in tmp_path.iterdir()] == ["something"]


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"batch_size": 0}, ValueError, "`batch_size` must be at least 1, received 0"),
        ({"worker": 2, "num_workers": 2}, ValueError, r"`worker` must lie in \[0, `num_workers`\), received 2 of 2"),
        ({"worker": 0.0}, TypeError, "`worker` must be an int, received float"),
        ({"num_workers": 9}, ValueError, "`num_workers` must be at most 2, the shards of .*received 9"),
        ({"buffer": 9}, ValueError, "`buffer` must be a multiple of `batch_size`=4, received 9"),
        ({"verify": 1}, TypeError, "`verify` must be a bool, received int"),
        ({"seed": -1}, ValueError, "`seed` must be at least 0"),
        ({"keep": "middle"}, ValueError, '`keep` must be "start" or "end"'),
        ({"image_size": 9}, TypeError, "shards of texts are read with the options .*received .'image_size'"),
        ({"model": object()}, ValueError, "`model` must have the vocabulary of the shards"),
        ({"folder": 3}, TypeError, "`folder` must be a path, received int"),
        ({"folder": "nowhere"}, ValueError, "nowhere/index.json: expected the index of shards"),
    ],
)
def test_bad_arguments_of_reading(tmp_path, options, kind, message):
    data.write_shards(tmp_path / "shards", "texts", data.opinions(20), shards=2, validation=0, verbose=0)
    given = {"folder": tmp_path / "shards", "batch_size": 4} | options
    with pytest.raises(kind, match=message):
        data.sharded(given.pop("folder"), given.pop("batch_size"), **given)
