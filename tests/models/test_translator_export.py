"""What a `Translator` says outside of Keras: as a SavedModel, and in LiteRT."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from tests.models import tiny_translator as tiny

pytest.importorskip("ai_edge_litert")

EXPORTED = {
    "additive": {"attention": "additive"},
    "dot, after, LSTM": {"attention": "dot", "attend": "after", "cell": "lstm"},
    "state": {"attention": None},
}


@pytest.fixture(scope="module", params=EXPORTED)
def model(request):
    return tiny.translator(3, scale=0.8, **EXPORTED[request.param])


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "model"
    report = ks.export.saved_model(model, path, verbose=False, beam=3, max_length=6)
    assert report.signatures == ["encode", "serving_default", "step", "translate"] and report.difference < 1e-4
    return tf.saved_model.load(path).signatures


@pytest.fixture(scope="module")
def lite(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("lite") / "model.tflite"
    report = ks.export.tflite(model, path, beam=3, max_length=6, verbose=False)
    assert not [name for name in report.operators if name.startswith(("Custom", "Flex"))]
    if model.options["cell"] == "lstm":  # each layer of each direction, in `encode` and in `translate`
        assert report.operators["UNIDIRECTIONAL_SEQUENCE_LSTM"] == 4 * model.options["layers"]
    return ks.export.load_tflite(path)


def greedy(run, model, inputs, steps):
    """Text by the signatures `encode` and `step`; `run(signature, **inputs)`."""
    state, words = run("encode", **inputs), model.vocabulary
    token, ids = np.array([words.start_id], "int32"), []
    for _ in range(steps):
        outputs = run("step", tokens=token, **state)
        logits = np.array(outputs["logits"])[0]
        logits[[words.pad_id, words.start_id, words.unknown_id]] = -np.inf
        token = np.array([logits.argmax()], "int32")
        if token[0] == words.end_id:
            break
        ids.append(int(token[0]))
        state |= {name: value for name, value in outputs.items() if name.startswith("state")}
    return words.decode(ids)


def test_a_saved_model_takes_strings_and_gives_strings(model, saved):
    texts = [*tiny.texts(7, seed=8), "ein elefant rot"]
    wanted = model.translate(texts, beam=3, max_length=6)
    outputs = {name: value.numpy() for name, value in saved["translate"](text=tf.constant(texts)).items()}
    assert [row[0].decode() for row in outputs["text"]] == [translation.text for translation in wanted]
    np.testing.assert_allclose(outputs["scores"][:, 0], [translation.score for translation in wanted], atol=1e-4)
    assert ("alignment" in outputs) == (model.attention is not None)
    for row, translation in enumerate(wanted):
        others = [text.decode() for text in outputs["text"][row, 1:]]
        assert others[: len(translation.alternatives)] == [text for text, _ in translation.alternatives]
        if model.attention:
            rows, columns = translation.alignment.shape
            np.testing.assert_allclose(outputs["alignment"][row, :rows, :columns], translation.alignment, atol=1e-5)


def test_an_empty_string_disturbs_no_other_row(model, saved):
    alone, beside = (saved["translate"](text=tf.constant(texts))["text"].numpy() for texts in (["rot"], ["", "rot"]))
    assert beside[1].tolist() == alone[0].tolist()
    assert saved["translate"](text=tf.constant([""]))["text"].shape == (1, 3)


def test_encode_and_step_write_the_greedy_translation(model, saved, lite):
    def run(name, **inputs):
        outputs = saved[name](**{key: tf.constant(value) for key, value in inputs.items()})
        return {key: value.numpy() for key, value in outputs.items()}

    for text in tiny.texts(3, seed=9):
        wanted = model.translate(text, beam=1, max_length=6).text
        assert greedy(run, model, {"text": np.array([text.encode()], "O")}, 6) == wanted
        assert greedy(lite.run, model, {"tokens": model.source_vocabulary.encode(text)[None]}, 6) == wanted


def test_litert_says_the_same_of_sources_of_any_length(model, lite):
    texts = [*tiny.texts(12, seed=10), "hund " * 30]
    for text, wanted in zip(texts, model.translate(texts, beam=3, max_length=6), strict=True):
        translation = lite.translate(text)
        assert translation.text == wanted.text and translation.words == wanted.words
        assert [text for text, _ in translation.alternatives] == [text for text, _ in wanted.alternatives]
        assert translation.score == pytest.approx(wanted.score, abs=1e-4)
        assert translation.source_words == text.split()
        if model.attention:
            np.testing.assert_allclose(translation.alignment, wanted.alignment, atol=1e-5)
        else:
            assert translation.alignment is None


def test_litert_refuses_what_is_no_text(lite):
    with pytest.raises(ValueError, match="words in it"):
        lite.translate("  ")
    with pytest.raises(TypeError, match="expected a str"):
        lite.translate(["ein"])


def test_pieces_of_words_go_in_as_ids_and_come_out_as_strings(tmp_path):
    pytest.importorskip("sentencepiece")
    words = ks.data.Subwords(["ein hund zwei hunde one dog two dogs"] * 20, size=30)
    model = ks.models.Translator(words, words, units=8)
    ks.export.saved_model(model, tmp_path / "saved", verbose=False, beam=2, max_length=8)
    ks.export.tflite(model, tmp_path / "model.tflite", verbose=False, beam=2, max_length=8)
    wanted = model.translate("zwei hunde", beam=2, max_length=8)
    translate = tf.saved_model.load(tmp_path / "saved").signatures["translate"]
    found = translate(tokens=tf.constant(words.encode("zwei hunde")[None]))["text"].numpy()
    assert found[0, 0].decode() == wanted.text
    assert ks.export.load_tflite(tmp_path / "model.tflite").translate("zwei hunde").text == wanted.text


@pytest.mark.slow
def test_a_file_of_int8_runs(tmp_path):
    """Its scores order its own translations, and are no log-probabilities."""
    model, texts = tiny.translator(3, scale=0.4), tiny.texts(12, seed=11)
    options = {"beam": 3, "max_length": 6, "examples": model.export_examples("litert", texts), "verbose": False}
    ks.export.tflite(model, tmp_path / "model.tflite", "int8", **options)
    lite = ks.export.load_tflite(tmp_path / "model.tflite")
    wanted = model.translate(texts, beam=3, max_length=6)
    found = [lite.translate(text) for text in texts]
    for translation in found:
        np.testing.assert_allclose(translation.alignment.sum(1), 1.0, atol=0.1)
    assert sum(one.words[:1] == other.words[:1] for one, other in zip(found, wanted, strict=True)) >= 8


ALONE = """
import json, sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
for name in ("keras_seqcv", "tensorflow", "keras"):
    sys.modules[name] = None  # importing it would raise an error
