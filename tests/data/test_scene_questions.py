"""Questions about drawn scenes, answered a second time from the pixels."""

import collections
import functools

import numpy as np

from keras_seqcv.data import scenes
from tests.data.scene_oracle import answer, read_picture

KINDS = ("count", "color", "position", "relation", "yes/no")


@functools.cache
def asked_of_many():
    return [question for questions in scenes(2000, seed=24).questions for question in questions]


def test_every_answer_is_that_of_the_picture():
    asked = collections.Counter()
    for max_objects in (1, 2, 3, 6):
        for scene in scenes(60, seed=20 + max_objects, max_objects=max_objects, questions=12):
            seen = read_picture(scene.image)
            for question, expected, kind in scene.questions:
                # The oracle fails where what is asked for is not there, or not the only one.
                assert answer(question, seen) == expected, (question, scene)
                asked[kind] += 1
    assert set(asked) == set(KINDS) and min(asked.values()) > 250


def test_the_oracle_can_say_otherwise():
    """With the objects of another scene the answers are not these."""
    whole, wrong = scenes(40, seed=31, max_objects=2), 0
    for scene, other in zip(whole, whole[1:]):
        seen = read_picture(other.image)
        for question, expected, _ in scene.questions:
            try:
                wrong += answer(question, seen) != expected
            except ValueError:  # what is asked for is not there
                wrong += 1
    assert wrong > 100


def test_kinds_take_turns():
    for scene in scenes(60, seed=22):
        kinds = collections.Counter(kind for _, _, kind in scene.questions)
        if len(scene.objects) > 1:
            assert kinds == dict.fromkeys(KINDS, 1), scene
        else:  # nothing to be related to
            assert set(kinds) == set(KINDS) - {"relation"} and max(kinds.values()) == 2, scene
    firsts = collections.Counter(scene.questions[0].kind for scene in scenes(100, seed=23, questions=1))
    assert set(firsts) == set(KINDS)


def test_answers_are_a_closed_set_and_balanced():
    answers = collections.defaultdict(collections.Counter)
    for _, given, kind in asked_of_many():
        answers[kind][given] += 1
    allowed = scenes(1).answers
    assert len(allowed) == len(set(allowed)) == 30
    assert {given for counts in answers.values() for given in counts} == set(allowed)
    total = answers["yes/no"].total()
    assert set(answers["yes/no"]) == {"yes", "no"}
    assert abs(answers["yes/no"]["yes"] / total - 0.5) < 4 * 0.5 / np.sqrt(total)
    # The most common answer is a poor guess.
    for kind, most in {"count": 0.5, "color": 0.18, "position": 0.15, "relation": 0.2}.items():
        assert max(answers[kind].values()) / answers[kind].total() < most, kind


def test_the_words_of_a_question_do_not_tell_yes_from_no():
    counts = collections.defaultdict(collections.Counter)
    for question, given, kind in asked_of_many():
        for word in set(question.rstrip("?").split()) if kind == "yes/no" else ():
            counts[word][given] += 1
    common = {word: count for word, count in counts.items() if count.total() > 80}
    assert len(common) > 25
    for word, count in common.items():
        # "in the middle" and the corners come a little more often with a no: 0.46 is what is meant of them.
        assert abs(count["yes"] / count.total() - 0.5) < 0.04 + 4 * 0.5 / np.sqrt(count.total()), (word, count)
