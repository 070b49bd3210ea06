"""`SequenceClassifier` against Keras's own layers, finite differences, and itself step by step."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from tests.models import tiny_classifier as tiny
from tests.models.test_sequence_encoder import by_keras, pooled


@pytest.fixture(scope="module", params=tiny.KINDS)
def model(request):
    return tiny.classifier(1, **tiny.KINDS[request.param])


def test_probabilities_are_those_of_keras_layers(model):
    """Each sequence alone, without padding, by Keras's layers and NumPy."""
    sequences = tiny.inputs(model, 7)
    weights, bias = (w.numpy().astype("float64") for w in model.head.logits.weights)
    for one, result in zip(sequences, model.classify(sequences), strict=True):
        x = model.reader.embedding(model.vocabulary.encode(one)).numpy() if model.vocabulary else one
        outputs = by_keras(model.encoder, x, model.options["cell"], 5)
        logits = (outputs if model.per_step else pooled(model.encoder, outputs, 5)) @ weights + bias
        wanted = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        np.testing.assert_allclose(tiny.numbers([result]), wanted.ravel(), atol=1e-5)
        best = [tiny.LABELS[k] for k in np.atleast_1d(wanted.argmax(-1))]
        assert (result.labels if model.per_step else [result.label]) == best
        if model.vocabulary:
            assert result.words == one.split()


def test_gradients_are_finite_differences():
    """Scaling one word's vector by 1 + e changes the logit by e times its importance."""
    for kind in ("attention", "mean of a GRU", "features"):
        model, e = tiny.classifier(2, scale=0.5, **tiny.KINDS[kind]), 0.01
        sequence = tiny.inputs(model, 9, seed=5)[-1]
        result = model.classify(sequence, explain="gradient")
        x = model.reader.embedding(model.vocabulary.encode(sequence)).numpy() if model.vocabulary else sequence
        place = tiny.LABELS.index(result.label)
        assert len(result.importance) == len(x) and np.abs(result.importance).max() > 0.01
        for t in range(len(x)):
            sides = []
            for sign in (1, -1):
                scaled = x.copy()
                scaled[t] *= 1 + sign * e
                outputs, vector, _ = model.encoder(scaled[None])
                sides.append(float(model.head(outputs, vector)[0, place]))
            assert result.importance[t] == pytest.approx((sides[0] - sides[1]) / (2 * e), abs=2e-3)


def test_attention_is_the_weights_of_the_words():
    model = tiny.classifier(1, **tiny.KINDS["attention"])
    some = tiny.texts(5)
    for text, result in zip(some, model.classify(some, explain="attention"), strict=True):
        weights = model.read(model.vocabulary.encode(text)[None])[1][0]
        np.testing.assert_allclose(result.importance, weights, atol=1e-6)
        assert len(result.words) == len(result.importance)


@pytest.mark.parametrize("options", [{}, {"cell": "gru", "layers": 2}, {"cell": "simple_rnn", "per_step": True}])
def test_a_stream_is_the_whole(options):
    model = tiny.classifier(3, **options)
    for text in tiny.texts(4, seed=2):
        words = text.split()
        streamed = list(model.stream(words))
        if model.per_step:
            np.testing.assert_allclose(tiny.numbers(streamed), tiny.numbers([model.classify(text)]), atol=1e-6)
        else:  # after each word, what the text so far is
            so_far = model.classify([" ".join(words[: k + 1]) for k in range(len(words))])
            np.testing.assert_allclose(tiny.numbers(streamed), tiny.numbers(so_far), atol=1e-6)
    features = tiny.classifier(3, features=3, per_step=True)
    (sequence,) = tiny.features(1)
    np.testing.assert_allclose(
        tiny.numbers(list(features.stream(sequence))), tiny.numbers([features.classify(sequence)]), atol=1e-6
    )


