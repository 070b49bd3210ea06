"""Drawn scenes with captions, questions and answers, any number of them: data that needs no download."""

import functools
from collections.abc import Sequence

import numpy as np

from keras_seqcv.data.int_ranges import check_ranges
from keras_seqcv.data.scene_captions import make_captions
from keras_seqcv.data.scene_drawing import draw
from keras_seqcv.data.scene_judge import describes, mentions
from keras_seqcv.data.scene_objects import LEAST_IMAGE_SIZE, MOST_OBJECTS, SceneObject, arrange
from keras_seqcv.data.scene_questions import KINDS, Question, answers, make_questions

_MOST_TEXTS = 20  # of captions and of questions: a scene of one object has hardly more that are worth telling


def scenes(
    count: int, seed: int = 0, image_size: int = 64, max_objects: int = 3, captions: int = 5, questions: int = 5
) -> "Scenes":
    """Coloured shapes on a light background, with true captions in varied wording, and questions with their answers.

    Objects are of 6 shapes, 7 colours and 2 sizes, and do not touch. No two of them are alike in all three. Scene i
    depends on `seed` and i alone: a longer set begins with the shorter one, and sets of two seeds have nothing to do
    with each other. Nothing is kept until it is asked for; a scene is drawn and told in about a millisecond.

    Args:
        count: how many scenes, at least 0.
        seed: int, at least 0.
        image_size: side of the picture in pixels, from 48 to 1024. Layout, colours and texts depend on it as little as
            rounding to whole pixels allows.
        max_objects: from 1 to 6; scenes have from 1 to so many objects, each number as often as the others.
        captions: how many captions each scene has, all different, from 0 to 20.
        questions: how many questions each scene has, all different, from 0 to 20. The kinds take turns: 5 are one of
            each kind where the scene has two objects or more ("relation" needs two).

    Returns:
        A `Scenes`: a sequence of `Scene`.

    Raises:
        TypeError: an argument is not an int.
        ValueError: an argument is out of its range.

    Example:
        >>> train, valid = ks.data.scenes(20_000, seed=1), ks.data.scenes(500, seed=2)
        >>> scene = train[3]
        >>> scene.image.shape, scene.image.dtype
        ((64, 64, 3), dtype('uint8'))
        >>> scene.captions[:3]
        ['the picture shows a large black square and a cross', 'a large square is below a small black cross',
         'the cross is black']
        >>> scene.questions[0]
        Question(question='is the black cross above or below the black square?', answer='above', kind='relation')
        >>> valid[:100].images().shape
        (100, 64, 64, 3)
    """
    check_ranges(
        ("count", count, 0, None),
        ("seed", seed, 0, None),
        ("image_size", image_size, LEAST_IMAGE_SIZE, 1024),
        ("max_objects", max_objects, 1, MOST_OBJECTS),
        ("captions", captions, 0, _MOST_TEXTS),
        ("questions", questions, 0, _MOST_TEXTS),
    )
    settings = tuple(int(value) for value in (seed, image_size, max_objects, captions, questions))
    return Scenes(range(int(count)), settings)


class Scenes(Sequence):
    """A set of scenes, made by `scenes`. It has a length, can be indexed, cut and gone through.

    Attributes:
        captions: for each scene a list of str. Made for all of them at the first use, then kept.
        questions: for each scene a list of `Question`. Likewise.
        answers: all answers that questions of such scenes can have.

    Example:
        >>> scenes = ks.data.scenes(10, max_objects=2)
        >>> len(scenes), len(scenes[2:5]), len(scenes[-1].captions)
        (10, 3, 5)
        >>> len(scenes.captions), scenes[2:5].captions == scenes.captions[2:5]
        (10, True)
        >>> scenes.answers[:5]
        ('yes', 'no', 'zero', 'one', 'two')
    """

    def __init__(self, indices: range, settings: tuple[int, int, int, int, int]):
        self._indices, self._settings = indices, settings

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index):
        """The scene of this number, or of a slice another set."""
        if isinstance(index, slice):
            return Scenes(self._indices[index], self._settings)
        return Scene(self._indices[index], *self._settings)

    def __repr__(self) -> str:
        return f"<{len(self)} drawn scenes>"

    def images(self) -> np.ndarray:
        """Draws all pictures: uint8 (N, H, W, 3). That of many scenes is large: 1.2 GB for 100,000 of 64 pixels."""
        side = self._settings[1]
        pictures = np.empty((len(self), side, side, 3), "uint8")
        for i, scene in enumerate(self):
            pictures[i] = scene.image
        return pictures

    @functools.cached_property
    def captions(self) -> list[list[str]]:
        return [scene.captions for scene in self]

    @functools.cached_property
    def questions(self) -> list[list[Question]]:
        return [scene.questions for scene in self]

    @property
    def answers(self) -> tuple[str, ...]:
        return answers(self._settings[2])


class Scene:
    """One drawn scene, of a `Scenes`. Each part of it is made at its first use.

    Attributes:
        objects: tuple of `SceneObject`.
        image: the picture, uint8 (H, W, 3).
        captions: list of str, each of them true.
        questions: list of `Question`.

    Example:
        >>> scene = ks.data.scenes(4, seed=1)[3]
        >>> scene
        <scene 3: small black cross, large black square>
        >>> scene.is_described_by("a cross is above a square"), scene.is_described_by("there are three objects")
        (True, False)
        >>> scene.mentions("there is a small cross above a square"), scene.objects[1].box
        ([(2, 4, 0), (6, 7, 1)], (6, 42, 23, 59))
    """

    def __init__(self, index: int, seed: int, image_size: int, max_objects: int, captions: int, questions: int):
        self.index, self.seed, self.image_size, self.max_objects = index, seed, image_size, max_objects
        self._caption_count, self._question_count = captions, questions

    def __repr__(self) -> str:
        told = ", ".join(f"{thing.size} {thing.color} {thing.shape}" for thing in self.objects)
        return f"<scene {self.index}: {told}>"

    @functools.cached_property
    def objects(self) -> tuple[SceneObject, ...]:
        return arrange(self._chance(0), self.image_size, self.max_objects)

    @functools.cached_property
    def image(self) -> np.ndarray:
        return draw(self._chance(1), self.objects, self.image_size)

    @functools.cached_property
    def captions(self) -> list[str]:
        return make_captions(self._chance(2), self.objects, self.image_size, self._caption_count)

    @functools.cached_property
    def questions(self) -> list[Question]:
        # Another kind begins in each scene: fewer than five questions a scene are still of all kinds.
        first = self.index % len(KINDS)
        return make_questions(self._chance(3), self.objects, self.image_size, self._question_count, first)

    def is_described_by(self, caption: str) -> bool:
        """Whether a caption is true of the scene; one that cannot be read is not.

        `keras_seqcv.data.scene_judge.describes` says more.
        """
        return describes(caption, self.objects, self.image_size)

    def mentions(self, caption: str) -> list[tuple[int, int, int]]:
        """(first word, last word, number of the object) of each noun phrase of a true caption.

        `keras_seqcv.data.scene_judge.mentions` says more.
        """
        return mentions(caption, self.objects, self.image_size)

    def _chance(self, part: int) -> np.random.Generator:
        """Random numbers of one part of the scene: its texts do not depend on whether it has been drawn."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(self.index, part)))
