"""A LiteRT file reads pictures by glimpses as the Keras model does: the same labels, and the same paths."""

import json

import keras
import numpy as np
import pytest

import keras_seqcv as ks

pytest.importorskip("ai_edge_litert")

LABELS = ("a", "b", "c")
KINDS = {
    "one label": {"glimpses": 3, "cell": "gru", "start": "random", "samples": 3, "scales": 2},
    "several": {
        "max_labels": 2,
        "context": 5,
        "cell": "lstm",
        "scales": 2,
        "join": "product",
        "image_shape": (10, 12, 3),
    },
}


@pytest.fixture(scope="module", params=KINDS)
def model(request):
    keras.utils.set_random_seed(1)
    options = {"image_shape": (12, 12, 1), "glimpses": 2, "patch": 4, "units": 7, "glimpse_units": 5, "stddev": 0.3}
    found = ks.models.GlimpseClassifier(labels=LABELS, **{**options, **KINDS[request.param]})
    rng = np.random.default_rng(2)
    for weight in found.trainable_weights:  # so that it looks elsewhere, and says different things
        weight.assign(0.7 * rng.standard_normal(weight.shape))
    return found


@pytest.fixture(scope="module")
def reported(model, tmp_path_factory):
    return ks.export.tflite(model, tmp_path_factory.mktemp("lite") / "model.tflite", verbose=False)


@pytest.fixture(scope="module")
def lite(reported):
    return ks.export.load_tflite(reported.path)


def pictures(model, count=20):
    return np.random.default_rng(3).integers(0, 256, (count, *model.image_shape)).astype("uint8")


def test_operators_are_built_in(reported):
    assert not [name for name in reported.operators if name.startswith(("Custom", "Flex"))]


@pytest.mark.parametrize(("samples", "seed"), [(0, 0), (1, 0), (1, -7), (3, 5), (None, 2**31 - 1)])
def test_labels_and_paths_are_those_of_keras(model, lite, samples, seed):
    images = pictures(model)
    wanted, found = model.classify(images, samples, seed), lite.classify(images, samples, seed)
    assert [one.label for one in found] == [one.label for one in wanted]
    assert [one.labels for one in found] == [one.labels for one in wanted]
    for name in ("probabilities", "path", "paths"):
        a, b = (np.stack([getattr(one, name) for one in some]) for some in (found, wanted))
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, atol=1e-5)
    draws = model.options["samples"] if samples is None else samples
    assert found[0].paths.shape == (max(1, draws), model.steps, 2)
    (one,) = lite.classify(images[:1], samples, seed)
    np.testing.assert_allclose(one.path, lite.classify(images[0], samples, seed).path)


def test_draws_are_of_the_seed(model, lite):
    images = pictures(model, 2)
    paths = [lite.classify(images[0], 2, seed).paths for seed in (1, 1, 2)]
    np.testing.assert_array_equal(paths[0], paths[1])
    assert np.abs(paths[0] - paths[2]).max() > 0.01
    assert np.abs(paths[0][0] - paths[0][1]).max() > 0.01
    followed = [lite.classify(images[0], 0, seed).paths for seed in (1, 2)]
    np.testing.assert_array_equal(*followed)


def test_what_travels_with_it(model, lite):
    content = json.loads(lite.files["labels.json"])
    assert content == {"labels": list(LABELS), "per_step": False, "samples": model.options["samples"]}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"samples": -1}, ValueError, "samples: expected an int >= 0, received -1"),
        ({"samples": True}, ValueError, "samples: expected an int >= 0, received True"),
        ({"seed": 2**31}, ValueError, "seed: expected an int"),
        ({"inputs": "a.png"}, TypeError, r"images: expected a picture \(H, W, C\) .* received str"),
        ({"inputs": 3}, TypeError, r"images: expected a picture \(H, W, C\) .* received int"),
        (
            {"inputs": np.zeros((5, 12, 1), "uint8")},
            ValueError,
            r"images: expected uint8 .* received uint8 .*\(5, 12, 1\)",
        ),
        ({"inputs": [np.zeros((5, 12))]}, ValueError, r"images\[0\]: expected uint8 .* float64 of shape \(5, 12\)"),
    ],
)
def test_bad_input(model, lite, change, error, message):
    with pytest.raises(error, match=message):
        lite.classify(**{"inputs": pictures(model, 1), **change})


def test_grey_pictures_need_no_channel(model, lite):
    image = pictures(model, 1)[0]
    if model.image_shape[2] == 1:
        np.testing.assert_array_equal(lite.classify(image[..., 0]).path, lite.classify(image).path)
    else:
        with pytest.raises(ValueError, match=r"expected uint8 \(10, 12, 3\), received uint8 of shape \(10, 12\)"):
            lite.classify(image[..., 0])


def test_other_files_draw_nothing(tmp_path):
    model = keras.Sequential([keras.Input((3,), name="x"), keras.layers.Dense(2)])
    ks.export.tflite(model, tmp_path / "dense.tflite", verbose=False)
    with pytest.raises(ValueError, match="draws nothing: `samples` and `seed` are for files that read by glimpses"):
        ks.export.load_tflite(tmp_path / "dense.tflite").classify("a", samples=1)
