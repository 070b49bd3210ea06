"""Files of labelled texts, and of words with tags."""

import csv
import dataclasses
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from keras_seqcv.data.caption_files import read_text
from keras_seqcv.data.table_rows import table_rows
from keras_seqcv.data.words import Words
from keras_seqcv.data.wrong_rows import WrongRows

_TEXT_COLUMNS = ("text", "sentence", "review", "comment", "content", "tweet")
_LABEL_COLUMNS = ("label", "sentiment", "class", "category", "target")


@dataclasses.dataclass(frozen=True)
class LabelledTexts:
    """Texts with a label each, or lists of words with a tag for each word.

    Args:
        texts: list of str, or of lists of str.
        labels: list of str, or of lists of str, as long as those of `texts`.
        places: list of str: where each text comes from, for messages.

    Example:
        >>> some = ks.data.LabelledTexts(["how good", "how bad"], ["positive", "negative"], ["0", "1"])
        >>> len(some), some.names, some.per_step, len(some.words())
        (2, ['negative', 'positive'], False, 7)
    """

    texts: list
    labels: list
    places: list

    def __len__(self) -> int:
        return len(self.texts)

    def __repr__(self) -> str:
        kind = "lists of words with tags" if self.per_step else "texts"
        return f"<{len(self)} {kind}: {', '.join(self.names[:12])}{' ...' if len(self.names) > 12 else ''}>"

    @property
    def per_step(self) -> bool:
        """Whether every word has a label."""
        return bool(self.labels) and not isinstance(self.labels[0], str)

    @property
    def names(self) -> list[str]:
        """All labels that occur, in alphabetical order."""
        return sorted({label for some in self.labels for label in (some if self.per_step else [some])})

    def words(self, **options) -> Words:
        """The vocabulary of these texts; options are those of `Words`: `max_size`, `min_count`, `lowercase`."""
        return Words((" ".join(some) for some in self.texts) if self.per_step else self.texts, **options)

    def chosen(self, numbers: Sequence[int]) -> "LabelledTexts":
        """Those of these numbers."""
        return LabelledTexts(*([some[k] for k in numbers] for some in (self.texts, self.labels, self.places)))


def read_labelled_texts(
    path: str | os.PathLike, columns: tuple | None = None, labels: Sequence[str] | None = None, wrong: str = "raise"
) -> LabelledTexts:
    """Reads texts with a label each from a folder or a table.

    Args:
        path: a folder with one folder of `.txt` files for each label, whose name it has (`pos/0_9.txt`, as aclImdb);
            or a table in UTF-8, a row on each line: `.csv` with commas and quotation marks, any other with tabs and
            without.
        columns: (text, label) of a table: names, if its first line holds names, or numbers from 0, if not. None: a
            first line with one of "text", "sentence", "review" ... and one of "label", "sentiment" ... is looked for;
            without it there are two columns, the text and its label.
        labels: those that there may be; of a folder, the folders that are read. None: all.
        wrong: what happens with a row that is wrong: "raise" | "skip" it, and say so in the log.

    Returns:
        `LabelledTexts`, in the order of the file, or by label and name.

    Raises:
        ValueError: naming file and line: a file that cannot be read or is no UTF-8, a row of other columns than the
            first, an empty text or label, a label that is not in `labels`.

    Example:
        >>> import pathlib
        >>> _ = pathlib.Path("reviews.tsv").write_text("how good\\tpositive\\nhow bad\\tnegative\\n")
        >>> ks.data.read_labelled_texts("reviews.tsv").labels
        ['positive', 'negative']
    """
    path, found = Path(path), _Gathered(labels, wrong)
    if path.is_dir():
        _read_folders(path, labels, found)
    else:
        _read_table(path, columns, found)
    return found.finished(path)


def read_tagged_texts(
    path: str | os.PathLike, columns: tuple = (0, -1), labels: Sequence[str] | None = None, wrong: str = "raise"
) -> LabelledTexts:
    """Reads words with tags: a word and its tag on each line, an empty line between sentences (as CoNLL's files).

    Args:
        path: file in UTF-8. Columns are separated by tabs, or in a file without any by spaces.
        columns: (word, tag), numbers from 0, or from -1 backwards. Lines that begin with -DOCSTART- are left out.
        labels: tags that there may be. None: all.
        wrong: what happens with a sentence that is wrong: "raise" | "skip" it, and say so in the log.

    Returns:
        `LabelledTexts` of lists of words and lists of tags.

    Raises:
        ValueError: naming file and line: no UTF-8, a line of other columns than the first, a tag not in `labels`.

    Example:
        >>> import pathlib
        >>> _ = pathlib.Path("tags.conll").write_text("a\\tO\\nstar\\tTHING\\n\\nit\\tO\\n")
        >>> ks.data.read_tagged_texts("tags.conll").labels
        [['O', 'THING'], ['O']]
    """
    path, found = Path(path), _Gathered(labels, wrong)
    text = read_text(path)
    separator, width = "\t" if "\t" in text else None, None
    words, tags, first, spoilt = [], [], 0, False
    for number, line in enumerate([*text.split("\n"), ""], 1):
        if not line.strip():
            if words and not spoilt:
                found.add(words, tags, f"{path}, line {first}")
            words, tags, spoilt = [], [], False
            continue
        if line.startswith("-DOCSTART-"):
            continue
        row = line.rstrip("\r").split(separator)
        width, first = width or len(row), first if words or spoilt else number
        problem = _problem_of_tag(row, width, columns, found.labels)
        if problem:
            found.wrong.add(f"{path}, line {number}", problem)
            spoilt = True
            continue
        words.append(row[columns[0]].strip())
        tags.append(row[columns[1]].strip())
    return found.finished(path)


