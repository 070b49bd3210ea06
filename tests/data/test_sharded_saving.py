"""sharded: an iterator that is saved in the middle of an epoch, and goes on in another process."""

import json
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
import tensorflow as tf

from keras_seqcv import data
from tests.data.shard_sets import arrays, written

ROOT = Path(__file__).resolve().parents[2]
READINGS = {
    "captions": {"image_size": 4, "augment": True, "captions_per_image": 2, "seed": 3},
    "texts": {"buffer": 9, "seed": 4, "worker": 1, "num_workers": 2},
    "text": {"steps": 4},
}
GOES_ON = """
import json, sys, zlib
import numpy as np, tensorflow as tf
from keras_seqcv import data
folder, readings = sys.argv[1], json.loads(sys.argv[2])
sums = {}
for name, options in readings.items():
    tf.random.set_seed(9)  # changes nothing
    iterator = iter(data.sharded(f"{folder}/{name}", 3, **options).repeat(3))
    tf.train.Checkpoint(iterator=iterator).read(f"{folder}/{name}.saved").assert_consumed()
    rest = [[np.asarray(part) for part in tf.nest.flatten(element)] for element in iterator]
    sums[name] = [[zlib.crc32(part.tobytes()) for part in parts] for parts in rest]
print(json.dumps(sums))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saving")
    for name in ("captions", "texts"):
        written(folder / name, name, validation=0)
    data.write_shards(
        folder / "text", "text", "to be or not to be, that is the question" * 3, shards=2, verbose=0, block=9
    )
    return folder


def test_another_process_goes_on_where_this_one_was(folder):
    expected = {}
    for name, options in READINGS.items():
        dataset = data.sharded(folder / name, 3, **options).repeat(3)
        iterator = iter(dataset)
        for _ in range(dataset.cardinality() // 3 + 2):  # two batches into the second epoch
            next(iterator)
        tf.train.Checkpoint(iterator=iterator).write(str(folder / f"{name}.saved"))
        rest = [arrays(element) for element in iterator]
        assert len(rest) == int(dataset.cardinality()) - dataset.cardinality() // 3 - 2 > 3
        expected[name] = [[zlib.crc32(part.tobytes()) for part in parts] for parts in rest]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, "-c", GOES_ON, str(folder), json.dumps(READINGS)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == expected


def test_epochs_after_a_saved_one_go_on_too(folder):
    options = {"image_size": 4, "seed": 3}
    first = data.sharded(folder / "captions", 3, **options)
    iterator = iter(first)
    next(iterator)
    path = tf.train.Checkpoint(iterator=iterator).write(str(folder / "one.saved"))
    expected = [[part.tobytes() for part in arrays(e)] for some in (iterator, first) for e in some]
    second = data.sharded(folder / "captions", 3, **options)
    iterator = iter(second)
    tf.train.Checkpoint(iterator=iterator).read(path).assert_consumed()
    assert [[part.tobytes() for part in arrays(e)] for some in (iterator, second) for e in some] == expected
