"""Files of text and of tables, read with errors that name the line."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from keras_seqcv.ordinary_files import read_ordinary


def read_text(path: Path) -> str:
    """Returns the text of a UTF-8 file; raises ValueError that names the file, and the line that is not UTF-8."""
    data = read_ordinary(path)
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{path}, line {line}: not valid UTF-8 (byte 0x{data[error.start]:02x})") from error


def table_rows(lines: Iterable[str], separator: str, quoting: int, path) -> Iterator[tuple[int, list[str]]]:
    """Yields the first line and the columns of each row that is not empty; a quoted column may take several lines.

    Raises:
        ValueError: naming `path` and the line, for what is no row.

    Example:
        >>> import csv
        >>> from keras_seqcv.data.text_files import table_rows
        >>> list(table_rows(["a,b", "", '"c', 'd",e'], ",", csv.QUOTE_MINIMAL, "x.csv"))
        [(1, ['a', 'b']), (3, ['c\\nd', 'e'])]
    """
    reader, before = csv.reader((f"{line}\n" for line in lines), delimiter=separator, quoting=quoting, strict=True), 0
    try:
        for row in reader:
            line, before = before + 1, reader.line_num
            if row and row != [""]:
                yield line, row
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}: {error}") from error


def read_table(text: str, path: Path, columns: dict, optional=(), expected: str = "") -> Iterator[tuple[int, dict]]:
    """Yields (line, value by column without space around it) of each row of a table with a header.

    Args:
        columns: name -> the titles that such a column may have, in lower case.
        optional: names of columns that may be missing; their value is then None.
        expected: what a file should be, for the error message; by default the titles.

    Raises:
        ValueError: the header lacks a column or has it twice, or a row is as long as no other: it names the line.
    """
    lines = text.split("\n")
    first = next((line.rstrip("\r") for line in lines if line.strip()), "")
    separator, places = next(
        ((mark, _columns(first.split(mark), columns, optional)) for mark in "|,\t;" if mark in first), ("", None)
    )
    if places is None:
        expected = expected or "a header with " + ", ".join(titles[0] for titles in columns.values())
        raise ValueError(f"{path}, line 1: expected {expected}, received {first[:60]!r}")
    # Flickr30k's file has bars between the columns, and quotation marks that are only that.
    quoting = csv.QUOTE_NONE if separator == "|" else csv.QUOTE_MINIMAL
    width, head = len(first.split(separator)), True
    for line, row in table_rows(lines, separator, quoting, path):
        if len(row) != width:
            received = f"received {len(row)}: {separator.join(row)[:60]!r}"
            raise ValueError(f"{path}, line {line}: expected {width} columns as in the header, {received}")
        if not head:
            yield line, {name: None if k is None else row[k].strip() for name, k in places.items()}
        head = False


def _columns(header: list[str], columns: dict, optional) -> dict[str, int | None] | None:
    """The place of each column; None if one that is needed is missing, or one is there twice."""
    header = [title.strip().strip('"').lower() for title in header]
    places = {}
    for name, titles in columns.items():
        found = [k for k, title in enumerate(header) if title in titles]
        if len(found) > 1 or (not found and name not in optional):
            return None
        places[name] = found[0] if found else None
    return places
