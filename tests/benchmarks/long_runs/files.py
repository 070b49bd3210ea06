"""Models written and read again and again, and a SavedModel called. Functions of a folder, else as `verbs.py`."""

import keras
import numpy as np
import tensorflow as tf

import keras_seqcv as ks
from tests.benchmarks.long_runs.verbs import letters
from tests.models.language_model_oracles import small


def save_and_load(folder):
    model = small(cell="lstm", layers=2)
    model.compile(keras.optimizers.Adam(1e-3))

    def step(k):
        model.save(folder / "model.keras")
        ks.models.load_model(folder / "model.keras")

    return step


def export(folder):
    model = small(cell="lstm")

    def step(k):
        if k % 2:
            ks.export.tflite(model, folder / "m.tflite", max_length=20, verbose=False)
        else:
            ks.export.saved_model(model, folder / "m", verbose=False)

    return step


def load_saved_model(folder):
    ks.export.saved_model(small(cell="gru"), folder / "m", verbose=False)
    return lambda k: tf.saved_model.load(folder / "m").signatures["score"](text=tf.constant(["abc"]))


def call_saved_model(folder):
    ks.export.saved_model(small(cell="gru"), folder / "m", verbose=False)
    generate = tf.saved_model.load(folder / "m").signatures["generate"]

    def step(k):
        scalars = {"length": np.int32(1 + k * 7 % 60), "temperature": np.float32(1), "seed": np.int32(k)}
        prompts = [letters(k + i) for i in range(1 + k % 3)]
        # NumPy's numbers: of Python's TensorFlow would keep every one that is new.
        generate(prompt=tf.constant(prompts), **{name: tf.constant(value) for name, value in scalars.items()})

    return step
