"""A training on two logical devices, interrupted and not; `python mirrored_program.py FOLDER` writes both results."""

import json
import sys
from pathlib import Path

import keras
import numpy as np

import keras_seqcv as ks
from tests.resume.programs import WORDS


class Bomb(keras.callbacks.Callback):
    """Ends a training in its seventh step."""

    seen = 0

    def on_train_batch_end(self, batch, logs=None):
        self.seen += 1
        if self.seen == 7:
            raise KeyboardInterrupt


def trained(strategy, folder, *others) -> dict:
    with strategy.scope():
        keras.utils.set_random_seed(2)
        streams = ks.data.text_streams(WORDS * 4, 4, 16)
        train = streams.shuffle(4, seed=1)  # of chunks: the streams then go on wrongly, but alike
        model = ks.models.LanguageModel(streams.vocabulary, "gru", layers=1, units=6, dropout=0.2)
        model.compile(keras.optimizers.Adam(0.01))
    resume = ks.callbacks.ExactResume(folder, every=2, data=train)
    # Outside of the scope, as people do it.
    history = model.fit(train, epochs=3, verbose=0, callbacks=[resume, *others]).history
    states = model.recurrent_layers[0].get_states("training")[0]
    weights = [np.asarray(weight).tolist() for weight in model.get_weights()]
    return {"loss": history["loss"], "weights": weights, "states": np.asarray(states).tolist()}


def main(folder: Path) -> None:
    strategy = ks.distribution.strategy("mirrored", devices=2)
    whole = trained(strategy, folder / "whole")
    try:
        trained(strategy, folder / "parts", Bomb())
    except KeyboardInterrupt:
        parts = trained(strategy, folder / "parts")
    (folder / "results.json").write_text(json.dumps({"whole": whole, "parts": parts}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
