"""A process that trains the cases under a strategy: `python -m tests.distribution.child STRATEGY FILE`.

What it found is written to FILE, as NumPy arrays by name.
"""

import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf  # noqa: E402

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(2)  # one thread waits for the other worker

import numpy as np  # noqa: E402

import keras_seqcv as ks  # noqa: E402
from tests.distribution.cases import CASES  # noqa: E402


def states_of(model):
    """What the streams keep: for each stream and layer its rows."""
    found = {}
    for k, layer in enumerate(getattr(model, "recurrent_layers", ())):
        for stream in ("training", "validation"):
            found |= {f"{stream} {k} {i}": state for i, state in enumerate(layer.get_states(stream))}
    return found


def trained(case, strategy):
    """Everything that can be compared of a model that was trained: dict of arrays."""
    with strategy.scope():
        model, train, valid = case()
    history = model.fit(train, validation_data=valid, epochs=2, verbose=0).history
    found = {f"history {name}": values for name, values in history.items()}
    found |= {f"state {name}": value for name, value in states_of(model).items()}
    found |= {f"weight {k} {w.name}": w.numpy() for k, w in enumerate(model.weights)}
    found |= {f"again {name}": value for name, value in model.evaluate(valid, verbose=0, return_dict=True).items()}
    return model, {name: np.asarray(value) for name, value in found.items()}


def main(name, file, *chosen):
    strategy = ks.distribution.strategy(name, 2 if name == "mirrored" else None)
    found = {}
    for case in chosen or CASES:
        began = time.perf_counter(), time.process_time()
        _, results = trained(CASES[case], strategy)
        spent = time.perf_counter() - began[0], time.process_time() - began[1]
        print(f"{name}: {case}: {spent[0]:.1f} s, {spent[1]:.1f} s CPU", flush=True)
        found |= {f"{case}: {key}": value for key, value in results.items()}
        np.savez(file, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
