"""Captions of a scene, each true of it, in varied wording."""

from collections.abc import Callable, Sequence

import numpy as np

from keras_seqcv.data.scene_language import NUMBERS, OPENINGS, Speaker, listed, noun_phrase, plural
from keras_seqcv.data.scene_objects import SceneObject

_LONGEST_LIST = 3


def make_captions(rng: np.random.Generator, objects: Sequence[SceneObject], image_size: int, count: int) -> list[str]:
    """Returns `count` different captions; every way of telling that the scene allows has its turn."""
    speaker, captions = Speaker(rng, objects, image_size), []
    ways = speaker.shuffled(_WAYS)
    while len(captions) < count:
        for way in ways:
            caption = way(speaker)
            if caption is not None and caption not in captions and len(captions) < count:
                captions.append(caption)
    return captions


def _things(speaker: Speaker) -> str | None:
    """Everything in the scene, one by one: "there are two objects: a red star and a small circle"."""
    count = len(speaker.objects)
    if count > _LONGEST_LIST:
        return f"there are {NUMBERS[count]} objects"
    things = listed([speaker.name(thing) for thing in speaker.shuffled(speaker.objects)])
    if count > 1 and speaker.chance():
        return f"there are {NUMBERS[count]} objects: {things}"
    return _opened(speaker, things)


def _groups(speaker: Speaker) -> str | None:
    """What several objects share: "there are two circles and a red star", "we can see two large objects"."""
    groups = []
    for attribute in ("size", "color", "shape"):
        for value in sorted({getattr(thing, attribute) for thing in speaker.objects}):
            members = [thing for thing in speaker.objects if getattr(thing, attribute) == value]
            if len(members) > 1:
                groups.append((attribute, value, members))
    if not groups:
        return None
    attribute, value, members = speaker.pick(groups)
    noun = plural(value) if attribute == "shape" else f"{value} objects"
    told = f"{NUMBERS[len(members)]} {noun}"
    others = [thing for thing in speaker.objects if thing not in members]
    if 0 < len(others) < _LONGEST_LIST:
        told = listed([told, *(speaker.name(thing) for thing in others)])
    return _opened(speaker, told, "there are")


def _related(speaker: Speaker) -> str | None:
    """How two objects lie: "a large red circle is left of a blue square"."""
    if len(speaker.objects) < 2:
        return None
    first, second, *others = speaker.shuffled(speaker.objects)
    relation = speaker.relation(first, second)
    a, b = speaker.name(first), speaker.name(second)
    if speaker.chance(0.4):
        return _opened(speaker, f"{a} {relation} {b}")
    told = f"{a} is {relation} {b}"
    if others and speaker.chance():
        told += f" and {speaker.name(others[0])} is {speaker.place(others[0])}"
    return told


def _placed(speaker: Speaker) -> str | None:
    """Where one object is, or two: "a star is at the top", "in the middle there is a large ring"."""
    first, *others = speaker.shuffled(speaker.objects)
    name, place, way = speaker.name(first), speaker.place(first), speaker.pick(range(4))
    if way == 0:
        return f"{place} {speaker.pick(('is', 'there is'))} {name}"
    if way == 1:
        return _opened(speaker, f"{name} {place}")
    if others and speaker.chance():
        second = others[0]
        if way == 2:
            return _opened(speaker, f"{name} {place} and {speaker.name(second)} {speaker.place(second)}")
        return f"{name} is {place} and {speaker.name(second)} is {speaker.place(second)}"
    return f"{name} is {place}"


def _known(speaker: Speaker) -> str | None:
    """What a thing that can be pointed at is like: "the circle is red", "the object in the middle is a small star"."""
    thing, *others = speaker.shuffled(speaker.objects)
    own, way = speaker.own_place(thing), speaker.pick(range(3))
    if way == 0 and own:
        return f"the object {own} is {noun_phrase(thing.size, thing.color, thing.shape)}"
    if way == 1 and others:
        relation = speaker.relation(thing, others[0])
        return f"{speaker.name(thing, 'the')} is {relation} {speaker.name(others[0], 'the')}"
    if (name := speaker.name(thing, "the", without="color")) is not None:
        if thing.size in name or speaker.chance():
            return f"{name} is {thing.color}"
        return f"{name} is {thing.size} and {thing.color}"
    if (name := speaker.name(thing, "the", without="size")) is not None:
        return f"{name} is {thing.size}"
    return None


def _opened(speaker: Speaker, told: str, there: str = OPENINGS[0]) -> str:
    """With an opening or, half the time, without."""
    return f"{speaker.pick((there, *OPENINGS[1:]))} {told}" if speaker.chance() else told


_WAYS: tuple[Callable[[Speaker], str | None], ...] = (_things, _groups, _related, _placed, _known)
