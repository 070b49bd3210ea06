"""Tables of labelled data: which column is which, and the rows with their places."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from keras_seqcv.data.labelled_rows import Gathered
from keras_seqcv.data.text_files import read_text, table_rows

LABEL_COLUMNS = ("label", "sentiment", "class", "category", "target")


def columns_of_table(
    path: Path, columns, kinds: Sequence[Sequence[str]], what: str, found: Gathered
) -> Iterator[tuple[list[str], str]]:
    """Yields the columns that are wanted of each row, and its place. What is wrong with a row `found` is told.

    Args:
        path: `.csv` with commas and quotation marks, any other with tabs and without.
        columns: names or numbers of the columns, as many as `kinds`. None: by their names, or all in this order.
        kinds: for each column the names that a header may give it.
        what: what a row is, for errors.

    Raises:
        ValueError: naming file and line.
    """
    comma = path.suffix.lower() == ".csv"
    lines = _lines(path, found)
    rows = table_rows(lines, "," if comma else "\t", csv.QUOTE_MINIMAL if comma else csv.QUOTE_NONE, path)
    places = width = None
    for line, row in rows:
        where = f"{path}, line {line}"
        if width is None:
            width = len(row)
            places, is_header = _places(row, columns, kinds, what, where)
            if is_header:
                continue
        if len(row) != width:
            found.wrong.add(where, f"expected {width} columns, received {len(row)}: {row[0][:60]!r}")
        else:
            yield [row[k] for k in places], where


def has_columns(path: Path, kinds: Sequence[Sequence[str]]) -> bool:
    """Whether the first line of a table holds a name of each kind, or as many columns as there are kinds."""
    first = next(iter(read_text(path).split("\n")), "")
    header = [title.strip().lower() for title in first.split("," if path.suffix.lower() == ".csv" else "\t")]
    return len(header) == len(kinds) or all(any(title in some for title in header) for some in kinds)


def _lines(path: Path, found: Gathered) -> Iterator[str]:
    """The lines of a file; in place of one that is no UTF-8, which is wrong, an empty one."""
    try:
        yield from (line.rstrip("\r") for line in read_text(path).split("\n"))
    except ValueError:
        if found.wrong.raises or not path.is_file():
            raise
        for number, data in enumerate(path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
            try:
                yield data.decode("utf-8").rstrip("\r")
            except UnicodeDecodeError as wrong:
                message = f"not valid UTF-8 (byte 0x{data[wrong.start]:02x})"
                found.wrong.add(f"{path}, line {number}", message)
                yield ""


def _places(row: list[str], columns, kinds, what: str, where: str) -> tuple[tuple[int, ...], bool]:
    """Numbers of the columns, and whether this first row is a header."""
    header, count = [title.strip().lower() for title in row], len(kinds)
    if columns is None:
        known = [[k for k, title in enumerate(header) if title in some] for some in kinds]
        if all(len(some) == 1 for some in known):
            return tuple(some[0] for some in known), True
        if len(row) != count:
            raise ValueError(f"{where}: expected {what}, or a header, received {row}; give `columns`")
        return tuple(range(count)), False
    if len(columns) == count and all(isinstance(name, str) for name in columns):
        if missing := [name for name in columns if name.strip().lower() not in header]:
            raise ValueError(f"{where}: expected a header with {list(columns)}, {missing} is not in {row}")
        return tuple(header.index(name.strip().lower()) for name in columns), True
    if len(columns) != count or not all(isinstance(k, int) and -len(row) <= k < len(row) for k in columns):
        number = {2: "two", 4: "four"}.get(count, count)
        raise ValueError(f"{where}: `columns` must be {number} of its {len(row)} columns, received {columns!r}")
    return tuple(columns), False
