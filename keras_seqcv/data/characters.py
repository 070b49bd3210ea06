"""Vocabularies of Unicode characters and of bytes."""

import os

import keras
import numpy as np
import tensorflow as tf

from keras_seqcv.data.documents import decode_utf8, document_blocks, named_documents
from keras_seqcv.data.vocabulary_base import Vocabulary, checked_text


def code_points(text: str, argument: str) -> np.ndarray:
    """Returns the code points of a str, uint32 (T,); half a surrogate pair raises ValueError."""
    try:
        return np.frombuffer(text.encode("utf-32-le"), "<u4")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{argument} holds U+{ord(text[error.start]):04X} at position {error.start}, "
            f"half of a surrogate pair, which is no character"
        ) from error


@keras.saving.register_keras_serializable(package="keras_seqcv")
class Characters(Vocabulary):
    """The Unicode characters (code points) of a text, in the order of their code points.

    Args:
        text: a str, bytes or `pathlib.Path` (a UTF-8 file, scanned in blocks), or an iterable of these.
        tokens: the characters themselves, instead of `text`; the order gives the ids.
        unknown: None, or one character such as "\\ufffd". None: a character outside the vocabulary is an error.
            A character: it has an id of its own, the last one, which stands for all characters outside.

    Raises:
        TypeError: arguments of a wrong type.
        ValueError: empty text, neither or both of `text` and `tokens`, tokens that are not single characters or come
            twice.

    Example:
        >>> from keras_seqcv.data import Characters
        >>> vocabulary = Characters("hello", unknown="?")
        >>> vocabulary.tokens
        ['e', 'h', 'l', 'o', '?']
        >>> vocabulary.encode("hole!").tolist()
        [1, 3, 2, 0, 4]
        >>> vocabulary.decode([1, 3, 2, 0, 4])
        'hole?'
    """

    unit = "character"

    def __init__(self, text=None, *, tokens=None, unknown=None):
        if (text is None) == (tokens is None):
            received = "neither" if text is None else "both"
            raise ValueError(f"Characters takes either `text` or `tokens`, received {received}")
        if unknown is not None:
            _check_character(unknown, "unknown")
        tokens = _scan(text) if tokens is None else _checked_tokens(tokens)
        if text is not None and unknown in tokens:
            tokens.remove(unknown)
        if unknown is not None and unknown not in tokens:
            tokens.append(unknown)
        super().__init__(tokens)
        self.unknown = unknown
        self.unknown_id = None if unknown is None else tokens.index(unknown)
        codes = np.array([ord(token) for token in tokens])
        outside = -1 if unknown is None else self.unknown_id
        # One entry past the largest code point stands for all that are larger.
        self._table = np.full(codes.max() + 2, outside, "int32")
        self._table[codes] = np.arange(len(tokens))
        self._codes = codes.astype("<u4")

    def encode(self, text: str | bytes) -> np.ndarray:
        """Returns the ids of a text, int32 (T,).

        Raises:
            ValueError: a character outside the vocabulary (where `unknown` is None), invalid UTF-8.
        """
        text = checked_text(text, "text")
        if isinstance(text, bytes):
            text = decode_utf8(text, "`text`")
        ids = self._table[np.minimum(code_points(text, "`text`"), len(self._table) - 1)]
        if self.unknown_id is None and ids.size and ids.min() < 0:
            position = int(np.argmax(ids < 0))
            char = text[position]
            raise ValueError(
                f"`text` holds the character {char!r} (U+{ord(char):04X}) at position {position}, which is not among "
                f"the {len(self)} characters of the vocabulary (made with unknown=None)"
            )
        return ids

    def decode(self, ids) -> str:
        """Returns the text of ids (T,)."""
        return self._codes[self._checked_ids(ids)].tobytes().decode("utf-32-le")

    def encode_tensor(self, strings):
        """Returns the ids, int32 (B, P), padded with 0 on the right, and lengths, int32 (B,), of strings (B,).

        Raises:
            tf.errors.InvalidArgumentError: where the graph runs: a character outside the vocabulary (where `unknown`
                is None), invalid UTF-8.
        """
        strings = tf.convert_to_tensor(strings)
        codes = tf.strings.unicode_decode(strings, "UTF-8", errors="strict")  # ragged (B, P)
        flat, lengths = codes.flat_values, tf.cast(codes.row_lengths(), tf.int32)
        order = np.argsort(self._codes)
        known = self._codes[order].astype("int32")
        place = tf.minimum(tf.searchsorted(tf.constant(known), flat), len(self) - 1)
        found = tf.equal(tf.gather(tf.constant(known), place), flat)
        if self.unknown_id is None:
            first = tf.boolean_mask(flat, ~found)[:1]  # (0 or 1,)
            row = tf.boolean_mask(codes.value_rowids(), ~found)[:1]
            message = [
                "a string holds a character that is not in the vocabulary: character",
                tf.strings.unicode_encode(first[:, None], "UTF-8"),
                "code point",
                first,
                "in string number",
                row,
            ]
            with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(found), message)]):
                place = tf.identity(place)
        ids = tf.gather(tf.constant(order.astype("int32")), place)
        if self.unknown_id is not None:
            ids = tf.where(found, ids, self.unknown_id)
        return codes.with_flat_values(ids).to_tensor(0), lengths

    def get_config(self) -> dict:
        return {"tokens": self.tokens, "unknown": self.unknown}


