import os
import resource
import subprocess
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from keras_seqcv import export
from keras_seqcv.export import attached_files, litert_trial
from tests.export.tiny_language_model import CHARACTERS, TinyLanguageModel, numpy_greedy

FORMS = (None, "float16", "dynamic", "int8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("lite")


@pytest.fixture(scope="module")
def model():
    return TinyLanguageModel(units=64)


@pytest.fixture(scope="module")
def reports(folder, model):
    return {form: export.tflite(model, folder / f"{form}.tflite", form, verbose=False) for form in FORMS}


@pytest.fixture(scope="module")
def lite(reports):
    return export.load_tflite(reports[None].path)


def dense(*layers):
    return keras.Sequential([keras.Input((3,), name="x"), keras.layers.Dense(2), *layers])


def subgraphs(path):
    """Subgraph name -> list of (operator, types of its inputs)."""
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(path.read_bytes()))
    names = {v: k for k, v in vars(schema.BuiltinOperator).items() if not k.startswith("_")}
    types = {v: k for k, v in vars(schema.TensorType).items() if not k.startswith("_")}
    return {
        graph.name.decode(): [
            (
                names[model.operatorCodes[step.opcodeIndex].builtinCode],
                [types[graph.tensors[i].type] for i in step.inputs],
            )
            for step in graph.operators
        ]
        for graph in model.subgraphs
    }


@pytest.mark.parametrize("form", FORMS)
def test_report(reports, form):
    report = reports[form]
    assert report.signatures == ["generate", "step"]
    assert report.bytes == report.path.stat().st_size
    assert report.operators["WHILE"] == 2  # the text, and the mixing of the seed
    assert report.operators.total() == sum(len(steps) for steps in subgraphs(report.path).values())
    assert report.difference < {None: 1e-5, "float16": 0.02, "dynamic": 0.2, "int8": 0.5}[form]


def test_sizes(reports):
    sizes = {form: report.bytes for form, report in reports.items()}
    assert sizes["float16"] < 0.75 * sizes[None]
    assert sizes["dynamic"] < 0.6 * sizes[None]
    assert sizes["int8"] < 0.6 * sizes[None]


def test_int8_keeps_the_sampler_in_float(reports):
    bodies = [steps for name, steps in subgraphs(reports["int8"].path).items() if "body" in name]
    (body,) = [steps for steps in bodies if any(name == "CUMSUM" for name, _ in steps)]
    types = {name: inputs for name, inputs in body}
    assert types["FULLY_CONNECTED"][:2] == ["INT8", "INT8"] and types["TANH"] == ["INT8"]
    for name in ("CUMSUM", "SOFTMAX", "DIV"):
        assert types[name][0] == "FLOAT32"
    # Nothing of the trick that the measuring needs stays behind.
    assert [inputs for name, inputs in body if name == "MAXIMUM"] == [["FLOAT32", "FLOAT32"]]


def test_int8_temperature_outside_of_the_examples(reports, model):
    """A temperature in int8 would be cut to the largest one of the examples."""
    lite = export.load_tflite(reports["int8"].path)
    cold, hot = ({lite.generate("abc", 40, heat, seed=seed) for seed in range(5)} for heat in (1e-3, 50.0))
    assert len(cold) == 1 and len(hot) == 5
    count = np.unique(list("".join(hot))).size
    assert count == len(CHARACTERS)


def test_generate(lite, model):
    greedy = lite.generate("abc", 40, greedy=True)
    assert greedy == "abc" + numpy_greedy(model, "abc", 40)
    stop = greedy[20:23]
    assert lite.generate("abc", 40, greedy=True, stop=["?", stop]) == greedy[: greedy.index(stop, 3)]
    assert lite.generate("abc", 40) != lite.generate("abc", 40)  # no seed: another text each time
    text = lite.generate("hg", 30, 0.9, seed=5)
    assert len(text) == 32 and text == lite.generate("hg", 30, 0.9, seed=5) != lite.generate("hg", 30, 0.9, seed=6)
    assert lite.generate(["abc", "hg"], 30, 0.9, seed=5) == [lite.generate("abc", 30, 0.9, seed=5), text]
    assert lite.generate("abc", 0) == "abc"
    live = model.write(*(tf.constant(v) for v in ([[7, 6]], 30, 0.9, 5)))
    assert text == "hg" + "".join(CHARACTERS[i] for i in live[0, :30])


def test_signatures(lite):
    assert set(lite.signatures) == {"generate", "step"}
    assert lite.signatures["generate"]["inputs"]["prompt"] == ((1, None), np.dtype("int32"))
    assert lite.signatures["step"]["outputs"]["logits"] == ((1, len(CHARACTERS)), np.dtype("float32"))


def test_vocabulary_is_readable_by_any_zip_tool(reports):
    with zipfile.ZipFile(reports["dynamic"].path) as archive:
        assert set(archive.namelist()) == {"vocabulary.json", "keras_seqcv.json"}
        assert b"Characters" in archive.read("vocabulary.json")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"length": 41}, "0 to 40"),
        ({"length": -1}, "length"),
        ({"temperature": 0.0}, "temperature"),
        ({"temperature": -1.0}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"seed": 2**31}, "seed"),
        ({"prompt": ""}, "prompt"),
        ({"stop": ""}, "stop"),
        ({"prompt": "xyz"}, "x"),
    ],
)
def test_bad_generate_arguments(lite, arguments, message):
    with pytest.raises(ValueError, match=message):
        lite.generate(**{"prompt": "abc", "length": 5, **arguments})


