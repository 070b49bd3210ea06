"""Every kind of application model, small, with what it is trained on: the same on one device and on several.

A case is a function that makes a compiled model, a dataset to train on and one to validate on. There
is no dropout. Batches are of odd sizes, and the last is smaller: replicas have different numbers of rows and words, and
some have none.
"""

import os
import tempfile

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

TEXT = "to be or not to be, that is the question\n" * 12
DOCUMENTS = ["to be or not to be\n" * 9, "that is the question\n" * 7, "whether it is nobler in the mind\n" * 6]
FOLDER = tempfile.TemporaryDirectory()  # goes with the process

# Without graphs a case takes a second, with them ten. The first language model always has them.
GRAPHS = os.environ.get("KERAS_SEQCV_GRAPHS", "0") == "1"


def compiled(model, graph=GRAPHS, **options):
    # Plain steps along the gradient: an optimizer that divides by the gradient's size hides a wrong one.
    options = {"optimizer": keras.optimizers.SGD(0.1), "run_eagerly": not graph, "jit_compile": False, **options}
    model.compile(**options)
    return model


def writer(text, cell="lstm", graph=False, **options):
    keras.utils.set_random_seed(1)
    characters = ks.data.Characters("".join(text))
    model = ks.models.LanguageModel(characters, cell, layers=2, units=6, dropout=0.0, **options)
    return compiled(model, graph or GRAPHS)


def language_model():
    model = writer(TEXT, graph=True)
    return model, *ks.data.text_streams(TEXT, 6, 8, validation=0.3, vocabulary=model.vocabulary)


def language_model_of_documents():
    model = writer(DOCUMENTS, "gru", embedding_dim=4)
    streams = ks.data.text_streams(DOCUMENTS, 5, 6, validation=0.3, vocabulary=model.vocabulary)
    return model, *streams


def sequence_classifier(kind="attention"):
    model = compiled(tiny_classifier.classifier(scale=0.4, **tiny_classifier.KINDS[kind]))
    texts = tiny_classifier.texts(26)
    labels = [tiny_classifier.LABELS[len(text) % 3] for text in texts]
    return model, *ks.data.labelled_texts(texts, labels, 8, model=model, validation=0.3, names=tiny_classifier.LABELS)


def labels_of_steps():
    model = compiled(tiny_classifier.classifier(scale=0.4, **tiny_classifier.KINDS["steps of features"]))
    features = tiny_classifier.features(20)
    labels = [[tiny_classifier.LABELS[int(abs(x[0]) * 3) % 3] for x in one] for one in features]
    return model, *ks.data.labelled_sequences(features, labels, 6, names=tiny_classifier.LABELS, validation=0.3)


def translator():
    model = compiled(tiny_translator.translator(scale=0.4, **tiny_translator.KINDS["additive"]))
    sources = tiny_translator.texts(22)
    swap = dict(zip(tiny_translator.SOURCE, tiny_translator.TARGET))
    targets = [" ".join(swap[word] for word in text.split()) for text in sources]
    return model, *ks.data.translations(sources, targets, 7, model=model, validation=0.3)


def translator_of_shards():
    """Each worker reads shards of its own; one device gets both workers' batches as one."""
    model = compiled(tiny_translator.translator(scale=0.4, **tiny_translator.KINDS["additive"]))
    sources = tiny_translator.texts(25, seed=6)
    targets = [" ".join("one" if word == "ein" else "dogs" for word in text.split()[:4]) for text in sources]
    folder = tempfile.mkdtemp(dir=FOLDER.name)
    options = {"vocabularies": (model.source_vocabulary, model.vocabulary), "validation": 0.3, "verbose": 0}
    ks.data.write_shards(folder, "translations", sources, targets, shards=4, **options)
    strategy = tf.distribute.get_strategy()
    several = isinstance(strategy, ks.distribution.MultiWorkerMirroredStrategy)
    of_workers = [ks.data.sharded(folder, 3, model=model, worker=k, num_workers=2) for k in range(2)]
    if several:
        own = lambda part: lambda context: of_workers[context.input_pipeline_id][part]  # noqa: E731
        return model, *(strategy.distribute_datasets_from_function(own(part)) for part in range(2))
    return model, *(tf.data.Dataset.zip(*parts).map(both) for parts in zip(*of_workers, strict=True))


