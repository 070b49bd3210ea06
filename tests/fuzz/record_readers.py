"""Readers of shards and of checkpoints of a training."""

import functools

import numpy as np
import tensorflow as tf

import keras_seqcv as ks
from keras_seqcv.callbacks import training_arrays
from keras_seqcv.callbacks.resume_files import ResumeFiles
from tests.data.shard_sets import written
from tests.fuzz import seeds
from tests.fuzz.damage import damaged
from tests.fuzz.formats import changed_json
from tests.fuzz.reader import Reader

_STEP = "step-000000000001"


def _shards(file_format: str, *kinds: str) -> list:
    options = {"validation": 0, "file_format": file_format}
    return [(seeds.of_folder(lambda path: written(path, kind, **options)), "here") for kind in kinds]  # noqa: B023


def _read_shards(path) -> None:
    try:
        for _ in ks.data.sharded(path, 5):
            pass
    except tf.errors.InvalidArgumentError as error:  # what becomes of a ValueError in a dataset
        raise ValueError(error.message) from error


def _checkpoints() -> list:
    arrays = {"a": np.arange(6, dtype="float32").reshape(2, 3), "b": np.zeros(3, "int64")}
    write = functools.partial(training_arrays.save_arrays, arrays)
    return [(seeds.of_folder(lambda path: ResumeFiles(path, 1).write(_STEP, lambda f: write(f / "arrays"))), "here")]


def _read_checkpoint(path) -> None:
    ResumeFiles(path, 1).check(_STEP)
    training_arrays.load_arrays(path / _STEP / "arrays")


def _json_or_not(data: bytes, rng) -> bytes:
    return changed_json(data, rng) if data[:1] == b"{" else damaged(data, rng)


READERS = [
    Reader("shards, TFRecord", lambda: _shards("tfrecord", "texts", "translations"), _read_shards, _json_or_not),
    Reader("shards, ArrayRecord", lambda: _shards("array_record", "texts"), _read_shards, _json_or_not),
    Reader("checkpoint of a training", _checkpoints, _read_checkpoint, _json_or_not),
]
