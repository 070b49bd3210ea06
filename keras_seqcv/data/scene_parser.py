"""Reads a caption by its grammar: what it names, and what it says of that.

    caption   = clause {link clause} | [opening] [number "objects" ":"] item {link item}
    clause    = subject "is" predicate | place ["there"] "is" one
    subject   = one | known [place]
    predicate = place | relation (one | known) | size ["and" color] | color | one
    item      = (one | number [size] [color] plural) | one (place | relation one)
    one       = ("a" | "an") kind
    known     = "the" kind
    kind      = [size] [color] (shape | "object")
    opening   = "there is" | "there are" | "we can see" | "the picture shows"
    link      = "," | "and"; the last one is "and", and the only one that is

Either all items have a place or a relation or none has: "a star left of a ring and a cross" can be read in two ways.
A predicate `one` is for a known subject only. Places, relations and numbers are those of `scene_language`.
"""

import dataclasses
import re
from collections.abc import Callable, Iterable
from typing import Any

from keras_seqcv.data.scene_language import NUMBERS, PLACES, RELATIONS, plural
from keras_seqcv.data.scene_objects import COLORS, SHAPES, SIZES

_PLACES = sorted(PLACES, key=len, reverse=True)  # "in the top left corner" before "in the top left"
_SINGULARS = {shape: shape for shape in SHAPES} | {"object": None}
_PLURALS = {plural(word): shape for word, shape in _SINGULARS.items()}
_NUMBERS = {word: number for number, word in enumerate(NUMBERS) if number > 1}


@dataclasses.dataclass
class Phrase:
    """Words that name something: the first and the last of them, what they tell, and how many things they are for."""

    first: int
    last: int
    size: str | None
    color: str | None
    shape: str | None
    number: int
    known: bool  # "the": there is but one such thing
    place: str | None = None  # part of the name: "the object in the middle"
    same_as: int | None = None  # another name, given by a predicate, for what this phrase names


@dataclasses.dataclass
class Reading:
    """The phrases of a caption, and what it says of them by their numbers."""

    phrases: list[Phrase] = dataclasses.field(default_factory=list)
    placed: list[tuple[int, str]] = dataclasses.field(default_factory=list)
    related: list[tuple[int, str, int]] = dataclasses.field(default_factory=list)
    alike: list[tuple[int, str | None, str | None]] = dataclasses.field(default_factory=list)  # size, color
    total: int | None = None  # "three objects: ..." names all that there is


class _NotSo(Exception):
    """The caption is not of the form that was tried."""


def read_caption(caption: str) -> Reading | None:
    """Returns what a caption says, or None where it is not of the grammar."""
    words = caption_words(caption)
    for form in (_clauses, _items):
        reader = _Reader(words)
        try:
            form(reader)
        except _NotSo:
            continue
        if reader.next == len(words):
            return reader.reading
    return None


def caption_words(caption: str) -> list[str]:
    """The words and marks of a caption; `split_words` cuts captions of the grammar in the same way."""
    return re.findall(r"[a-z]+|\S", caption)


class _Reader:
    """The words of a caption, how many of them are read, and what has been read."""

    def __init__(self, words: list[str]):
        self.words, self.next, self.reading = words, 0, Reading()

    def accept(self, text: str) -> bool:
        """Reads these words if they are next."""
        wanted = text.split()
        found = self.words[self.next : self.next + len(wanted)] == wanted
        self.next += len(wanted) if found else 0
        return found

    def expect(self, text: str) -> None:
        if not self.accept(text):
            raise _NotSo

    def one_of(self, options: Iterable[str]) -> str | None:
        """Reads the first of the options that is next."""
        return next((text for text in options if self.accept(text)), None)

    def series(self, read: Callable[["_Reader"], Any]) -> list:
        """Reads one, or several with commas between them and "and" before the last."""
        results, last = [read(self)], True
        while self.next < len(self.words):
            last = self.accept("and")
            if not last:
                self.expect(",")
            results.append(read(self))
            if last:
                break
        if not last:
            raise _NotSo
        return results

    def phrase(self, *articles: str) -> int:
        """Reads a noun phrase that begins with one of these articles, or with a number if "number" is among them."""
        first, number = self.next, 1
        article = self.one_of(article for article in articles if article != "number")
        if article is None:
            number = _NUMBERS.get(self.one_of(_NUMBERS) if "number" in articles else None)
        nouns = _SINGULARS if article else _PLURALS
        size, color, noun = self.one_of(SIZES), self.one_of(COLORS), self.one_of(nouns)
        if number is None or noun is None:
            raise _NotSo
        if article in ("a", "an") and (article == "an") != (self.words[first + 1][0] in "aeiou"):
            raise _NotSo
        self.reading.phrases.append(Phrase(first, self.next - 1, size, color, nouns[noun], number, article == "the"))
        return len(self.reading.phrases) - 1

    def where(self, subject: int, *articles: str) -> bool:
        """Reads where the subject is: a place, or a relation to something."""
        if place := self.one_of(_PLACES):
            self.reading.placed.append((subject, place))
        elif relation := self.one_of(RELATIONS):
            self.reading.related.append((subject, RELATIONS[relation], self.phrase(*articles)))
        else:
            return False
        return True


def _clauses(reader: _Reader) -> None:
    reader.series(_clause)


def _clause(reader: _Reader) -> None:
    if place := reader.one_of(_PLACES):
        reader.accept("there")
        reader.expect("is")
        reader.reading.placed.append((reader.phrase("a", "an"), place))
        return
    subject = reader.phrase("a", "an", "the")
    phrase = reader.reading.phrases[subject]
    if phrase.known:
        phrase.place = reader.one_of(_PLACES)
        phrase.last = reader.next - 1
    reader.expect("is")
    if reader.where(subject, "a", "an", "the"):
        return
    if size := reader.one_of(SIZES):
        color = next((color for color in COLORS if reader.accept(f"and {color}")), None)
        reader.reading.alike.append((subject, size, color))
    elif color := reader.one_of(COLORS):
        reader.reading.alike.append((subject, None, color))
    elif phrase.known:
        reader.reading.phrases[reader.phrase("a", "an")].same_as = subject
    else:
        raise _NotSo


def _items(reader: _Reader) -> None:
    opening = reader.one_of(("there is", "there are", "we can see", "the picture shows"))
    start = reader.next
    total = _NUMBERS.get(reader.one_of(_NUMBERS))
    if total is None or not reader.accept("objects :"):
        reader.next, total = start, None
    reader.reading.total = total
    items = reader.series(_item)
    singular = total is None and reader.reading.phrases[0].number == 1
    if opening == "there is" and not singular or opening == "there are" and singular and len(items) == 1:
        raise _NotSo
    if len(set(items)) > 1:
        raise _NotSo


def _item(reader: _Reader) -> bool:
    """Whether the item tells where it is."""
    item = reader.phrase("a", "an", "number")
    return reader.reading.phrases[item].number == 1 and reader.where(item, "a", "an")
