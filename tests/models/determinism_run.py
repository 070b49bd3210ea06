"""Trains every application model three times, in a process of its own: twice from one seed, and from another.

Op determinism cannot be turned off again, so this is no test module: `test_determinism.py` starts it. Chance is on
wherever there is some: dropout, words left out, scheduled sampling, draws of attention and of glimpses, noise, pictures
that are moved, orders of batches.

    python -m tests.models.determinism_run SEED [NAME ...]

prints, for each name, digests of all weights, losses and outputs: [first, second, with SEED + 1]. The graph of the
first training serves for the others; a second process with another PYTHONHASHSEED tells what depends on that. With
DETERMINISM_XLA=1 the loops of all models are compiled by XLA, which takes twice as long.
"""

import hashlib
import json
import os
import sys

import keras
import numpy as np
import tensorflow as tf

import keras_seqcv as ks
from tests.models import tiny_captioner, tiny_glimpses
from tests.models.begin_again import begin_again, first_state

STEPS = 3


def language_model():
    text = "the quick brown fox. " * 30
    words = ks.data.Characters(text)
    model = ks.models.LanguageModel(words, cell="lstm", layers=2, units=16, dropout=0.3)
    data = ks.data.text_streams(text, batch_size=4, steps=10, vocabulary=words)
    return model, data, lambda: model.generate(["the q", "fox"], length=20)


def captioner(attention, **options):
    scenes = ks.data.scenes(12, image_size=48)
    images = scenes.images()[:, 8:40, 8:40]
    words = ks.data.Words(caption for some in scenes.captions for caption in some)
    sizes = {"units": 8, "embedding_dim": 4, "image_dim": 5, "attention_units": 5, "dropout": 0.3}
    model = ks.models.ImageCaptioner(tiny_captioner.encoder(True), words, attention=attention, **sizes)
    data = ks.data.captions(images, scenes.captions, 32, 6, model=model, validation=0, augment=True, verbose=0)
    if "reward" in options:
        options["reward"] = ks.models.CiderReward(data.references)
    return model, data, lambda: [c.text for c in model.sample(images[:3], max_length=6)], options


def sampling_captioner():
    """With hard attention, and words of its own in place of some that are given."""
    return captioner("hard", callbacks=lambda: [ks.callbacks.ScheduledSampling(0.5)])


def rewarded_captioner():
    model, data, _, options = captioner("soft", reward=True, samples=2)
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype("uint8")
    both = ks.models.CaptionEnsemble([model, captioner("soft")[0]])
    return model, data, lambda: [(c.text, c.score) for c in both.caption(images, beam=2, max_length=5)], options


def answerer():
    scenes = ks.data.scenes(12, image_size=48)
    images = scenes.images()[:, 8:40, 8:40]
    words = ks.data.Words(q.question for some in scenes.questions for q in some)
    sizes = {"units": 6, "fusion_dim": 6, "embedding_dim": 4, "dropout": 0.3, "attention_layers": 2}
    model = ks.models.VisualQuestionAnswerer(tiny_captioner.encoder(True), words, scenes.answers, **sizes)
    data = ks.data.questions(images, scenes.questions, 32, 6, model=model, validation=0, augment=True, verbose=0)
    asked = [some[0].question for some in scenes.questions[:2]]
    return model, data, lambda: [(a.text, a.score) for a in model.answer(images[:2], asked)]


def translator():
    pairs = ks.data.number_sentences(60)
    words = ks.data.Words(pairs.sources), ks.data.Words(pairs.targets)
    model = ks.models.Translator(*words, units=8, embedding_dim=5, attention_units=5, dropout=0.3)
    data = ks.data.translations(pairs.sources, pairs.targets, 10, model=model, validation=0, buckets=1)
    return model, data, lambda: [t.text for t in model.translate(pairs.sources[:3], beam=2)]


def sequence_classifier():
    texts = ks.data.opinions(60)
    sizes = {"units": 6, "embedding_dim": 5, "dropout": 0.3, "pooling": "attention", "bidirectional": True}
    model = ks.models.SequenceClassifier(sorted({*texts.labels}), ks.data.Words(texts.texts), **sizes)
    data = ks.data.labelled_texts(texts, None, 10, model=model, validation=0)
    return model, data, lambda: [c.probability for c in model.classify(texts.texts[:3])]


