"""Encoded documents, end to end: in memory, or in a temporary file where the documents are files."""

import pathlib
import shutil
import tempfile
import weakref

import numpy as np

from keras_seqcv.data.documents import Document, document_blocks
from keras_seqcv.data.vocabulary_base import Vocabulary


class TokenStore:
    """Tokens of documents, one after the other.

    Attributes:
        tokens: ids (N,), of the smallest unsigned type that holds them; an `np.memmap` if there is a folder.
        starts: int64 (number of documents,), position of each document's first token, rising from 0.
        folder: None, or a temporary folder that is removed with this object.
    """

    def __init__(self, tokens: np.ndarray, starts: np.ndarray, folder: str | None = None):
        self.tokens, self.starts, self.folder = tokens, starts, folder
        if folder is not None:
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)


def store_documents(documents: list[tuple[str, Document]], vocabulary: Vocabulary) -> TokenStore:
    """Encodes documents; files are read, encoded and written block by block, never held in memory whole.

    Args:
        documents: list of (name, document), see `named_documents`.
        vocabulary: what encodes them.

    Returns:
        The `TokenStore`.

    Raises:
        ValueError: an empty document, invalid UTF-8, a character that `vocabulary` does not have; each names the
            document.
    """
    dtype = np.min_scalar_type(max(len(vocabulary) - 1, 0))
    if not any(isinstance(document, pathlib.Path) for _, document in documents):
        pieces, starts = [], []
        _encode(documents, vocabulary, starts, lambda ids: pieces.append(ids.astype(dtype)))
        return TokenStore(np.concatenate(pieces), np.array(starts, "int64"))
    folder = tempfile.mkdtemp(prefix="keras_seqcv_")
    try:
        path, starts = pathlib.Path(folder) / "tokens", []
        with path.open("wb") as file:
            _encode(documents, vocabulary, starts, lambda ids: _write(file, ids.astype(dtype)))
        return TokenStore(np.memmap(path, dtype, mode="r"), np.array(starts, "int64"), folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _write(file, ids: np.ndarray) -> None:
    try:
        file.write(ids.tobytes())
    except OSError as error:
        raise OSError(error.errno, f"cannot write the encoded text: {error.strerror}", file.name) from error


def _encode(documents, vocabulary, starts: list[int], write) -> None:
    unit, total = getattr(vocabulary, "unit", "word"), 0
    for name, document in documents:
        starts.append(total)
        read = 0
        for block in document_blocks(name, document, unit):
            try:
                ids = vocabulary.encode(block)
            except ValueError as error:
                # Positions in the message of a vocabulary count from the beginning of the block.
                where = f"{name}, from position {read}" if read else name
                raise ValueError(f"{where}: {error}") from error
            write(ids)
            read, total = read + len(block), total + len(ids)
        if total == starts[-1]:
            raise ValueError(f"{name} is an empty text")
