"""Questions about a scene, each with the one right answer."""

import functools
import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from keras_seqcv.data.scene_language import NUMBERS, PLACES, Speaker, is_at, noun_phrase, plural
from keras_seqcv.data.scene_objects import ATTRIBUTES, COLORS, SHAPES, SIZES, SceneObject, position

KINDS = ("count", "color", "position", "relation", "yes/no")
POSITIONS = ("top left", "top", "top right", "left", "middle", "right", "bottom left", "bottom", "bottom right")
_SAID = {"left": "left of", "right": "right of", "above": "above", "below": "below"}
_OPPOSITES = (("left", "right"), ("above", "below"))


class Question(NamedTuple):
    """A question, its answer, and of which kind it is: "count", "color", "position", "relation" or "yes/no".

    Example:
        >>> ks.data.Question("what color is the star?", "red", "color").answer
        'red'
    """

    question: str
    answer: str
    kind: str


def answers(max_objects: int) -> tuple[str, ...]:
    """All answers that there are, in scenes of so many objects."""
    return ("yes", "no", *NUMBERS[: max_objects + 1], *COLORS, *SHAPES, *POSITIONS, "above", "below")


def make_questions(
    rng: np.random.Generator, objects: Sequence[SceneObject], image_size: int, count: int, first: int
) -> list[Question]:
    """Returns `count` different questions.

    Kinds take turns, beginning with the kind of number `first`; one that this scene allows no (further) question of is
    passed over.
    """
    speaker, questions, asked, turn = Speaker(rng, objects, image_size), [], set(), first
    while len(questions) < count:
        kind = KINDS[turn % len(KINDS)]
        ask = functools.partial(_yes_no, wanted=speaker.chance()) if kind == "yes/no" else _ASK[kind]
        turn += 1
        for _ in range(4):  # another try where nothing came of it, or what has been asked before
            question, answer = ask(speaker) or (None, None)
            if question is not None and question not in asked:
                questions.append(Question(question, answer, kind))
                asked.add(question)
                break
    return questions


def _count(speaker: Speaker) -> tuple[str, str]:
    """How many there are of something; of the numbers that can be the answer, each is as likely."""
    told = speaker.pick(((), ("size",), ("color",), ("shape",), ("color", "shape")))
    sorts = {}  # number of objects: the sorts that have so many
    for values in itertools.product(*(ATTRIBUTES[word] for word in told)):
        sort = dict.fromkeys(ATTRIBUTES) | dict(zip(told, values))
        # Of two attributes one at least can be seen: that there is no red circle is to be found out from the other.
        near = any(any(getattr(thing, word) == sort[word] for word in told) for thing in speaker.objects)
        if len(told) < 2 or near:
            number = sum(thing.matches(**sort) for thing in speaker.objects)
            sorts.setdefault(number, []).append(sort)
    number = speaker.pick(list(sorts))
    sort = speaker.pick(sorts[number])
    noun = " ".join(word for word in (sort["size"], sort["color"], plural(sort["shape"] or "object")) if word)
    return f"how many {noun} are there?", NUMBERS[number]


def _color(speaker: Speaker) -> tuple[str, str] | None:
    """The colour of something that is named by shape and size, or by its place."""
    thing = speaker.pick(speaker.objects)
    name, own = speaker.name(thing, "the", without="color"), speaker.own_place(thing)
    if own is not None and (name is None or speaker.chance(0.3)):
        name = f"the object {own}"
    return None if name is None else (f"what color is {name}?", thing.color)


def _position(speaker: Speaker) -> tuple[str, str]:
    thing = speaker.pick(speaker.objects)
    return f"where is {speaker.name(thing, 'the')}?", position(thing, speaker.image_size)