def test_bad_run_arguments(lite):
    good = {"token": [1], "h": np.zeros((1, 64), "float32"), "c": np.zeros((1, 64), "float32")}
    lite.run("step", **good)
    with pytest.raises(ValueError, match="stop"):
        lite.run("stop", **good)
    with pytest.raises(ValueError, match="inputs"):
        lite.run("step", token=[1])
    for wrong in (np.zeros((2, 64), "float32"), np.zeros((1, 65), "float32"), np.zeros(64, "float32")):
        with pytest.raises(ValueError, match="'h' must have shape"):
            lite.run("step", **{**good, "h": wrong})
    with pytest.raises(ValueError, match="'token' must be int32"):
        lite.run("step", **{**good, "token": [0.5]})
    with pytest.raises(ValueError, match="must fit int32"):
        lite.run("step", **{**good, "token": [2**40]})


@pytest.mark.parametrize("damage", ["missing", "folder", "empty", "text", "half", "tail", "few bytes", "weight", "zip"])
def test_damaged_files(reports, tmp_path, damage):
    data = bytearray(reports[None].path.read_bytes())
    path = tmp_path / "damaged.tflite"
    if damage == "folder":
        path.mkdir()
    elif damage != "missing":
        where = data.index(b"PK\x03\x04")
        if damage == "weight":
            data[where // 2] ^= 1
        elif damage == "zip":
            data[where + 60] ^= 1
        cut = {"empty": 0, "half": len(data) // 2, "tail": len(data) - 1, "few bytes": 9}.get(damage, len(data))
        path.write_bytes(b"PK or something else" if damage == "text" else bytes(data[:cut]))
    with pytest.raises(ValueError, match="damaged.tflite"):
        export.load_tflite(path)


def test_files_from_elsewhere(reports, tmp_path, monkeypatch):
    data = reports[None].path.read_bytes()
    foreign = tmp_path / "foreign.tflite"
    foreign.write_bytes(data[: data.index(b"PK\x03\x04")])
    monkeypatch.setattr(litert_trial, "_passed", set())
    lite = export.load_tflite(foreign, num_threads=2)
    assert lite.vocabulary is None and "generate" in lite.signatures
    with pytest.raises(ValueError, match="no vocabulary"):
        lite.generate("abc", 5)
    monkeypatch.setattr(litert_trial, "_passed", set())
    monkeypatch.setattr(litert_trial, "_CHILD", "import os\nos.kill(os.getpid(), 11)")  # a model that crashes
    with pytest.raises(ValueError, match="foreign.tflite is damaged.*signal 11"):
        export.load_tflite(foreign)
    with pytest.raises(ValueError, match="num_threads"):
        export.load_tflite(foreign, num_threads=0)


def test_foreign_operators_are_named(tmp_path):
    class Singular(keras.layers.Layer):
        def call(self, x):
            return tf.linalg.svd(tf.reshape(x, [-1, 1, 2]), compute_uv=False)

    with pytest.raises(ValueError, match="operator for Svd"):
        export.tflite(dense(Singular()), tmp_path / "svd.tflite", verbose=False)
    assert os.listdir(tmp_path) == []


def test_keras_lstm_that_cannot_be_converted_gets_advice(tmp_path):
    model = keras.Sequential([keras.Input((5, 3)), keras.layers.LSTM(4)])
    with pytest.raises(ValueError, match="keras_seqcv.layers"):
        export.tflite(model, tmp_path / "lstm.tflite", batch_size=None, verbose=False)
    assert os.listdir(tmp_path) == []


def test_int8_needs_real_finite_examples(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="examples"):
        export.tflite(dense(), tmp_path / "m.tflite", "int8")
    with pytest.raises(ValueError, match="NaN or infinity in 'x'"):
        export.tflite(dense(), tmp_path / "m.tflite", "int8", examples=[np.full((1, 3), np.inf, "float32")])
    crash = subprocess.CompletedProcess([], -11, "", "")
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: crash)
    with pytest.raises(ValueError, match="m.tflite.*crashed.*signal 11"):
        export.tflite(dense(), tmp_path / "m.tflite", "int8", examples=[np.ones((1, 3), "float32")])
    assert os.listdir(tmp_path) == []


def test_wrong_place_and_form(tmp_path):
    with pytest.raises(ValueError, match="quantize.*int4"):
        export.tflite(dense(), tmp_path / "m.tflite", "int4")
    with pytest.raises(ValueError, match="folder"):
        export.tflite(dense(), tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file/m.tflite"):
        export.tflite(dense(), tmp_path / "file" / "m.tflite")


def test_full_disk(tmp_path):
    model = keras.Sequential([keras.Input((300,)), keras.layers.Dense(300)])
    path = tmp_path / "m.tflite"
    path.write_bytes(b"earlier")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(OSError, match="cannot write .*m.tflite"):
            export.tflite(model, path, verbose=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(tmp_path) == ["m.tflite"] and path.read_bytes() == b"earlier"


def test_a_nan_that_the_model_does_not_have_is_refused(tmp_path):
    class Broken(keras.layers.Layer):
        def call(self, x):
            from keras_seqcv.layers.export_scope import current_export_format

            return x * (float("nan") if current_export_format() else 1.0)

    with pytest.raises(ValueError, match="NaN"):
        export.tflite(dense(Broken()), tmp_path / "m.tflite", "dynamic", verbose=False)


def test_attached_files_round_trip():
    whole = attached_files.attach(b"model", {"a.txt": "text", "b": b"\x00"}, {"quantize": None})
    content, files, stamp = attached_files.detach(whole, "m")
    assert content == b"model" and files == {"a.txt": b"text", "b": b"\x00"} and stamp["quantize"] is None
    assert attached_files.detach(b"plain model", "m") == (b"plain model", {}, None)
    with pytest.raises(ValueError, match="stamp"):
        attached_files.attach(b"model", {"keras_seqcv.json": ""}, {})
