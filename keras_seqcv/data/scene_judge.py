"""Says whether a caption is true of a scene, and which of its words are for which object."""

import itertools
from collections.abc import Iterator, Sequence

from keras_seqcv.data.scene_language import is_at
from keras_seqcv.data.scene_objects import SceneObject, is_related
from keras_seqcv.data.scene_parser import Phrase, Reading, read_caption


def describes(caption: str, objects: Sequence[SceneObject], image_size: int) -> bool:
    """Whether all that a caption says is true.

    "a" stands for some object, another one each time; "the" for the only one of its kind; a number for exactly so many.

    Args:
        caption: lower case, without a full stop; its grammar is in `keras_seqcv.data.scene_parser`.
        objects: what is in the scene.
        image_size: the side of the picture, in pixels.

    Returns:
        True if the caption can be read and is true. False if not: it describes the scene wrongly, or not at all.

    Raises:
        TypeError: `caption` is no str.

    Example:
        >>> from keras_seqcv.data.scene_judge import describes
        >>> star = ks.data.SceneObject("star", "red", "small", (5, 25, 15, 35))
        >>> describes("a red star on the left", [star], 64), describes("a blue star", [star], 64)
        (True, False)
    """
    reading = _checked_reading(caption)
    return reading is not None and any(True for _ in _meanings(reading, objects, image_size))


def mentions(caption: str, objects: Sequence[SceneObject], image_size: int) -> list[tuple[int, int, int]]:
    """Which words of a true caption are for which object.

    Args:
        caption, objects, image_size: as in `describes`.

    Returns:
        (first word, last word, number of the object) of each noun phrase in the order of the words, which are counted
        from 0, punctuation marks too. Of a phrase for several objects ("two stars"), one for each of them. Phrases that
        could be for one object as well as for another are left out. Nothing where the caption does not describe the
        scene.

    Raises:
        TypeError: `caption` is no str.

    Example:
        >>> from keras_seqcv.data.scene_judge import mentions
        >>> star = ks.data.SceneObject("star", "red", "small", (5, 25, 15, 35))
        >>> mentions("there is a red star on the left", [star], 64)
        [(2, 4, 0)]
    """
    reading = _checked_reading(caption)
    meanings = [] if reading is None else list(_meanings(reading, objects, image_size))
    found = []
    for i, phrase in enumerate(reading.phrases if meanings else []):
        meant = {meaning[i] for meaning in meanings}
        if len(meant) == 1:
            found += [(phrase.first, phrase.last, thing) for thing in meant.pop()]
    return sorted(found)


def _checked_reading(caption: str) -> Reading | None:
    if not isinstance(caption, str):
        raise TypeError(f"`caption` must be a str, received {type(caption).__name__}")
    return read_caption(caption)


def _meanings(reading: Reading, objects: Sequence[SceneObject], image_size: int) -> Iterator[tuple]:
    """Yields for what objects the phrases may stand so that all is true: for each phrase, a tuple of their numbers."""
    phrases = reading.phrases
    free = [i for i, phrase in enumerate(phrases) if not phrase.known and phrase.same_as is None]
    named = sum(phrases[i].number for i in free)
    # Each free phrase needs objects of its own; this also keeps the product below small, whatever the caption.
    if named > len(objects) or (reading.total is not None and not reading.total == named == len(objects)):
        return
    choices = []
    for phrase in phrases:
        fitting = _candidates(phrase, objects, image_size)
        if phrase.same_as is not None:
            fitting = [own for own in fitting if own in choices[phrase.same_as]]
        choices.append(fitting)
    for meaning in itertools.product(*choices):
        taken = [thing for i in free for thing in meaning[i]]
        if len(set(taken)) == len(taken) and _holds(reading, meaning, objects, image_size):
            yield meaning


def _candidates(phrase: Phrase, objects: Sequence[SceneObject], image_size: int) -> list[tuple[int, ...]]:
    """What a phrase may stand for by itself."""
    fitting = [
        i
        for i, thing in enumerate(objects)
        if thing.matches(phrase.size, phrase.color, phrase.shape)
        and (phrase.place is None or is_at(thing, phrase.place, image_size))
    ]
    if phrase.number > 1:
        return [tuple(fitting)] if len(fitting) == phrase.number else []
    if phrase.known and len(fitting) != 1:
        return []
    return [(i,) for i in fitting]


def _holds(reading: Reading, meaning: tuple, objects: Sequence[SceneObject], image_size: int) -> bool:
    """Whether what is said of the phrases is true of these objects; of single ones only, as the grammar has it."""
    things = [objects[own[0]] for own in meaning]
    return (
        all(is_at(things[i], place, image_size) for i, place in reading.placed)
        and all(is_related(things[i], relation, things[j], image_size) for i, relation, j in reading.related)
        and all(things[i].matches(size, color, None) for i, size, color in reading.alike)
    )
