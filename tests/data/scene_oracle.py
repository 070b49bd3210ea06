"""Reads a picture back into objects, and answers questions about them, without any code of the package."""

import re
from typing import NamedTuple

import numpy as np

COLORS = {
    "red": (214, 34, 40),
    "orange": (250, 136, 16),
    "yellow": (244, 216, 32),
    "green": (34, 148, 62),
    "blue": (36, 84, 212),
    "purple": (146, 58, 176),
    "black": (34, 34, 36),
}
NUMBERS = ["zero", "one", "two", "three", "four", "five", "six"]


class Seen(NamedTuple):
    shape: str
    color: str
    size: str
    box: tuple[int, int, int, int]
    x: float  # centre, in parts of the picture's side
    y: float

    def is_a(self, words: list[str]) -> bool:
        """Whether all of these words (adjectives, then a noun) fit."""
        nouns = {"object", "objects", self.shape, self.shape + "s", self.shape + "es"}
        return all(word in {self.color, self.size} | nouns for word in words)

    def place(self) -> str:
        column, row = (0 if z < 0.36 else 2 if z > 0.64 else 1 for z in (self.x, self.y))
        return f"{['top', '', 'bottom'][row]} {['left', '', 'right'][column]}".strip() or "middle"

    def side(self, other: "Seen") -> set[str]:
        """Where it is, seen from another one."""
        return {
            word
            for word, distance in (
                ("left", other.x - self.x),
                ("right", self.x - other.x),
                ("above", other.y - self.y),
                ("below", self.y - other.y),
            )
            if distance > 0.15
        }


def read_picture(image: np.ndarray) -> list[Seen]:
    """Every patch that is not light, uint8 (H, W, 3)."""
    dark, side = image.min(axis=2) < 140, len(image)
    seen, todo = [], {(int(y), int(x)) for y, x in np.argwhere(dark)}
    while todo:
        patch, edge = set(), [todo.pop()]
        while edge:
            y, x = edge.pop()
            patch.add((y, x))
            around = {(y + i, x + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & todo
            todo -= around
            edge += around
        rows, columns = np.array(sorted(patch)).T
        top, left, bottom, right = rows.min(), columns.min(), rows.max() + 1, columns.max() + 1
        mask = np.zeros((bottom - top, right - left), bool)
        mask[rows - top, columns - left] = True
        inner = np.median(image[rows, columns].astype(float), axis=0)
        color = min(COLORS, key=lambda name: np.abs(inner - COLORS[name]).sum())
        size = "large" if max(mask.shape) > 0.215 * side else "small"
        box = (int(left), int(top), int(right), int(bottom))
        seen.append(Seen(_shape(mask), color, size, box, (left + right) / 2 / side, (top + bottom) / 2 / side))
    return seen


def _shape(mask: np.ndarray) -> str:
    """The shape of a patch (h, w), from where it is filled."""
    height, width = mask.shape

    def filled(y, x):
        return mask[min(int(y * height), height - 1), min(int(x * width), width - 1)]

    if not filled(0.5, 0.5):
        return "ring"
    if filled(0.01, 0.01):
        return "square"
    if filled(0.99, 0.01):
        return "triangle"
    if not filled(0.99, 0.5):
        return "star"  # open between its legs
    return "circle" if filled(0.2, 0.2) else "cross"


def answer(question: str, seen: list[Seen]) -> str:
    """The answer, by patterns of the whole question; fails where something is not there, or not the only one."""

    def fitting(words: str) -> list[Seen]:
        kind, place = re.fullmatch(r"(.*?)(?: ((?:at|on|in) the .*))?", words).groups()
        return [s for s in seen if s.is_a(kind.split()) and (not place or _is_at(s, place))]

    def the(words: str) -> Seen:
        (one,) = fitting(words.removeprefix("the "))
        return one

    patterns = {
        r"how many (.*) are there\?": lambda a: NUMBERS[len(fitting(a))],
        r"what color is (.*)\?": lambda a: the(a).color,
        r"where is (.*)\?": lambda a: the(a).place(),
        r"which shape is (left|right|above|below)(?: of)? (the .*)\?": lambda side, a: _only(
            s.shape for s in seen if side in s.side(the(a))
        ),
        r"is (the .*) (left|above) or (right|below)(?: of)? (the .*)\?": lambda a, one, other, b: _only(
            the(a).side(the(b)) & {one, other}
        ),
        r"is there an? (.*)\?": lambda a: bool(fitting(a)),
        r"are there more (.*) than (.*)\?": lambda a, b: len(fitting(a)) > len(fitting(b)),
        r"is (the .*) (left|right|above|below)(?: of)? (the .*)\?": lambda a, side, b: side in the(a).side(the(b)),
        r"is (the .*) ((?:at|on|in) the .*)\?": lambda a, place: _is_at(the(a), place),
        r"is (the .*) (\w+)\?": lambda a, word: the(a).is_a([word]),
    }
    for pattern, find in patterns.items():
        if found := re.fullmatch(pattern, question):
            result = find(*found.groups())
            return {True: "yes", False: "no"}.get(result, result)
    raise ValueError(question)


def holds(caption: str, seen: list[Seen]) -> bool:
    """Whether a caption is true, by cutting it at its verbs and links; for captions of the generator only."""

    def fitting(words: str) -> list[Seen]:
        kind, place = re.fullmatch(r"(?:an? |the )?(.*?)(?: ((?:at|on|in) the .*))?", words).groups()
        return [s for s in seen if s.is_a(kind.split()) and (not place or _is_at(s, place))]

    caption = re.sub(r"^(there is|there are|we can see|the picture shows) ", "", caption)
    if found := re.fullmatch(r"(\w+) objects(?:: (.*))?", caption):
        number, rest = found.groups()
        return NUMBERS.index(number) == len(seen) and (
            rest is None or len(_cut(rest)) == len(seen) and holds(rest, seen)
        )
    if found := re.fullmatch(r"((?:in|on|at) the .*?)(?: there)?(?: is) (.*)", caption):
        place, thing = found.groups()
        return any(_is_at(s, place) for s in fitting(thing))
    side = r"(?:to the )?(left|right|above|below|under)(?: of)?"
    if found := re.fullmatch(rf"(.*?)(?: is)? {side} ((?:an?|the) .*?)(?: and (an? .*))?", caption):
        a, relation, b, rest = found.groups()
        relation = {"under": "below"}.get(relation, relation)
        return any(relation in s.side(t) for s in fitting(a) for t in fitting(b)) and (not rest or holds(rest, seen))
    if found := re.fullmatch(r"(the .*) is (?:an? )?(.*)", caption):
        thing, told = found.groups()
        (one,) = fitting(thing)
        return one.is_a(told.replace(" and ", " ").split())
    return all(_is_there(part.replace(" is ", " "), fitting) for part in _cut(caption))


def _is_there(part: str, fitting) -> bool:
    first, rest = part.split(" ", 1)
    return len(fitting(rest)) == NUMBERS.index(first) if first in NUMBERS else bool(fitting(part))


def _cut(caption: str) -> list[str]:
    return re.split(r", | and ", caption)


def _is_at(thing: Seen, place: str) -> bool:
    return set(place.split()[2:]) - {"corner"} <= set(thing.place().split())


def _only(found):
    (one,) = found
    return one
