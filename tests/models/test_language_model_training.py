"""`compile`, `fit`, `evaluate`, `predict`: what the model learns, and that nothing disturbs it."""

import collections
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from tests.models.language_model_oracles import fast, repetitive, scores_of, small

TEXT = repetitive()
VOCABULARY = ks.data.Characters(TEXT)


def model_of(vocabulary=VOCABULARY, **options):
    return ks.models.LanguageModel(vocabulary, **{"cell": "lstm", "layers": 1, "units": 24, **options})


def learned(model, text=TEXT, epochs=12, **options):
    streams = ks.data.text_streams(text, batch_size=4, steps=10, vocabulary=model.vocabulary)
    return fast(model, **options).fit(streams, epochs=epochs, verbose=0).history


@pytest.mark.parametrize("cell", ["simple_rnn", "lstm", "gru"])
def test_a_repetitive_text_is_learned_and_written(cell):
    """Letters alone have an entropy of 2.7 nats; the letter before leaves 0.35 open."""
    model = model_of(cell=cell)
    assert learned(model, epochs=15)["loss"][-1] < 0.1
    # A state that has seen the text for a while goes on for as long as one likes.
    prompt = "the quick brown fox. the qu"
    assert model.generate(prompt, length=150, greedy=True) == (TEXT * 2)[: len(prompt) + 150]
    assert model.generate(prompt, length=150, temperature=0.3, seed=1) == (TEXT * 2)[: len(prompt) + 150]
    assert model.score(TEXT[:100])[30:].min() > -0.5


class Chunked(ks.models.LanguageModel):
    """The same model that forgets at the start of each chunk."""

    def call(self, inputs, training=False):
        return super().call({"tokens": inputs, "reset": tf.ones_like(inputs[:, 0], tf.bool)}, training)


def test_streams_reach_further_than_a_chunk():
    """After which `a` does `b` come? Who forgets at the borders of chunks cannot count."""
    text, steps = "aaaaab" * 700, 5
    seen = collections.Counter((text[k - k % steps : k + 1], text[k + 1]) for k in range(len(text) - 1))
    chunk = collections.Counter()
    for (context, _), count in seen.items():
        chunk[context] += count
    floor = sum(count * math.log(chunk[context] / count) for (context, _), count in seen.items()) / chunk.total()
    assert floor > 0.2
    losses = {}
    for kind in (ks.models.LanguageModel, Chunked):
        model = kind(ks.data.Characters("ab"), cell="lstm", layers=1, units=16)
        streams = ks.data.text_streams(text, batch_size=4, steps=steps, vocabulary=model.vocabulary)
        falling = keras.optimizers.schedules.CosineDecay(2e-2, 4 * streams.batches)
        fast(model, rate=falling).fit(streams, epochs=4, verbose=0)
        losses[kind] = model.evaluate(streams, verbose=0, return_dict=True)["loss"]
    assert losses[Chunked] > floor - 0.01
    assert losses[ks.models.LanguageModel] < floor / 2


class Watch(keras.callbacks.Callback):
    """Evaluates, generates and scores within an epoch, and notes what evaluation found."""

    def __init__(self, valid, busy):
        super().__init__()
        self.valid, self.busy, self.found = valid, busy, []

    def on_train_batch_end(self, batch, logs=None):
        if self.busy and batch % 3 == 1:
            self.found.append(self.model.evaluate(self.valid, verbose=0))
            self.model.generate("the", length=3)
            self.model.score("fox")


def test_evaluate_in_the_middle_of_fit_changes_nothing():
    train, valid = ks.data.text_streams(TEXT, batch_size=4, steps=10, validation=0.2, vocabulary=VOCABULARY)
    results = []
    for busy in (False, True):
        keras.utils.set_random_seed(3)
        model, watch = fast(model_of(layers=2, units=8)), Watch(valid, busy)
        model.fit(train, epochs=2, verbose=0, callbacks=[watch], validation_data=valid if busy else None)
        states = [s for layer in model.recurrent_layers for s in layer.get_states("training")]
        results.append([*model.get_weights(), *states])
    assert len(watch.found) >= 4 and np.abs(results[0][-1]).max() > 0.01
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)
    # Every evaluation starts from zero states: the same weights get the same loss.
    first, second = (model.evaluate(valid, verbose=0) for _ in range(2))
    assert first == second


def test_each_epoch_starts_from_zero_states():
    """With a learning rate of 0 every epoch finds the same loss, which is that of the text read from zero states."""
    text = "".join(np.random.default_rng(0).choice(list("abcdef"), 400))
    model = small(ks.data.Characters("abcdef"), cell="gru", loud=1.0)
    model.compile(keras.optimizers.SGD(0.0))
    streams = ks.data.text_streams(text, batch_size=1, steps=7, vocabulary=model.vocabulary)
    history = model.fit(streams, validation_data=streams, epochs=3, verbose=0).history
    used = streams.batches * 7 + 1
    nats = -scores_of(model, model.vocabulary.encode(text[:used])).mean()
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(history[name], [nats] * 3, rtol=1e-4)
    # Nats, bits and perplexity are one number in three units.
    np.testing.assert_allclose(np.array(history["val_bits_per_character"]) * math.log(2), [nats] * 3, rtol=1e-4)
    np.testing.assert_allclose(np.log(history["val_perplexity"]), [nats] * 3, rtol=1e-4)
    np.testing.assert_allclose(-model.score(text[:used]).mean(), nats, rtol=1e-4)


