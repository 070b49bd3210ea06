"""`VisualQuestionAnswerer`: its mathematics, its verb, files, what it learns, and what it refuses."""

import io

import keras
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

import keras_seqcv as ks
from tests.models import tiny_answerer as tiny
from tests.models.tiny_captioner import pictures


@pytest.fixture(autouse=True)
def without_xla():
    """Loops are plain graphs, which are there at once; one test trains by compiled ones, as people do."""
    with ks.layers.jit_scope(False):
        yield


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_logits_are_those_of_numpy(kind):
    model = tiny.answerer(**tiny.KINDS[kind])
    features = np.random.default_rng(1).standard_normal((3, 4, 5)).astype("float32")
    tokens = tiny.questions(3)
    logits, looks, of_words = model.look(tf.constant(features) if model.attentions else features.mean(1), tokens)
    _, vectors, _, _ = model.question(tokens)  # tested beside Keras's own layers
    for b in range(3):
        wanted, weights = tiny.logits_of(model, features[b], np.asarray(vectors[b], "float64"))
        np.testing.assert_allclose(logits[b], wanted, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose([look[b] for look in looks], weights, atol=1e-5)
    np.testing.assert_allclose(model({"features": features, "tokens": tokens}), logits, atol=1e-5)
    if model.options["question_pooling"] == "attention":
        np.testing.assert_allclose(tf.reduce_sum(of_words, axis=1), 1.0, atol=1e-5)
    else:
        assert of_words is None


@pytest.mark.parametrize("kind", ["two looks", "vector", "film"])
def test_several_questions_of_a_picture_are_as_alone(kind):
    model = tiny.answerer(**tiny.KINDS[kind])
    images, tokens = pictures(2), tiny.questions(6).reshape(2, 3, 5)
    together = model({"image": images, "tokens": tokens})
    assert together.shape == (2, 3, 5)
    for n in range(3):
        np.testing.assert_allclose(model({"image": images, "tokens": tokens[:, n]}), together[:, n], atol=1e-5)
    _, looks, _ = model.look(model.features({"image": images}), tokens)
    assert len(looks) == model.options["attention_layers"] and all(look.shape == (2, 3, 4) for look in looks)


def test_answers_of_all_that_people_have(tmp_path):
    model = tiny.answerer(question_pooling="attention")
    image = pictures(1)[0]
    PIL.Image.fromarray(image).save(tmp_path / "a.png")
    logits = model({"image": image[None], "tokens": model.vocabulary.encode("what is it")[None]}).numpy()[0]
    order, p = np.argsort(-logits), tiny.softmax(logits)
    for given in (image, tmp_path / "a.png", (tmp_path / "a.png").read_bytes(), PIL.Image.open(tmp_path / "a.png")):
        answer = model.answer(given, "what is it", top=2)
        assert answer.text == tiny.ANSWERS[order[0]] and answer.words == ["what", "is", "it"]
        assert answer.score == pytest.approx(p[order[0]], abs=1e-5)
        assert answer.alternatives == [(tiny.ANSWERS[order[1]], pytest.approx(p[order[1]], abs=1e-5))]
        assert answer.attention.shape == (2, 2) and answer.attentions.shape == (2, 2, 2)
        assert answer.word_weights.shape == (3,) and answer.word_weights.sum() == pytest.approx(1, abs=1e-5)
    both = model.answer(image, ["what is it", "where"])
    assert [a.question for a in both] == ["what is it", "where"] and both[0].text == answer.text
    images = pictures(3)
    of_each = model.answer(list(images), ["where is it", "what", "is it red"], top=1)
    alone = [model.answer(i, q, top=1) for i, q in zip(images, ["where is it", "what", "is it red"])]
    assert [a.text for a in of_each] == [a.text for a in alone]
    features = model.encoder(images).numpy()
    assert [a.text for a in model.answer(questions="what", features=features)] == [
        a.text for a in model.answer(images, "what")
    ]


def test_more_questions_than_fit_at_once():
    model = tiny.answerer()
    images = pictures(40)
    texts = ["what is it", "where"] * 20
    answers = model.answer(images, texts, top=1)
    assert [a.text for a in answers[33:36]] == [model.answer(images[k], texts[k], top=1).text for k in (33, 34, 35)]
    assert len(model.answer(images[0], texts)) == 40


@pytest.mark.parametrize("kind", ["two looks", "vector, sum", "film"])
def test_files_hold_the_whole_model(tmp_path, kind):
    model = tiny.answerer(**tiny.KINDS[kind], soft_answers=kind == "two looks")
    model.compile("sgd")
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    inputs = {"image": pictures(2), "tokens": tiny.questions(2)}
    np.testing.assert_array_equal(again(inputs), model(inputs))
    ours, theirs = (some.get_config() | {"encoder": None} for some in (model, again))  # Keras counts names of layers
    assert ours == theirs and again.answers == tuple(tiny.ANSWERS)


def dataset(count, seed):
    """The answer is the colour of the place that the question names: neither picture nor question tell it alone."""
    rng = np.random.default_rng(seed)
    colors, asked = rng.integers(2, size=(count, 4)), rng.integers(4, size=count)
    coarse = np.where(colors[..., None] == 0, [220, 30, 30], [30, 30, 220]).reshape(count, 2, 2, 3).astype("uint8")
    tokens = np.stack([np.full(count, 4), 5 + asked], axis=1).astype("int32")
    answers = 2 + colors[np.arange(count), asked]
    return {"image": coarse.repeat(16, 1).repeat(16, 2), "tokens": tokens}, answers.astype("int32")


def learner(**options):
    """Places of which each knows where it is, and an encoder that learns."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((32, 32, 3))
    x = ks.layers.Coordinates()(keras.layers.AveragePooling2D(16)(keras.layers.Rescaling(1 / 255)(inputs)))
    encoder = ks.models.ImageEncoder(keras.Model(inputs, keras.layers.Conv2D(16, 1, activation="relu")(x)), True)
    options = {"units": 16, "dropout": 0.0, "attention_layers": 1, **options}
    return ks.models.VisualQuestionAnswerer(encoder, ks.data.Words(tokens=tiny.WORDS), tiny.ANSWERS, **options)


def test_it_learns_what_neither_picture_nor_question_tell_alone():
    train, valid = dataset(512, 1), dataset(200, 2)
    found = {}
    for blind_to in (None, "image", "question"):
        model = learner(blind_to=blind_to, fusion="concat" if blind_to else "bilinear")
        model.compile(keras.optimizers.Adam(1e-2))
        model.fit(*train, batch_size=32, epochs=12, verbose=0)
        found[blind_to] = model.evaluate(*valid, verbose=0, return_dict=True)["accuracy"]
    assert found[None] > 0.95, found
    # One of two colours is guessed. What is on a picture tells the more common one, where it is not two and two.
    assert 0.4 < found["image"] < 0.65 and 0.5 < found["question"] < 0.85, found


def test_soft_answers_are_learned_as_they_are_scored():
    inputs, answers = dataset(256, 1)
    scores = 0.6 * np.eye(5)[answers] + 0.3 * np.eye(5)[0]
    model = learner(soft_answers=True)
    model.compile(keras.optimizers.Adam(1e-2))
    with ks.layers.jit_scope(True):
        model.fit(inputs, scores, batch_size=32, epochs=30, verbose=0)
    assert model.evaluate(inputs, scores, verbose=0, return_dict=True)["soft_accuracy"] > 0.57
    p = model.probabilities(model(inputs)).numpy()
    assert p[:, 0].mean() == pytest.approx(0.3, abs=0.05) and p.sum(1).max() < 1.3


def test_questions_without_answer_weigh_nothing():
    inputs, answers = dataset(32, 1)
    model = learner()
    model.compile("sgd")
    inputs = {"image": inputs["image"], "tokens": np.stack([inputs["tokens"]] * 2, axis=1)}
    weights = np.stack([np.ones(32), np.zeros(32)], axis=1).astype("float32")
    results = [
        model.evaluate(inputs, np.stack([answers, other], axis=1), sample_weight=weights, verbose=0)
        for other in (answers, 0 * answers)
    ]
    np.testing.assert_allclose(*results, rtol=1e-5)


def jpeg() -> bytes:
    file = io.BytesIO()
    PIL.Image.new("RGB", (8, 8)).save(file, "JPEG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"answers": ["yes"]}, ValueError, "answers: expected two or more"),
        ({"answers": ["yes", "yes"]}, ValueError, "'yes' is there twice"),
        ({"answers": "yes"}, TypeError, "answers: expected a sequence of str"),
        ({"answers": ["yes", 3]}, TypeError, "int at place 1"),
        ({"vocabulary": ["what"]}, TypeError, "vocabulary: expected a ks.data.Words, received list"),
        ({"encoder": None}, TypeError, "encoder: expected a ks.models.ImageEncoder"),
        ({"fusion": "sum"}, ValueError, "fusion: expected one of"),
        ({"attention_layers": -1}, ValueError, "attention_layers: expected an int >= 0"),
        ({"dropout": 1.0}, ValueError, "dropout: expected a number in"),
        ({"film_layers": 1, "attention_layers": 0}, ValueError, "film_layers: convolutions need places"),
        ({"blind_to": "image"}, ValueError, "a product with nothing is nothing"),
        ({"blind_to": "both"}, ValueError, "blind_to: expected one of"),
        ({"question_pooling": "max"}, ValueError, "question_pooling: expected one of"),
    ],
)
def test_arguments_are_checked(options, error, text):
    given = {"encoder": tiny.tiny_captioner.encoder(), "vocabulary": ks.data.Words(tokens=tiny.WORDS)}
    with pytest.raises(error, match=text):
        ks.models.VisualQuestionAnswerer(**(given | {"answers": tiny.ANSWERS} | options))


def test_an_encoder_without_places_is_not_looked_at():
    network = tiny.tiny_captioner.encoder().network
    encoder = ks.models.ImageEncoder(network, pooling="avg")
    with pytest.raises(ValueError, match="expected pooling=None, or attention_layers=0"):
        ks.models.VisualQuestionAnswerer(encoder, ks.data.Words(tokens=tiny.WORDS), tiny.ANSWERS)
    model = ks.models.VisualQuestionAnswerer(
        encoder, ks.data.Words(tokens=tiny.WORDS), tiny.ANSWERS, attention_layers=0
    )
    assert model.answer(pictures(1)[0], "what").attention is None


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((pictures(1)[0], "who are you"), ValueError, "received none in 'who are you'"),
        ((pictures(1)[0], 3), TypeError, "questions: expected a str or a list of str, received int"),
        ((pictures(2), ["what"]), ValueError, "expected one for each of 2 pictures, received 1"),
        ((pictures(1)[0], []), ValueError, "questions: expected one at least"),
        ((None, "what"), ValueError, "images: expected pictures or features, received none"),
        ((b"no picture", "what"), ValueError, "picture"),
        ((jpeg(), "what", 0), ValueError, "top: expected an int >= 1"),
    ],
)
def test_the_verb_checks_what_it_is_given(arguments, error, text):
    with pytest.raises(error, match=text):
        tiny.answerer().answer(*arguments)


def test_inputs_are_checked():
    model = tiny.answerer()
    with pytest.raises(ValueError, match=r"features: expected shape \(B, 4, 5\).*\(2, 4, 6\)"):
        model({"features": np.zeros((2, 4, 6), "float32"), "tokens": tiny.questions(2)})
    with pytest.raises(ValueError, match='either "image" or "features"'):
        model({"tokens": tiny.questions(2)})
