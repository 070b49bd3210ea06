"""Features of an `ImageEncoder` on disk: computed once, and again where anything differs."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from keras_seqcv.models import image_features
from tests.models.small_network import pictures, small_network


@pytest.fixture
def encoder():
    keras.utils.set_random_seed(3)
    return ks.models.ImageEncoder(small_network(), preprocess="MobileNet")


def forbid(encoder, monkeypatch):
    def fail(*_):
        raise AssertionError("the encoder was run")

    monkeypatch.setattr(encoder, "predict_on_batch", fail)


def test_features_are_computed_once(encoder, tmp_path, monkeypatch):
    images = pictures(7)
    features = encoder.cached_features(images, tmp_path / "new" / "folder", batch_size=3, verbose=0)
    assert isinstance(features, np.memmap) and features.shape == (7, 16, 4) and features.dtype == np.float32
    np.testing.assert_allclose(features, encoder(images), atol=1e-5)
    (file,) = (tmp_path / "new" / "folder").iterdir()  # nothing else is left there
    np.testing.assert_array_equal(np.load(file), features)  # an ordinary .npy file
    forbid(encoder, monkeypatch)
    dataset = tf.data.Dataset.from_tensor_slices(images)
    for same in (images, images.copy(), dataset, dataset.batch(4), tf.constant(images), list(images)):
        again = encoder.cached_features(same, tmp_path / "new" / "folder", verbose=0)
        np.testing.assert_array_equal(again, features)
    rows = tf.data.Dataset.range(7).map(lambda i: tf.numpy_function(features.__getitem__, [i], features.dtype))
    np.testing.assert_array_equal(np.stack(list(rows)), features)


def test_a_stale_file_is_not_used(encoder, tmp_path):
    images = pictures(4)

    def files():
        return {path.name for path in tmp_path.iterdir()}

    def new_file(encoder, images, **arguments):
        before = files()
        features = encoder.cached_features(images, tmp_path, verbose=0, **arguments)
        expected = encoder(images).numpy()
        np.testing.assert_allclose(features, expected, atol=2e-3 * max(1, np.abs(expected).max()))
        return len(files() - before) == 1

    assert new_file(encoder, images) and not new_file(encoder, images)
    other = images.copy()
    other[3, 7, 7, 2] ^= 1
    assert new_file(encoder, other)
    assert new_file(encoder, images[::-1]) and new_file(encoder, images[:3])
    assert new_file(encoder, images.astype("float32")) and new_file(encoder, images, dtype="float16")
    assert new_file(encoder, images, identity="mine") and new_file(encoder, images, identity=["mine", "yours"])
    kernel = encoder.network.get_layer("block1_conv").kernel
    kernel.assign(kernel * 1.0001)
    assert new_file(encoder, images)
    network = encoder.network
    assert new_file(ks.models.ImageEncoder(network, preprocess="VGG16"), images)
    assert new_file(ks.models.ImageEncoder(network, pooling="avg", preprocess="MobileNet"), images)


@pytest.mark.parametrize("sequential", [False, True])
def test_the_fingerprint_does_not_hang_on_names(sequential):
    def fingerprint(**arguments):
        keras.utils.set_random_seed(3)
        inputs, layer = keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3, **arguments)
        network = keras.Sequential([inputs, layer]) if sequential else keras.Model(inputs, layer(inputs))
        return image_features.fingerprint(ks.models.ImageEncoder(network))

    assert fingerprint() == fingerprint() != fingerprint(activation="relu")


def test_features_of_a_dataset_that_changes(encoder, tmp_path):
    images = tf.data.Dataset.from_tensor_slices(pictures(50)).shuffle(50).batch(10)
    with pytest.raises(ValueError, match="same order each time"):
        encoder.cached_features(images, tmp_path / "cache", verbose=0)
    assert not (tmp_path / "cache").exists()


def test_a_computation_that_breaks_leaves_no_file(encoder, tmp_path, monkeypatch):
    calls = []

    def breaks(batch):
        calls.append(batch)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return encoder(batch).numpy()

    monkeypatch.setattr(encoder, "predict_on_batch", breaks)
    with pytest.raises(KeyboardInterrupt):
        encoder.cached_features(pictures(5), tmp_path, batch_size=2, verbose=0)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    assert encoder.cached_features(pictures(5), tmp_path, batch_size=2, verbose=0).shape == (5, 16, 4)


def test_a_damaged_file_is_named(encoder, tmp_path):
    encoder.cached_features(pictures(4), tmp_path, verbose=0)
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    for damaged in (b"", content[:-1], content[:50], b"x" * len(content), content.replace(b"'<f4'", b"'<i4'")):
        file.write_bytes(damaged)
        with pytest.raises(ValueError, match=f"{file.name} is damaged, delete it"):
            encoder.cached_features(pictures(4), tmp_path, verbose=0)


def test_a_folder_that_cannot_be_written(encoder, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="features_"):
        encoder.cached_features(pictures(4), tmp_path / "file", verbose=0)


def test_features_that_float16_cannot_hold(encoder, tmp_path):
    encoder.network.get_layer("block10_conv").bias.assign(tf.fill((4,), 1e5))
    with pytest.raises(ValueError, match="dtype: float16 cannot hold the features of images 0 to 3"):
        encoder.cached_features(pictures(4), tmp_path, dtype="float16", verbose=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"dtype": "int8"}, ValueError, "dtype: expected one of"),
        ({"batch_size": 0}, ValueError, "batch_size: expected an int >= 1, received 0"),
        ({"verbose": 2}, ValueError, "verbose: expected 0 or 1, received 2"),
        ({"identity": 5}, TypeError, "identity: expected a str or a list of str, received 5"),
        ({"images": pictures()[0]}, ValueError, r"images: expected shape \(N, H, W, 3\), N >= 1, received \(8, 8, 3\)"),
        ({"images": pictures(0)}, ValueError, "images: expected shape"),
        ({"images": np.zeros((2, 8, 8, 4))}, ValueError, r"expected shape \(B, H, W, 3\), received \(2, 8, 8, 4\)"),
        ({"images": tf.data.Dataset.from_tensors((pictures(), 1))}, TypeError, "images: expected a dataset of images"),
        ({"images": tf.data.Dataset.from_tensor_slices(pictures()).take(0)}, ValueError, "the dataset is empty"),
    ],
)
def test_bad_arguments_of_the_cache(encoder, tmp_path, arguments, error, message):
    with pytest.raises(error, match=message):
        encoder.cached_features(**{"images": pictures(), "folder": tmp_path, "verbose": 0} | arguments)
    assert list(tmp_path.iterdir()) == []


def test_only_a_frozen_encoder_has_cached_features(encoder, tmp_path):
    encoder.trainable = "block2"
    with pytest.raises(ValueError, match="expected a frozen one, received trainable='block2'"):
        encoder.cached_features(pictures(), tmp_path)
