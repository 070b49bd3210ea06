"""Rows of labelled data: what readers of texts and of videos have in common."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from keras_seqcv.data.wrong_rows import WrongRows


class LabelledRows:
    """Base of a dataclass whose fields are lists of one length: what is labelled, `labels`, `places`.

    A label is a str, or a list of str with one for each step, or of (start, end, str).
    """

    labels: list

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"<{len(self)} {self._kind()}: {', '.join(self.names[:12])}{' ...' if len(self.names) > 12 else ''}>"

    @property
    def per_step(self) -> bool:
        """Whether every step has a label."""
        return bool(self.labels) and not isinstance(self.labels[0], str)

    @property
    def names(self) -> list[str]:
        """All labels that occur, in alphabetical order."""
        steps = (label for some in self.labels for label in (some if self.per_step else [some]))
        return sorted({step if isinstance(step, str) else step[2] for step in steps})

    def chosen(self, numbers: Sequence[int]):
        """Those of these numbers."""
        fields = ((field.name, getattr(self, field.name)) for field in dataclasses.fields(self))
        return dataclasses.replace(self, **{k: [v[n] for n in numbers] for k, v in fields if isinstance(v, list)})


class Gathered:
    """Rows as they are read.

    Args:
        labels: those that there may be; None: any.
        wrong: "raise" | "skip", of `WrongRows`.
        noun: what is labelled.
    """

    def __init__(self, labels, wrong: str, noun: str = "text"):
        self.labels, self.wrong, self.noun = labels, WrongRows(wrong), noun
        self._rows = []

    def add(self, content, label, place: str) -> None:
        self._rows.append((content, label, place))

    def problem(self, content: str, label: str) -> str | None:
        """What is wrong with a text and its label, if anything."""
        if not content:
            return f"expected a {self.noun}, received an empty one"
        return self.problem_of_label(label)

    def problem_of_label(self, label: str) -> str | None:
        if not label:
            return "expected a label, received an empty one"
        if self.labels is not None and label not in self.labels:
            return f"expected one of the labels {list(self.labels)}, received {label!r}"
        return None

    def add_text(self, content: str, label: str, place: str) -> None:
        """A text with its label, or what is wrong with it."""
        content, label = content.strip(), label.strip()
        if problem := self.problem(content, label):
            self.wrong.add(place, problem)
        else:
            self.add(content, label, place)

    def finished(self, path: Path) -> tuple[list, list, list]:
        """What is labelled, labels, places; raises ValueError if nothing is left."""
        self.wrong.finish(str(path), len(self._rows))
        return tuple(list(column) for column in zip(*self._rows, strict=True))


def label_folders(folder: Path, labels, content: str) -> list[Path]:
    """The folder of each label, in the order of `labels`, or of their names.

    Raises:
        ValueError: there is none for a label, or none at all.
    """
    names = sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    missing = [label for label in labels or () if label not in names]
    if missing:
        raise ValueError(f"{folder}: expected a folder for each of {list(labels)}, there is none for {missing}")
    if not names:
        raise ValueError(f"{folder}: expected a folder of {content} for each label, found none")
    return [folder / name for name in (names if labels is None else labels)]


def number_of_label(label, numbers_of: dict, place: str) -> int:
    """The number of a label; raises ValueError that names the place of one that is not known."""
    if not isinstance(label, str) or label not in numbers_of:
        raise ValueError(f"{place}: expected one of the labels {list(numbers_of)}, received {label!r}")
    return numbers_of[label]
