"""What a checkpoint of `ExactResume` costs: an epoch of `fit` with one after every step, and one with none."""

import tempfile
from functools import partial
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import keras_seqcv as ks
from tests.benchmarks import steps, timing

COLUMNS = {
    "units": "{}",
    "step, ms": "{:.1f}",
    "checkpoint, MB": "{:.1f}",
    "checkpoint, ms": "{:.1f}",
    "every 500 steps, %": "{:.2f}",
}


def main(argv=None):
    args = timing.arguments(__doc__, argv, rounds=7)
    count, length, sizes = (3, 4, (8,)) if args.quick else (20, 64, (256, 512))
    rows = []
    for units in sizes:
        timing.progress("resume", units)
        with tempfile.TemporaryDirectory() as folder:
            model, data = language_model(units), ids(count, length)
            resume = ks.callbacks.ExactResume(folder, every=1)
            functions = {"ours": partial(fit, model, data, []), "with": partial(fit, model, data, [resume], folder)}
            result = timing.compare(functions, args.rounds, inner=1, warmup=1)
            megabytes = sum(path.stat().st_size for path in (Path(folder) / "end").iterdir()) / 1e6
        step = result.median("ours") / count
        checkpoint = np.median(np.subtract(result.seconds["with"], result.seconds["ours"])) / (count + 1)  # and the end
        row = {"units": units, "step, ms": 1e3 * step, "checkpoint, MB": megabytes, "checkpoint, ms": 1e3 * checkpoint}
        rows.append(row | {"every 500 steps, %": 100 * checkpoint / (500 * step)})
    note = f"`LanguageModel` of 2 LSTM layers, Adam, batch 32, {length} steps of time; checkpoints brought to the disk."
    timing.show(__file__, COLUMNS, rows, args, note)


def fit(model, data, callbacks, folder=None):
    for checkpoint in Path(folder).iterdir() if folder else ():
        for path in checkpoint.iterdir():
            path.unlink()
        checkpoint.rmdir()  # each `fit` is one of its own
    model.fit(data, epochs=1, verbose=0, callbacks=callbacks)


def ids(count, length):
    x = np.random.default_rng(0).integers(0, steps.WORDS, (32 * count, length + 1))
    return tf.data.Dataset.from_tensor_slices((x[:, :-1], x[:, 1:])).batch(32)


def language_model(units):
    text = "".join(chr(33 + i) for i in range(steps.WORDS))
    model = ks.models.LanguageModel(ks.data.Characters(text), cell="lstm", layers=2, units=units)
    model.compile(keras.optimizers.Adam(steps.LEARNING_RATE, global_clipnorm=steps.CLIP))
    return model


if __name__ == "__main__":
    main()
