"""A process that trains the cases under a strategy: `python -m tests.distribution.child STRATEGY FOLDER [CASE ...]`.

What it found is written to FOLDER/found.npz, arrays by name, and two models are saved there. A worker that is not the
chief has a folder of its own in it.
"""

import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf  # noqa: E402

if __name__ == "__main__":
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(2)  # while one waits for another worker, one works

import numpy as np  # noqa: E402

import keras_seqcv as ks  # noqa: E402
from tests.distribution.cases import CASES  # noqa: E402

VERBS = {
    "language model": lambda model: model.generate(["to be", "that"], length=12, seed=3),
    "sequence classifier": lambda model: [one.label for one in model.classify(["good plot", "bad but not the acting"])],
}


def states_of(model):
    """What the streams keep: for each stream and layer its rows."""
    found = {}
    for k, layer in enumerate(getattr(model, "recurrent_layers", ())):
        for stream in ("training", "validation"):
            found |= {f"{stream} {k} {i}": state for i, state in enumerate(layer.get_states(stream))}
    return found


def trained(name, strategy, folder):
    """Everything that can be compared of a case's model that was trained: dict of arrays."""
    with strategy.scope():
        model, train, valid = CASES[name]()
    before = [w.numpy() for w in model.trainable_weights]
    epochs = 2 if name == "language model" else 1
    history = model.fit(train, validation_data=valid, epochs=epochs, verbose=0).history
    moved = [np.abs(w.numpy() - b).max() for w, b in zip(model.trainable_weights, before, strict=False)]
    found = {f"history {key}": values for key, values in history.items()}
    found |= {f"state {key}": value for key, value in states_of(model).items()}
    found |= {f"weight {k} {w.name}": w.numpy() for k, w in enumerate(model.weights)}
    if name in VERBS:
        found |= {f"again {key}": value for key, value in model.evaluate(valid, verbose=0, return_dict=True).items()}
        found["said"] = VERBS[name](model)
        with strategy.scope():
            found["said in the scope"] = VERBS[name](model)
        model.save(folder / f"{name}.keras")
    found["moved"] = max(moved, default=0.0)
    return {key: np.asarray(value) for key, value in found.items()}


def all_trained(strategy, folder, chosen):
    found = {}
    for name in chosen or CASES:
        began = time.perf_counter(), time.process_time()
        results = trained(name, strategy, folder)
        spent = time.perf_counter() - began[0], time.process_time() - began[1]
        print(f"{name}: {spent[0]:.1f} s, {spent[1]:.1f} s of the processor", flush=True)
        found |= {f"{name}: {key}": value for key, value in results.items()}
    np.savez(folder / "found.npz", **found)
    return found


def main(name, folder, *chosen):
    strategy = ks.distribution.strategy(name, 2 if name == "mirrored" else None)
    folder = Path(ks.distribution.own_folder(folder, strategy))
    folder.mkdir(parents=True, exist_ok=True)
    all_trained(strategy, folder, chosen)
    if name == "mirrored":
        (folder / "refused.txt").write_text(refused(strategy))


def refused(strategy):
    """What is said of a stream whose second batch is smaller, and would be shared in another way."""
    with strategy.scope():
        layer = ks.layers.GRU(2, stateful=True)
        layer.build((None, None, 3))
    try:
        for rows in (2, 1):
            strategy.run(layer, args=(tf.ones((rows, 4, 3)),))
    except tf.errors.InvalidArgumentError as error:
        return error.message
    return "nothing"


if __name__ == "__main__":
    main(*sys.argv[1:])
