"""What a `SequenceClassifier` says outside of Keras: as a SavedModel, and in LiteRT."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from keras_seqcv.lengths import padded
from tests.models import tiny_classifier as tiny

pytest.importorskip("ai_edge_litert")

LSTM = "UNIDIRECTIONAL_SEQUENCE_LSTM"
# Kind -> fused operators in its LiteRT file; a GRU and a step have loops and plain operators.
FUSED = {"attention": 2, "mean of a GRU": 0, "last": 2, "steps": 1, "features": 2, "steps of features": 0}
STEPS = ("last", "steps", "steps of features")


@pytest.fixture(scope="module", params=FUSED)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def model(kind):
    return tiny.classifier(3, **tiny.KINDS[kind])


@pytest.fixture(scope="module")
def reported(kind, model, tmp_path_factory):
    path = tmp_path_factory.mktemp("lite") / "model.tflite"
    return ks.export.tflite(model, path, verbose=False)


@pytest.fixture(scope="module")
def lite(reported):
    return ks.export.load_tflite(reported.path)


def test_operators_are_built_in_and_lstms_fused(kind, reported):
    assert not [name for name in reported.operators if name.startswith(("Custom", "Flex"))]
    assert reported.operators[LSTM] == FUSED[kind]
    assert reported.signatures == (["classify", "step"] if kind in STEPS else ["classify"])


def test_litert_says_the_same(model, lite):
    sequences = tiny.inputs(model, 12, seed=4)
    wanted, found = model.classify(sequences), lite.classify(sequences)
    assert tiny.said(found) == tiny.said(wanted)
    np.testing.assert_allclose(tiny.numbers(found), tiny.numbers(wanted), atol=1e-5)
    assert lite.classify(sequences[0]).words == wanted[0].words
    if model.pooling == "attention":
        explained = model.classify(sequences, explain="attention")
        for a, b in zip(found, explained, strict=True):
            np.testing.assert_allclose(a.importance, b.importance, atol=1e-5)


def test_steps_in_litert_are_the_whole(model, lite):
    if "step" not in lite.signatures:
        with pytest.raises(ValueError, match="one direction"):
            model.stepper()
        return
    (sequence,) = tiny.inputs(model, 1, seed=6)
    whole = model.classify(sequence)
    ids = sequence if model.vocabulary is None else model.vocabulary.encode(sequence)
    name = "features" if model.vocabulary is None else "tokens"
    states = {f"state_{k}": np.zeros_like(s) for k, s in enumerate(model.initial_states())}
    found = []
    for x in ids:
        outputs = lite.run("step", **{name: x[None]}, **states)
        found.append(outputs.pop("probabilities")[0])
        states = outputs
    found = np.array(found) if model.per_step else found[-1]
    np.testing.assert_allclose(found.ravel(), tiny.numbers([whole]), atol=1e-5)


def test_a_saved_model_says_the_same(model, tmp_path):
    report = ks.export.saved_model(model, tmp_path / "saved", verbose=False)
    assert report.difference < 1e-4
    classify = tf.saved_model.load(tmp_path / "saved").signatures["classify"]
    sequences = tiny.inputs(model, 6, seed=4)
    if model.vocabulary:
        outputs = classify(text=tf.constant(sequences))
    else:
        lengths = np.array([len(s) for s in sequences], "int32")
        outputs = classify(features=tf.constant(padded(sequences)), lengths=tf.constant(lengths))
    outputs = {name: value.numpy() for name, value in outputs.items()}
    for k, wanted in enumerate(model.classify(sequences)):
        count = len(wanted.labels) if model.per_step else None
        if model.per_step:
            assert [label.decode() for label in outputs["label"][k, :count]] == wanted.labels
            assert not any(outputs["label"][k, count:])
        else:
            assert outputs["label"][k].decode() == wanted.label
        np.testing.assert_allclose(
            np.ravel(outputs["probabilities"][k][:count] if count else outputs["probabilities"][k]),
            tiny.numbers([wanted]),
            atol=1e-5,
        )
        if model.per_step and model.vocabulary:
            assert [word.decode() for word in outputs["words"][k, :count]] == wanted.words
    assert ("attention" in outputs) == (model.pooling == "attention")
    content = json.loads((tmp_path / "saved" / "assets.extra" / "labels.json").read_text())
    assert content == {"labels": tiny.LABELS, "per_step": model.per_step}


@pytest.mark.parametrize("quantize", ["float16", "dynamic", "int8"])
def test_quantised_forms_say_nearly_the_same(tmp_path, quantize):
    model, texts = tiny.classifier(7, units=32, pooling="attention", bidirectional=True), tiny.texts(12, seed=3)
    examples = model.export_examples("litert", texts)
    ks.export.tflite(model, tmp_path / "model.tflite", quantize, examples=examples, verbose=False)
    lite, wanted = ks.export.load_tflite(tmp_path / "model.tflite"), model.classify(texts)
    # The very first run, too: a float16 file once began its LSTMs with what stood for their states.
    found = lite.classify(texts)
    tolerance = {"float16": 0.01, "dynamic": 0.1, "int8": 0.4}[quantize]
    np.testing.assert_allclose(tiny.numbers(found), tiny.numbers(wanted), atol=tolerance)
    same = np.mean([a == b for a, b in zip(tiny.said(found), tiny.said(wanted))])
    assert same >= {"float16": 1.0, "dynamic": 0.9, "int8": 0.7}[quantize]


def test_examples_are_those_that_are_given():
    model = tiny.classifier()
    rows = model.export_examples("litert", ["good plot", "bad"])["classify"]
    assert [row["tokens"].tolist() for row in rows] == [[[6, 4]], [[7]]]
    (whole,) = model.export_examples("saved_model", ["good plot", "bad"])["classify"]
    assert whole["text"].tolist() == [b"good plot", b"bad"]


ALONE = """
import sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
for name in ("keras_seqcv", "tensorflow", "keras"):
    sys.modules[name] = None  # importing it would raise an error
