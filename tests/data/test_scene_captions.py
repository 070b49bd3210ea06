"""Captions of drawn scenes, and the judge that reads captions: what is true, what is not, what each word is for."""

import collections
import random
import re

import pytest

from keras_seqcv.data import SceneObject, scenes
from keras_seqcv.data.scene_judge import describes, mentions
from keras_seqcv.data.tokenizer import split_words
from tests.data.scene_oracle import holds, read_picture

SHAPES = ("circle", "square", "triangle", "star", "ring", "cross")
COLORS = ("red", "orange", "yellow", "green", "blue", "purple", "black")
NUMBERS = ("two", "three", "four", "five", "six")
OPPOSITES = [("left", "right"), ("top", "bottom"), ("above", "below"), ("above", "under")]

# Top left, right, bottom left and middle of a picture of 100 pixels.
RED_STAR = SceneObject("star", "red", "small", (12, 12, 28, 28))
BLUE_RING = SceneObject("ring", "blue", "large", (68, 38, 94, 64))
RED_RING = SceneObject("ring", "red", "small", (13, 74, 29, 90))
ORANGE_CROSS = SceneObject("cross", "orange", "large", (37, 37, 63, 63))
FOUR = (RED_STAR, BLUE_RING, RED_RING, ORANGE_CROSS)
WHOLE = scenes(160, seed=40, max_objects=4, captions=6)


def captions():
    return [(scene, caption) for scene in WHOLE for caption in scene.captions]


class TestCaptions:
    def test_every_caption_is_true_of_the_picture(self):
        """Read by the oracle from pixels, by patterns: neither the generator's objects nor the judge's grammar."""
        for scene in WHOLE:
            seen = read_picture(scene.image)
            for caption in scene.captions:
                assert holds(caption, seen), (caption, scene)

    def test_the_oracle_can_say_otherwise(self):
        false = 0
        for scene, other in zip(WHOLE[:40], WHOLE[1:41]):
            seen = read_picture(other.image)
            for caption in scene.captions:
                try:
                    false += not holds(caption, seen)
                except ValueError:  # "the" thing that is not there
                    false += 1
        assert false > 200

    def test_captions_differ_in_words_and_form(self):
        forms = collections.Counter()
        for _, caption in captions():
            assert re.fullmatch(r"[a-z]+([,:]? [a-z]+)*", caption), caption
            assert not re.search(r"\ba [aeiou]|\ban [^aeiou]|\btwo \w+ ?object\b", caption), caption
            words = {word: "C" for word in COLORS} | {word: "N" for word in SHAPES} | {"small": "S", "large": "S"}
            forms[" ".join(words.get(word, word) for word in caption.split())] += 1
        assert len(forms) > 250 and forms.most_common(1)[0][1] < 0.08 * forms.total()
        assert all(len(set(scene.captions)) == 6 for scene in WHOLE)


