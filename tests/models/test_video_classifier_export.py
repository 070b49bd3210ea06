"""What a `VideoClassifier` says outside of Keras: as a SavedModel, and in LiteRT, clip by clip and frame by frame."""

import json

import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from keras_seqcv.lengths import padded
from tests.models import tiny_video as tiny

pytest.importorskip("ai_edge_litert")

LSTM = "UNIDIRECTIONAL_SEQUENCE_LSTM"
# Kind -> fused operators in its LiteRT file; a GRU and a step have loops and plain operators.
FUSED = {"last": 1, "attention": 4, "places": 0}
STEPS = ("last", "places")


@pytest.fixture(scope="module", params=FUSED)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def model(kind):
    return tiny.model(kind, seed=3)


@pytest.fixture(scope="module")
def reported(model, tmp_path_factory):
    return ks.export.tflite(model, tmp_path_factory.mktemp("lite") / "model.tflite", verbose=False)


@pytest.fixture(scope="module")
def lite(reported):
    return ks.export.load_tflite(reported.path)


def test_operators_are_built_in_and_lstms_fused(kind, reported):
    assert not [name for name in reported.operators if name.startswith(("Custom", "Flex"))]
    assert reported.operators[LSTM] == FUSED[kind]
    assert reported.signatures == (["classify", "step"] if kind in STEPS else ["classify"])


def test_litert_says_the_same(model, lite):
    clips = tiny.clips(8, seed=4)
    wanted, found = model.classify(clips), lite.classify(clips)
    assert tiny.said(found) == tiny.said(wanted)
    np.testing.assert_allclose(tiny.numbers(found), tiny.numbers(wanted), atol=1e-5)
    np.testing.assert_allclose(tiny.numbers([lite.classify(clips[0])]), tiny.numbers(wanted[:1]), atol=1e-5)
    if model.pooling == "attention":
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_allclose(one.importance, other.importance, atol=1e-5)


def test_a_stream_in_litert_is_that_of_keras(kind, model, lite):
    (clip,) = tiny.clips(1, seed=6)
    if kind not in STEPS:
        with pytest.raises(ValueError, match="does not label step by step"):
            lite.stream(clip)
        return
    wanted, found = list(model.stream(clip)), list(lite.stream(clip))
    assert tiny.said(found) == tiny.said(wanted) and len(found) == len(clip)
    np.testing.assert_allclose(tiny.numbers(found), tiny.numbers(wanted), atol=1e-5)


def test_a_saved_model_says_the_same(kind, model, tmp_path):
    report = ks.export.saved_model(model, tmp_path / "saved", verbose=False)
    assert report.difference < 1e-4
    signatures = tf.saved_model.load(tmp_path / "saved").signatures
    assert sorted(signatures) == sorted(["classify", "encode", "serving_default", *(["step"] if kind in STEPS else [])])
    clips = tiny.clips(6, seed=4)
    lengths = np.array([len(clip) for clip in clips], "int32")
    outputs = signatures["classify"](video=tf.constant(padded(clips)), lengths=tf.constant(lengths))
    outputs = {name: value.numpy() for name, value in outputs.items()}
    for k, wanted in enumerate(model.classify(clips)):
        count = len(clips[k]) if model.per_step else None
        if model.per_step:
            assert [label.decode() for label in outputs["label"][k, :count]] == wanted.labels
            assert not any(outputs["label"][k, count:])
        else:
            assert outputs["label"][k].decode() == wanted.label
        found = outputs["probabilities"][k][:count] if count else outputs["probabilities"][k]
        np.testing.assert_allclose(found.ravel(), tiny.numbers([wanted]), atol=1e-5)
    content = json.loads((tmp_path / "saved" / "assets.extra" / "labels.json").read_text())
    assert content == {"labels": list(tiny.LABELS), "per_step": model.per_step}


@pytest.mark.parametrize("quantize", ["float16", "dynamic", "int8"])
def test_quantised_forms_say_nearly_the_same(tmp_path, quantize):
    model, clips = tiny.model("last", seed=7, units=16), tiny.clips(8, seed=3)
    examples = model.export_examples("litert", clips)
    ks.export.tflite(model, tmp_path / "model.tflite", quantize, examples=examples, verbose=False)
    lite = ks.export.load_tflite(tmp_path / "model.tflite")
    tolerance = {"float16": 0.02, "dynamic": 0.1, "int8": 0.4}[quantize]
    wanted = tiny.numbers(model.classify(clips))
    np.testing.assert_allclose(tiny.numbers(lite.classify(clips)), wanted, atol=tolerance)
    streamed = [list(lite.stream(clip))[-1] for clip in clips[:3]]
    np.testing.assert_allclose(tiny.numbers(streamed), wanted[: 3 * len(tiny.LABELS)], atol=tolerance)


def test_a_file_for_a_number_of_frames(tmp_path):
    model = tiny.model("mean of a GRU")
    examples = model.export_examples("litert", frames=4)
    ks.export.tflite(model, tmp_path / "model.tflite", examples=examples, frames=4, verbose=False)
    lite, (clip,) = ks.export.load_tflite(tmp_path / "model.tflite"), [tiny.clips(1, seed=1)[0][:1].repeat(4, 0)]
    assert lite.signatures["classify"]["inputs"]["video"][0] == (1, 4, *tiny.SIZE, 3)
    np.testing.assert_allclose(tiny.numbers([lite.classify(clip)]), tiny.numbers([model.classify(clip)]), atol=1e-5)
    with pytest.raises(ValueError, match=r"\(1, 4, 8, 12, 3\).*\(1, 3, 8, 12, 3\)"):
        lite.classify(clip[:3])
    with pytest.raises(ValueError, match="inputs: expected uint8"):
        lite.classify(clip.astype("float32"))
    with pytest.raises(ValueError, match="frames: expected an int >= 1, received 0"):
        model.export_signatures("litert", frames=0)
