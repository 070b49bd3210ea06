"""The interface that all vocabularies share."""

import json

import numpy as np
import tensorflow as tf


class Vocabulary:
    """Maps text to token ids and back, in Python and inside a TensorFlow graph.

    Subclasses give `encode`, `encode_tensor`, `get_config` and the strings that tokens stand for. Graph functions are
    made of plain operators and constants, with no lookup table to track: they run in a SavedModel where this package
    is not installed.

    Attributes:
        unit: what has to stay whole when a long text is encoded in pieces: "byte", "character" or "word".
        unknown_id: id that stands for every token outside the vocabulary, or None where there is none.
        encodes_in_graph: whether there is an `encode_tensor`.

    Example:
        >>> from keras_seqcv.data import Characters
        >>> vocabulary = Characters("to be")
        >>> ids, lengths = vocabulary.encode_tensor(["to", "bet"])
        >>> ids.numpy().tolist(), lengths.numpy().tolist()
        ([[4, 3, 0], [1, 2, 4]], [2, 3])
        >>> vocabulary.decode_tensor(ids, lengths).numpy().tolist()
        [b'to', b'bet']
    """

    unit = "word"
    unknown_id: int | None = None
    encodes_in_graph = True

    def __init__(self, tokens: list[str]):
        self._tokens = tuple(tokens)

    @property
    def tokens(self) -> list[str]:
        """All tokens as strings; the position is the id."""
        return list(self._tokens)

    def __len__(self) -> int:
        return len(self._tokens)

    def __eq__(self, other) -> bool:
        return type(self) is type(other) and self.get_config() == other.get_config()

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._tokens))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self)} tokens>"

    def encode(self, text: str | bytes) -> np.ndarray:
        """Returns the ids of a text, int32 (T,)."""
        raise NotImplementedError

    def decode(self, ids) -> str:
        """Returns the text of ids (T,)."""
        pieces = self._pieces()
        return b"".join(pieces[index] for index in self._checked_ids(ids).tolist()).decode("utf-8", errors="replace")

    def encode_tensor(self, strings: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the ids, int32 (B, P), padded with 0 on the right, and lengths, int32 (B,), of strings (B,)."""
        raise NotImplementedError

    def decode_tensor(self, ids: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        """Returns the strings (B,) of the first `lengths` (B,) ids of each row of `ids` (B, T)."""
        ids, lengths = tf.convert_to_tensor(ids), tf.convert_to_tensor(lengths)
        kept = tf.sequence_mask(lengths, tf.shape(ids)[1])  # (B, T)
        # What lies past the length may be anything, and must not be looked up.
        pieces = tf.gather(tf.constant(self._pieces()), tf.where(kept, ids, tf.zeros_like(ids)))
        return tf.strings.reduce_join(tf.where(kept, pieces, ""), axis=1)

    def _pieces(self) -> list[bytes]:
        """The bytes that each token stands for."""
        return [token.encode("utf-8") for token in self._tokens]

    def _checked_ids(self, ids) -> np.ndarray:
        ids = np.asarray(ids)
        if ids.ndim != 1 or not (np.issubdtype(ids.dtype, np.integer) or ids.size == 0):
            raise ValueError(f"`ids` must be integers of shape (T,), received {ids.dtype} of shape {ids.shape}")
        outside = np.flatnonzero((ids < 0) | (ids >= len(self)))
        if outside.size:
            raise ValueError(f"`ids` must lie in [0, {len(self)}), received {ids[outside[0]]} at position {outside[0]}")
        return ids.astype("int64")

    def get_config(self) -> dict:
        """Returns the constructor's arguments, tokens included."""
        raise NotImplementedError

    @classmethod
    def from_config(cls, config: dict) -> "Vocabulary":
        """Makes a vocabulary from what `get_config` returned."""
        return cls(**config)

    def to_json(self) -> str:
        """Returns class name and config as JSON, which `vocabulary_from_json` reads."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()})

    @classmethod
    def from_json(cls, text: str) -> "Vocabulary":
        """Makes a vocabulary of this class from what `to_json` returned.

        Raises:
            ValueError: not such JSON, or that of another class.
        """
        name, config = parse_json(text)
        if name != cls.__name__:
            raise ValueError(f"expected the JSON of a {cls.__name__} vocabulary, received that of {name!r}")
        return cls.from_config(config)


def parse_json(text: str) -> tuple[str, dict]:
    """Returns the class name and config that `Vocabulary.to_json` wrote.

    Raises:
        ValueError: `text` is not such JSON.
    """
    try:
        content = json.loads(text)
        return content["class_name"], dict(content["config"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"expected the JSON of a vocabulary, received {str(text)[:60]!r} ({error})") from error


def checked_text(text: str | bytes, argument: str, types: tuple = (str, bytes)) -> str | bytes:
    """Returns `text` if it is of a right type, or raises TypeError."""
    if not isinstance(text, types):
        raise TypeError(f"`{argument}` must be str or bytes, received {type(text).__name__}")
    return text
