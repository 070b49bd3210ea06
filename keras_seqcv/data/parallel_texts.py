"""Sentences in two languages: from files that go together line by line, or from lists."""

import codecs
import dataclasses
import gzip
import itertools
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from keras_seqcv.ordinary_files import check_ordinary

_MOST_SHOWN = 5
# Of a compressed text: language shrinks to a third, and what shrinks to a fiftieth is made to fill the memory.
_FREE_BYTES = 2**26
_MOST_GROWTH = 50


@dataclasses.dataclass(frozen=True)
class TextPairs:
    """Sentences and their translations, as many of both.

    Args:
        sources: list of str. targets: list of str.

    Example:
        >>> pairs = ks.data.TextPairs(["ein Hund"], ["a dog"])
        >>> len(pairs)
        1
    """

    sources: list[str]
    targets: list[str]

    def __len__(self) -> int:
        return len(self.sources)


def read_translations(
    source: str | os.PathLike | Sequence[str], target: str | os.PathLike | Sequence[str]
) -> TextPairs:
    """Reads two parallel texts: line n of one is the translation of line n of the other.

    Args:
        source, target: each a UTF-8 file with a sentence on each line, plain or compressed (`.gz`), or a list of str.

    Returns:
        A `TextPairs`; sentences have no space around them.

    Raises:
        TypeError: neither files nor lists of str.
        ValueError: naming file and line: a file that cannot be read or is not UTF-8, texts of different length, a line
            that is empty on one side or on both. Nothing is left out without a word.

    Example:
        >>> import pathlib
        >>> _ = pathlib.Path("train.de").write_text("ein Hund\\nzwei Hunde\\n")
        >>> ks.data.read_translations("train.de", ["a dog", "two dogs"])
        TextPairs(sources=['ein Hund', 'zwei Hunde'], targets=['a dog', 'two dogs'])
    """
    sides = [_lines(given, argument) for given, argument in ((source, "source"), (target, "target"))]
    (names, texts), (other_names, others) = sides
    if len(texts) != len(others):
        raise ValueError(
            f"{names.whole} and {other_names.whole} must have a line for each other's, received {len(texts)} and "
            f"{len(others)} lines"
        )
    if count := texts.count("") + others.count(""):
        both = ((names, other_names, texts, others), (other_names, names, others, texts))
        empty = (
            f"{own.line(k)} is empty, {opposite.line(k)} is {'empty too' if not line else repr(line[:60])}"
            for own, opposite, mine, theirs in both
            for k, (one, line) in enumerate(zip(mine, theirs, strict=True))
            if not one
        )
        shown = "; ".join(itertools.islice(empty, _MOST_SHOWN))
        more = f" (and {count - _MOST_SHOWN} more)" if count > _MOST_SHOWN else ""
        raise ValueError(f"expected a sentence on every line of both sides: {shown}{more}")
    if not texts:
        raise ValueError(f"{names.whole}: expected sentences, received none")
    return TextPairs(texts, others)


class _Names:
    """How errors call a text and its lines."""

    def __init__(self, whole: str, of_line: str, first: int):
        self.whole, self._of_line, self._first = whole, of_line, first

    def line(self, k: int) -> str:
        return self._of_line.format(k + self._first)


def _lines(given, argument: str) -> tuple[_Names, list[str]]:
    if isinstance(given, (str, os.PathLike)):
        path = Path(given)
        return _Names(str(path), f"{path}, line {{0}}", 1), read_lines(path)
    if not isinstance(given, Sequence) or isinstance(given, bytes):
        raise TypeError(f"`{argument}` must be a file or a list of str, received {type(given).__name__}")
    for k, text in enumerate(given):
        if not isinstance(text, str):
            raise TypeError(f"`{argument}[{k}]` must be a str, received {type(text).__name__}")
    return _Names(f"`{argument}`", f"`{argument}[{{0}}]`", 0), [" ".join(text.split()) for text in given]


def read_lines(path: Path) -> list[str]:
    """The lines of a UTF-8 file, plain or `.gz`, without space around them; only a newline ends a line."""
    return list(each_line(path))


def each_line(path: Path) -> Iterator[str]:
    """Yields the lines that `read_lines` returns, one at a time."""
    try:
        check_ordinary(path)
        size = path.stat().st_size
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            for number, data in enumerate(_bounded(file, _FREE_BYTES + _MOST_GROWTH * size, path), 1):
                data = data.removeprefix(codecs.BOM_UTF8) if number == 1 else data
                if data:
                    yield _decoded(data, path, number).strip()
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _bounded(file, most: int, path: Path) -> Iterator[bytes]:
    """Yields the lines of a file; raises ValueError where there are more than `most` bytes."""
    while data := file.readline(most + 1):
        most -= len(data)
        if most < 0:
            raise ValueError(f"{path}: unpacked it has {_MOST_GROWTH} times its size and 64 MB, and more")
        yield data


def _decoded(data: bytes, path: Path, line: int) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}, line {line}: not valid UTF-8 (byte 0x{data[error.start]:02x})") from error


def each_pair(source: Path, target: Path) -> Iterator[tuple[str, str]]:
    """Yields the pairs that `read_translations` returns of two files, one at a time, so that they may be large.

    Raises:
        ValueError: as `read_translations`, when it comes to the line.
    """
    count = 0
    for both in itertools.zip_longest(each_line(source), each_line(target)):
        count += 1
        if None in both:
            short, other = (source, target) if both[0] is None else (target, source)
            raise ValueError(
                f"{short} and {other} must have a line for each other's; {short} ends behind line {count - 1}"
            )
        for path, line in zip((source, target), both):
            if not line:
                raise ValueError(f"expected a sentence on every line of both sides: {path}, line {count} is empty")
        yield both
    if not count:
        raise ValueError(f"{source}: expected sentences, received none")
