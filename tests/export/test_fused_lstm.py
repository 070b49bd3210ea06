import threading

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_seqcv import export
from keras_seqcv.layers import GRU, LSTM, SimpleRNN
from keras_seqcv.layers.export_scope import current_export_format, export_scope
from keras_seqcv.layers.fused_lstm import fused_lstm

FUSED = "UNIDIRECTIONAL_SEQUENCE_LSTM"


def test_scope_nests_and_ends():
    assert current_export_format() is None
    with export_scope("saved_model"):
        with pytest.raises(KeyError), export_scope("litert"):
            assert current_export_format() == "litert"
            raise KeyError
        assert current_export_format() == "saved_model"
    assert current_export_format() is None
    with pytest.raises(ValueError, match="onnx"), export_scope("onnx"):
        pass


def test_scope_belongs_to_its_thread():
    seen = []
    with export_scope("litert"):
        thread = threading.Thread(target=lambda: seen.append(current_export_format()))
        thread.start()
        thread.join()
    assert seen == [None]


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("steps", [1, 7])
def test_equals_keras(use_bias, steps):
    keras_layer = keras.layers.LSTM(5, return_sequences=True, use_bias=use_bias, bias_initializer="random_normal")
    x = np.random.default_rng(0).standard_normal((3, steps, 4)).astype("float32")
    expected = keras_layer(x)
    last, outputs = fused_lstm(tf.constant(x), *(weight.value for weight in keras_layer.weights))
    np.testing.assert_allclose(outputs, expected, atol=1e-6)
    np.testing.assert_allclose(last, expected[:, -1], atol=1e-6)


def test_batch_must_be_known():
    function = tf.function(fused_lstm)
    with pytest.raises(ValueError, match="batch size"):
        function.get_concrete_function(tf.TensorSpec([None, 5, 3]), tf.ones([3, 8]), tf.ones([2, 8]))


@pytest.mark.parametrize("steps", [9, None])
def test_converts_to_one_operator_whatever_the_number_of_steps(tmp_path, steps):
    class Tagger(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner = keras.layers.LSTM(6, return_sequences=True)

        def call(self, x):
            if current_export_format() != "litert":
                return self.inner(x)
            return fused_lstm(x, *(weight.value for weight in self.inner.weights))[1]

    model = Tagger()
    model(np.zeros((1, 9, 4), "float32"))
    path = tmp_path / "tagger.tflite"
    report = export.tflite(model, path, input_signature=tf.TensorSpec([1, steps, 4], name="x"), verbose=False)
    assert report.operators[FUSED] == 1 and "WHILE" not in report.operators
    assert report.difference < 1e-6  # against Keras's own layer
    lite = export.load_tflite(path)
    for length in [9] if steps else [1, 30]:
        x = np.random.default_rng(length).standard_normal((1, length, 4)).astype("float32")
        first = lite.run("serving_default", x=x)["output_0"]
        np.testing.assert_allclose(first, model.inner(x), atol=1e-6)
        # The operator keeps its state from run to run; the second run must not go on from it.
        np.testing.assert_array_equal(first, lite.run("serving_default", x=x)["output_0"])


def test_layers_of_a_tagger_are_fused(tmp_path):
    model = keras.Sequential(
        [keras.Input((12, 4)), LSTM(8, return_sequences=True), LSTM(8, return_sequences=True), keras.layers.Dense(3)]
    )
    report = export.tflite(model, tmp_path / "tagger.tflite", verbose=False)
    assert report.operators == {FUSED: 2, "FULLY_CONNECTED": 1}
    assert report.difference < 1e-5


@pytest.mark.parametrize("steps", [12, None])
def test_both_directions_are_fused(tmp_path, steps):
    inner = LSTM(8, return_sequences=True, use_bias=False)
    model = keras.Sequential([keras.Input((steps, 4)), keras.layers.Bidirectional(inner), LSTM(8, go_backwards=True)])
    report = export.tflite(model, tmp_path / "both.tflite", verbose=False)
    assert report.difference < 1e-5
    assert report.operators[FUSED] == 3 and "WHILE" not in report.operators


@pytest.mark.parametrize("layer", [SimpleRNN, GRU, keras.layers.LSTM])
def test_a_loop_behind_a_fused_layer_begins_at_zero(tmp_path, layer):
    """Equal zeros are merged: the loop must not get the state tensor of the operator as its own initial state."""
    model = keras.Sequential([keras.Input((12, 4)), LSTM(8, return_sequences=True), layer(8)])
    report = export.tflite(model, tmp_path / "two.tflite", verbose=False)
    assert report.operators[FUSED] == 1 and report.operators["WHILE"] == 1
    assert report.difference < 1e-5


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_is_exported_in_float32(tmp_path, policy):
    layers = [LSTM(8, return_sequences=True, dtype=policy), GRU(8, dtype=policy), keras.layers.Dense(2, dtype=policy)]
    model = keras.Sequential([keras.Input((12, 4), name="x"), *layers])
    report = export.tflite(model, tmp_path / "mixed.tflite", verbose=False)
    assert report.difference < 1e-5 and report.operators[FUSED] == 1
    assert all(layer.dtype_policy.name == policy for layer in model.layers)
    x = np.random.default_rng(0).standard_normal((1, 12, 4)).astype("float32")
    lite = export.load_tflite(report.path).run("serving_default", x=x)["output_0"]
    np.testing.assert_allclose(lite, np.asarray(model(x), "float32"), atol=0.02)


def test_int8_with_small_cell_values(tmp_path):
    """The converter alone gives nonsense here: cell values below 0.5 get a scale that the operator cannot work with."""
    small = keras.initializers.RandomUniform(-0.2, 0.2, seed=1)
    layers = [LSTM(8, return_sequences=True, kernel_initializer=small, recurrent_initializer=small) for _ in range(2)]
    model = keras.Sequential([keras.Input((10, 4)), *layers])
    examples = list(np.random.default_rng(0).standard_normal((10, 1, 10, 4)).astype("float32"))
    report = export.tflite(model, tmp_path / "small.tflite", "int8", examples=examples, verbose=False)
    assert report.operators[FUSED] == 2
    largest = max(float(np.abs(model(x)).max()) for x in examples)
    assert report.difference < 0.1 * largest
