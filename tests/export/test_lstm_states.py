"""A float16 file begins its fused LSTMs at zero, in its very first run."""

import keras
import numpy as np
import pytest

import keras_seqcv as ks

pytest.importorskip("ai_edge_litert")


@pytest.mark.parametrize("quantize", [None, "float16", "dynamic"])
def test_the_first_run_is_as_the_second(tmp_path, quantize):
    model = keras.Sequential(
        [keras.Input((5, 3), name="x"), ks.layers.LSTM(64, return_sequences=True), ks.layers.LSTM(4)]
    )
    report = ks.export.tflite(model, tmp_path / "model.tflite", quantize, examples=[np.ones((1, 5, 3))], verbose=False)
    assert report.operators["UNIDIRECTIONAL_SEQUENCE_LSTM"] == 2
    lite, x = ks.export.load_tflite(tmp_path / "model.tflite"), np.random.default_rng(0).standard_normal((1, 5, 3))
    runs = [lite.run("serving_default", x=x.astype("float32"))["output_0"] for _ in range(2)]
    np.testing.assert_array_equal(*runs)
    np.testing.assert_allclose(runs[0], model(x.astype("float32")), atol=0.02 if quantize == "dynamic" else 1e-3)
