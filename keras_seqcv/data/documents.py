"""What a text may be: a str, bytes, a file, or a sequence of these (documents), read block by block."""

import codecs
import pathlib
from collections.abc import Iterable, Iterator

from keras_seqcv.ordinary_files import check_ordinary

BLOCK_BYTES = 1 << 20
Document = str | bytes | pathlib.Path


def decode_utf8(data: bytes, name: str) -> str:
    """Decodes UTF-8 bytes, and says where they are broken.

    Args:
        data: the bytes.
        name: what the error message calls them, a file name for example.

    Returns:
        The text.

    Raises:
        ValueError: the bytes are not UTF-8; the message gives `name` and the byte offset.

    Example:
        >>> from keras_seqcv.data.documents import decode_utf8
        >>> decode_utf8(b"caf\\xc3\\xa9", "menu.txt")
        'café'
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _invalid_utf8(name, error.start, error) from error


def _invalid_utf8(name: str, offset: int, error: UnicodeDecodeError) -> ValueError:
    byte = error.object[error.start]
    return ValueError(f"{name} is not valid UTF-8 at byte offset {offset} (byte 0x{byte:02x}): {error.reason}")


def named_documents(text: Document | Iterable[Document], argument: str) -> list[tuple[str, Document]]:
    """Lists the documents of a text under the names that error messages use.

    Args:
        text: a str, bytes or `pathlib.Path` (one document), or an iterable of these.
        argument: name of the caller's argument.

    Returns:
        List of (name, document), at least one.

    Raises:
        TypeError: `text` or one of its documents is of another type.
        ValueError: there is no document at all.
    """
    if isinstance(text, Document):
        return [(str(text) if isinstance(text, pathlib.Path) else f"`{argument}`", text)]
    if not isinstance(text, Iterable) or isinstance(text, dict):
        raise TypeError(
            f"`{argument}` must be a str, bytes, a pathlib.Path or a sequence of these, received {type(text).__name__}"
        )
    documents = []
    for index, document in enumerate(text):
        if not isinstance(document, Document):
            raise TypeError(
                f"`{argument}[{index}]` must be a str, bytes or a pathlib.Path, received {type(document).__name__}"
            )
        name = str(document) if isinstance(document, pathlib.Path) else f"`{argument}[{index}]`"
        documents.append((name, document))
    if not documents:
        raise ValueError(f"`{argument}` holds no documents")
    return documents


def document_blocks(name: str, document: Document, unit: str) -> Iterator[str | bytes]:
    """Yields a document in pieces that can be encoded one after the other; only files are cut.

    Args:
        name: name of the document in error messages.
        document: str, bytes or `pathlib.Path`.
        unit: what must stay whole: "byte" (files are not decoded), "character", or "word" (files are cut after white
            space only).

    Yields:
        Pieces that are the whole document when joined, as str, or as bytes if `unit` is "byte".

    Raises:
        ValueError: the document is not UTF-8, or is no ordinary file; names the file and the byte offset in it.
        OSError: the file cannot be read.
    """
    if isinstance(document, pathlib.Path):
        check_ordinary(document)
    if isinstance(document, str):
        yield document
    elif isinstance(document, bytes):
        yield document if unit == "byte" else decode_utf8(document, name)
    elif unit == "byte":
        with document.open("rb") as file:
            while data := file.read(BLOCK_BYTES):
                yield data
    elif unit == "character":
        yield from _character_blocks(name, document)
    else:
        yield from _word_blocks(name, document)


def _character_blocks(name: str, path: pathlib.Path) -> Iterator[str]:
    offset, rest = 0, b""
    with path.open("rb") as file:
        while True:
            block = file.read(BLOCK_BYTES)
            data = rest + block
            try:
                # A character that the block border cuts in two is left over, unless this is the end of the file.
                text, consumed = codecs.utf_8_decode(data, "strict", not block)
            except UnicodeDecodeError as error:
                raise _invalid_utf8(name, offset + error.start, error) from error
            offset, rest = offset + consumed, data[consumed:]
            if text:
                yield text
            if not block:
                return


def _word_blocks(name: str, path: pathlib.Path) -> Iterator[str]:
    pieces = []
    for text in _character_blocks(name, path):
        border = max(text.rfind(space) for space in "\n \t") + 1
        if border:
            yield "".join([*pieces, text[:border]])
            pieces = []
        pieces.append(text[border:])
    if last := "".join(pieces):
        yield last
