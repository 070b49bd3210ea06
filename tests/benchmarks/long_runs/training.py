"""`fit` for long, as one epoch and as many, of a small model of each kind."""

import keras
import numpy as np
import tensorflow as tf

import keras_seqcv as ks
from tests.models import (
    tiny_answerer,
    tiny_captioner,
    tiny_classifier,
    tiny_draw,
    tiny_glimpses,
    tiny_translator,
    tiny_video,
)
from tests.models.language_model_oracles import LETTERS, small


class Sampling(keras.callbacks.Callback):
    """Takes samples in `fit`, by the steps of training that all its calls have made."""

    def __init__(self, between, take):
        super().__init__()
        self.between, self.take, self.steps = between, take, 0

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        if self.steps % self.between == 0:
            self.take(self.steps)


def language_model():
    model = small(cell="lstm", layers=2)
    model.compile(keras.optimizers.Adam(1e-3, global_clipnorm=1.0))
    text = "".join(np.random.default_rng(0).choice(list(LETTERS), 4 * (8 * 5) + 4))
    return model, ks.data.text_streams(text, batch_size=4, steps=8)


def fit_one_epoch(model, data, steps, between, take):
    """One long epoch."""
    take(0)
    model.fit(data.repeat(), steps_per_epoch=steps, verbose=0, callbacks=[Sampling(between, take)])


def fit_epochs(model, data, steps, between, take):
    """Calls of `fit` of ten short epochs each, with validation, and `evaluate` after each call."""
    take(0)
    batches, sampling = sum(1 for _ in data), Sampling(between, take)
    while sampling.steps < steps:
        epochs = min(10, -(-(steps - sampling.steps) // batches))
        model.fit(data, validation_data=data, epochs=epochs, verbose=0, callbacks=[sampling])
        model.evaluate(data, verbose=0)


def captioner():
    model = tiny_captioner.captioner(scale=0.3)
    model.compile(keras.optimizers.Adam(1e-3, global_clipnorm=5.0))
    tokens = tiny_captioner.rows(4, 6, 10)
    targets, weights = tiny_captioner.targets_of(tokens)
    return model, same({"image": tiny_captioner.pictures(4), "tokens": tokens}, targets, weights)


def same(*parts):
    return tf.data.Dataset.from_tensors(parts)


def translator():
    model = tiny_translator.translator(scale=0.3)
    model.compile(keras.optimizers.Adam(1e-3, global_clipnorm=5.0))
    tokens = tiny_captioner.rows(4, 6, 10)
    targets, weights = tiny_captioner.targets_of(tokens)
    return model, same({"source": tiny_translator.sources([5, 2, 3, 4]), "tokens": tokens}, targets, weights)


def classifier():
    model = tiny_classifier.classifier(pooling="attention", bidirectional=True)
    model.compile(keras.optimizers.Adam(1e-3))
    texts = tiny_classifier.texts(20)
    labels = [tiny_classifier.LABELS[k % 3] for k in range(20)]
    return model, ks.data.labelled_texts(texts, labels, 4, model=model, validation=0)


def answerer():
    model = tiny_answerer.answerer()
    model.compile(keras.optimizers.Adam(1e-3))
    return model, same(
        {"image": tiny_captioner.pictures(4), "tokens": tiny_answerer.questions(4)}, np.arange(4, dtype="int32")
    )


def video():
    model = tiny_video.model()
    model.compile(keras.optimizers.Adam(1e-3))
    labels = [tiny_video.LABELS[k % 3] for k in range(12)]
    return model, ks.data.labelled_videos(tiny_video.clips(12), labels, 4, model=model, validation=0)


def draw():
    model = tiny_draw.model()
    model.compile(keras.optimizers.Adam(1e-3))
    return model, tf.data.Dataset.from_tensors(tiny_draw.batch(model, 8)[0])


def reader():
    model = tiny_glimpses.tiny()
    model.compile(keras.optimizers.Adam(1e-3), jit_compile=False)
    return model, ks.data.labelled_images(tiny_glimpses.squares(40), 8, model=model, validation=0)