def test_documents_with_reset_and_weights():
    """Each document starts with a letter that only its place tells: nothing of the document before may be used."""
    documents = ["abcabc" * 5, "cbacba" * 7, "aabbcc" * 6]
    model = small(ks.data.Characters("abc"), cell="gru", loud=1.0)
    model.compile(keras.optimizers.SGD(0.0))
    streams = ks.data.text_streams(documents, batch_size=1, steps=8, vocabulary=model.vocabulary)
    history = model.fit(streams, epochs=1, verbose=0).history
    rest, scores = streams.batches * 8 + 1, []
    for document in documents:
        ids = model.vocabulary.encode(document)[: max(rest, 0)]
        scores.extend(scores_of(model, ids) if len(ids) > 1 else [])
        rest -= len(document)
    nats = -np.mean(scores)
    np.testing.assert_allclose(history["perplexity"], [math.exp(nats)], rtol=1e-4)
    again = model.evaluate(streams, verbose=0, return_dict=True)["perplexity"]
    np.testing.assert_allclose(again, math.exp(nats), rtol=1e-4)


def test_learns_from_documents():
    model = model_of(ks.data.Characters("abc"), units=12)
    streams = ks.data.text_streams(["abcabc" * 30, "cbacba" * 30], batch_size=2, steps=10, vocabulary=model.vocabulary)
    history = fast(model, rate=5e-2).fit(streams, epochs=25, verbose=0).history
    assert history["loss"][-1] < 0.3 < history["loss"][0]
    assert model.generate("abca", length=20, greedy=True) == "abc" * 8
    assert model.generate("cbac", length=20, greedy=True) == "cba" * 8


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(policy):
    keras.config.set_dtype_policy(policy)
    model = model_of(cell="gru", units=16, embedding_dim=8)
    losses = learned(model, epochs=8)["loss"]
    assert losses[-1] < 0.6 * losses[0]
    assert model.dtype_policy.name == policy and model.recurrent_layers[0].compute_dtype == policy[6:]
    assert model(np.zeros((1, 2), "int32")).dtype == tf.float32
    texts = [model.generate(["the q", "fox"], length=30, greedy=True) for _ in range(2)]
    assert texts[0] == texts[1] and set(texts[0][0]) <= set(TEXT)
    assert model.generate("the q", length=9, seed=1) == "the q" + "".join(model.stream("the q", length=9, seed=1))
    assert model.score("the fox").shape == (6,)


def test_xla():
    streams = ks.data.text_streams(TEXT, batch_size=4, steps=10, vocabulary=VOCABULARY)
    losses = []
    for jit_compile in (False, True):
        keras.utils.set_random_seed(0)
        model = model_of(units=8, stateful=False)
        losses.append(fast(model, jit_compile=jit_compile).fit(streams, epochs=1, verbose=0).history["loss"])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-3)
    with pytest.raises(ValueError, match="jit_compile=True.*stateful=False"):
        model_of().compile("adam", jit_compile=True)


def test_predict():
    model = small(cell="lstm", layers=2)
    model.compile("adam")
    tokens = np.random.default_rng(0).integers(0, 12, (4, 6))
    expected = np.array([scores_of(model, row) for row in tokens])
    logits = model.predict(tokens, batch_size=4, verbose=0)
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    given = np.take_along_axis(log_p[:, :-1], tokens[:, 1:, None], axis=2)[..., 0]
    np.testing.assert_allclose(given, expected, atol=1e-4)


def test_a_batch_of_another_size_in_training_is_an_error():
    model = model_of(units=4)
    model.compile("sgd")
    tokens = np.zeros((5, 4), "int32")
    with pytest.raises(tf.errors.InvalidArgumentError, match="(?s)every batch of a stateful layer.*Expected.*2.*1"):
        model.fit(tokens, tokens, batch_size=2, verbose=0)
    # It is no error elsewhere, nor for another `fit`.
    assert model.fit(tokens, tokens, batch_size=5, verbose=0).history["loss"]
    assert model.predict(tokens, batch_size=2, verbose=0).shape == (5, 4, len(VOCABULARY))


def test_own_loss_and_metrics():
    model = model_of(units=4)
    model.compile("sgd", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=[ks.metrics.Nats()])
    tokens = np.zeros((2, 4), "int32")
    assert set(model.fit(tokens, tokens, verbose=0).history) == {"loss", "nats"}
    model.compile("sgd", metrics=["sparse_categorical_accuracy"])
    assert set(model.fit(tokens, tokens, verbose=0).history) == {"loss", "sparse_categorical_accuracy"}
    model.compile("sgd")
    assert set(model.fit(tokens, tokens, verbose=0).history) == {"loss", "bits_per_character", "perplexity"}