def video_classifier():
    scenes = ks.data.moving_scenes(20)
    network = ks.models.small_image_network((32, 32), filters=(3, 4))
    encoder = ks.models.ImageEncoder(network, trainable=True, freeze_batch_norm=False)
    model = ks.models.VideoClassifier(encoder, scenes.names, units=5, dropout=0.3)
    change = ks.data.VideoChanges(2, True, 0.2, 0.2)
    data = ks.data.labelled_videos(scenes, batch_size=5, model=model, validation=0, augment=change, window=4)
    clips = next(iter(data))[0]
    return model, data, lambda: model.predict(clips, verbose=0)


def glimpse_classifier():
    images = tiny_glimpses.squares(24)
    model = tiny_glimpses.tiny(train_samples=2)
    data = ks.data.labelled_images(images, 8, model=model, validation=0, augment=ks.data.PictureShifts(1))
    return model, data, lambda: [r.probability for r in model.classify(images.images[:3], samples=2)]


def draw():
    images = ks.data.LabelledImages(tiny_glimpses.squares(24).images, np.zeros(24, int), ("a", "b"))
    model = ks.models.DRAW((16, 16, 1), steps=3, units=8, latent_dim=4, read=2, write=3)
    data = ks.data.labelled_images(images, 8, model=model, labels=None, validation=0, binarize=True)
    return model, data, lambda: model.draw(2, seed=1).images


def loops():
    """Two groups of rows, each on a thread of its own, in loops that XLA compiles."""
    x = np.random.default_rng(0).standard_normal((32, 12, 5)).astype("float32")
    layers = [keras.Input((None, 5)), ks.layers.LSTM(16, return_sequences=True, dropout=0.2), ks.layers.GRU(1)]
    model = keras.Sequential(layers)
    data = tf.data.Dataset.from_tensor_slices((x, x[:, 0, :1])).shuffle(32, seed=0).batch(32)
    return model, data, lambda: model.predict(x, verbose=0), {"loss": "mse"}


CASES = {
    "LanguageModel": language_model,
    "ImageCaptioner": sampling_captioner,
    "CiderReward, CaptionEnsemble": rewarded_captioner,
    "VisualQuestionAnswerer": answerer,
    "Translator": translator,
    "SequenceClassifier": sequence_classifier,
    "VideoClassifier": video_classifier,
    "GlimpseClassifier": glimpse_classifier,
    "DRAW": draw,
    "loops": loops,
}


class Case:
    """A model that is trained from one seed after the other; only once is there something to trace."""

    def __init__(self, make):
        self._make, self._model, self._said = make, None, None

    def train(self, seed: int) -> str:
        keras.utils.set_random_seed(seed)
        model, data, outputs, *options = self._make()
        options = dict(options[0]) if options else {}
        callbacks = options.pop("callbacks", list)()
        started = first_state(model, next(iter(data)))
        if self._model is None:
            model.compile(keras.optimizers.Adam(1e-2, global_clipnorm=1.0), **options)
            self._model, self._outputs = model, outputs
        else:
            begin_again(self._model, started)
        model = self._model
        fit = {"steps_per_epoch": STEPS, "shuffle": False, "verbose": 0, "callbacks": callbacks}
        losses = model.fit(data.repeat(), **fit).history["loss"]
        return digest([started, losses, model.get_weights(), model.optimizer.variables, self._outputs()])


def digest(found) -> str:
    """Of all numbers, to their last bit, and all texts."""
    said = hashlib.sha256()
    for leaf in tf.nest.flatten(found):
        said.update(leaf.encode() if isinstance(leaf, str) else np.ascontiguousarray(leaf).tobytes())
    return said.hexdigest()[:16]


def main(seed, *names):
    tf.config.threading.set_intra_op_parallelism_threads(2)
    tf.config.threading.set_inter_op_parallelism_threads(2)
    tf.config.experimental.enable_op_determinism()
    digests = {}
    for name in names or CASES:
        compiled = name == "loops" or os.environ.get("DETERMINISM_XLA") == "1"
        with ks.layers.jit_scope(compiled):
            case = Case(CASES[name])
            digests[name] = [case.train(s) for s in (int(seed), int(seed), int(seed) + 1)]
    print(json.dumps(digests))


if __name__ == "__main__":
    main(*sys.argv[1:])
