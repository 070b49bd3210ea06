"""Every application model in bfloat16 and float16: it learns, all stays finite, its file keeps the precision."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from keras_seqcv.callbacks.optimizer_watch import check_every_slice
from tests.models import (
    tiny_answerer,
    tiny_captioner,
    tiny_classifier,
    tiny_draw,
    tiny_glimpses,
    tiny_translator,
    tiny_video,
)

ROWS = 16


def captioner(attention):
    def make():
        sizes = {"units": 8, "embedding_dim": 4, "image_dim": 5, "attention_units": 5, "dropout": 0.2}
        words = ks.data.Words(tokens=tiny_captioner.WORDS)
        model = ks.models.ImageCaptioner(tiny_captioner.encoder(), words, attention=attention, **sizes)
        tokens = tiny_captioner.rows(ROWS, 6, len(model.vocabulary))
        features = np.random.default_rng(0).standard_normal((ROWS, 4, 5)).astype("float32")
        return model, ({"features": features, "tokens": tokens}, *tiny_captioner.targets_of(tokens))

    return make


def language_model():
    model = ks.models.LanguageModel(ks.data.Characters("abcdefgh "), cell="gru", units=12, layers=2, dropout=0.2)
    ids = np.random.default_rng(0).integers(0, 9, (ROWS, 13)).astype("int32")
    return model, (ids[:, :-1], ids[:, 1:])


def answerer():
    words, sizes = ks.data.Words(tokens=tiny_answerer.WORDS), {"units": 8, "fusion_dim": 8, "embedding_dim": 4}
    model = ks.models.VisualQuestionAnswerer(tiny_captioner.encoder(), words, tiny_answerer.ANSWERS, **sizes)
    features = np.random.default_rng(0).standard_normal((ROWS, 4, 5)).astype("float32")
    targets = np.random.default_rng(1).integers(0, 5, ROWS).astype("int32")
    return model, ({"features": features, "tokens": tiny_answerer.questions(ROWS)}, targets)


def translator():
    words = ks.data.Words(tokens=tiny_translator.SOURCE), ks.data.Words(tokens=tiny_translator.TARGET)
    model = ks.models.Translator(*words, units=8, embedding_dim=4, attention_units=5, dropout=0.2)
    tokens = tiny_captioner.rows(ROWS, 6, len(model.vocabulary))
    source = tiny_translator.sources([3, 5, 2, 6] * (ROWS // 4))
    return model, ({"source": source, "tokens": tokens}, *tiny_captioner.targets_of(tokens))


def sequence_classifier():
    sizes = {"units": 6, "embedding_dim": 4, "pooling": "attention", "bidirectional": True, "dropout": 0.2}
    model = ks.models.SequenceClassifier(tiny_classifier.LABELS, ks.data.Words(tokens=tiny_classifier.WORDS), **sizes)
    tokens = np.random.default_rng(0).integers(4, 12, (ROWS, 6)).astype("int32")
    tokens[::3, 4:] = 0
    return model, (tokens, np.arange(ROWS, dtype="int32") % 3)


def video_classifier():
    network = ks.models.small_image_network(tiny_video.SIZE, filters=(3, 4))
    encoder = ks.models.ImageEncoder(network, trainable=True, freeze_batch_norm=False)
    model = ks.models.VideoClassifier(encoder, tiny_video.LABELS, units=6, dropout=0.2)
    clips = np.random.default_rng(0).integers(0, 256, (ROWS, 4, *tiny_video.SIZE, 3)).astype("uint8")
    return model, ({"video": clips, "lengths": np.full(ROWS, 4, "int32")}, np.arange(ROWS, dtype="int32") % 3)


def glimpse_classifier():
    squares = tiny_glimpses.squares(ROWS)
    return tiny_glimpses.tiny(stddev=0.1), (squares.images, squares.labels.astype("int32"))


def draw():
    model = ks.models.DRAW(tiny_draw.SHAPE, steps=3, units=8, latent_dim=4, write=3, seed=1)
    return model, (np.random.default_rng(0).integers(0, 256, (ROWS, *tiny_draw.SHAPE)).astype("uint8"),)


CASES = {
    "LanguageModel": language_model,
    "ImageCaptioner, soft": captioner("soft"),
    "ImageCaptioner, hard": captioner("hard"),
    "VisualQuestionAnswerer": answerer,
    "Translator": translator,
    "SequenceClassifier": sequence_classifier,
    "VideoClassifier": video_classifier,
    "GlimpseClassifier": glimpse_classifier,
    "DRAW": draw,
}


@pytest.mark.parametrize("policy", [pytest.param("mixed_bfloat16", marks=pytest.mark.long), "mixed_float16"])
@pytest.mark.parametrize("name", CASES)
def test_it_learns_and_its_file_keeps_the_precision(name, policy, tmp_path):
    keras.config.set_dtype_policy(policy)
    model, batch = CASES[name]()
    model.compile(keras.optimizers.Adam(1e-2, global_clipnorm=1.0), run_eagerly=True)
    data = tf.data.Dataset.from_tensors(batch).repeat(4)
    losses = model.fit(data, epochs=2, verbose=0).history["loss"]
    assert losses[1] < losses[0] and np.isfinite(losses).all()
    assert all(v.dtype == "float32" and np.isfinite(np.asarray(v)).all() for v in model.trainable_variables)
    scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (policy == "mixed_float16") and int(model.optimizer.iterations) > 0
    model.save(tmp_path / "model.keras")
    keras.config.set_dtype_policy("float32")
    loaded = ks.models.load_model(tmp_path / "model.keras")
    assert loaded.dtype_policy.name == policy and type(loaded.optimizer) is type(model.optimizer)
    own, other = ((one.bound if name == "DRAW" else one)(batch[0]) for one in (model, loaded))  # of the same noise
    assert own.dtype == other.dtype
    np.testing.assert_array_equal(own, other)


def test_an_infinite_gradient_of_a_word_that_comes_twice():
    """Of the slices for one row Keras looks at the last; the day it looks at all, `check_every_slice` can go."""
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD())
    twice = tf.IndexedSlices(tf.constant([[np.inf], [1.0]]), tf.constant([3, 3]), tf.constant([5, 1]))
    assert optimizer.check_finite([twice])
    check_every_slice(optimizer)
    assert not optimizer.check_finite([twice, None]) and optimizer.check_finite([tf.ones(2), None])
    model = CASES["SequenceClassifier"]()[0]
    model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD()))
    assert not model.optimizer.check_finite([twice])
