"""Shards that are damaged, missing or mixed up: the file is named, and nothing is read in silence."""

import json
import os
import shutil

import pytest
import tensorflow as tf

from keras_seqcv import data
from keras_seqcv.data.shard_files import RecordReader
from tests.data.shard_sets import written


def folder_of(tmp_path, file_format="tfrecord"):
    written(tmp_path / "shards", "texts", validation=0, file_format=file_format)
    return tmp_path / "shards"


def read(folder, **options):
    return sum(1 for _ in data.sharded(folder, 5, **options))


def change(path, place, value=None):
    content = bytearray(path.read_bytes())
    content[place] ^= 255 if value is None else value
    path.write_bytes(content)


@pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
def test_every_byte_of_a_record_counts(tmp_path, file_format):
    folder = folder_of(tmp_path, file_format)
    path = folder / f"train-00002-of-00004.{file_format}"
    whole = path.read_bytes()
    # ArrayRecord's file ends in a footer, and between its blocks there are bytes that mean nothing.
    where = whole.find(b"\x0a") if file_format == "array_record" else 40
    assert where > 0
    change(path, where)
    with pytest.raises(ValueError, match=f"{path.name}: damaged, or a file of another set: its SHA-256"):
        read(folder, verify=True)
    if file_format == "tfrecord":
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"{path.name}: record at 0 is damaged: .*CRC-32"):
            read(folder)


def test_a_damaged_array_record_is_named(tmp_path):
    folder = folder_of(tmp_path, "array_record")
    for path in folder.glob("*.array_record"):  # wherever the records are: nothing is left but the length
        path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"train-0000.*array_record: record at \d+ cannot be read"):
        read(folder)


def test_a_wrong_length_in_a_frame(tmp_path):
    folder = folder_of(tmp_path)
    change(folder / "train-00000-of-00004.tfrecord", 0, 1)
    message = "train-00000-of-00004.tfrecord: damaged: expected a record of .* bytes at 0, received a record of"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        read(folder)


def test_missing_cut_and_mixed_up_files(tmp_path):
    folder = folder_of(tmp_path)
    paths = sorted(folder.glob("*.tfrecord"))
    contents = [path.read_bytes() for path in paths]
    paths[1].write_bytes(contents[1][:-5])
    with pytest.raises(ValueError, match="train-00001-of-00004.tfrecord: expected .* bytes, received .*another file"):
        read(folder)
    paths[1].unlink()
    with pytest.raises(ValueError, match="train-00001-of-00004.tfrecord: expected, as index.json names it, found"):
        read(folder)
    data.write_shards(tmp_path / "others", "texts", data.opinions(60, seed=9), validation=0, shards=4, verbose=0)
    shutil.copy(tmp_path / "others" / paths[1].name, paths[1])
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="train-00001-of-00004.tfrecord"):
        read(folder)
    paths[1].write_bytes(contents[1])
    assert read(folder) == 12


def test_files_that_vanish_while_they_are_read(tmp_path):
    folder = folder_of(tmp_path)
    dataset = data.sharded(folder, 5)
    for path in folder.glob("*.tfrecord"):
        path.unlink()
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"train-0000.*tfrecord: record at \d+ cannot be read: No"):
        list(dataset)


def test_tables_are_compared_with_the_index(tmp_path):
    folder = folder_of(tmp_path)
    for name in ("train.places", "train.rows"):
        whole = (folder / name).read_bytes()
        change(folder / name, 3)
        with pytest.raises(ValueError, match=f"{name}: damaged, or a file of another set"):
            read(folder)
        (folder / name).write_bytes(whole)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (None, "index.json: expected the index of shards: No such file"),
        ("{", "index.json: damaged: "),
        ("[]", "index.json: expected the index of shards, received other JSON"),
        ({"format": "x"}, "index.json: expected the index of shards, received other JSON"),
        ({"version": 2}, "index.json: expected version 1, received 2"),
        ({"parts": {}}, "index.json: damaged: a format of 'tfrecord' and parts"),
        ({"parts": {"train": {"records": 3}}}, "index.json: damaged: "),
        ({"file_format": "zip"}, "index.json: damaged: a format of 'zip'"),
        ({"kind": "poems"}, "expected shards of one of .*received 'poems'"),
        ({"more": 1}, "index.json: damaged: "),
        ({"about": {}}, "index.json: damaged: what it says about texts lacks 'vocabulary'"),
    ],
)
def test_an_index_that_is_none(tmp_path, change, message):
    folder = folder_of(tmp_path)
    index = folder / "index.json"
    if change is None:
        index.unlink()
    else:
        content = change if isinstance(change, str) else json.dumps({**json.loads(index.read_text()), **change})
        index.write_text(content)
    with pytest.raises(ValueError, match=message):
        read(folder)


def test_numbers_of_an_index_are_numbers(tmp_path):
    folder = folder_of(tmp_path)
    content = json.loads((folder / "index.json").read_text())
    for name, value in (("records", "60"), ("rows", 0), ("rows", True), ("columns", None)):
        changed = json.loads(json.dumps(content))
        changed["parts"]["train"][name] = value
        (folder / "index.json").write_text(json.dumps(changed))
        with pytest.raises(ValueError, match="index.json: damaged: expected numbers of records and rows"):
            read(folder)


def test_a_name_outside_the_folder_is_not_read(tmp_path):
    folder = folder_of(tmp_path)
    content = json.loads((folder / "index.json").read_text())
    content["parts"]["train"]["files"][0]["name"] = "../secret"
    (folder / "index.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match="index.json: damaged: expected files of this folder"):
        read(folder)


def test_files_are_closed(tmp_path):
    folder = folder_of(tmp_path)
    reader = RecordReader([folder / "train-00000-of-00004.tfrecord"], "tfrecord")
    with pytest.raises(ValueError, match="damaged"):
        reader.read(0, 0, 3, 0)
    (file,) = reader._files.values()
    del reader
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(file)
