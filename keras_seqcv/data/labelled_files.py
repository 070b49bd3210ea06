"""Files of labelled texts, and of words with tags."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

from keras_seqcv.data.labelled_rows import Gathered, LabelledRows, label_folders
from keras_seqcv.data.labelled_tables import LABEL_COLUMNS, columns_of_table
from keras_seqcv.data.text_files import read_text
from keras_seqcv.data.words import Words

_TEXT_COLUMNS = ("text", "sentence", "review", "comment", "content", "tweet")


@dataclasses.dataclass(frozen=True, repr=False)
class LabelledTexts(LabelledRows):
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

    def _kind(self) -> str:
        return "lists of words with tags" if self.per_step else "texts"

    def words(self, **options) -> Words:
        """The vocabulary of these texts; options are those of `Words`: `max_size`, `min_count`, `lowercase`."""
        return Words((" ".join(some) for some in self.texts) if self.per_step else self.texts, **options)


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
    path, found = Path(path), Gathered(labels, wrong)
    if path.is_dir():
        _read_folders(path, labels, found)
    else:
        kinds, what = (_TEXT_COLUMNS, LABEL_COLUMNS), "a text and its label"
        for (text, label), place in columns_of_table(path, columns, kinds, what, found):
            found.add_text(text, label, place)
    return LabelledTexts(*found.finished(path))


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
    path, found = Path(path), Gathered(labels, wrong)
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
        problem = _problem_of_tag(row, width, columns, found)
        if problem:
            found.wrong.add(f"{path}, line {number}", problem)
            spoilt = True
            continue
        words.append(row[columns[0]].strip())
        tags.append(row[columns[1]].strip())
    return LabelledTexts(*found.finished(path))


def _problem_of_tag(row: list[str], width: int, columns: tuple, found: Gathered) -> str | None:
    if len(row) != width or width < 2 or not all(-width <= k < width for k in columns):
        return f"expected {max(width, 2)} columns, a word and its tag among them, received {len(row)}: {row}"
    word, tag = (row[k].strip() for k in columns)
    if not word or not tag:
        return f"expected a word and its tag, received {row}"
    return found.problem_of_label(tag)


def _read_folders(folder: Path, labels, found: Gathered) -> None:
    for one in label_folders(folder, labels, ".txt files"):
        for path in sorted(one.glob("*.txt")):
            try:
                text = read_text(path)
            except ValueError as error:
                found.wrong.add_error(error)
                continue
            found.add_text(text, one.name, str(path))