class TestJudge:
    def test_every_caption_is_accepted(self):
        assert [caption for scene, caption in captions() if not scene.is_described_by(caption)] == []

    @pytest.mark.parametrize("words", [COLORS, SHAPES, tuple(shape + "s" for shape in SHAPES[:5])])
    def test_a_word_for_something_absent_is_rejected(self, words):
        tried = 0
        for scene, caption in captions():
            there = {word for thing in scene.objects for word in (thing.color, thing.shape, thing.shape + "s")}
            for old in set(words) & set(split_words(caption)):
                for new in set(words) - there:
                    changed = _articles(re.sub(rf"\b{old}\b", new, caption, count=1))
                    assert not scene.is_described_by(changed), (changed, scene)
                    tried += 1
        assert tried > 100

    def test_another_number_is_rejected(self):
        tried = 0
        for scene, caption in captions():
            for old in set(NUMBERS) & set(caption.split()):
                for new in set(NUMBERS) - {old}:
                    assert not scene.is_described_by(caption.replace(old, new)), (caption, new, scene)
                    tried += 1
        assert tried > 200

    def test_the_opposite_is_rejected(self):
        """Where no two objects are alike: there, whatever is left must not be right."""
        tried = 0
        for scene, caption in captions():
            if len({thing.shape for thing in scene.objects}) < len(scene.objects) or "object " in caption:
                continue
            for old, new in OPPOSITES + [pair[::-1] for pair in OPPOSITES]:
                if re.search(rf"\b{old}\b", caption):
                    changed = re.sub(rf"\b{old}\b", new, caption, count=1)
                    assert not scene.is_described_by(changed.replace("above of", "above")), (changed, scene)
                    tried += 1
            sizes = re.findall(r"\b(small|large)(?= \w+ \w+| \w+$)", caption)
            for size in sizes[:1] if not re.search(r"\b(two|three|four) ", caption) else []:
                changed = caption.replace(size, {"small": "large", "large": "small"}[size], 1)
                assert not scene.is_described_by(changed), (changed, scene)
                tried += 1
        assert tried > 200

    def test_captions_of_other_scenes_are_mostly_rejected(self):
        """And those that are accepted are true of this picture, too."""
        accepted = 0
        for scene, other in zip(WHOLE[:100], WHOLE[1:101]):
            for caption in other.captions:
                if scene.is_described_by(caption):
                    assert holds(caption, read_picture(scene.image)), (caption, scene)
                    accepted += 1
        assert 0 < accepted < 60

    def test_broken_grammar_is_rejected(self):
        for scene, caption in captions():
            words = caption.split()
            for i, word in enumerate(words):
                doubled = " ".join([*words[: i + 1], *words[i:]])
                assert not scene.is_described_by(doubled), doubled
                if word in ("a", "an", "the", "of", "and"):
                    cut = " ".join(words[:i] + words[i + 1 :])
                    assert not scene.is_described_by(cut), cut
            for end in (".", " and", " a", " red", " is", ", a"):
                assert not scene.is_described_by(caption + end), caption + end

    def test_nonsense_is_rejected(self):
        words = sorted({word for _, caption in captions() for word in split_words(caption)})
        chance = random.Random(1)
        for _ in range(3000):
            caption = " ".join(chance.choices(words, k=chance.randint(4, 20)))
            assert not describes(caption, FOUR, 100), caption
        for caption in (
            "",
            " ",
            "\n",
            ",",
            "and",
            "a",
            "the",
            "there is",
            "there are",
            "two",
            "objects",
            "five objects:",
        ):
            assert not describes(caption, FOUR, 100), caption

    def test_long_captions_are_judged_at_once(self):
        """Nothing grows with the number of ways to understand a caption, and nothing is deep."""
        for part, expected in (
            ("the star is an object", True),
            ("the star is left of the cross", True),
            ("the star is left of an object", False),  # another object each time
            ("an object", False),
        ):
            assert describes(", ".join([part] * 2000) + f" and {part}", FOUR, 100) == expected

    @pytest.mark.parametrize("caption", [None, b"a star", 3, ["a star"]])
    def test_a_caption_is_a_str(self, caption):
        with pytest.raises(TypeError, match=f"`caption` must be a str, received {type(caption).__name__}"):
            WHOLE[0].is_described_by(caption)
        with pytest.raises(TypeError, match="`caption` must be a str"):
            WHOLE[0].mentions(caption)


@pytest.mark.parametrize(
    "caption",
    [
        "a red star",
        "there is a small red star",
        "there are four objects",
        "four objects",
        "we can see four objects: a star, a blue ring, a red ring and a cross",
        "two rings",
        "there are two small objects",
        "the picture shows two rings, a star and an orange cross",
        "there are two rings and a star",
        "there are two red objects and a cross",
        "a star is left of a blue ring",
        "a star is above a blue ring",
        "a blue ring is to the right of an orange cross",
        "a small ring under a star",
        "the red ring is below the star",
        "the cross is in the middle",
        "in the middle is a cross",
        "in the middle there is a large orange object",
        "on the left there is a red ring",
        "a star in the top left and a ring in the bottom left corner",
        "a star is at the top and a ring is at the bottom",
        "a star is at the top, a cross is in the middle and a ring is at the bottom",
        "a star is left of a cross and a blue ring is on the right",
        "the object on the right is a large ring",
        "the object in the middle is orange",
        "the large ring is blue",
        "the blue ring is large",
        "the star is small and red",
        "the star is red and the cross is large",
        "a ring is small",
        "a ring is right of a ring",
        "an object is left of an object",
        "a ring left of a cross",
    ],
)
def test_true_captions(caption):
    assert describes(caption, FOUR, 100)


