"""Which pictures are for training, and which for validation."""

import os
from collections.abc import Sequence
from pathlib import Path

from keras_seqcv.data.shares import random_shares
from keras_seqcv.data.text_files import read_text


def split_pictures(names: Sequence[str], train, valid, validation: float, seed: int) -> tuple[list[int], list[int]]:
    """Returns the numbers of the pictures for training and for validation, each rising.

    Args:
        names: of all pictures, no two alike.
        train: None | file with a name on each line | list of names. None: all that `valid` has not.
        valid: likewise. None: a share of those for training, by chance.
        validation: that share, in [0, 1), used if `valid` is None. Of pictures, as captions of one picture are alike.
        seed: of the choice.

    Raises:
        TypeError: lists of something else.
        ValueError: names that there are not, or that come twice, or in both; a share that leaves no picture to a part.

    Example:
        >>> from keras_seqcv.data.picture_splits import split_pictures
        >>> split_pictures("abcde", None, ["b"], 0.1, seed=0)
        ([0, 2, 3, 4], [1])
        >>> [len(part) for part in split_pictures("abcde", None, None, 0.4, seed=0)]
        [3, 2]
    """
    places = {name: k for k, name in enumerate(names)}
    chosen = {name: _numbers(given, places, name) for name, given in (("train", train), ("valid", valid))}
    if valid is None:
        rest = chosen["train"] or list(range(len(names)))
        return _shared(rest, validation, seed, train)
    mine = set(chosen["valid"])
    if train is None:
        chosen["train"] = [k for k in range(len(names)) if k not in mine]
        if not chosen["train"]:
            raise ValueError(f"`valid` holds all {len(names)} pictures, none is left for training")
    both = [names[k] for k in chosen["train"] if k in mine]
    if both:
        shown = ", ".join(both[:5])
        raise ValueError(f"`train` and `valid` must have no picture in common, received {len(both)} in both: {shown}")
    return chosen["train"], chosen["valid"]


def _shared(rest: list[int], validation: float, seed: int, train) -> tuple[list[int], list[int]]:
    noun = f"picture of {os.fspath(train)}" if _is_file(train) else "picture"
    parts = random_shares(len(rest), validation, seed, noun)
    return tuple([rest[k] for k in part] for part in parts)


def _numbers(given, places: dict[str, int], argument: str) -> list[int] | None:
    if given is None:
        return None
    numbers = {}
    for where, name in _named(given, argument):
        if name not in places:
            raise ValueError(f"{where}: expected a picture that has captions, received {name!r}")
        if places[name] in numbers:
            raise ValueError(f"{where}: {name!r} is in {numbers[places[name]]} already")
        numbers[places[name]] = where
    if not numbers:
        raise ValueError(f"`{argument}` names no picture{f', the file {given}' if _is_file(given) else ''}")
    return sorted(numbers)


def _is_file(given) -> bool:
    return isinstance(given, (str, os.PathLike))


def _named(given, argument: str) -> list[tuple[str, str]]:
    """(where, name) of each picture of a list or a file."""
    if _is_file(given):
        path = Path(given)
        lines = enumerate(read_text(path).split("\n"), 1)
        return [(f"{path}, line {number}", line.strip()) for number, line in lines if line.strip()]
    if not isinstance(given, Sequence) or not all(isinstance(name, (str, os.PathLike)) for name in given):
        raise TypeError(f"`{argument}` must be None, a file or a list of names, received {given!r:.80}")
    return [(f"`{argument}[{k}]`", os.fspath(name)) for k, name in enumerate(given)]
