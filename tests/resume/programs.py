"""Small trainings with much to keep: each is a program that may be killed and run again."""

import hashlib
import json
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import keras_seqcv as ks
from tests.models.tiny_captioner import captioner, pictures

WORDS = "a dog runs and a cat sits , the red dog sits by the blue cat while a red cat runs from the dog . "


def language(folder: Path, every, epochs=3, callbacks=()) -> keras.Model:
    """A stateful language model, and callbacks that learn: patience, the best weights, the rate, a table."""
    keras.utils.set_random_seed(3)
    train, valid = ks.data.text_streams(WORDS * 12, 4, 16, validation=0.25)
    model = ks.models.LanguageModel(train.vocabulary, "gru", layers=2, units=12, dropout=0.2)
    model.compile(keras.optimizers.Adam(0.02, global_clipnorm=1.0))
    learners = [
        keras.callbacks.EarlyStopping(patience=1, min_delta=0.001, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau(patience=0, min_delta=0.5),
        keras.callbacks.CSVLogger(folder / "history.csv"),
        keras.callbacks.ModelCheckpoint(folder / "best.weights.h5", save_best_only=True, save_weights_only=True),
        ks.callbacks.ExactResume(folder / "resume", every=every),
        Counter(),
    ]
    model.fit(train, validation_data=valid, epochs=epochs, verbose=0, callbacks=[*learners, *callbacks])
    return model


def captions(folder: Path, every, epochs=3, callbacks=()) -> keras.Model:
    """A captioner: planned data in an order of its own each epoch, mirrored pictures, all kinds of chance."""
    model = captioner(1, attention="hard", dropout=0.3, word_dropout=0.2)
    texts = ([["red dog runs", "dog sits"], ["blue cat"], ["cat sits"]] * 5)[:13]
    train = ks.data.captions(pictures(13), texts, model=model, batch_size=3, validation=0, augment=True)
    model.compile(keras.optimizers.AdamW(0.01, use_ema=True))
    learners = [ks.callbacks.ScheduledSampling(0.2, 0.6, 3), ks.callbacks.ExactResume(folder / "resume", every=every)]
    model.fit(train, epochs=epochs, verbose=0, callbacks=[*learners, *callbacks])
    return model


def arrays(folder: Path, every, epochs=3, callbacks=()) -> keras.Model:
    """A plain Keras model on arrays that Keras shuffles, several steps at a time, in half precision."""
    keras.utils.set_random_seed(5)
    layers = [keras.layers.LSTM(4), keras.layers.Dropout(0.5), keras.layers.Dense(1, dtype="float32")]
    with_policy = keras.dtype_policies.DTypePolicy("mixed_float16")
    layers[0].dtype_policy = layers[1].dtype_policy = with_policy
    model = keras.Sequential([keras.Input((5, 2)), *layers])
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.05, momentum=0.9), dynamic_growth_steps=3)
    model.compile(optimizer, "mse", metrics=["mae"], steps_per_execution=2)
    x = np.random.default_rng(0).standard_normal((40, 5, 2)).astype("float32")
    resume = ks.callbacks.ExactResume(folder / "resume", every=every)
    model.fit(
        x, x.sum((1, 2)), batch_size=4, validation_split=0.2, epochs=epochs, verbose=0, callbacks=[resume, *callbacks]
    )
    return model


def shuffled(folder: Path, every, epochs=3, callbacks=()) -> keras.Model:
    """A plain model on a pipeline that shuffles in a buffer, with draws from `keras.random` and NumPy in callbacks."""
    keras.utils.set_random_seed(7)
    tf.random.set_global_generator(tf.random.Generator.from_seed(7))
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)])
    model.compile("rmsprop", "mse")
    data = tf.data.Dataset.range(30).shuffle(11, seed=1).map(lambda k: (tf.one_hot(k % 3, 3), tf.cast(k, tf.float32)))
    resume = ks.callbacks.ExactResume(folder / "resume", every=every)
    model.fit(data.batch(4), epochs=epochs, verbose=0, callbacks=[Shaker(), resume, *callbacks])
    return model


PROGRAMS = {"language": language, "captions": captions, "arrays": arrays, "shuffled": shuffled}


class Counter(keras.callbacks.Callback):
    """Counts batches, and keeps a variable."""

    def __init__(self):
        super().__init__()
        self.batches, self.total = 0, tf.Variable(0.0)

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1
        self.total.assign_add(logs["loss"])


class Shaker(keras.callbacks.Callback):
    """Moves a weight by chance, of three kinds."""

    def on_train_batch_end(self, batch, logs=None):
        move = (
            np.random.standard_normal()
            + float(keras.random.normal(()))
            + float(tf.random.get_global_generator().normal(()))
        )
        weight = self.model.layers[0].bias
        weight.assign_add(0.01 * move * np.ones(weight.shape))


def digest(model, folder: Path) -> str:
    """One number for all that a training leaves: variables, streams, history, what callbacks learned, its table."""
    sums = hashlib.sha256()
    for variable in [*model.variables, *model.optimizer.variables]:
        sums.update(variable.numpy().tobytes())
    for layer in getattr(model, "layers", []):
        for states in getattr(layer, "get_states", list)() or []:
            sums.update(np.asarray(states).tobytes())
    sums.update(json.dumps([model.history.epoch, model.history.history]).encode())
    table = folder / "history.csv"
    sums.update(table.read_bytes() if table.exists() else b"")
    return sums.hexdigest()


def run(name: str, folder, every, epochs: int = 3) -> None:
    """The program: train, or go on, and write the digest."""
    folder = Path(folder)
    model = PROGRAMS[name](folder, every, epochs)
    temporary = folder / ".digest"
    temporary.write_text(digest(model, folder))
    temporary.rename(folder / "digest")