def test_files_keep_everything(model, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = ks.models.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config() and loaded.labels == model.labels
    sequences = tiny.inputs(model, 5)
    np.testing.assert_array_equal(tiny.numbers(loaded.classify(sequences)), tiny.numbers(model.classify(sequences)))


def test_padding_counts_neither_in_the_loss_nor_in_the_accuracy():
    model = tiny.classifier(4, per_step=True)
    texts = [text.split() for text in tiny.texts(9)]
    rng = np.random.default_rng(0)
    tags = [[str(tag) for tag in rng.choice(tiny.LABELS, len(words))] for words in texts]
    model.compile()
    data = ks.data.labelled_texts(texts, tags, 9, model=model, validation=0, shuffle=False)
    loss, accuracy = model.evaluate(data, verbose=0)
    results, right, nats = model.classify(texts), [], []
    for result, true in zip(results, tags, strict=True):
        places = [tiny.LABELS.index(tag) for tag in true]
        nats += list(-np.log(result.probabilities[np.arange(len(true)), places]))
        right += [a == b for a, b in zip(result.labels, true)]
    assert loss == pytest.approx(np.mean(nats), rel=1e-5) and accuracy == pytest.approx(np.mean(right))


def test_it_learns_what_only_order_can_tell():
    """Whether the one comes before the minus one; the sum and the set of all steps are always the same."""
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(0)
    sequences, labels = [], []
    for _ in range(240):
        sequence = np.zeros((rng.integers(5, 9), 1), "float32")  # all padded to 8
        first, second = sorted(rng.choice(len(sequence), 2, replace=False))
        rising = rng.random() < 0.5
        sequence[first], sequence[second] = (-1, 1) if rising else (1, -1)
        sequences.append(sequence)
        labels.append("rising" if rising else "falling")
    model = ks.models.SequenceClassifier(["falling", "rising"], features=1, cell="gru", units=12, dropout=0.0)
    model.compile(keras.optimizers.Adam(0.02))
    data = ks.data.labelled_sequences(sequences, labels, 24, names=model.labels, validation=0)
    losses = model.fit(data, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < 0.2 < losses[0]
    assert np.mean([a == b for a, b in zip(tiny.said(model.classify(sequences)), labels)]) > 0.97


def test_words_in_pieces_have_one_label():
    model = tiny.classifier(5, per_step=True)
    whole = model.classify("the plot . is . good")  # five ids before "good"
    cut = model.classify([["the", "plot.is.", "good"]])[0]
    assert cut.words == ["the", "plot.is.", "good"]
    assert cut.labels == [whole.labels[0], whole.labels[4], whole.labels[5]]
    explained = tiny.classifier(5, pooling="attention").classify([["the", "plot.is.", "good"]], explain="attention")[0]
    assert explained.importance.shape == (3,) and explained.importance.sum() == pytest.approx(1, abs=1e-5)


def test_one_is_one_and_a_list_is_a_list():
    model = tiny.classifier()
    assert model.classify("good").label == model.classify(["good"])[0].label
    features = tiny.classifier(features=3)
    block = np.stack([np.ones((4, 3), "float32"), np.zeros((4, 3), "float32")])
    together, alone = features.classify(block), [features.classify(block[0]), features.classify(block[1])]
    assert len(together) == 2 and tiny.said(together) == tiny.said(alone)


def test_half_precision_learns():
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = tiny.classifier(pooling="attention")
    model.compile()
    data = ks.data.labelled_texts(["good plot", "not good"], ["good", "bad"], model=model, validation=0)
    assert np.isfinite(model.fit(data, verbose=0).history["loss"]).all()
    assert model.predict(np.array([[4, 5]]), verbose=0).dtype == "float32"


WORDS = ks.data.Words(tokens=tiny.WORDS)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"labels": ["a"]}, ValueError, "labels: expected two"),
        ({"labels": ["a", "a"]}, ValueError, "'a' is there twice"),
        ({"labels": "ab"}, TypeError, "labels: expected a sequence of str"),
        ({"vocabulary": None}, ValueError, "vocabulary: .* received neither"),
        ({"features": 3}, ValueError, "vocabulary: .* received both"),
        ({"vocabulary": None, "features": 0}, ValueError, "features: expected an int >= 1"),
        ({"vocabulary": ["good"]}, TypeError, "vocabulary: expected a ks.data.Words"),
        ({"pooling": "max"}, ValueError, "pooling: expected one of"),
        ({"pooling": "last", "per_step": True}, ValueError, "pooling: per_step=True labels every step"),
        ({"cell": "rnn"}, ValueError, "cell: expected one of"),
        ({"units": 0}, ValueError, "units: expected an int >= 1"),
        ({"dropout": 1.0}, ValueError, r"dropout: expected a number in \[0, 1\)"),
        ({"bidirectional": 1}, TypeError, "bidirectional: expected a bool"),
        ({"vocabulary": None, "features": 3, "embedding_dim": 4}, ValueError, "embedding_dim: is of words"),
    ],
)
def test_wrong_arguments_are_named(options, error, message):
    with pytest.raises(error, match=message):
        ks.models.SequenceClassifier(**{"labels": tiny.LABELS, "vocabulary": WORDS, **options})


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("", ValueError, r"inputs\[0\]: expected a text with words, received ''"),
        (["good", " \t"], ValueError, r"inputs\[1\]: expected a text with words"),
        (["good", 3], TypeError, r"inputs\[1\]: expected a str, received int"),
        ([["good", ""]], ValueError, r"inputs\[0\]: expected words, received an empty one at place 1"),
        ([[]], ValueError, r"inputs\[0\]: expected one word at least"),
        ([], ValueError, "inputs: expected one text at least"),
        (7, TypeError, "inputs: expected a str or a list of str"),
    ],
)
def test_wrong_texts_are_named(given, error, message):
    with pytest.raises(error, match=message):
        tiny.classifier().classify(given)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (np.ones((4, 2)), ValueError, r"inputs\[0\]: expected numbers \(T, 3\).*\(4, 2\)"),
        ([np.ones((4, 3)), np.ones((0, 3))], ValueError, r"inputs\[1\]: expected numbers"),
        ([np.full((2, 3), np.nan)], ValueError, r"inputs\[0\]: expected finite numbers"),
        ([], ValueError, "inputs: expected one sequence at least"),
        ("text", TypeError, "inputs: expected an array"),
    ],
)
def test_wrong_features_are_named(given, error, message):
    with pytest.raises(error, match=message):
        tiny.classifier(features=3).classify(given)


