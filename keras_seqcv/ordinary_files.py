"""Files that end: no folder, no pipe, no device."""

import os
import stat
from pathlib import Path

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def check_ordinary(path: str | os.PathLike) -> None:
    """Raises ValueError for what is no ordinary file: reading a pipe may wait for ever, `/dev/zero` has no end.

    Args:
        path: of a file, or of a link to one.

    Raises:
        ValueError: naming `path`, and what is there instead.
        OSError: there is nothing, or it cannot be looked at; links that go round in a circle.

    Example:
        >>> from keras_seqcv.ordinary_files import check_ordinary
        >>> check_ordinary("/dev/zero")
        Traceback (most recent call last):
        ...
        ValueError: /dev/zero: expected a file, it is a device
    """
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):
        kind = next((words for is_kind, words in _KINDS if is_kind(mode)), "something else")
        raise ValueError(f"{os.fspath(path)}: expected a file, it is {kind}")


def read_ordinary(path: str | os.PathLike) -> bytes:
    """Returns the bytes of a file; raises ValueError that names it, whatever is in the way.

    Example:
        >>> from keras_seqcv.ordinary_files import read_ordinary
        >>> _ = open("a.txt", "w").write("abc")
        >>> read_ordinary("a.txt")
        b'abc'
    """
    try:
        check_ordinary(path)
        return Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"{os.fspath(path)}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        if "null" not in str(error):
            raise
        raise ValueError(f"{os.fspath(path)!r}: cannot be read: no file has such a name ({error})") from error
