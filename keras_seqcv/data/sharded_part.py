"""A part of a folder of shards that is open, and the dataset of its batches."""

import dataclasses
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_seqcv.data.epoch_seeds import epoch_seeds
from keras_seqcv.data.planned_dataset import finished
from keras_seqcv.data.shard_examples import Record, unpacked
from keras_seqcv.data.shard_files import RecordReader
from keras_seqcv.data.shard_index import Index, check_files, tables
from keras_seqcv.data.shard_plan import ShardPlan

# Empty batches behind an epoch, more than are made ahead. What is made ahead may come to the end of the epoch while an
# iterator is saved, and then TensorFlow 2.21 forgets where the seeds of further epochs are.
_AHEAD = 32


@dataclasses.dataclass(frozen=True)
class Reading:
    """How shards are read; the arguments of `sharded`."""

    batch_size: int
    worker: int
    num_workers: int
    buffer: int | None
    shuffle: bool
    seed: int
    verify: bool


class OpenShards:
    """The records of one part, by number in the order of the set.

    Args:
        folder: of the shards.
        name: "train" | "valid".
        index: what `read_index` gave.
        reading: for which worker.
        training: the `OpenShards` of the part for training, if this is the one for validation.
        all_shards: whether it needs those of the other workers, too.

    Attributes:
        lengths: (rows, columns) int32.
    """

    def __init__(
        self, folder: Path, name: str, index: Index, reading: Reading, training=None, all_shards: bool = False
    ):
        part = index.parts[name]
        self.name, self.index, self.count, self.rows = name, index, part.records, part.rows
        self.num_shards, self.training = len(part.files), training
        if self.num_shards < reading.num_workers and not all_shards:
            raise ValueError(
                f"`num_workers` must be at most {self.num_shards}, the shards of {folder}, received "
                f"{reading.num_workers}; write more shards"
            )
        self.shards = [list(range(k, self.num_shards, reading.num_workers)) for k in range(reading.num_workers)]
        needed = list(range(self.num_shards)) if all_shards else self.shards[reading.worker]
        check_files(folder, part, needed, reading.verify)
        self._places, self.lengths = tables(folder, part)
        self._reader = RecordReader([folder / entry["name"] for entry in part.files], index.file_format)

    def data(self, number: int, shard: int | None = None) -> bytes:
        """The bytes of a record; `shard`: which it is in, if not number % S."""
        place, size, crc, _ = self._places[number].tolist()
        return self._reader.read(number % self.num_shards if shard is None else shard, place, size, crc)

    def record(self, number: int) -> Record:
        return unpacked(self.data(number), f"{self._reader.paths[number % self.num_shards]}, record {number}")

    def records_of(self, shard: int) -> np.ndarray:
        """Numbers of the records of a shard."""
        return np.arange(shard, self.count, self.num_shards)

    def rows_of(self, shard: int) -> np.ndarray:
        """Numbers of the rows of its records."""
        if self.rows == self.count:
            return self.records_of(shard)
        first, counts = self.first(self.records_of(shard)), self.counts(self.records_of(shard))
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.repeat(first, counts) + within

    def first(self, numbers) -> np.ndarray:
        """The first row of each of these records."""
        return self._places["first"][numbers].astype("int64")

    def counts(self, numbers) -> np.ndarray:
        """How many rows each of these records has."""
        numbers = np.asarray(numbers)
        ends = np.full(numbers.shape, self.rows)
        inside = numbers < self.count - 1
        ends[inside] = self.first(numbers[inside] + 1)
        return ends - self.first(numbers)

    def record_of(self, rows) -> np.ndarray:
        """The record that each of these rows is in."""
        if self.rows == self.count:
            return np.asarray(rows)
        return np.searchsorted(self._places["first"], rows, side="right") - 1


class FromShards(Sequence):
    """Something of every record of a part, in the order of the set, read when it is asked for.

    Args:
        shards: `OpenShards`.
        what: function from a `Record` to it.
    """

    def __init__(self, shards: OpenShards, what: Callable):
        self._shards, self._what = shards, what

    def __len__(self) -> int:
        return self._shards.count

    def __getitem__(self, number):
        if isinstance(number, slice):
            return [self[k] for k in range(*number.indices(len(self)))]
        place = number + len(self) if number < 0 else number
        if not 0 <= place < len(self):
            raise IndexError(f"expected a number below {len(self)}, received {number}")
        return self._what(self._shards.record(place))

    def __repr__(self) -> str:
        return f"<{len(self)} of shards>"


def planned(shards: OpenShards, reading: Reading, steps_of: Callable, rows_of: Callable | None = None) -> ShardPlan:
    """The plan of this worker's batches; only training is shuffled."""
    return ShardPlan(
        shards.rows_of if rows_of is None else rows_of,
        steps_of,
        shards.shards,
        reading.worker,
        reading.batch_size,
        reading.buffer,
        reading.shuffle and shards.name == "train",
    )


def sharded_dataset(
    part, signature: Sequence[tf.TensorSpec], arrange: Callable, reading: Reading, readers: int
) -> tf.data.Dataset:
    """A dataset of batches that are read when they are needed.

    Its iterator can be saved by `tf.train.Checkpoint`, since an element is a function of the seed of its epoch and of
    its number, both of which are in the graph.

    Args:
        part: has a `plan` and `batch(rows, seed)` -> tuple of arrays as in `signature`. It lives as long as the
            dataset, or what is made of it.
        signature: of what `batch` returns.
        arrange: function from these tensors to an element.
        reading: has the seed.
        readers: how many batches are made at once.
    """
    weak = weakref.ref(part)  # TensorFlow never lets go of a Python function that was used in a graph
    count = part.plan.batches

    def batch(seed, number):
        if number >= count:
            return tuple(np.zeros([n or 0 for n in spec.shape], spec.dtype.as_numpy_dtype) for spec in signature)
        return weak().batch(*weak().plan.batch(int(seed), int(number)))

    @tf.autograph.experimental.do_not_convert
    def epoch(seed):
        return tf.data.Dataset.range(count + _AHEAD).map(lambda number: (seed, number))

    @tf.autograph.experimental.do_not_convert
    def element(seed, number):
        kinds = [spec.dtype for spec in signature]
        values = tf.numpy_function(batch, [seed, number], kinds, stateful=False)
        return arrange(*(tf.ensure_shape(value, spec.shape) for value, spec in zip(values, signature, strict=True)))

    dataset = finished(epoch_seeds(reading.seed).flat_map(epoch).map(element, num_parallel_calls=readers), part).take(
        count
    )
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(count))
    dataset.batches = count
    return dataset
