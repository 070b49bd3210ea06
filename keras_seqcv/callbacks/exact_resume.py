"""`ExactResume`: a training that was killed goes on as if it had not been."""

import json
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import keras

from keras_seqcv.callbacks import callback_states as states
from keras_seqcv.callbacks import training_arrays as numbers
from keras_seqcv.callbacks.common_step import newest_of_all
from keras_seqcv.callbacks.resume_files import ResumeFiles
from keras_seqcv.callbacks.training_data import TrainingData
from keras_seqcv.distribution import own_folder

_FORMAT = 1


class ExactResume(keras.callbacks.Callback):
    """Saves all that a training consists of every so many steps, and lets `fit` go on from there, bit for bit.

    Run the same program again after it was killed, at whatever moment: `fit` makes a first step as always, by which all
    variables come to be, then takes everything back from the newest checkpoint, passes over the steps that were made
    without making them, and goes on. Its results are those of a training that was never stopped. A checkpoint holds

    - weights, optimizer, metrics, seeds of layers, and the states of stateful layers, of all streams;
    - the position in the data: the order of the epoch, and how many batches were taken. These are read again;
    - the random numbers of Python, NumPy, `keras.random` and `tf.random.Generator`;
    - what other callbacks have learned (the history, the patience of `EarlyStopping`, its best weights ...), as far as
      it is numbers, texts, arrays, variables, and lists and dicts of these. A `CSVLogger` goes on with its file.

    A checkpoint is a folder, written beside its place and moved there when it is on the disk. There is one of the end
    of `fit`, too: the same `fit` once more only takes it back. One with more epochs goes on from the last step.

    What it cannot hold are the states of `tf.random.uniform` and its like, which TensorFlow keeps to itself: draw by
    `tf.random.stateless_uniform`, `keras.random.SeedGenerator` or `tf.random.Generator`. For a pipeline of `tf.data`
    that draws so, or that calls Python with a state, it raises. With `steps_per_epoch`, the dataset is to have no end.

    Args:
        directory: folder of the checkpoints; of this training alone. Of several workers each has its own in it.
        every: int >= 1, steps from checkpoint to checkpoint, or "epoch".
        keep: int >= 1, how many of the newest checkpoints to keep.
        delete_checkpoint: whether to take all checkpoints away when `fit` has ended; the next one then begins anew.
        data: the dataset that `fit` gets; needed under a `tf.distribute` strategy of several replicas alone.

    Raises:
        ValueError: for an argument that is not as above; in `fit`, for checkpoints of another model, for data whose
            position cannot be found again, and for a folder in which no checkpoint is whole, naming the file.
        TypeError: for a model without an optimizer of Keras.

    Example:

    >>> import tempfile
    >>> def trained(folder, epochs):
    ...     keras.utils.set_random_seed(1)
    ...     model = keras.Sequential([keras.Input((2,)), keras.layers.Dropout(0.5), keras.layers.Dense(1)])
    ...     model.compile("adam", "mse")
    ...     x = np.arange(20, dtype="float32").reshape(10, 2)
    ...     resume = ks.callbacks.ExactResume(folder, every=2)
    ...     model.fit(x, x[:, :1], batch_size=2, epochs=epochs, verbose=0, callbacks=[resume])
    ...     return model.get_weights()[0].tolist()
    >>> with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
    ...     whole = trained(one, 3)
    ...     part = trained(other, 1)
    ...     part != whole, trained(other, 3) == whole
    (True, True)
    """

    def __init__(self, directory, every=100, keep=2, delete_checkpoint=False, data=None):
        if every != "epoch" and (isinstance(every, bool) or not isinstance(every, int) or every < 1):
            raise ValueError(f"every: expected an int >= 1 or 'epoch', received {every!r}")
        if isinstance(keep, bool) or not isinstance(keep, int) or keep < 1:
            raise ValueError(f"keep: expected an int >= 1, received {keep!r}")
        super().__init__()
        self.directory, self.every, self.keep, self.data = Path(directory), every, keep, data
        self.delete_checkpoint = delete_checkpoint

    def set_params(self, params):
        super().set_params(params)
        # The list that holds the callbacks of a `fit` calls this, before any of them begins; it is told nowhere else.
        caller = sys._getframe(1).f_locals.get("self")
        if not isinstance(caller, keras.callbacks.CallbackList):
            raise ValueError("ExactResume must be one of the `callbacks` of `fit`")
        self._list, self._all = caller, list(caller.callbacks)
        self._others = [one for one in self._all if not isinstance(one, (ExactResume, keras.callbacks.ProgbarLogger))]
        if sum(isinstance(one, ExactResume) for one in self._all) > 1:
            raise ValueError("`callbacks` of `fit`: expected one ExactResume, received several")
        if not isinstance(getattr(self.model, "optimizer", None), keras.optimizers.Optimizer):
            raise TypeError(f"ExactResume needs a model compiled with an optimizer of Keras, received {self.model!r}")
        numbers.read_chance()  # makes a generator where there is none yet, by a draw that must always come here
        folder = own_folder(self.directory, self.model.distribute_strategy)  # each worker has its own
        self._files = ResumeFiles(Path(folder), self.keep)
        self._files.clear()
        self._data = TrainingData(self.model.distribute_strategy, self.data, self._files.own())
        self._epoch = self._step = self._total = self._since = 0
        self._at_start, self._logs, self._skip, self._asked, self._new = None, {}, 0, False, False
        self._found = self._newest()
        self._pending = self._found is not None  # whether all is still to be taken from it
        self._done = self._found is not None and self._found["ended"]
        for callback in self._all if self._found else ():
            if isinstance(callback, keras.callbacks.CSVLogger):  # before it opens its file
                states.continue_csv(callback, self._found["epoch"])

    def on_train_begin(self, logs=None):
        if self._found is None:
            return
        self._epoch, self._total, self._logs = (self._found[name] for name in ("epoch", "total", "logs"))
        if self.params["verbose"]:
            where = "its end" if self._done else f"epoch {self._epoch + 1}, step {self._found['step']}"
            print(f"this training goes on from {self._found['folder']}: {where}", flush=True)
        # `fit` has begun, its argument `initial_epoch` is read. Keras's own BackupAndRestore goes this way as well.
        self.model._initial_epoch = self.params["epochs"] if self._done else self._epoch
        if self._done:
            self._take_variables(metrics=False)  # these come to be with a first step, and none is made

    def _newest(self) -> dict | None:
        """What to go on from: the end, if it was reached, or the newest checkpoint that is whole, or None."""
        self._errors = []
        candidates = self._whole()
        found = newest_of_all(candidates, self.keep + 1, self.model.distribute_strategy)
        if found is None and self._errors:
            raise ValueError(f"no checkpoint in {self._files.directory} can be read: " + ", ".join(self._errors))
        if self._errors:
            warnings.warn(f"going on from {found['folder'].name}: " + ", ".join(self._errors), stacklevel=2)
        return found

    def _whole(self) -> Iterator[dict]:
        """The checkpoints that are whole, the newest first, and the end before them if it was reached."""
        for name in self._files.names():
            try:
                self._files.check(name)
            except ValueError as error:
                self._errors.append(str(error))
                continue
            found = self._read(self._files.path(name))
            if not found["ended"] or self._is_reached(found):
                yield found

    def _read(self, folder: Path) -> dict:
        found = json.loads((folder / "training.json").read_text())
        if found["format"] != _FORMAT:
            raise ValueError(f"{folder} has format {found['format']}, expected {_FORMAT}")
        return {**found, "folder": folder}

    def _is_reached(self, found: dict) -> bool:
        """Whether nothing is left of this `fit` behind the end that was found."""
        stopped = found["stopped"] and self.params["epochs"] <= found["epochs"]
        return stopped or self.params["epochs"] <= found["epoch"]

    def on_epoch_begin(self, epoch, logs=None):
        self.model._initial_epoch = None  # else the next `fit` would begin there too
        self._watch()
        self._epoch, self._step, self._new = epoch, 0, True
        if self._at_start is None:
            self._at_start = [states.values_of(callback) for callback in self._others]
        if not self._pending:
            self._data.begin_epoch()
            return
        self._skip = self._found["step"]
        if self._skip:
            # Nobody but the progress bar is to know of steps that are not made.
            bars = [one for one in self._all if isinstance(one, keras.callbacks.ProgbarLogger)]
            self._list.callbacks = [self, *bars]
        else:
            self._take_callbacks()
        if self._data.given:
            self._first_step(self._data.own_iterator())
            self._data.restore(self._found["folder"])

    def _watch(self) -> None:
        """See the iterator of every step of `fit`."""
        original = self.model.train_function
        original = getattr(original, "unwatched", original)  # of a `fit` that an error ended

        def train_function(iterator):
            return self._train(iterator)

        train_function.unwatched = self._original = original
        self.model.train_function = train_function

    def on_train_batch_begin(self, batch, logs=None):
        self._asked = True

    def _train(self, iterator):
        """One call of `train_function`."""
        asked, self._asked = self._asked, False
        if not asked:  # by a `fit` that this callback is not part of
            return self._original(iterator)
        if self._found is not None and self._new:
            if self._pending:
                self._first_step(iterator)
            self._data.go_to(self._found["folder"], iterator, self._found["taken"])
        new, self._new = self._new, False
        if self._skip:
            return self._logs
        self._data.see(iterator)
        if new and self.every == "epoch" and self._found is None and self._total:
            self._save(0)
        self._data.taken += self._steps_at_once()
        self._found = None
        return self._original(iterator)

    def _steps_at_once(self) -> int:
        return max(int(self.model.steps_per_execution), 1)

    def _first_step(self, iterator) -> None:
        """Make a step, by which all variables come to be, and then take everything from the checkpoint."""
        if self._skip % self._steps_at_once():
            raise ValueError(
                f"{self._found['folder']} is of step {self._skip} of an epoch, between two calls with "
                f"steps_per_execution={self._steps_at_once()}"
            )
        before = [states.values_of(callback) for callback in self._others]
        self._original(iterator)
        for callback, values in zip(self._others, before, strict=True):
            states.set_values(callback, states.changed(states.values_of(callback), values))
        self._take_variables()
        numbers.write_chance(self._found["chance"])
        self._pending = False

    def _take_variables(self, metrics: bool = True) -> None:
        if not self.model.built:
            self.model.build_from_config(self._found["build"])
        if not self.model.optimizer.built:
            self.model.optimizer.build(self.model.trainable_variables)
        named = numbers.training_variables(self.model)
        arrays = numbers.load_arrays(self._found["folder"] / "variables.bin")
        if not metrics:
            named = [(name, variable) for name, variable in named if not numbers.of_metric(name)]
            arrays = {key: array for key, array in arrays.items() if not numbers.of_metric(key.split(" ", 2)[2])}
        try:
            numbers.write_variables(named, arrays, self.model.distribute_strategy)
        except ValueError as error:
            raise ValueError(f"{self._found['folder']} is of another model: {error}") from error

    def _take_callbacks(self) -> None:
        """Let the other callbacks be what they were, and forget the checkpoint."""
        arrays = numbers.load_arrays(self._found["folder"] / "callbacks.bin")
        for name, callback in zip(_names(self._others), self._others, strict=True):
            if name in self._found["callbacks"]:
                states.set_values(callback, states.put_arrays(self._found["callbacks"][name], arrays))

    def on_train_batch_end(self, batch, logs=None):
        steps = batch + 1
        if self._skip:
            if steps == self._skip:
                self._arrive(batch, logs)
            return
        self._since += steps - self._step
        self._total += steps - self._step
        self._step, self._logs = steps, dict(logs or {})
        last = self._epoch == self.params["epochs"] - 1 and steps == self.params["steps"]
        if last or (self.every != "epoch" and self._since >= self.every):
            self._save(steps)

    def _arrive(self, batch, logs) -> None:
        """All steps are passed over: the callbacks are back, and those behind this one learn of the last step."""
        self._take_callbacks()
        self._list.callbacks = self._all
        self.model.stop_training = self._found["stopped"]
        self._step, self._skip, self._found = self._skip, 0, None
        behind = self._all[self._all.index(self) + 1 :]
        for callback in behind:
            if not isinstance(callback, keras.callbacks.ProgbarLogger):
                callback.on_train_batch_end(batch, logs)

    def _save(self, step: int, ended: bool = False) -> None:
        """A checkpoint of the moment: `step` steps of the epoch are made."""
        arrays: dict = {}
        kept = {}
        for name, callback, start in zip(_names(self._others), self._others, self._at_start, strict=True):
            kept[name] = states.take_arrays(states.changed(start, states.values_of(callback)), arrays)
        training = {
            "format": _FORMAT,
            "epoch": self._epoch + ended,
            "step": step,
            "taken": self._data.taken,
            "ended": ended,
            "total": self._total,
            "epochs": self.params["epochs"],
            "stopped": bool(self.model.stop_training),
            "logs": self._logs,
            "chance": numbers.read_chance(),
            "callbacks": kept,
            "build": self.model.get_build_config(),
        }

        def fill(folder: Path) -> None:
            named = numbers.training_variables(self.model)
            found = numbers.read_variables(named, self.model.distribute_strategy)
            numbers.save_arrays(found, folder / "variables.bin")
            numbers.save_arrays(arrays, folder / "callbacks.bin")
            if not ended:
                self._data.save(folder)
            (folder / "training.json").write_text(json.dumps(training))

        self._files.write("end" if ended else f"step-{self._total:012}", fill)
        self._since = 0

    def on_train_end(self, logs=None):
        self.model._initial_epoch = None
        if getattr(self.model.train_function, "unwatched", None) is not None:
            self.model.train_function = self.model.train_function.unwatched
        if self._done:
            self._take_callbacks()
            numbers.write_chance(self._found["chance"])
        elif self._total:
            self._save(0, ended=True)
        self._files.leave()
        if self.delete_checkpoint:
            self._files.remove_all()


def _names(callbacks) -> list[str]:
    """Of each callback its class, and which of this class it is."""
    kinds = [type(callback).__name__ for callback in callbacks]
    return [f"{kind} {kinds[:k].count(kind)}" for k, kind in enumerate(kinds)]
