"""`Coordinates` against NumPy, in models, files and graphs of unknown shape."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks


def with_places(pictures):
    """The same by `np.meshgrid`."""
    axes = [np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in pictures.shape[1:3]]
    places = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    return np.concatenate([pictures, np.broadcast_to(places, (len(pictures), *places.shape))], axis=-1)


@pytest.mark.parametrize("shape", [(2, 3, 5, 4), (1, 1, 4, 2), (3, 2, 1, 1), (0, 2, 2, 1)])
def test_places_are_those_of_numpy(shape):
    pictures = np.random.default_rng(0).standard_normal(shape).astype("float32")
    layer = ks.layers.Coordinates()
    np.testing.assert_allclose(layer(pictures), with_places(pictures), atol=1e-6)
    assert layer.compute_output_shape(shape) == (*shape[:3], shape[3] + 2)


def test_shapes_may_be_unknown():
    layer = ks.layers.Coordinates()
    graph = tf.function(layer, input_signature=[tf.TensorSpec((None, None, None, 1), tf.float32)])
    for shape in ((2, 3, 4, 1), (1, 1, 6, 1)):
        pictures = np.ones(shape, "float32")
        np.testing.assert_allclose(graph(pictures), with_places(pictures), atol=1e-6)


def test_half_precision_is_kept():
    result = ks.layers.Coordinates(dtype="mixed_bfloat16")(np.ones((1, 5, 5, 1), "float32"))
    assert result.dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(result, "float32")[0, :, 0, 1], np.linspace(-1, 1, 5))


def test_a_model_with_it_is_saved(tmp_path):
    inputs = keras.Input((4, 6, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(2, 3)(ks.layers.Coordinates()(inputs)))
    model.save(tmp_path / "model.keras")
    pictures = np.random.default_rng(0).random((2, 4, 6, 3), "float32")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "model.keras")(pictures), model(pictures))


def test_other_ranks_are_refused():
    with pytest.raises(ValueError, match=r"\(B, H, W, D\), received \(2, 3, 4\)"):
        ks.layers.Coordinates()(np.ones((2, 3, 4), "float32"))
