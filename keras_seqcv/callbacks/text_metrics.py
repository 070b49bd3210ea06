"""Scores of what a model writes, after an epoch, in the logs of training: what captions and translations share."""

import json
import os
import time
from pathlib import Path

import keras
import numpy as np

from keras_seqcv.placing import placed


class TextMetrics(keras.callbacks.Callback):
    """Lets a model write after an epoch and puts the scores of the texts into its logs.

    A subclass has `verb`, the name of the model's method, and gives `_written(model)`, a list of results with a `text`,
    `_scored(texts)`, scores by name and a list of dicts, what is told of each text, and `_line(texts, scores)`.

    Args:
        numbers: arguments that are whole numbers from one on, by name; they become attributes.
        prefix, path, verbose: see `CaptionMetrics`.
    """

    verb = ""
    folder = ""  # what the file of `evaluate` and the list in each file are called

    def __init__(self, numbers: dict, prefix: str, path: str | os.PathLike | None, verbose: int):
        super().__init__()
        for name, value in numbers.items():
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
                raise TypeError(f"`{name}` must be an int, received {type(value).__name__} {value!r}")
            if value < 1:
                raise ValueError(f"`{name}` must be at least 1, received {value}")
            setattr(self, name, int(value))
        if not isinstance(prefix, str):
            raise TypeError(f"`prefix` must be a str, received {type(prefix).__name__}")
        if verbose not in (0, 1):
            raise ValueError(f"`verbose` must be 0 or 1, received {verbose!r}")
        self.prefix, self.verbose = prefix, verbose
        self.path = None if path is None else Path(path)
        self._latest = None

    def evaluate(self, model) -> dict[str, float]:
        """Lets `model` write and returns the scores, named without `prefix`."""
        return self._scores(model, None)

    def on_train_begin(self, logs=None):
        self._latest = None
        self._check_model(self.model)

    def on_epoch_end(self, epoch, logs=None):
        if self._latest is None or (epoch + 1) % self.every == 0:
            self._latest = self._scores(self.model, epoch + 1)
        if logs is None:
            return
        scores = {self.prefix + name: value for name, value in self._latest.items()}
        if taken := sorted(scores.keys() & logs.keys()):
            raise ValueError(
                f"`prefix` must make names that are not in the logs yet, received {self.prefix!r}: {taken}"
            )
        logs.update(scores)

    def _scores(self, model, epoch: int | None) -> dict[str, float]:
        self._check_model(model)
        start = time.perf_counter()
        texts = [result.text for result in self._written(model)]
        scores, each = self._scored(texts)
        if self.path is not None:
            self._write(epoch, scores, each)
        if self.verbose:
            seconds, when = time.perf_counter() - start, "" if epoch is None else f"Epoch {epoch}: "
            print(f"\n{when}{len(texts)} {self.folder} in {seconds:.1f} s, {self._line(texts, scores)}")
        return scores

    def _write(self, epoch: int | None, scores: dict, each: list[dict]) -> None:
        told = {"epoch": epoch, "beam": self.beam, "max_length": self.max_length, "scores": scores, self.folder: each}
        data = json.dumps(told, ensure_ascii=False, indent=1)
        name = f"{self.folder}.json" if epoch is None else f"epoch_{epoch:04d}.json"
        with placed(self.path / name, folder=False) as temporary:
            temporary.write_text(data, encoding="utf-8")

    def _check_model(self, model) -> None:
        if not callable(getattr(model, self.verb, None)):
            raise TypeError(f"`model` must have a method `{self.verb}`, received {type(model).__name__}")
