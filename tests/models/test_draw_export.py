"""The exports of a `DRAW`: the same pictures as Keras draws, from a seed and from noise; and its bound."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from tests.models import tiny_draw as tiny

KINDS = ["in colour", "told, everything"]


@pytest.fixture(scope="module", params=KINDS)
def model(request):
    with ks.layers.jit_scope(False):
        yield tiny.model(request.param, seed=1)


@pytest.fixture(scope="module")
def lite(model, tmp_path_factory):
    file = tmp_path_factory.mktemp("draw") / "model.tflite"
    report = ks.export.tflite(model, file, verbose=False)
    assert report.signatures == ["draw", "draw_noise"] and report.difference < 1e-5
    return ks.export.load_tflite(file)


def assert_same(found, wanted, atol=1e-5):
    np.testing.assert_allclose(found.canvases, wanted.canvases, atol=atol)
    assert (found.size, found.labels) == (wanted.size, wanted.labels)
    if wanted.windows is None:
        assert found.windows is None
    else:
        np.testing.assert_allclose(found.windows, wanted.windows, rtol=1e-4, atol=1e-4)


def test_litert_draws_the_same(model, lite):
    label = None if model.labels is None else "cross"
    drawings = [lite.draw(4, seed=seed, label=label) for seed in (0, -5)]
    for found, seed in zip(drawings, (0, -5)):
        assert_same(found, model.draw(4, seed=seed, label=label))
    assert not np.allclose(drawings[0].images, drawings[1].images)
    _, label, noise = tiny.batch(model, 3)
    assert_same(lite.draw(noise=noise, label=label), model.draw(noise=noise, label=label))
    with ks.layers.jit_scope(True):  # as it runs otherwise
        assert_same(lite.draw(2, seed=7, label=1 if model.labels else None), model.draw(2, 7, model.labels and 1))


def test_saved_model_draws_the_same_and_has_the_bound(model, tmp_path):
    report = ks.export.saved_model(model, tmp_path / "saved", verbose=False)
    assert report.signatures == ["bound", "draw", "draw_noise", "serving_default"]
    facts = json.loads((tmp_path / "saved" / "assets.extra" / "drawing.json").read_text())
    assert facts == {"labels": None if model.labels is None else list(tiny.LABELS), "size": model.options["write"]}
    run = tf.saved_model.load(str(tmp_path / "saved")).signatures
    images, label, noise = tiny.batch(model, 5)
    told = {} if label is None else {"label": tf.constant(label)}
    found = run["draw"](n=tf.constant(5), seed=tf.constant(3), **told)
    wanted = model.draw(5, seed=3, label=label)
    np.testing.assert_allclose(found["canvas"], wanted.canvases, atol=1e-5)
    np.testing.assert_allclose(found["image"], wanted.images, atol=1e-5)
    assert ("window" in found) == (wanted.windows is not None)
    found = run["draw_noise"](noise=tf.constant(noise), **told)
    np.testing.assert_allclose(found["canvas"], model.draw(noise=noise, label=label).canvases, atol=1e-5)
    if told:  # one label for all
        found = run["draw"](n=tf.constant(5), seed=tf.constant(3), label=tf.constant([2]))
        np.testing.assert_allclose(found["canvas"], model.draw(5, seed=3, label="line").canvases, atol=1e-5)
    found = run["bound"](image=tf.constant(images), noise=tf.constant(noise), **told)
    canvas, nats = model.copied(tf.constant(images / 255, tf.float32), label, noise)
    of_pictures = tf.nn.sigmoid_cross_entropy_with_logits(tf.constant(images / 255, tf.float32), canvas)
    np.testing.assert_allclose(found["reconstruction"], tf.reduce_sum(of_pictures, (1, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(found["kl"], tf.reduce_sum(nats, 1), rtol=1e-5)


@pytest.mark.parametrize("quantize", ["dynamic", "int8"])
def test_quantised_files_draw_nearly_the_same(quantize, tmp_path):
    model = tiny.model("told", units=32)
    ks.export.tflite(model, tmp_path / "model.tflite", quantize, verbose=False)
    found = ks.export.load_tflite(tmp_path / "model.tflite").draw(3, seed=1, label="circle")
    apart = np.abs(found.canvases - model.draw(3, seed=1, label="circle").canvases)
    assert np.median(apart) < {"dynamic": 0.03, "int8": 0.1}[quantize]


def test_mixed_precision_is_exported_in_float32(tmp_path):
    model = tiny.model("told", dtype="mixed_bfloat16")
    ks.export.tflite(model, tmp_path / "model.tflite", verbose=False)
    exact = tiny.model("told")
    exact.set_weights(model.get_weights())
    found = ks.export.load_tflite(tmp_path / "model.tflite").draw(2, seed=1, label="line")
    assert_same(found, exact.draw(2, seed=1, label="line"))


def test_what_a_file_cannot_draw(lite, tmp_path):
    right = {} if "label" not in lite.signatures["draw"]["inputs"] else {"label": "line"}
    for wrong, message in (
        ({"n": 0}, "n: expected an int >= 1, received 0"),
        ({"seed": 2**31}, "seed: expected an int in"),
        ({"label": "square"}, "label: .*received 'square'"),
        ({"noise": np.zeros((1, 2, 4), "float32")}, r"noise: expected shape \(N, 3, 4\).*received \(1, 2, 4\)"),
    ):
        with pytest.raises(ValueError, match=message):
            lite.draw(**{**right, **wrong})
    dense = ks.export.tflite(
        keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]),
        tmp_path / "dense.tflite",
        verbose=False,
    )
    with pytest.raises(ValueError, match="it does not draw"):
        ks.export.load_tflite(dense.path).draw()
