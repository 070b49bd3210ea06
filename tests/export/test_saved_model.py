import json
import os
import resource
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_seqcv import export
from keras_seqcv.export import to_saved_model
from keras_seqcv.layers.export_scope import current_export_format
from tests.export.tiny_language_model import TinyLanguageModel, numpy_greedy


class ShiftedInExport(keras.layers.Layer):
    """Wrong on purpose: gives something else when it is exported."""

    def call(self, x):
        return x + 1.0 if current_export_format() else x


class Counter(keras.layers.Layer):
    """Counts its calls, as a stateful layer does."""

    def build(self, shape):
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, x):
        self.count.assign_add(1.0)
        return x + self.count


def dense(*layers):
    return keras.Sequential([keras.Input((3,), name="x"), keras.layers.Dense(2), *layers])


def folder_content(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_plain_model_in_a_process_without_the_package(tmp_path):
    model = dense()
    report = export.saved_model(model, tmp_path / "made" / "on the way", verbose=False)
    assert report.signatures == ["serving_default"] and report.difference < 1e-6
    assert report.bytes == sum(p.stat().st_size for p in report.path.rglob("*") if p.is_file())
    assert report.operators["MatMul"] >= 1
    x = np.arange(6, dtype="float32").reshape(2, 3)
    code = (
        "import sys, json\n"
        "sys.modules['keras_seqcv'] = None\n"  # any import of it raises
        "import tensorflow as tf\n"
        "function = tf.saved_model.load(sys.argv[1]).signatures['serving_default']\n"
        "print(json.dumps(function(x=tf.constant(json.loads(sys.argv[2])))['output_0'].numpy().tolist()))"
    )
    child = subprocess.run(
        [sys.executable, "-c", code, str(report.path), json.dumps(x.tolist())],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert child.returncode == 0, child.stderr
    np.testing.assert_allclose(json.loads(child.stdout), model(x), atol=1e-6)


def test_application_model(tmp_path, capsys):
    model = TinyLanguageModel()
    report = export.saved_model(model, tmp_path / "lm")
    assert capsys.readouterr().out.strip() == str(report)
    assert "signatures: generate" in str(report)
    assert json.loads((tmp_path / "lm" / "assets.extra" / "vocabulary.json").read_text())["class_name"] == "Characters"
    loaded = tf.saved_model.load(str(tmp_path / "lm"))
    text = loaded.generate(tf.constant("abc"), tf.constant(30), tf.constant(0.0), tf.constant(0))["text"]
    assert text.numpy().decode() == numpy_greedy(model, "abc", 30)


def test_functional_model_with_one_input(tmp_path):
    x = keras.Input((3,), name="x")
    model = keras.Model(x, {"double": 2.0 * x, "half": 0.5 * x})
    export.saved_model(model, tmp_path / "one", verbose=False)
    outputs = tf.saved_model.load(str(tmp_path / "one")).signatures["serving_default"](x=tf.ones([4, 3]))
    np.testing.assert_array_equal(outputs["double"], 2 * np.ones((4, 3)))
    np.testing.assert_array_equal(outputs["half"], 0.5 * np.ones((4, 3)))


def test_several_inputs_and_outputs(tmp_path):
    a, b = keras.Input((3,), name="a"), keras.Input((5,), dtype="int32", name="b")
    model = keras.Model({"a": a, "b": b}, [keras.layers.Dense(2)(a), keras.layers.Embedding(7, 4)(b)])
    export.saved_model(model, tmp_path / "two", verbose=False)
    function = tf.saved_model.load(str(tmp_path / "two")).signatures["serving_default"]
    inputs = {"a": np.ones((1, 3), "float32"), "b": np.arange(5)[None]}
    outputs = function(a=tf.constant(inputs["a"]), b=tf.constant(inputs["b"], tf.int32))
    for i, expected in enumerate(model(inputs)):
        np.testing.assert_allclose(outputs[f"output_{i}"], expected, atol=1e-6)


def test_earlier_export_is_replaced_whole(tmp_path):
    path = tmp_path / "model"
    export.saved_model(dense(), path, verbose=False)
    (path / "stale.txt").write_text("old")
    report = export.saved_model(TinyLanguageModel(), path, verbose=False)
    assert report.signatures == ["generate", "serving_default"] and not (path / "stale.txt").exists()
    assert os.listdir(tmp_path) == ["model"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_other_things_are_left_alone(tmp_path, kind):
    path = tmp_path / "thing"
    if kind == "file":
        path.write_text("precious")
    else:
        path.mkdir()
        (path / "precious").touch()
    before = folder_content(tmp_path)
    with pytest.raises(ValueError, match="thing"):
        export.saved_model(dense(), path, verbose=False)
    assert folder_content(tmp_path) == before


def test_difference_is_refused_and_nothing_left(tmp_path):
    path = tmp_path / "new folder" / "model"
    with pytest.raises(ValueError, match="differs from the Keras model by 1"):
        export.saved_model(dense(ShiftedInExport()), path, verbose=False)
    assert os.listdir(tmp_path) == []
    report = export.saved_model(dense(ShiftedInExport()), path, tolerance=2.0, verbose=False)
    assert report.difference == pytest.approx(1.0, abs=1e-5)


def test_earlier_export_survives_a_failure(tmp_path):
    path = tmp_path / "model"
    export.saved_model(dense(), path, verbose=False)
    before = {p: p.read_bytes() for p in path.rglob("*") if p.is_file()}
    with pytest.raises(ValueError):
        export.saved_model(dense(ShiftedInExport()), path, verbose=False)
    assert {p: p.read_bytes() for p in path.rglob("*") if p.is_file()} == before
    assert os.listdir(tmp_path) == ["model"]


def test_gpu_only_operators_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(to_saved_model, "FORBIDDEN", "MatM")  # stands for CudnnRNNV3, which a CPU cannot trace
    with pytest.raises(ValueError, match="MatMul.*GPU"):
        export.saved_model(dense(), tmp_path / "model", verbose=False)
    assert os.listdir(tmp_path) == []


def test_states_of_the_model_are_as_before(tmp_path):
    model = dense(Counter())
    model(np.ones((1, 3), "float32"))
    count = float(model.layers[-1].count)
    export.saved_model(model, tmp_path / "model", verbose=False)
    assert float(model.layers[-1].count) == count


def test_unwritable_path(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file/model"):
        export.saved_model(dense(), tmp_path / "file" / "model", verbose=False)


def test_full_disk(tmp_path):
    """A limit on the size of files stands for a full disk: the write fails in the middle."""
    model = keras.Sequential([keras.Input((300,)), keras.layers.Dense(300)])  # 360 kB
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(OSError, match="cannot write .*model"):
            export.saved_model(model, tmp_path / "model", verbose=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(tmp_path) == []


def test_wrong_arguments(tmp_path):
    class Bare(keras.Model):
        def call(self, x):
            return x * 2.0

    with pytest.raises(TypeError, match="keras.Model"):
        export.saved_model("model.keras", tmp_path / "m")
    with pytest.raises(TypeError, match="beams"):
        export.saved_model(dense(), tmp_path / "m", beams=3)
    with pytest.raises(ValueError, match="inputs of Bare are not known"):
        export.saved_model(Bare(), tmp_path / "m")
    with pytest.raises(TypeError, match="signatures of its own"):
        export.saved_model(TinyLanguageModel(), tmp_path / "m", input_signature=tf.TensorSpec([1]))
    export.saved_model(Bare(), tmp_path / "m", input_signature=tf.TensorSpec([None, 4], name="x"), verbose=False)
    with pytest.raises(ValueError, match="format.*onnx"):
        export.export(dense(), tmp_path / "m", format="onnx")


def test_keras_habit_gives_the_same_file(tmp_path):
    model = dense()
    export.tflite(model, tmp_path / "ours.tflite", verbose=False)
    export.export(model, tmp_path / "habit.tflite", format="litert", verbose=False)
    assert (tmp_path / "ours.tflite").read_bytes() == (tmp_path / "habit.tflite").read_bytes()
    export.export(model, str(tmp_path / "habit"), verbose=False)
    assert (tmp_path / "habit" / "saved_model.pb").exists()
