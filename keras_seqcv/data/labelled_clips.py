"""Files of labelled clips: a folder for each label, a table, or a table of what happens when."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_seqcv.data.labelled_rows import Gathered, LabelledRows, label_folders
from keras_seqcv.data.labelled_tables import LABEL_COLUMNS, columns_of_table, has_columns
from keras_seqcv.data.video_files import is_clip

_PATH_COLUMNS = ("path", "file", "filename", "video", "clip", "name")
_CLIPS = (_PATH_COLUMNS, LABEL_COLUMNS)
_SEGMENTS = (
    _PATH_COLUMNS,
    ("start", "begin", "first"),
    ("end", "stop"),
    (*LABEL_COLUMNS, "word", "action", "event"),
)


@dataclasses.dataclass(frozen=True, repr=False)
class LabelledVideos(LabelledRows):
    """Clips with a label each, or with a label for each frame.

    Args:
        clips: list of what `load_video` takes: paths, arrays, objects with `frames`.
        labels: list of str; or of lists of str, one for each frame; or of lists of (start, end, label), frames from
            `start` to `end` - 1.
        places: list of str: where each clip comes from, for messages.
        rest: label of the frames that lie in none of the (start, end, label). None: each has to lie in one.

    Example:
        >>> some = ks.data.LabelledVideos([np.zeros((4, 8, 8, 3), "uint8")], [[(0, 3, "left"), (3, 4, "still")]], ["0"])
        >>> some, some.frame_labels(0, 4)
        (<1 clips with labels for each frame: left, still>, ['left', 'left', 'left', 'still'])
    """

    clips: list
    labels: list
    places: list
    rest: str | None = None

    def _kind(self) -> str:
        return "clips with labels for each frame" if self.per_step else "clips"

    @property
    def names(self) -> list[str]:
        """All labels that occur, in alphabetical order."""
        return sorted({*super().names, *([self.rest] if self.per_step and self.rest else [])})

    def frame_labels(self, number: int, length: int) -> list[str]:
        """The labels of all frames of a clip of this length.

        Raises:
            ValueError: naming the clip, if they are not as many, or not one for each frame.
        """
        labels, place = self.labels[number], self.places[number]
        if all(isinstance(label, str) for label in labels):
            if len(labels) != length:
                raise ValueError(f"{place}: expected a label for each of {length} frames, received {len(labels)}")
            return list(labels)
        found = [self.rest] * length
        for start, end, label in labels:
            if not 0 <= start < end <= length:
                raise ValueError(
                    f"{place}: expected 0 <= start < end <= {length}, received {start} to {end}, {label!r}"
                )
            if any(one not in (None, self.rest) for one in found[start:end]):
                raise ValueError(
                    f"{place}: expected one label for a frame, {label!r} ({start} to {end}) is another one"
                )
            found[start:end] = [label] * (end - start)
        if None in found:
            raise ValueError(f"{place}: expected a label for every frame, or `rest`; none for {found.index(None)}")
        return found


def read_labelled_videos(
    path: str | os.PathLike,
    columns: tuple | None = None,
    labels: Sequence[str] | None = None,
    rest: str | None = None,
    wrong: str = "raise",
) -> LabelledVideos:
    """Finds clips with their labels in a folder or a table. The clips themselves are read later.

    Args:
        path: a folder with one folder of clips for each label, whose name it has: each a folder of frames, an animated
            picture or a video file (`jump/0001.gif`). Or a table in UTF-8, `.csv` with commas or any other with tabs:
            with the columns path and label, or with path, start, end and label, what happens in frames `start` to
            `end` - 1. Paths of a table begin at its folder.
        columns: names or numbers of the two or four columns. None: names that are usual are looked for; without them
            there are just these columns, in this order.
        labels: those that there may be; of a folder, the folders that are read. None: all.
        rest: label of the frames in no row of such a table. None: each has to lie in one.
        wrong: what happens with a row that is wrong: "raise" | "skip" it, and say so in the log.

    Returns:
        `LabelledVideos`, in the order of the file, or by label and name.

    Raises:
        ValueError: naming file and line: a file that cannot be read, a row of other columns than the first, an empty
            label or one that is not in `labels`, a clip that is not there, `start` or `end` that is no number.

    Example:
        >>> import pathlib, PIL.Image
        >>> PIL.Image.new("RGB", (8, 8)).save("clip.gif")
        >>> _ = pathlib.Path("clips.tsv").write_text("clip.gif\\tstill\\n")
        >>> ks.data.read_labelled_videos("clips.tsv").labels
        ['still']
    """
    path, found = Path(path), Gathered(labels, wrong, "clip")
    if path.is_dir():
        for folder in label_folders(path, labels, "clips"):
            for clip in sorted(p for p in folder.iterdir() if is_clip(p) and not p.name.startswith(".")):
                found.add(clip, folder.name, str(clip))
    elif columns is not None and len(columns) == 4 or columns is None and has_columns(path, _SEGMENTS):
        _read_segments(path, columns, found)
    else:
        for (name, label), place in columns_of_table(path, columns, _CLIPS, "a path and its label", found):
            _add_clip(path, name.strip(), label.strip(), place, found)
    return LabelledVideos(*found.finished(path), rest=rest)


def _add_clip(path: Path, name: str, label: str, place: str, found: Gathered) -> None:
    problem = _problem(path, name, label, found)
    if problem:
        found.wrong.add(place, problem)
    else:
        found.add(path.parent / name, label, f"{place}, {name}")


def _problem(path: Path, name: str, label: str, found: Gathered) -> str | None:
    problem = found.problem(name, label)
    return problem or (None if (path.parent / name).exists() else f"there is no {path.parent / name}")


def _read_segments(path: Path, columns, found: Gathered) -> None:
    """Rows of (path, start, end, label); those of a clip may lie anywhere."""
    segments, places, spoilt = {}, {}, set()
    what = "a path, start, end and a label"
    for (name, start, end, label), place in columns_of_table(path, columns, _SEGMENTS, what, found):
        name, label = name.strip(), label.strip()
        problem = _problem(path, name, label, found)
        if not problem and not (start.strip().isdecimal() and end.strip().isdecimal() and int(start) < int(end)):
            problem = f"expected numbers of frames, start < end, received {start!r} and {end!r}"
        if problem:
            found.wrong.add(place, problem)
            spoilt.add(name)
            continue
        segments.setdefault(name, []).append((int(start), int(end), label))
        places.setdefault(name, f"{place}, {name}")
    for name, some in segments.items():
        if name not in spoilt:
            found.add(path.parent / name, sorted(some), places[name])


def of_lists(clips: Sequence, labels, argument: str) -> LabelledVideos:
    """Clips and their labels as two lists.

    Raises:
        TypeError, ValueError: naming the argument.
    """
    if isinstance(clips, (str, bytes, dict, np.ndarray)) and getattr(clips, "ndim", 5) != 5:
        raise TypeError(f"`{argument}` must be LabelledVideos, a path or a list of clips, received {type(clips)}")
    if not hasattr(clips, "__len__") or isinstance(clips, (bytes, dict)):
        raise TypeError(f"`{argument}` must be LabelledVideos, a path or a list, received {type(clips).__name__}")
    if not len(clips):
        raise ValueError(f"`{argument}` must hold a clip at least, received an empty list")
    if isinstance(labels, (str, bytes)) or not hasattr(labels, "__len__") or len(labels) != len(clips):
        received = f"{len(labels)}" if hasattr(labels, "__len__") else type(labels).__name__
        raise ValueError(f"`labels` must be a list of {len(clips)}, one for each clip, received {received}")
    return LabelledVideos(list(clips), list(labels), [f"`{argument}[{k}]`" for k in range(len(clips))])
