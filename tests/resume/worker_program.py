"""A training by several workers, each of which may be killed.

`python worker_program.py FOLDER streams|shards [STEP INDEX]`
Worker INDEX kills itself in the step of that number, once.
"""

import hashlib
import os
import signal
import sys
from pathlib import Path

import keras

import keras_seqcv as ks
from tests.models import tiny_translator
from tests.resume.programs import WORDS


class Killer(keras.callbacks.Callback):
    """Kills its process in a step, but not if it was killed before."""

    def __init__(self, step: int, mark: Path):
        super().__init__()
        self.step, self.mark, self.seen = step, mark, 0

    def on_train_batch_begin(self, batch, logs=None):
        self.seen += 1
        if self.seen == self.step and not self.mark.exists():
            self.mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)


def streams(strategy, folder):
    """A model, what `fit` gets to train and to validate on, and the dataset behind it: a stream of shared rows."""
    train, valid = ks.data.text_streams(WORDS * 20, 4, 16, validation=0.2)
    return ks.models.LanguageModel(train.vocabulary, "lstm", layers=1, units=12, dropout=0.2), train, valid, train


def shards(strategy, folder):
    """The same of shards, of which each worker reads its own."""
    model = tiny_translator.translator(scale=0.4, **tiny_translator.KINDS["additive"])
    sources = tiny_translator.texts(60, seed=6)
    targets = [
        " ".join(dict(zip(tiny_translator.SOURCE, tiny_translator.TARGET))[w] for w in s.split()) for s in sources
    ]
    worker = ks.distribution.worker_of().index
    own = folder / f"shards_{worker}"
    if not own.exists():
        options = {"vocabularies": (model.source_vocabulary, model.vocabulary), "validation": 0, "verbose": 0}
        ks.data.write_shards(own, "translations", sources, targets, shards=4, **options)
    train = ks.data.sharded(own, 3, model=model, worker=worker, num_workers=2)
    return model, strategy.distribute_datasets_from_function(lambda context: train), None, train


def main(folder: Path, kind: str, step: int = 0, victim: int = 0) -> None:
    worker = ks.distribution.worker_of()
    killer = Killer(step if worker.index == victim else 0, folder / "killed")
    strategy = ks.distribution.strategy("multiworker")
    with strategy.scope():
        keras.utils.set_random_seed(2)
        model, train, valid, dataset = {"streams": streams, "shards": shards}[kind](strategy, folder)
        model.compile(keras.optimizers.Adam(0.01, global_clipnorm=1.0))
        resume = ks.callbacks.ExactResume(folder / "resume", every=2, data=dataset)
        stop = keras.callbacks.EarlyStopping("loss", patience=3, restore_best_weights=True)
        history = model.fit(train, validation_data=valid, epochs=4, verbose=0, callbacks=[stop, resume, killer])
    sums = hashlib.sha256(repr(history.history["loss"]).encode())
    for variable in [*model.variables, *model.optimizer.variables]:
        sums.update(variable.numpy().tobytes())
    layers = getattr(model, "recurrent_layers", ())
    states = [state.tobytes().hex() for layer in layers for state in layer.get_states("training")]
    (folder / f"result_{worker.index}").write_text("\n".join([sums.hexdigest(), *states]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:5]))