def _problem_of_tag(row: list[str], width: int, columns: tuple, labels) -> str | None:
    if len(row) != width or width < 2 or not all(-width <= k < width for k in columns):
        return f"expected {max(width, 2)} columns, a word and its tag among them, received {len(row)}: {row}"
    word, tag = (row[k].strip() for k in columns)
    if not word or not tag:
        return f"expected a word and its tag, received {row}"
    return _problem_of_label(tag, labels)


def _problem_of_label(label: str, labels) -> str | None:
    if labels is not None and label not in labels:
        return f"expected one of the labels {list(labels)}, received {label!r}"
    return None


class _Gathered:
    """Texts and labels as they are read."""

    def __init__(self, labels, wrong: str):
        self.labels, self.wrong = labels, WrongRows(wrong)
        self._rows = []

    def add(self, text, label, place: str) -> None:
        self._rows.append((text, label, place))

    def add_text(self, text: str, label: str, place: str) -> None:
        """A text with its label, or what is wrong with it."""
        text, label = text.strip(), label.strip()
        problem = "expected a text, received an empty one" if not text else None
        problem = problem or ("expected a label, received an empty one" if not label else None)
        problem = problem or _problem_of_label(label, self.labels)
        if problem:
            self.wrong.add(place, problem)
        else:
            self.add(text, label, place)

    def finished(self, path: Path) -> LabelledTexts:
        self.wrong.finish(str(path), len(self._rows))
        return LabelledTexts(*(list(column) for column in zip(*self._rows, strict=True)))


def _read_folders(folder: Path, labels, found: _Gathered) -> None:
    names = sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    missing = [label for label in labels or () if label not in names]
    if missing:
        raise ValueError(f"{folder}: expected a folder for each of {list(labels)}, there is none for {missing}")
    if not names:
        raise ValueError(f"{folder}: expected a folder of .txt files for each label, found none")
    for name in names if labels is None else labels:
        for path in sorted((folder / name).glob("*.txt")):
            try:
                text = read_text(path)
            except ValueError as error:
                found.wrong.add_error(error)
                continue
            found.add_text(text, name, str(path))


def _read_table(path: Path, columns, found: _Gathered) -> None:
    comma = path.suffix.lower() == ".csv"
    lines = _lines(path, found)
    rows = table_rows(lines, "," if comma else "\t", csv.QUOTE_MINIMAL if comma else csv.QUOTE_NONE, path)
    places = width = None
    for line, row in rows:
        if width is None:
            width = len(row)
            places, is_header = _places(row, columns, f"{path}, line {line}")
            if is_header:
                continue
        if len(row) != width:
            shown = row[0][:60]
            found.wrong.add(f"{path}, line {line}", f"expected {width} columns, received {len(row)}: {shown!r}")
        else:
            found.add_text(row[places[0]], row[places[1]], f"{path}, line {line}")


def _lines(path: Path, found: _Gathered) -> Iterator[str]:
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


def _places(row: list[str], columns, where: str) -> tuple[tuple[int, int], bool]:
    """Numbers of the columns of text and label, and whether this first row is a header."""
    header = [title.strip().lower() for title in row]
    if columns is None:
        known = [[k for k, title in enumerate(header) if title in some] for some in (_TEXT_COLUMNS, _LABEL_COLUMNS)]
        if all(len(some) == 1 for some in known):
            return (known[0][0], known[1][0]), True
        if len(row) != 2:
            raise ValueError(f"{where}: expected a text and its label, or a header, received {row}; give `columns`")
        return (0, 1), False
    if len(columns) == 2 and all(isinstance(name, str) for name in columns):
        if missing := [name for name in columns if name.strip().lower() not in header]:
            raise ValueError(f"{where}: expected a header with {list(columns)}, {missing} is not in {row}")
        return tuple(header.index(name.strip().lower()) for name in columns), True
    if len(columns) != 2 or not all(isinstance(k, int) and -len(row) <= k < len(row) for k in columns):
        raise ValueError(f"{where}: `columns` must be two of its {len(row)} columns, received {columns!r}")
    return tuple(columns), False