def _relation(speaker: Speaker) -> tuple[str, str] | None:
    """What is left of something; or whether something is left or right of something else."""
    if len(speaker.objects) < 2:
        return None
    first, second = speaker.shuffled(speaker.objects)[:2]
    if speaker.chance():
        found = {
            relation: [thing for thing in speaker.objects if speaker.is_related(thing, relation, second)]
            for relation in _SAID
        }
        clear = [relation for relation, things in found.items() if len(things) == 1]
        if not clear:
            return None
        relation = speaker.pick(clear)
        return f"which shape is {_SAID[relation]} {speaker.name(second, 'the')}?", found[relation][0].shape
    # Two objects are apart along one axis at least.
    pairs = [pair for pair in _OPPOSITES if any(speaker.is_related(first, relation, second) for relation in pair)]
    one, other = speaker.pick(pairs)
    answer = one if speaker.is_related(first, one, second) else other
    return f"is {speaker.name(first, 'the')} {one} or {_SAID[other]} {speaker.name(second, 'the')}?", answer


def _yes_no(speaker: Speaker, wanted: bool) -> tuple[str, str] | None:
    """The answer is drawn first, then a question that has it: yes and no come equally often, in whatever words."""
    question = speaker.pick((_is_there, _is_colored, _is_sized, _is_related, _is_placed, _are_more))(speaker, wanted)
    return None if question is None else (question, "yes" if wanted else "no")


def _is_there(speaker: Speaker, wanted: bool) -> str:
    """For a no, one attribute of something that is there is changed: each part of it can be seen, the whole cannot."""
    thing = speaker.pick(speaker.objects)
    told = speaker.pick((("color", "shape"), ("color", "shape"), ("size", "color", "shape"), ("size", "shape")))
    attributes = {word: getattr(thing, word) if word in told else None for word in ("size", "color", "shape")}
    if not wanted:
        changes = []
        for word in told:
            changed = [{**attributes, word: value} for value in ATTRIBUTES[word]]
            changed = [new for new in changed if not any(other.matches(**new) for other in speaker.objects)]
            changes += [changed] if changed else []
        attributes = speaker.pick(speaker.pick(changes))
    return f"is there {noun_phrase(**attributes)}?"


def _is_colored(speaker: Speaker, wanted: bool) -> str | None:
    thing = speaker.pick(speaker.objects)
    name = speaker.name(thing, "the", without="color")
    color = thing.color if wanted else speaker.pick([color for color in COLORS if color != thing.color])
    return None if name is None else f"is {name} {color}?"


def _is_sized(speaker: Speaker, wanted: bool) -> str | None:
    size = speaker.pick(SIZES)
    things = [thing for thing in speaker.objects if (thing.size == size) == wanted]
    name = speaker.name(speaker.pick(things), "the", without="size") if things else None
    return None if name is None else f"is {name} {size}?"


def _is_related(speaker: Speaker, wanted: bool) -> str | None:
    if len(speaker.objects) < 2:
        return None
    first, second = speaker.shuffled(speaker.objects)[:2]
    fitting = [relation for relation in _SAID if speaker.is_related(first, relation, second) == wanted]
    said = _SAID[speaker.pick(fitting)]
    return f"is {speaker.name(first, 'the')} {said} {speaker.name(second, 'the')}?"


def _is_placed(speaker: Speaker, wanted: bool) -> str:
    thing = speaker.pick(speaker.objects)
    words = set(position(thing, speaker.image_size).split())
    places = [place for place in PLACES if not place.endswith("corner")]
    if wanted:  # its own place of the nine, so that each of them is as common as in a no
        places = [place for place in places if PLACES[place] == words]
    else:
        places = [place for place in places if not is_at(thing, place, speaker.image_size)]
    return f"is {speaker.name(thing, 'the')} {speaker.pick(places)}?"


def _are_more(speaker: Speaker, wanted: bool) -> str | None:
    attribute, values = speaker.pick((("color", COLORS), ("shape", SHAPES)))
    more, less = getattr(speaker.pick(speaker.objects), attribute), speaker.pick(values)
    numbers = [sum(getattr(thing, attribute) == value for thing in speaker.objects) for value in (more, less)]
    if numbers[0] <= numbers[1]:
        return None
    one, other = (plural(word) if attribute == "shape" else f"{word} objects" for word in (more, less))
    return f"are there more {one} than {other}?" if wanted else f"are there more {other} than {one}?"


_ASK = {"count": _count, "color": _color, "position": _position, "relation": _relation}
