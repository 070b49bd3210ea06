"""What a reader is to the fuzzer, and how a case of it is made."""

import dataclasses
from collections.abc import Callable

import numpy as np

from tests.fuzz.damage import damaged
from tests.fuzz.formats import changed_gzip, changed_text

MOST_BYTES = 2**22


@dataclasses.dataclass(frozen=True)
class Reader:
    """One reader.

    Args:
        name: in tables.
        seeds: makes a list of (files, entry): files by their paths in the folder of a case, and which path is read.
        read: called with that path.
        change: damage that knows the format, for six cases of ten; the others, and all of None, have any.
        named: whether an error has to name a file. What is given as text or bytes has no name.
    """

    name: str
    seeds: Callable[[], list]
    read: Callable
    change: Callable | None = None
    named: bool = True


def one(name: str, *contents: Callable[[], bytes] | bytes) -> Callable[[], list]:
    """Seeds of one file each, all of this name."""
    return lambda: [({name: content() if callable(content) else content}, name) for content in contents]


def several(entry: str, **contents: Callable[[], bytes] | bytes) -> Callable[[], list]:
    """A seed of several files, their names written as `case_de` for `case.de`."""
    return lambda: [
        ({name.replace("_", "."): made() if callable(made) else made for name, made in contents.items()}, entry)
    ]


def case(reader: Reader, made: list, seed: int, number: int) -> tuple[dict[str, bytes], str]:
    """The files of one case, and which is read: always the same for the same seeds, `seed` and `number`."""
    rng = np.random.default_rng([seed, number, *reader.name.encode()])
    files, entry = made[number % len(made)]
    name = sorted(files)[rng.integers(len(files))]
    change = reader.change if reader.change is not None and rng.random() < 0.6 else damaged
    if change is changed_gzip and not name.endswith(".gz"):
        change = changed_text
    # Time and memory may grow with a file: pieces that are doubled again and again would make it a large one.
    return {**files, name: change(files[name], rng)[:MOST_BYTES]}, entry
