"""A small set of each kind: its data, how it is written as shards, and the reader in memory that gives the same."""

import collections
import dataclasses
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from keras_seqcv import data
from tests.data.caption_oracles import WORDS, pictures, texts


@dataclasses.dataclass(frozen=True)
class Set:
    """Arguments.

    Args:
        given: the data.
        write: options of `write_shards`.
        memory: function (data ..., batch_size, shuffle, options) -> what the reader in memory gives.
        read: options of `sharded` that the reader in memory does not need.
    """

    given: tuple
    write: dict
    memory: Callable
    read: dict = dataclasses.field(default_factory=dict)


def _captions():
    def memory(images, some, size, shuffle, **options):
        options = {"vocabulary": WORDS, "image_size": 4, "verbose": 0} | options
        return data.captions(images, some, batch_size=size, shuffle=shuffle, **options)

    return Set((pictures(24), texts(24)), {"vocabulary": WORDS}, memory, {"image_size": 4})


def _questions(scores=None):
    answers, chance = ["yes", "no", "two"], np.random.default_rng(3)
    asked = [[(text, answers[chance.integers(3)]) for text in some] for some in texts(24)]

    def memory(images, some, size, shuffle, **options):
        options = {"vocabulary": WORDS, "answers": answers, "scores": scores, "image_size": 4, "verbose": 0} | options
        return data.questions(images, some, batch_size=size, shuffle=shuffle, **options)

    write = {"vocabulary": WORDS, "answers": answers, "scores": scores}
    return Set((pictures(24), asked), write, memory, {"image_size": 4})


def _scores(given):
    return {given[0]: 0.5, "two": 0.25}


def _images(channels=1):
    images = np.repeat(data.drawn_digits(40).images, channels, axis=3)
    some = data.LabelledImages(images, data.drawn_digits(40).labels)

    def memory(some, size, shuffle, **options):
        return data.labelled_images(some, size, shuffle=shuffle, **options)

    return Set((some,), {}, memory)


def _videos(per_frame=False):
    scenes = data.moving_scenes(20)
    names = sorted({label for row in scenes.frame_labels for label in row}) if per_frame else scenes.names
    options = {"names": names, "per_frame": per_frame}

    def memory(scenes, size, shuffle, **more):
        return data.labelled_videos(scenes, batch_size=size, shuffle=shuffle, image_size=16, **options, **more)

    return Set((scenes,), options, memory, {"image_size": 16})


def _texts():
    some = data.opinions(60)

    def memory(some, size, shuffle, **options):
        options = {"vocabulary": some.words(), "names": some.names} | options
        return data.labelled_texts(some, batch_size=size, shuffle=shuffle, **options)

    return Set((some,), {"vocabulary": some.words()}, memory)


def _tags():
    some = texts(50, least=1, most=1)
    words = [one.split() for (one,) in some]
    tagged = data.LabelledTexts(words, [[word.upper() for word in row] for row in words], [str(k) for k in range(50)])
    return Set((tagged,), {"vocabulary": tagged.words()}, _texts().memory)


def _translations():
    pairs = data.number_sentences(60)
    words = data.Words(pairs.sources), data.Words(pairs.targets)

    def memory(sources, targets, size, shuffle, **options):
        return data.translations(sources, targets, size, vocabularies=words, shuffle=shuffle, **options)

    return Set((pairs.sources, pairs.targets), {"vocabularies": words}, memory)


SETS = {
    "captions": _captions,
    "questions": _questions,
    "questions with scores": lambda: _questions(_scores),
    "images": _images,
    "images in colour": lambda: _images(3),
    "videos": _videos,
    "videos with labels for each frame": lambda: _videos(True),
    "texts": _texts,
    "texts with tags": _tags,
    "translations": _translations,
}


def written(folder, name: str, **options) -> Set:
    """The set of that name, which is in the folder as shards then."""
    some = SETS[name]()
    options = {"shards": 4, "verbose": 0} | some.write | options
    data.write_shards(folder, name.split()[0], *some.given, **options)
    return some


def arrays(element) -> list[np.ndarray]:
    return [np.asarray(part) for part in tf.nest.flatten(element)]


def assert_same(first, second) -> None:
    """All elements of two datasets, in the same order, to the bit."""
    count = 0
    for one, other in zip(first, second, strict=True):
        tf.nest.assert_same_structure(one, other)
        for mine, theirs in zip(arrays(one), arrays(other), strict=True):
            assert mine.dtype == theirs.dtype
            np.testing.assert_array_equal(mine, theirs)
        count += 1
    assert count == first.batches == second.batches > 0


def rows(dataset) -> collections.Counter:
    """How often each row comes, without what is padded behind it."""
    found = collections.Counter()
    for element in dataset:
        for row in zip(*arrays(element)):
            found[b"|".join(np.trim_zeros(part.ravel(), "b").tobytes() for part in row)] += 1
    return found


def first_bytes(dataset) -> list[bytes]:
    """The first array of each batch."""
    return [arrays(element)[0].tobytes() for element in dataset]
