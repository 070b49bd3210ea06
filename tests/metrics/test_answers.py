"""Scores of answers, against the definition person by person, and against NumPy."""

import keras
import numpy as np
import pytest

import keras_seqcv as ks
from keras_seqcv.metrics import normalized_answer, vqa_scores


def by_definition(answer, people):
    """The evaluation of VQA: leave each person out in turn, and see whether three of the others agree."""
    scores = []
    for left_out in range(len(people)):
        others = [given for k, given in enumerate(people) if k != left_out]
        scores.append(min(1, others.count(answer) / 3))
    return np.mean(scores)


@pytest.mark.parametrize("seed", range(5))
def test_scores_are_those_of_leaving_each_person_out(seed):
    rng = np.random.default_rng(seed)
    people = rng.choice(["red", "blue", "dark red", "maroon"], 10, p=[0.5, 0.2, 0.2, 0.1]).tolist()
    found = vqa_scores(people)
    assert set(found) == set(people)
    for answer, score in found.items():
        assert score == pytest.approx(by_definition(answer, people), abs=1e-12)


def test_the_published_steps_of_agreement():
    """Of ten people one, two, three and four or more: 0.3, 0.6, 0.9 and 1, as the paper's formula gives."""
    for count, score in ((1, 0.3), (2, 0.6), (3, 0.9), (4, 1.0), (10, 1.0)):
        people = ["yes"] * count + [f"other {k}" for k in range(10 - count)]
        assert vqa_scores(people)["yes"] == pytest.approx(score)
    assert vqa_scores(["yes"]) == {"yes": 1.0}
    with pytest.raises(ValueError, match="received none"):
        vqa_scores([])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("A Dog", "dog"),
        ("the two dogs.", "2 dogs"),
        ("none", "none"),
        ("don't know", "don't know"),
        ("dont know", "don't know"),
        ("they’re red", "they're red"),
        ("10,000", "10000"),
        ("1.5", "1.5"),
        ("red, white and blue!", "red white and blue"),
        ("t-shirt", "t shirt"),
        ("its", "its"),
        ("  yes ", "yes"),
        ("?", ""),
    ],
)
def test_answers_are_compared_without_what_does_not_count(text, wanted):
    assert normalized_answer(text) == wanted
    assert normalized_answer(wanted) == wanted


def test_no_text():
    with pytest.raises(TypeError, match="must be a str, received int"):
        normalized_answer(3)


@pytest.mark.parametrize("shape", [(6,), (2, 3)])
def test_soft_accuracy_is_the_score_of_what_is_chosen(shape):
    rng = np.random.default_rng(0)
    scores, logits, weights = rng.random((*shape, 4)), rng.standard_normal((*shape, 4)), rng.random(shape)
    chosen = np.take_along_axis(scores, logits.argmax(-1)[..., None], -1)[..., 0]
    metric = ks.metrics.SoftAccuracy()
    metric.update_state(scores, logits, sample_weight=weights)
    assert float(metric.result()) == pytest.approx(float((chosen * weights).sum() / weights.sum()), abs=1e-6)
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert float(again(scores, logits)) == pytest.approx(float(chosen.mean()), abs=1e-6)
