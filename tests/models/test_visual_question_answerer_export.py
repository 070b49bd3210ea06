"""What a `VisualQuestionAnswerer` answers outside of Keras: as a SavedModel, and in LiteRT."""

import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from tests.models import tiny_answerer as tiny
from tests.models.test_image_captioner_export import png
from tests.models.tiny_captioner import pictures

pytest.importorskip("ai_edge_litert")

QUESTIONS = ["what is it", "where is the red", "is it blue is it red", "what"]


@pytest.fixture(scope="module", params=["two looks", "product", "vector, sum", "film"])
def model(request):
    return tiny.answerer(**tiny.KINDS[request.param])


@pytest.fixture(scope="module")
def lite(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("lite") / "model.tflite"
    report = ks.export.tflite(model, path, top=2, verbose=False)
    assert not [name for name in report.operators if name.startswith(("Custom", "Flex"))]
    # Twice: in the signature `answer`, and in `ask`. The others are loops: a GRU has no such operator.
    assert report.operators["UNIDIRECTIONAL_SEQUENCE_LSTM"] == (2 if model.options["cell"] == "lstm" else 0)
    return ks.export.load_tflite(path)


def test_a_saved_model_takes_files_and_gives_strings(model, tmp_path):
    report = ks.export.saved_model(model, tmp_path / "model", top=2, verbose=False)
    assert report.signatures == ["answer", "ask", "encode", "serving_default"] and report.difference < 1e-4
    signatures = tf.saved_model.load(tmp_path / "model").signatures
    images = pictures(4, seed=3)
    wanted = model.answer(images, QUESTIONS, top=2)
    files = tf.constant([png(image) for image in images])
    found = signatures["answer"](image=files, question=tf.constant(QUESTIONS))
    assert [t.decode() for t in found["text"][:, 0].numpy()] == [answer.text for answer in wanted]
    np.testing.assert_allclose(found["scores"][:, 0], [answer.score for answer in wanted], atol=1e-5)
    features = signatures["encode"](image=files)["features"]
    asked = signatures["ask"](features=features, question=tf.constant(QUESTIONS))
    np.testing.assert_allclose(asked["probabilities"], found["probabilities"], atol=1e-6)
    if model.attentions:
        np.testing.assert_allclose(found["attention"], [answer.attentions for answer in wanted], atol=1e-5)
    else:
        assert "attention" not in found


def test_litert_answers_the_same(model, lite):
    for image in pictures(3, seed=4):
        for question in QUESTIONS:
            wanted, answer = model.answer(image, question, top=2), lite.answer(image, question)
            assert (answer.text, answer.words) == (wanted.text, wanted.words)
            assert [text for text, _ in answer.alternatives] == [text for text, _ in wanted.alternatives]
            assert answer.score == pytest.approx(wanted.score, abs=1e-5)
            if model.attentions:
                np.testing.assert_allclose(answer.attentions, wanted.attentions, atol=1e-5)


def test_litert_checks_what_it_is_given(lite, tmp_path):
    with pytest.raises(ValueError, match="received none in 'who are you'"):
        lite.answer(pictures(1)[0], "who are you")
    with pytest.raises(ValueError, match=r"\(1, 32, 32, 3\).*\(1, 30, 32, 3\)"):
        lite.answer(pictures(1)[0][:30], "what")


@pytest.mark.slow
@pytest.mark.parametrize("quantize", ["float16", "dynamic", "int8"])
def test_quantised_forms_answer_nearly_the_same(tmp_path, quantize):
    model, images = tiny.answerer(scale=0.5, **tiny.KINDS["two looks"]), pictures(8, seed=5)
    examples = model.export_examples("litert", images, QUESTIONS * 2)
    ks.export.tflite(model, tmp_path / "model.tflite", quantize, examples=examples, top=5, verbose=False)
    lite = ks.export.load_tflite(tmp_path / "model.tflite")
    for image in images:
        wanted, answer = (
            dict([(a.text, a.score), *a.alternatives])
            for a in (some.answer(image, "what is it", *more) for some, more in ((model, (5,)), (lite, ())))
        )
        assert sum(answer.values()) == pytest.approx(1, abs=0.05)
        for text, score in wanted.items():
            assert answer[text] == pytest.approx(score, abs=0.15 if quantize == "int8" else 0.03)


def test_files_of_other_models_do_not_answer(tmp_path):
    model = ks.models.LanguageModel(ks.data.Characters("abc"), layers=1, units=4)
    ks.export.tflite(model, tmp_path / "text.tflite", verbose=False)
    with pytest.raises(ValueError, match="does not answer questions"):
        ks.export.load_tflite(tmp_path / "text.tflite").answer(pictures(1)[0], "what")
