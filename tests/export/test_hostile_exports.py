"""LiteRT files and SavedModels that were made to do harm, with stamps that are right."""

import inspect
import os
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from keras_seqcv import archive_checks, export
from keras_seqcv.export import litert_trial, saved_model_loading
from keras_seqcv.export.attached_files import STAMP, attach, detach


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """A small model with a convolution, without what travels with it."""
    path = tmp_path_factory.mktemp("lite") / "conv.tflite"
    layers = [keras.layers.Conv2D(2, 3), keras.layers.Flatten(), keras.layers.Dense(2)]
    export.tflite(keras.Sequential([keras.Input((8, 8, 3), name="x"), *layers]), path, verbose=False)
    return detach(path.read_bytes(), path)[0]


def custom(model, name=b"Evil"):
    code = model.operatorCodes[model.subgraphs[0].operators[0].opcodeIndex]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode = name


def flex(model):
    custom(model, b"FlexWriteFile")


def index_of_a_subgraph(model):
    model.signatureDefs[0].subgraphIndex = 77


def index_of_a_tensor(model):
    for operator in model.subgraphs[0].operators:
        operator.inputs = [int(i) + 1000 for i in operator.inputs]


def output_of_nobody(model):
    model.subgraphs[0].outputs = [12345]


def picture_of_a_gigabyte(model):
    model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].shape = [1, 20000, 20000, 3]


def shape_beyond_numbers(model):
    for tensor in model.subgraphs[0].tensors:
        tensor.shape = [2**30] * len(tensor.shape)


def no_weights(model):
    for tensor in model.subgraphs[0].tensors:
        tensor.buffer = 0


HOSTILE = {
    custom: "[Cc]ustom op|ops_custom",
    flex: "Select TensorFlow op",
    index_of_a_subgraph: "crashes the LiteRT interpreter .signal",
    index_of_a_tensor: "Invalid tensor index",
    output_of_nobody: "Invalid tensor index",
    picture_of_a_gigabyte: "more than 1024 MB of memory",
    shape_beyond_numbers: "overflowed",
    no_weights: "lacks data",
}


@pytest.mark.parametrize("change", HOSTILE, ids=lambda change: change.__name__)
def test_models_with_a_stamp_of_their_own(content, tmp_path, change):
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    change(model)
    changed = bytes(flatbuffer_utils.convert_object_to_bytearray(model))
    path = tmp_path / "hostile.tflite"
    path.write_bytes(attach(changed, {}, {}))
    with pytest.raises(ValueError, match=f"hostile.tflite.*({HOSTILE[change]})"):
        export.load_tflite(path)


def test_a_model_is_tried_once(content, tmp_path, monkeypatch):
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    monkeypatch.setattr(litert_trial, "_passed", set())
    export.load_tflite(path)
    monkeypatch.setattr(litert_trial, "_CHILD", "raise SystemExit(3)")
    export.load_tflite(path)
    path.write_bytes(content + b"\0")
    with pytest.raises(ValueError, match="model.tflite.*exit status 3"):
        export.load_tflite(path)
    export.load_tflite(path, trial=False)


def test_a_model_that_takes_its_time(content, tmp_path, monkeypatch):
    path = tmp_path / "slow.tflite"
    path.write_bytes(content)
    monkeypatch.setattr(litert_trial, "_passed", set())
    monkeypatch.setattr(litert_trial, "_CPU_SECONDS", 1)
    begin = "    interpreter = Interpreter"
    endless = litert_trial._CHILD.replace(begin, f"    while True: pass\n{begin}")
    monkeypatch.setattr(litert_trial, "_CHILD", endless)
    with pytest.raises(ValueError, match="slow.tflite.*1 s of computing"):
        export.load_tflite(path)


@pytest.mark.parametrize("kind", ["bomb", "link", "deep stamp", "stamp of another kind", "vocabulary"])
def test_attached_files(content, tmp_path, kind, monkeypatch):
    path = tmp_path / "attached.tflite"
    if kind == "bomb":
        monkeypatch.setattr(archive_checks, "_FREE_BYTES", 0)
        data = attach(content, {"vocabulary.json": bytes(10**7)}, {})
    elif kind == "vocabulary":
        data = attach(content, {"vocabulary.json": '{"class_name": "LanguageModel", "config": {"vocabulary": 1}}'}, {})
    else:
        data = attach(content, {}, {})
    path.write_bytes(data)
    if kind in ("deep stamp", "stamp of another kind", "link"):
        path.write_bytes(content)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(STAMP, "[" * 10**5 if kind == "deep stamp" else '{"bytes": "1", "sha256": 2}')
            if kind == "link":
                link = zipfile.ZipInfo("link")
                link.external_attr = 0o120777 << 16
                archive.writestr(link, "/etc/passwd")
    with pytest.raises(ValueError, match="attached.tflite"):
        export.load_tflite(path)


