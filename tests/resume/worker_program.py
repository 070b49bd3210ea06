"""A training by several workers, each of which may be killed: `python worker_program.py FOLDER [STEP INDEX]`.

Worker INDEX kills itself in the step of that number, once.
"""

import hashlib
import os
import signal
import sys
from pathlib import Path

import keras

import keras_seqcv as ks
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


def main(folder: Path, step: int = 0, victim: int = 0) -> None:
    worker = ks.distribution.worker_of()
    killer = Killer(step if worker.index == victim else 0, folder / "killed")
    strategy = ks.distribution.strategy("multiworker")
    with strategy.scope():
        keras.utils.set_random_seed(2)
        train, valid = ks.data.text_streams(WORDS * 20, 4, 16, validation=0.2)
        model = ks.models.LanguageModel(train.vocabulary, "lstm", layers=1, units=12, dropout=0.2)
        model.compile(keras.optimizers.Adam(0.01, global_clipnorm=1.0))
        resume = ks.callbacks.ExactResume(folder / "resume", every=2, data=train)
        stop = keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
        history = model.fit(train, validation_data=valid, epochs=4, verbose=0, callbacks=[stop, resume, killer])
    sums = hashlib.sha256(repr(history.history["loss"]).encode())
    for variable in [*model.variables, *model.optimizer.variables]:
        sums.update(variable.numpy().tobytes())
    states = [state.tobytes().hex() for state in model.recurrent_layers[0].get_states("training")]
    (folder / f"result_{worker.index}").write_text("\n".join([sums.hexdigest(), *states]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:4]))
