"""`data.questions`: every question comes once with its picture and its answer; what is wrong is named."""

import numpy as np
import PIL.Image
import pytest

import keras_seqcv as ks
from tests.models import tiny_answerer as tiny

SCENES = ks.data.scenes(12, seed=4, image_size=48)
TEXTS = [q.question for some in SCENES.questions for q in some]
OPTIONS = {"vocabulary": ks.data.Words(TEXTS), "answers": SCENES.answers, "image_size": 48, "verbose": 0}


def rows_of(dataset):
    """(name of the picture, question, target) of every row of weight 1, with the picture itself."""
    for inputs, targets, weights in dataset:
        tokens, target, weight = (a.numpy() for a in (inputs["tokens"], targets, weights))
        if tokens.ndim == 2:
            tokens, target, weight = tokens[:, None], target[:, None], weight[:, None]
        for b, item in enumerate(inputs["item"].numpy()):
            for n in np.flatnonzero(weight[b]):
                ids = tokens[b, n][tokens[b, n] != 0]
                yield dataset.names[item], OPTIONS["vocabulary"].decode(ids), target[b, n], inputs["image"][b].numpy()


@pytest.mark.parametrize("per_image", [None, 2, 7])
def test_every_question_comes_with_its_picture_and_its_answer(per_image):
    train, valid = ks.data.questions(
        SCENES.images(), SCENES.questions, batch_size=5, questions_per_image=per_image, **OPTIONS
    )
    known = {(str(k), q.question): q.answer for k, some in enumerate(SCENES.questions) for q in some}
    found = []
    for dataset in (train, valid):
        assert dataset.batches == len(list(dataset)) and dataset.unknown == 0 and not dataset.skipped
        for name, question, target, image in rows_of(dataset):
            assert SCENES.answers[target] == known[name, question]
            np.testing.assert_array_equal(image, SCENES[int(name)].image)
            found.append((name, question))
    assert len(set(found)) == len(found)
    assert len(found) == (2 * len(SCENES) if per_image == 2 else len(known))
    assert not set(train.names) & set(valid.names) and len(train.names) + len(valid.names) == 12
    asked = dict(zip(valid.names, valid.questions, strict=True))
    assert asked[valid.names[0]][0] == (
        TEXTS[5 * int(valid.names[0])],
        [SCENES.questions[int(valid.names[0])][0].answer],
    )


def test_training_has_another_order_every_epoch_and_validation_has_not():
    train, valid = ks.data.questions(SCENES.images(), SCENES.questions, batch_size=4, validation=0.25, **OPTIONS)
    orders = [[q for _, q, _, _ in rows_of(train)] for _ in range(2)]
    assert orders[0] != orders[1] and sorted(orders[0]) == sorted(orders[1])
    assert [q for _, q, _, _ in rows_of(valid)] == [q for _, q, _, _ in rows_of(valid)]


def folder(tmp_path):
    for k, scene in enumerate(SCENES[:3]):
        PIL.Image.fromarray(scene.image).save(tmp_path / f"{k}.png")
    return ks.data.QuestionSet(
        ["0.png", "1.png", "2.png"],
        [["what is it?", "is it red?"], ["is it red?"], ["what is it?"]],
        [[["a star", "star"], ["no"]], [["yes", "yes", "no"]], [["a ring"]]],
    )


def test_people_who_disagree_give_scores(tmp_path):
    asked = folder(tmp_path)
    options = {"vocabulary": ks.data.Words("what is it? red"), "answers": ["yes", "no", "star"], "verbose": 0}
    dataset = ks.data.questions(
        tmp_path, asked, 48, 4, scores=ks.metrics.vqa_scores, unknown="skip", validation=0, shuffle=False, **options
    )
    assert dataset.names == ["0.png", "1.png"] and dataset.answers == ["yes", "no", "star"]
    ((_, targets, weights),) = dataset
    # Two of two people; one alone; two of three, and one of three.
    wanted = [(0, 0, 1 / 3), (0, 1, 0), (4 / 9, 2 / 9, 0)]
    np.testing.assert_allclose(sorted(targets.numpy().tolist()), wanted, atol=1e-6)
    assert weights.numpy().all()