def both(*batches):
    """The rows of two batches, the shorter ones padded."""

    def joined(a, b):
        length = tf.maximum(tf.shape(a)[1], tf.shape(b)[1])
        return tf.concat([tf.pad(part, [[0, 0], [0, length - tf.shape(part)[1]]]) for part in (a, b)], 0)

    return tf.nest.map_structure(joined, *batches)


def captions(model):
    pictures, rng = tiny_captioner.pictures(9), np.random.default_rng(4)
    texts = [[" ".join(rng.choice(tiny_captioner.WORDS, rng.integers(1, 6))) for _ in range(2)] for _ in pictures]
    options = {"model": model, "image_size": 32, "validation": 0.3, "verbose": 0}
    return texts, ks.data.captions(pictures, texts, batch_size=5, **options)


def captioner(kind="soft", **options):
    model = compiled(tiny_captioner.captioner(scale=0.4, **tiny_captioner.KINDS[kind], **options))
    return model, *captions(model)[1]


def hard_captioner():
    """Of its two losses one is a mean over words, the other over rows; both are added by layers."""
    return captioner("hard", doubly_stochastic=0.5, label_smoothing=0.1)


def rewarded_captioner():
    """So sure of one word that the same captions are drawn everywhere: only the attention has something to learn."""

    class Nothing:
        def score(self, captions, items):
            return np.zeros(len(captions), "float32")

    model = tiny_captioner.captioner(scale=0.4, doubly_stochastic=0.5)
    bias = model.decoder.vocabulary_layer.bias
    bias.assign(80.0 * np.eye(bias.shape[0], dtype="float32")[4])
    train, valid = captions(model)[1]
    numbered = train.map(lambda x, y, w: ({**x, "item": tf.range(tf.shape(x["image"])[0])}, y, w))
    return compiled(model, reward=Nothing(), samples=2), numbered, valid


def video_classifier():
    model = compiled(tiny_video.model("mean of a GRU"))
    clips = tiny_video.clips(12)
    labels = [tiny_video.LABELS[len(clip) % 3] for clip in clips]
    return model, *ks.data.labelled_videos(clips, labels, 3, model=model, validation=0.3)


def answerer(kind="film"):
    model = compiled(tiny_answerer.answerer(scale=0.4, **tiny_answerer.KINDS[kind]))
    pictures, rng = tiny_captioner.pictures(9), np.random.default_rng(4)
    ask = lambda: " ".join(rng.choice(tiny_answerer.WORDS, rng.integers(1, 6)))  # noqa: E731
    asked = [[(ask(), str(rng.choice(tiny_answerer.ANSWERS))) for _ in range(2)] for _ in pictures]
    options = {"model": model, "image_size": 32, "validation": 0.3, "questions_per_image": 2, "verbose": 0}
    return model, *ks.data.questions(pictures, asked, batch_size=5, **options)


def glimpses():
    keras.utils.set_random_seed(2)
    model = compiled(tiny_glimpses.tiny(train_samples=2))
    return model, *ks.data.labelled_images(tiny_glimpses.squares(12), 7, model=model, validation=0.3)


def draw():
    model = compiled(tiny_draw.model("told", seed=3), optimizer=keras.optimizers.SGD(0.01))
    images, label, _ = tiny_draw.batch(model, 12)
    pictures = ks.data.LabelledImages(images, label, tiny_draw.LABELS)
    return model, *ks.data.labelled_images(pictures, 7, model=model, labels="input", validation=0.3)


CASES = {
    "language model": language_model,
    "language model of documents": language_model_of_documents,
    "sequence classifier": sequence_classifier,
    "labels of steps": labels_of_steps,
    "translator": translator,
    "translator of shards": translator_of_shards,
    "captioner": hard_captioner,
    "captioner, rewarded": rewarded_captioner,
    "video classifier": video_classifier,
    "answerer": answerer,
    "glimpses": glimpses,
    "draw": draw,
}
