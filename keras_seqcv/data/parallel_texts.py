"""Sentences in two languages: from files that go together line by line, or from lists."""

import codecs
import dataclasses
import gzip
import itertools
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

_MOST_SHOWN = 5


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
    empty = [
        f"{own.line(k)} is empty, {opposite.line(k)} is {'empty too' if not line else repr(line[:60])}"
        for own, opposite, mine, theirs in ((names, other_names, texts, others), (other_names, names, others, texts))
        for k, (one, line) in enumerate(zip(mine, theirs, strict=True))
        if not one
    ]
    if empty:
        more = f" (and {len(empty) - _MOST_SHOWN} more)" if len(empty) > _MOST_SHOWN else ""
        raise ValueError("expected a sentence on every line of both sides: " + "; ".join(empty[:_MOST_SHOWN]) + more)
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
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            for number, data in enumerate(file, 1):
                data = data.removeprefix(codecs.BOM_UTF8) if number == 1 else data
                if data:
                    yield _decoded(data, path, number).strip()
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error


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