class Reaching(tf.Module):
    """A module whose signature, or whose saved table, does more than compute."""

    def __init__(self, kind, folder):
        super().__init__()
        self.made = str(folder / "made")
        self.call = {"ReadFile": self.read, "WriteFile": self.write, "PyFunc": self.python}[kind]

    def read(self, x):
        return tf.io.read_file(x)

    def write(self, x):
        with tf.control_dependencies([tf.io.write_file(self.made, x)]):
            return tf.identity(x)

    def python(self, x):
        return tf.numpy_function(lambda value: value, [x], tf.string)


@pytest.mark.parametrize("kind", ["ReadFile", "WriteFile", "PyFunc"])
def test_saved_models_that_reach_out(tmp_path, kind):
    module = Reaching(kind, tmp_path)
    serve = tf.function(module.call, input_signature=[tf.TensorSpec([], tf.string, "x")])
    tf.saved_model.save(module, str(tmp_path / "reaching"), signatures={"serve": serve})
    with pytest.raises(ValueError, match=f"reaching cannot be loaded.*holds .*{kind}.*more than compute"):
        export.load_saved_model(tmp_path / "reaching")
    assert not os.path.exists(module.made)


def test_weights_are_restored_by_nobody_else(tmp_path):
    """The operators that save weights are there in every SavedModel; a signature must not use them."""

    class Stealing(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([], tf.string, "x")])
        def serve(self, x):
            return tf.raw_ops.RestoreV2(prefix=x, tensor_names=["a"], shape_and_slices=[""], dtypes=[tf.float32])[0]

    module = Stealing()
    tf.saved_model.save(module, str(tmp_path / "stealing"), signatures={"serve": module.serve})
    with pytest.raises(ValueError, match="stealing.*holds RestoreV2"):
        export.load_saved_model(tmp_path / "stealing")


def test_a_saved_model_computes_as_before(tmp_path):
    model = keras.Sequential([keras.Input((3,), name="x"), keras.layers.Dense(2)])
    export.saved_model(model, tmp_path / "dense", verbose=False)
    x = np.random.default_rng(0).random((4, 3)).astype("float32")
    found = export.load_saved_model(tmp_path / "dense").signatures["serving_default"](x=tf.constant(x))["output_0"]
    np.testing.assert_allclose(found, model(x), rtol=1e-6)


@pytest.mark.parametrize("damage", ["missing", "empty folder", "file", "empty", "cut", "variables"])
def test_damaged_saved_models(tmp_path, damage):
    path = tmp_path / "damaged"
    if damage == "file":
        path.write_text("x")
    elif damage != "missing":
        export.saved_model(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]), path, verbose=False)
        graph, data = path / "saved_model.pb", (path / "saved_model.pb").read_bytes()
        if damage == "empty folder":
            graph.unlink()
        elif damage == "variables":
            (path / "variables" / "variables.index").write_bytes(b"x" * 100)
        else:
            graph.write_bytes(b"" if damage == "empty" else data[: len(data) // 2])
    with pytest.raises(ValueError, match="damaged(:| cannot be loaded)"):
        export.load_saved_model(path)


def test_operators_that_name_files_are_known():
    """Whatever TensorFlow has with a file, a path or an address among its arguments is refused."""
    words = ("filename", "path", "address", "prefix", "dir", "hostport", "url", "logdir")
    let_through = []
    for name in (name for name in dir(tf.raw_ops) if not name.startswith("_")):
        arguments = inspect.signature(getattr(tf.raw_ops, name)).parameters
        if any(word in one for one in arguments for word in words) and not saved_model_loading._reaches(name):
            let_through.append(name)
    # Paths of a beam, and directions of a recurrence.
    assert [name for name in let_through if not name.startswith(("CTCBeam", "CudnnRNN"))] == []