@pytest.mark.parametrize(
    "caption",
    [
        # False.
        "a blue star",
        "a large red star",
        "a circle",
        "there are three objects",
        "five objects",
        "there are three objects: a star, a blue ring and a red ring",
        "there are four objects: a star, a blue ring and a red ring",
        "there are four objects: a star, a blue ring, a red ring and a ring",
        "there are two objects: a star and a cross",
        "three rings",
        "two crosses",
        "two large rings",
        "two rings and a ring",
        "two rings and two red objects",
        "a star and a star",
        "a star is right of a blue ring",
        "a star is below a blue ring",
        "a star is left of a red ring",  # in line
        "a star is right of a red ring",
        "a star is above a star",
        "the cross is at the top",
        "a cross is on the left",
        "a star is in the middle",
        "a blue ring is in the top right",
        "a star in the top left and a ring in the top right corner",
        "a star is at the top and a ring is at the top",
        "a star is left of a cross and a blue ring is on the left",
        "the ring is blue",  # there are two
        "the small object is red",
        "the object on the left is red",
        "the object at the top is a ring",
        "the large ring is red",
        "the blue ring is small",
        "the star is small and blue",
        "the star is large and red",
        "the star is red and the cross is small",
        "a ring is red and a star is red and a ring is blue",
        "a cross is small",
        # Not of the grammar, or to be read in two ways.
        "a orange cross",
        "an red star",
        "a red stars",
        "two ring",
        "red star",
        "a star red",
        "a red small star",
        "a small small star",
        "there is two rings",
        "there are a star",
        "there is four objects",
        "one star",
        "zero circles",
        "a star a cross",
        "a star, a cross",
        "a star and a cross, a red ring",
        "a star and a blue ring and a cross",
        "a star is",
        "a star left",
        "a star is left a cross",
        "a star is left of",
        "a star is to left of a cross",
        "a star is at the",
        "a star is in the left top",
        "a star is a star",
        "the star",
        "there is the star",
        "a star is red star",
        "a star are red",
        "a star left of a blue ring and a cross",
        "a star is left of a blue ring and a cross",
        "a star in the top left and a cross",
        "two rings on the right",
        "a red star.",
        "A red star",
        "a star, and a cross",
        "a cyan star",
        "a red hexagon",
        "<start> a red star",
        "a red star a red star",
        "the object is the star",
        "there are four objects: ",
        "there are four objects a star, a blue ring, a red ring and a cross",
    ],
)
def test_captions_that_are_not_true_or_not_captions(caption):
    assert not describes(caption, FOUR, 100)
    assert mentions(caption, FOUR, 100) == []


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("a small red star", [(0, 3, 0)]),
        ("a star is left of a blue ring", [(0, 1, 0), (5, 7, 1)]),
        ("a cross is right of a ring", [(0, 1, 3), (5, 6, 2)]),  # only one of the rings is left of it
        ("an orange cross and a ring", [(0, 2, 3)]),  # whichever
        ("a ring is right of a ring", [(0, 1, 1), (5, 6, 2)]),
        ("there are two rings and a star", [(2, 3, 1), (2, 3, 2), (5, 6, 0)]),
        ("there are four objects", [(2, 3, 0), (2, 3, 1), (2, 3, 2), (2, 3, 3)]),
        (
            "there are four objects: a star, a blue ring, a red ring and a cross",
            [(5, 6, 0), (8, 10, 1), (12, 14, 2), (16, 17, 3)],
        ),
        ("the object in the middle is an orange cross", [(0, 4, 3), (6, 8, 3)]),
        ("in the middle there is a cross", [(5, 6, 3)]),
        ("the large ring is blue", [(0, 2, 1)]),
        ("a ring is at the bottom and a ring is on the right", [(0, 1, 2), (7, 8, 1)]),
    ],
)
def test_mentions(caption, expected):
    assert mentions(caption, FOUR, 100) == expected


def test_mentioned_words_fit_their_objects():
    named = 0
    for scene, caption in captions():
        words, found = split_words(caption), scene.mentions(caption)
        for first, last, index in found:
            thing = scene.objects[index]
            assert words[first] in ("a", "an", "the", *NUMBERS)
            phrase = {word for word in words[first : last + 1] if word in (*COLORS, *SHAPES, "small", "large")}
            assert phrase <= {thing.color, thing.shape, thing.size}, (caption, scene)
            named += 1
        # Captions name their objects without doubt: every noun is for something.
        nouns = {*SHAPES, *(shape + "s" for shape in SHAPES), "crosses", "object", "objects"}
        told = [i for i, word in enumerate(words) if word in nouns and words[i + 1 : i + 2] != [":"]]
        assert len({span[:2] for span in found}) == len(told), caption
    assert named > 1200


def _articles(caption):
    return re.sub(r"\ban?(?= (\w))", lambda found: "an" if caption[found.end() + 1] in "aeiou" else "a", caption)
