"""Text from a shipped example, a file, bytes or a str."""

import os
import pathlib
from importlib import resources

from keras_seqcv.data.documents import decode_utf8
from keras_seqcv.ordinary_files import check_ordinary

SHIPPED_TEXTS = {"shakespeare": "shakespeare.txt"}


def load_text(source: str | bytes | os.PathLike) -> str:
    """Returns the text that `source` names or is.

    Args:
        source: one of
            - the name of a shipped text: "shakespeare" (1.1 million characters of his plays, public domain);
            - a `pathlib.Path`, or the path of an existing file as a str (UTF-8, read as it is);
            - bytes (UTF-8);
            - the text itself: a str that contains a newline.

    Returns:
        The text, not empty.

    Raises:
        TypeError: `source` is of another type.
        ValueError: a str that is none of these; UTF-8 that is broken (names the file and the byte offset); empty text;
            a `pathlib.Path` of a folder, a pipe or a device.
        FileNotFoundError: a `pathlib.Path` that does not exist.

    Example:
        >>> from keras_seqcv.data import load_text
        >>> print(load_text("shakespeare")[:14])
        First Citizen:
        >>> load_text(b"To be")
        'To be'
    """
    if isinstance(source, bytes):
        name, text = "bytes", decode_utf8(source, "bytes")
    elif isinstance(source, str) and source in SHIPPED_TEXTS:
        name = SHIPPED_TEXTS[source]
        text = decode_utf8(resources.files("keras_seqcv.data").joinpath("texts", name).read_bytes(), name)
    elif isinstance(source, str) and "\n" in source:
        return source
    elif isinstance(source, str) and not os.path.isfile(source):
        raise ValueError(_neither(source))
    elif isinstance(source, (str, os.PathLike)):
        name = os.fspath(source)
        check_ordinary(name)
        text = decode_utf8(pathlib.Path(name).read_bytes(), name)
    else:
        raise TypeError(f"`source` must be a str, bytes or a path, received {type(source).__name__}")
    if not text:
        raise ValueError(f"`source` is an empty text: {name}")
    return text


def _neither(source: str) -> str:
    if not source:
        return "`source` is an empty text"
    shown = source if len(source) <= 60 else source[:57] + "..."
    names = ", ".join(repr(name) for name in SHIPPED_TEXTS)
    return (
        f"`source` must be a shipped text ({names}), the path of an existing file, or a text with a newline in it, "
        f"received {shown!r}"
    )