def test_unknown_answers(tmp_path):
    asked = folder(tmp_path)
    options = {"vocabulary": ks.data.Words("what is it? red"), "answers": ["yes", "no"], "verbose": 0}
    with pytest.raises(ValueError, match=r"2 questions .* none of the 2(.|\n)*0.png, 'what is it\?': 'a star'"):
        ks.data.questions(tmp_path, asked, 48, 4, validation=0, **options)
    dataset = ks.data.questions(tmp_path, asked, 48, 4, unknown="skip", validation=0, **options)
    assert dataset.names == ["0.png", "1.png"] and dataset.unknown == 1
    with pytest.raises(ValueError, match="none of the 1 pictures of `valid` has a question whose answer is known"):
        ks.data.questions(tmp_path, asked, 48, 4, unknown="skip", valid=["2.png"], **options)


def test_features_of_a_frozen_encoder_are_cached(tmp_path):
    asked = folder(tmp_path)
    model = tiny.answerer()
    asked = ks.data.QuestionSet(asked.names, [["what is it"]] * 3, [[["yes"]], [["no"]], [["two"]]])
    dataset = ks.data.questions(
        tmp_path, asked, 32, 4, model=model, cache=tmp_path / "features", validation=0, shuffle=False, verbose=0
    )
    ((inputs, targets, _),) = dataset
    pictures = np.stack([ks.data.load_image(tmp_path / name, (32, 32)) for name in dataset.names])
    wanted = model.encoder(pictures).numpy()[inputs["item"]]
    np.testing.assert_allclose(inputs["features"], wanted, atol=2e-3)  # half precision on disk
    assert [tiny.ANSWERS[k] for k in targets.numpy()] == ["yes", "no", "two"]
    model.compile("sgd")
    assert np.isfinite(model.fit(dataset, verbose=0).history["loss"][0])


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"answers": None}, ValueError, "either `model` or `answers`, received neither"),
        ({"vocabulary": None}, ValueError, "one of `model` and `vocabulary` is needed, received neither"),
        ({"answers": ["yes"]}, TypeError, "`answers` must be two or more str"),
        ({"unknown": "drop"}, ValueError, '`unknown` must be "raise" or "skip"'),
        ({"questions_per_image": 0}, ValueError, "`questions_per_image` must be at least 1"),
        ({"questions": "what?"}, TypeError, r"for each picture a list of \(question, answer\)"),
        ({"questions": [["what?"]] * 12}, TypeError, r"`questions\[0\]\[0\]` must be \(question, answer\)"),
        ({"questions": [[("what?", " ")]] * 12}, ValueError, r"`questions\[0\]\[0\]` has an empty answer"),
        ({"questions": [[("what?", "yes")]] * 5}, ValueError, "12"),
    ],
)
def test_arguments_are_checked(options, error, text):
    given = {"questions": SCENES.questions} | OPTIONS | options
    with pytest.raises(error, match=text):
        ks.data.questions(SCENES.images(), **given)


def test_a_missing_picture_is_named(tmp_path, caplog):
    asked = folder(tmp_path)
    (tmp_path / "1.png").unlink()
    options = {"vocabulary": ks.data.Words("what is it? red"), "answers": ["yes", "no", "a star", "a ring"]}
    with pytest.raises(ValueError, match="1 of 3 pictures cannot be read(.|\n)*1.png"):
        ks.data.questions(tmp_path, asked, 48, 4, validation=0, verbose=0, **options)
    dataset = ks.data.questions(tmp_path, asked, 48, 4, missing="skip", validation=0, verbose=0, **options)
    assert dataset.skipped == ["1.png"] and dataset.names == ["0.png", "2.png"]
    assert "questions: 1 of 3 pictures cannot be read and are skipped" in caplog.text
