"""Where a `fit` stands in its data: how its iterator began, and how many batches were taken from it."""

import shutil
from pathlib import Path

import tensorflow as tf

_NAME = "iterator"
_ADVICE = (
    "ExactResume cannot find the position in this data again: {error}. Random numbers must come from "
    "tf.random.stateless_* with seeds out of tf.data.Dataset.random, functions of Python be called by "
    "tf.numpy_function(..., stateful=False), and generators be replaced by a tf.data.Dataset or arrays"
)


class TrainingData:
    """The iterator that `train_function` gets from `fit`.

    tf.data can save an iterator. It is saved as it begins: that holds the order of this epoch and of all behind it, and
    nothing that was read ahead. (At the end of an epoch it would not know the order of the next one any more.) To find
    a position again, the beginning is restored, and as many batches are read.

    Iterators of a `tf.distribute` strategy cannot be saved. In their place one of the dataset itself is, made before
    Keras makes its own: that decides the order of those that come next.

    Args:
        strategy: of the model.
        dataset: what `fit` gets, or None; needed for a strategy of several replicas.
        place: folder that this may use.

    Raises:
        ValueError: for such a strategy without a dataset.
    """

    def __init__(self, strategy, dataset, place: Path):
        self._strategy, self._dataset, self._place = strategy, dataset, place
        self.given, self.taken, self._iterator = dataset is not None, 0, None
        if strategy.num_replicas_in_sync > 1 and not isinstance(dataset, tf.data.Dataset):
            received = type(dataset).__name__
            raise ValueError(f"data: expected the tf.data.Dataset of `fit` under a strategy, received {received}")

    def begin_epoch(self) -> None:
        """Before Keras makes the iterator of an epoch."""
        if self.given:
            self._write(iter(self._dataset), "next")

    def see(self, iterator) -> None:
        """Before batches are taken from an iterator; how many, whoever takes them adds to `taken`."""
        if iterator is not self._iterator:
            self._iterator, self.taken = iterator, 0
            if self.given:
                _copy(self._place / "next", self._place / "now")
            else:
                self._write(iterator, "now")

    def _write(self, iterator, name: str) -> None:
        folder = self._place / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            tf.train.Checkpoint(iterator=iterator).write(str(folder / _NAME))
        except (tf.errors.FailedPreconditionError, tf.errors.UnimplementedError) as error:
            text = error.message.split(" [Op:")[0].split("}} ")[-1].rstrip(".")
            raise ValueError(_ADVICE.format(error=text)) from error

    def save(self, folder: Path) -> None:
        """Write how the iterator began to a folder."""
        _copy(self._place / "now", folder)

    def own_iterator(self):
        """An iterator of the dataset, as Keras makes it."""
        return iter(self._strategy.experimental_distribute_dataset(self._dataset))

    def restore(self, folder: Path) -> None:
        """Let the next iterator that Keras makes begin as one did that `save` wrote to `folder`."""
        _copy(folder, self._place / "next")
        _read(folder, iter(self._dataset))

    def go_to(self, folder: Path, iterator, taken: int) -> None:
        """Bring an iterator of `fit` to where one was that `save` wrote to `folder`, with so many batches taken."""
        _copy(folder, self._place / "now")
        if not self.given:
            _read(folder, iterator)
        for _ in range(taken):
            next(iterator)
        self._iterator, self.taken = iterator, taken


def _copy(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for path in source.glob(f"{_NAME}.*"):
        shutil.copy(path, target)


def _read(folder: Path, iterator) -> None:
    try:
        tf.train.Checkpoint(iterator=iterator).read(str(folder / _NAME)).assert_consumed()
    except (tf.errors.OpError, AssertionError) as error:
        raise ValueError(f"{folder} is of other data than `fit` has now: {error}") from error