runner = Interpreter(sys.argv[1]).get_signature_runner("classify")
print(runner(tokens=np.array([[4, 6, 8]], "int32"))["probabilities"][0].tolist())
"""


def test_litert_runs_where_nothing_else_is(tmp_path):
    model = tiny.classifier(pooling="attention", bidirectional=True)
    ks.export.tflite(model, tmp_path / "model.tflite", "float16", verbose=False)
    command = [sys.executable, "-I", "-c", ALONE, str(tmp_path / "model.tflite")]
    child = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(child.stdout.strip().splitlines()[-1])
    text = " ".join(model.vocabulary.tokens[k] for k in (4, 6, 8))
    np.testing.assert_allclose(found, list(model.classify(text).probabilities.values()), atol=2e-3)


def test_wrong_uses_are_named(tmp_path):
    import keras

    plain = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    ks.export.tflite(plain, tmp_path / "plain.tflite", verbose=False)
    with pytest.raises(ValueError, match="does not label sequences"):
        ks.export.load_tflite(tmp_path / "plain.tflite").classify("good")
    ks.export.tflite(tiny.classifier(), tmp_path / "words.tflite", verbose=False)
    ks.export.tflite(tiny.classifier(features=3), tmp_path / "features.tflite", verbose=False)
    words, features = (ks.export.load_tflite(tmp_path / f"{name}.tflite") for name in ("words", "features"))
    for lite, given, error, message in (
        (words, "", ValueError, "inputs: expected a text with words"),
        (words, ["good", None], TypeError, r"inputs\[1\]: expected a str"),
        (words, 3, TypeError, "inputs: expected one sequence or a list"),
        (features, np.zeros((4, 2)), ValueError, r"\(1, None, 3\).*\(1, 4, 2\)"),
        (features, [np.zeros((0, 3))], ValueError, r"inputs\[0\]: expected finite numbers"),
    ):
        with pytest.raises(error, match=message):
            lite.classify(given)
