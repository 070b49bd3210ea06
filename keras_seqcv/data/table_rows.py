"""Rows of tables of text, with the lines they are on."""

import csv
from collections.abc import Iterable, Iterator


def table_rows(lines: Iterable[str], separator: str, quoting: int, path) -> Iterator[tuple[int, list[str]]]:
    """Yields the first line and the columns of each row that is not empty; a quoted column may take several lines.

    Raises:
        ValueError: naming `path` and the line, for what is no row.

    Example:
        >>> import csv
        >>> from keras_seqcv.data.table_rows import table_rows
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