def _check_character(token, argument: str) -> None:
    if not isinstance(token, str):
        raise TypeError(f"`{argument}` must be a str of one character, received {type(token).__name__}")
    if len(token) != 1:
        raise ValueError(f"`{argument}` must be one character, received {token!r}")
    code_points(token, f"`{argument}`")


def _checked_tokens(tokens) -> list[str]:
    if isinstance(tokens, (bytes, os.PathLike)):
        raise TypeError(f"`tokens` must be a sequence of characters, received {type(tokens).__name__}")
    tokens = list(tokens)
    for index, token in enumerate(tokens):
        _check_character(token, f"tokens[{index}]")
    if not tokens:
        raise ValueError("`tokens` is empty")
    if len(set(tokens)) < len(tokens):
        twice = next(token for token in tokens if tokens.count(token) > 1)
        raise ValueError(f"`tokens` holds {twice!r} more than once")
    return tokens


def _scan(text) -> list[str]:
    found, documents = set(), named_documents(text, "text")
    for name, document in documents:
        for block in document_blocks(name, document, "character"):
            found.update(block)
    if not found:
        raise ValueError(f"{documents[0][0]} is an empty text: a vocabulary of characters needs at least one character")
    for char in found:
        code_points(char, "`text`")
    return sorted(found)


@keras.saving.register_keras_serializable(package="keras_seqcv")
class Bytes(Vocabulary):
    """The 256 bytes; text is its UTF-8 form, and nothing is ever unknown.

    `tokens` are names to print: the ASCII character, or "<0x0A>".

    Example:
        >>> from keras_seqcv.data import Bytes
        >>> Bytes().encode("é!").tolist()
        [195, 169, 33]
        >>> Bytes().decode([195, 169, 33])
        'é!'
        >>> Bytes().tokens[10], Bytes().tokens[65]
        ('<0x0A>', 'A')
    """

    unit = "byte"

    def __init__(self):
        super().__init__([chr(byte) if 32 <= byte < 127 else f"<0x{byte:02X}>" for byte in range(256)])

    def encode(self, text: str | bytes) -> np.ndarray:
        """Returns the bytes of a text, int32 (T,); bytes are taken as they are."""
        if isinstance(checked_text(text, "text"), str):
            code_points(text, "`text`")
            text = text.encode("utf-8")
        return np.frombuffer(text, "uint8").astype("int32")

    def encode_tensor(self, strings):
        """Returns the bytes, int32 (B, P), padded with 0 on the right, and lengths, int32 (B,), of strings (B,)."""
        single = tf.strings.bytes_split(tf.convert_to_tensor(strings))  # ragged (B, P)
        values = tf.cast(tf.reshape(tf.io.decode_raw(single.flat_values, tf.uint8), [-1]), tf.int32)
        return single.with_flat_values(values).to_tensor(0), tf.cast(single.row_lengths(), tf.int32)

    def _pieces(self) -> list[bytes]:
        return [bytes([byte]) for byte in range(256)]

    def get_config(self) -> dict:
        return {}
