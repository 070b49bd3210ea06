"""What an `ImageCaptioner` says outside of Keras: as a SavedModel, and in LiteRT."""

import io
import json
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

import keras_seqcv as ks
from tests.models import tiny_captioner as tiny

pytest.importorskip("ai_edge_litert")

EXPORTED = ("soft", "hard", "after", "every step", "first step", "tied")


def png(image) -> bytes:
    file = io.BytesIO()
    PIL.Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module", params=EXPORTED)
def model(request):
    return tiny.captioner(3, scale=0.8, **tiny.KINDS[request.param])


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "model"
    report = ks.export.saved_model(model, path, verbose=False, beam=3, max_length=6)
    assert report.signatures == ["caption", "encode", "serving_default", "step"] and report.difference < 1e-4
    return path


@pytest.fixture(scope="module")
def lite(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("lite") / "model.tflite"
    report = ks.export.tflite(model, path, beam=3, max_length=6, verbose=False)
    assert not [name for name in report.operators if name.startswith(("Custom", "Flex"))]
    return ks.export.load_tflite(path)


def greedy(run, model, image, steps):
    """Word ids by the signatures `encode` and `step`; `run(signature, **inputs)`."""
    state = run("encode", image=image)
    token, ids = np.array([model.vocabulary.start_id], "int32"), []
    for _ in range(steps):
        outputs = run("step", tokens=token, **state)
        logits = np.array(outputs["logits"])[0]
        logits[[model.vocabulary.pad_id, model.vocabulary.start_id, model.vocabulary.unknown_id]] = -np.inf
        token = np.array([logits.argmax()], "int32")
        if token[0] == model.vocabulary.end_id:
            break
        ids.append(int(token[0]))
        state |= {name: value for name, value in outputs.items() if name.startswith("state")}
    return model.vocabulary.decode(ids)


def test_a_saved_model_takes_files_and_gives_strings(model, saved):
    loaded = tf.saved_model.load(saved)
    images = tiny.pictures(5, seed=8)
    wanted = model.caption(images, beam=3, max_length=6)
    outputs = loaded.signatures["caption"](image=tf.constant([png(image) for image in images]))
    assert [row[0].decode() for row in outputs["text"].numpy()] == [caption.text for caption in wanted]
    np.testing.assert_allclose(outputs["scores"][:, 0], [caption.score for caption in wanted], atol=1e-4)
    if model.attention:
        length = len(wanted[0].words)
        np.testing.assert_allclose(outputs["attention"][0, :length], wanted[0].attention, atol=1e-5)
    else:
        assert "attention" not in outputs
    assert json.loads((saved / "assets.extra" / "vocabulary.json").read_text())["class_name"] == "Words"


def test_pictures_of_any_size_are_resized_as_the_encoder_does_it(model, saved):
    large = np.asarray(PIL.Image.fromarray(tiny.pictures(1, 8)[0]).resize((75, 50), PIL.Image.Resampling.NEAREST))
    outputs = tf.saved_model.load(saved).signatures["caption"](image=tf.constant([png(large)]))
    caption = model.caption(large, beam=3, max_length=6)
    assert outputs["text"].numpy()[0, 0].decode() == caption.text
    assert float(outputs["scores"][0, 0]) == pytest.approx(caption.score, abs=1e-4)


def test_encode_and_step_write_the_greedy_caption(model, saved, lite):
    image = tiny.pictures(1, seed=9)
    wanted = model.caption(image, beam=1, max_length=6)[0].text
    signatures = tf.saved_model.load(saved).signatures

    def run(name, **inputs):
        outputs = signatures[name](**{key: tf.constant(value) for key, value in inputs.items()})
        return {key: value.numpy() for key, value in outputs.items()}

    files = np.array([png(image[0])], "O")
    assert greedy(lambda name, **a: run(name, **a), model, files, 6) == wanted
    assert greedy(lite.run, model, image, 6) == wanted


def test_litert_says_the_same(model, lite):
    for image in tiny.pictures(6, seed=10):
        wanted, caption = model.caption(image, beam=3, max_length=6), lite.caption(image)
        assert caption.text == wanted.text and caption.words == wanted.words
        assert [text for text, _ in caption.alternatives] == [text for text, _ in wanted.alternatives]
        assert caption.score == pytest.approx(wanted.score, abs=1e-4)
        if model.attention:
            np.testing.assert_allclose(caption.attention, wanted.attention, atol=1e-5)
        else:
            assert caption.attention is None


def test_litert_refuses_pictures_of_another_size(lite):
    with pytest.raises(ValueError, match=r"\(1, 32, 32, 3\).*\(1, 30, 32, 3\)"):
        lite.caption(np.zeros((30, 32, 3), "uint8"))
    with pytest.raises(ValueError, match="uint8"):
        lite.caption(np.zeros((32, 32, 3), "float32"))


@pytest.mark.slow
@pytest.mark.parametrize("quantize", ["float16", "dynamic", "int8"])
def test_quantised_forms_run(tmp_path, quantize):
    """int8 files of a search ended the process: scores of hypotheses that do not exist are infinite."""
    model, images = tiny.captioner(3, scale=0.4, attention="soft"), tiny.pictures(12, seed=11)
    options = {"beam": 3, "max_length": 6, "examples": model.export_examples("litert", images), "verbose": False}
    ks.export.tflite(model, tmp_path / "model.tflite", quantize, **options)
    lite = ks.export.load_tflite(tmp_path / "model.tflite")
    for image in images:
        caption = lite.caption(image)
        assert np.isfinite(caption.score)
        np.testing.assert_allclose(caption.attention.sum((1, 2)), 1.0, atol=0.1)
        if quantize != "int8":  # whose scores order its own captions, and are no log-probabilities
            assert caption.score == pytest.approx(model.caption(image, beam=3, max_length=6).score, abs=1.0)


ALONE = """
import sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
for name in ("keras_seqcv", "tensorflow", "keras"):
    sys.modules[name] = None  # importing it would raise an error
runner = Interpreter(sys.argv[1]).get_signature_runner("caption")
image = np.load(sys.argv[2])
print(runner(image=image)["ids"][0, 0].tolist())
"""


def test_litert_runs_where_nothing_else_is(tmp_path):
    model = tiny.captioner(3, scale=0.8, attention="soft")
    ks.export.tflite(model, tmp_path / "model.tflite", beam=3, max_length=6, verbose=False)
    image = tiny.pictures(1, seed=12)
    np.save(tmp_path / "image.npy", image)
    command = [sys.executable, "-I", "-c", ALONE, str(tmp_path / "model.tflite"), str(tmp_path / "image.npy")]
    child = subprocess.run(command, capture_output=True, text=True, check=True)
    ids = json.loads(child.stdout.strip().splitlines()[-1])
    ends = ids.index(2) if 2 in ids else len(ids)
    assert model.vocabulary.decode(ids[:ends]) == model.caption(image, beam=3, max_length=6)[0].text


def test_a_file_that_is_no_captioner_says_so(tmp_path):
    import keras

    plain = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    ks.export.tflite(plain, tmp_path / "plain.tflite", verbose=False)
    with pytest.raises(ValueError, match="does not describe pictures"):
        ks.export.load_tflite(tmp_path / "plain.tflite").caption(np.zeros((3, 3, 3), "uint8"))
