"""Nats, BitsPerCharacter and Perplexity against NumPy in float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.eager import context

from keras_seqcv.metrics import BitsPerCharacter, Nats, Perplexity

FROM_NATS = {Nats: lambda nats: nats, BitsPerCharacter: lambda nats: nats / np.log(2), Perplexity: np.exp}
each = pytest.mark.parametrize("metric_class", FROM_NATS)


def batches(count=3, words=7):
    """Batches of different sizes with (y_true (B, T), logits (B, T, V), weights (B, T))."""
    random = np.random.default_rng(0)
    for size in range(2, 2 + count):
        logits = random.normal(size=(size, 5, words)) * 3
        yield random.integers(0, words, (size, 5)), logits.astype("float32"), random.random((size, 5)).astype("float32")


def surprise(y_true, logits):
    logits = logits.astype("float64")
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    return -np.take_along_axis(log_p, y_true[..., None], -1)[..., 0]


@each
def test_weighted_by_token_over_all_batches(metric_class):
    plain, weighted, by_row = metric_class(), metric_class(), metric_class()
    total, tokens, total_w, weight, total_r, weight_r = np.zeros(6)
    for y, logits, w in batches():
        plain.update_state(y, logits)
        weighted.update_state(y, logits, sample_weight=w)
        by_row.update_state(y, logits, sample_weight=w[:, 0])
        nats = surprise(y, logits)
        total, tokens = total + nats.sum(), tokens + nats.size
        total_w, weight = total_w + (nats * w).sum(), weight + w.sum()
        total_r, weight_r = total_r + (nats * w[:, :1]).sum(), weight_r + w[:, 0].sum() * nats.shape[1]
    finish = FROM_NATS[metric_class]
    np.testing.assert_allclose(plain.result(), finish(total / tokens), rtol=1e-5)
    np.testing.assert_allclose(weighted.result(), finish(total_w / weight), rtol=1e-5)
    np.testing.assert_allclose(by_row.result(), finish(total_r / weight_r), rtol=1e-5)
    plain.reset_state()
    assert float(plain.result()) == finish(0.0)


@each
def test_mask_of_the_predictions(metric_class):
    y, logits, w = next(batches())
    mask = np.array([[True, True, False, False, False], [True, False, True, True, False]])
    predictions = tf.constant(logits)
    predictions._keras_mask = tf.constant(mask)
    metric = metric_class()
    metric.update_state(y, predictions)
    np.testing.assert_allclose(metric.result(), FROM_NATS[metric_class](surprise(y, logits)[mask].mean()), rtol=1e-5)
    metric = metric_class()
    metric.update_state(y, predictions, sample_weight=w)
    expected = (surprise(y, logits) * w * mask).sum() / (w * mask).sum()
    np.testing.assert_allclose(metric.result(), FROM_NATS[metric_class](expected), rtol=1e-5)


@each
def test_probabilities(metric_class):
    y, logits, _ = next(batches())
    metric = metric_class(from_logits=False)
    metric.update_state(y, keras.ops.softmax(logits))
    np.testing.assert_allclose(metric.result(), FROM_NATS[metric_class](surprise(y, logits).mean()), rtol=1e-4)


@each
def test_half_precision_logits_are_summed_in_float32(metric_class):
    y, logits, _ = next(batches(words=700))
    logits = tf.cast(logits, tf.bfloat16)
    metric = metric_class()
    metric.update_state(y, logits)
    expected = surprise(y, tf.cast(logits, tf.float32).numpy()).mean()
    np.testing.assert_allclose(metric.result(), FROM_NATS[metric_class](expected), rtol=1e-5)


@each
def test_config_round_trip(metric_class):
    assert metric_class().get_config()["name"] in ("nats", "bits_per_character", "perplexity")
    metric = metric_class(name="mine", from_logits=False, dtype="float64")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert type(again) is metric_class and again.get_config() == metric.get_config()
    assert again.name == "mine" and again.from_logits is False and again.dtype == "float64"
    assert keras.saving.serialize_keras_object(metric)["registered_name"] == f"keras_seqcv>{metric_class.__name__}"


@each
def test_shapes_that_do_not_fit(metric_class):
    with pytest.raises(ValueError, match=r"\(2, 5\) and \(2, 5\)"):
        metric_class().update_state(np.zeros((2, 5), "int32"), np.zeros((2, 5), "float32"))
    with pytest.raises(TypeError, match="`from_logits`"):
        metric_class(from_logits=1)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_in_fit_with_weights_and_mask(jit_compile):
    x = np.array([[1, 2, 0], [3, 0, 0]])
    y = np.array([[2, 3, 1], [1, 1, 1]])
    w = np.array([[1.0, 0.5, 1.0], [2.0, 1.0, 1.0]], "float32")
    model = keras.Sequential([keras.layers.Embedding(4, 3, mask_zero=True), keras.layers.Dense(4)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    plain, weighted = [[each(name=each.__name__ + kind) for each in FROM_NATS] for kind in ("", "_weighted")]
    model.compile("sgd", loss, metrics=plain, weighted_metrics=weighted, jit_compile=jit_compile)
    nats, mask = surprise(y, model.predict(x, verbose=0)), x != 0
    values = model.fit(x, y, sample_weight=w, verbose=0).history
    for each, finish in FROM_NATS.items():
        np.testing.assert_allclose(values[each.__name__], [finish(nats[mask].mean())], rtol=1e-5)
        expected = finish((nats * w * mask).sum() / (w * mask).sum())
        np.testing.assert_allclose(values[each.__name__ + "_weighted"], [expected], rtol=1e-5)


def test_loss_and_metrics_share_one_cross_entropy():
    model = keras.Sequential([keras.layers.Embedding(5, 3), keras.layers.Dense(5)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    metrics = [metric_class() for metric_class in FROM_NATS]

    @tf.function(input_signature=[tf.TensorSpec((2, 4), tf.int32)] * 2)
    def step(x, y):
        logits = model(x)
        for metric in metrics:
            metric.update_state(y, logits)
        return loss(y, logits)

    x = tf.zeros((2, 4), tf.int32)
    model(x)
    context.enable_run_metadata()
    try:
        step(x, x)
        graphs = [graph.post_optimization_graph for graph in context.export_run_metadata().function_graphs]
    finally:
        context.disable_run_metadata()
    counts = [sum(node.op == "SparseSoftmaxCrossEntropyWithLogits" for node in graph.node) for graph in graphs]
    assert max(counts) == 1