runner = Interpreter(sys.argv[1]).get_signature_runner("translate")
print(runner(tokens=np.array([json.loads(sys.argv[2])], "int32"))["ids"][0, 0].tolist())
"""


def test_litert_runs_where_nothing_else_is(tmp_path):
    model = tiny.translator(3, scale=0.8, cell="lstm")
    ks.export.tflite(model, tmp_path / "model.tflite", beam=3, max_length=6, verbose=False)
    tokens = json.dumps(model.source_vocabulary.encode("drei rot hunde").tolist())
    command = [sys.executable, "-I", "-c", ALONE, str(tmp_path / "model.tflite"), tokens]
    child = subprocess.run(command, capture_output=True, text=True, check=True)
    ids = json.loads(child.stdout.strip().splitlines()[-1])
    ends = ids.index(2) if 2 in ids else len(ids)
    wanted = model.translate("drei rot hunde", beam=3, max_length=6)
    assert wanted.words and model.vocabulary.decode(ids[:ends]) == wanted.text


def test_a_file_that_is_no_translator_says_so(tmp_path):
    import keras

    plain = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    ks.export.tflite(plain, tmp_path / "plain.tflite", verbose=False)
    with pytest.raises(ValueError, match="does not translate"):
        ks.export.load_tflite(tmp_path / "plain.tflite").translate("ein hund")