def test_wrong_uses_are_named():
    both, steps = tiny.classifier(bidirectional=True), tiny.classifier(per_step=True)
    with pytest.raises(ValueError, match="bidirectional=True"):
        both.stream(["good"])
    with pytest.raises(ValueError, match="pooling='mean'"):
        tiny.classifier(pooling="mean").stepper()
    with pytest.raises(ValueError, match="explain: expected None, 'attention' or 'gradient'"):
        both.classify("good", explain="saliency")
    with pytest.raises(ValueError, match="explain: 'attention' needs a model with pooling='attention'"):
        both.classify("good", explain="attention")
    with pytest.raises(ValueError, match="explain: shows what decided on one label"):
        steps.classify("good", explain="gradient")
    with pytest.raises(ValueError, match=r"inputs: expected token ids of shape \(B, T\)"):
        both(tf.zeros((2, 3, 4), tf.int32))
    with pytest.raises(TypeError, match="inputs: expected token ids, integers"):
        both(tf.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"features: expected shape \(B, T, 3\)"):
        tiny.classifier(features=3)(tf.zeros((2, 4, 5)))
    with pytest.raises(ValueError, match=r"steps\[1\]: expected features \(3,\)"):
        list(tiny.classifier(features=3).stream([np.zeros(3), np.zeros(4)]))
