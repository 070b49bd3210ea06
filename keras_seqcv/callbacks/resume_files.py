"""Checkpoints of a training: folders that are there whole or not at all, the newest of which is read back."""

import contextlib
import hashlib
import json
import os
import re
import shutil
from pathlib import Path

from keras_seqcv.placing import placed

_NAME = re.compile(r"step-\d{12}")
_REST = re.compile(r"\.[0-9a-f]{8}\.((step-\d{12}|end)(\.old)?|gone|own)")  # of a process that was killed


class ResumeFiles:
    """Checkpoints in a folder: "step-000000000100" and so on, by number of steps, and "end".

    A checkpoint is a folder with files, and with one more that says the SHA-256 of each. It is written beside its
    place, brought to the disk, and moved there at once. Whatever a killed process leaves is cleared away by the next.

    Args:
        directory: folder.
        keep: how many of the newest checkpoints to keep, the end not counted.
    """

    def __init__(self, directory: Path, keep: int):
        self.directory, self.keep = directory, keep

    def names(self) -> list[str]:
        """Of the checkpoints that are there: "end" first, then the newest."""
        there = {path.name for path in self.directory.iterdir()} if self.directory.is_dir() else set()
        return [name for name in ("end",) if name in there] + sorted(filter(_NAME.fullmatch, there), reverse=True)

    def path(self, name: str) -> Path:
        return self.directory / name

    def own(self) -> Path:
        """A folder for this process alone, until it leaves."""
        self._own = self.directory / f".{os.urandom(4).hex()}.own"
        return self._own

    def leave(self) -> None:
        shutil.rmtree(self._own, ignore_errors=True)

    def clear(self) -> None:
        """Take away what processes left that were killed while they wrote."""
        if self.directory.is_dir():
            for path in self.directory.iterdir():
                if _REST.fullmatch(path.name):
                    shutil.rmtree(path)

    def write(self, name: str, fill) -> None:
        """A checkpoint, filled by `fill(folder)`; those that are too old go."""
        with placed(self.path(name), folder=True) as folder:
            fill(folder)
            sums = {path.name: _sha256(path) for path in sorted(folder.iterdir())}
            (folder / "sha256.json").write_text(json.dumps(sums, indent=1))
            for path in folder.iterdir():
                _to_disk(path)
            _to_disk(folder)
        _to_disk(self.directory)
        steps = [one for one in self.names() if one != "end"]
        for old in steps[self.keep :]:
            self._remove(old)

    def remove_all(self) -> None:
        for name in self.names():
            self._remove(name)
        with contextlib.suppress(OSError):
            self.directory.rmdir()  # unless there is more in it, such as the folders of other workers

    def _remove(self, name: str) -> None:
        # It goes by one name or is there: who is killed in between leaves no half of it.
        gone = self.directory / f".{os.urandom(4).hex()}.gone"
        os.replace(self.path(name), gone)
        shutil.rmtree(gone)

    def check(self, name: str) -> None:
        """Raises ValueError, naming the file, if something in the checkpoint is not what was written."""
        folder = self.path(name)
        try:
            sums = json.loads((folder / "sha256.json").read_text())
            items = sorted(sums.items())
        except (OSError, ValueError, AttributeError, RecursionError) as error:
            raise ValueError(f"{folder / 'sha256.json'} cannot be read: {error}") from error
        for inner, expected in items:
            path = folder / inner
            if path.parent != folder or not path.is_file() or path.is_symlink():
                raise ValueError(f"{path} is missing")
            if _sha256(path) != expected:
                raise ValueError(f"{path} is damaged: its SHA-256 is not that of sha256.json")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _to_disk(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
