"""A vocabulary of words."""

import collections

import keras
import numpy as np
import tensorflow as tf

from keras_seqcv.data.characters import code_points
from keras_seqcv.data.documents import decode_utf8, document_blocks, named_documents
from keras_seqcv.data.tokenizer import split_words, split_words_tensor
from keras_seqcv.data.vocabulary_base import Vocabulary, checked_text

RESERVED = ("<pad>", "<start>", "<end>", "<unk>")
# No mark is in both: a mark that stuck to both neighbours could turn "a - b" into the one word "a-b".
_NO_SPACE_BEFORE = frozenset(".,;:!?)]}%'\u2019\u201d\u00bb\u2026\u3001\u3002\n")
_NO_SPACE_AFTER = frozenset("([{$\u2018\u201c\u00ab\n")
_BUCKETS = 2**63 - 1


@keras.saving.register_keras_serializable(package="keras_seqcv")
class Words(Vocabulary):
    """Words, punctuation marks and newlines, the most frequent first.

    Ids 0 to 3 are "<pad>", "<start>", "<end>" and "<unk>" (`pad_id`, `start_id`, `end_id`, `unknown_id`). The others
    follow by falling count, then alphabetically. `keras_seqcv.data.tokenizer.split_words` says what a word is.
    `decode` puts spaces between words, but not before closing marks or after opening ones, and leaves out the first
    three reserved words.

    Args:
        texts: a str, bytes or `pathlib.Path` (UTF-8 file, read in blocks), or an iterable of these.
        tokens: the words themselves, instead of `texts`; the reserved words are put in front if they are not there.
        max_size: keep the most frequent words only; reserved words count too. None: all of them.
        min_count: leave out words that come less often than that.
        lowercase: turn text to lower case, character by character.

    Raises:
        TypeError: arguments of a wrong type.
        ValueError: text without words, neither or both of `texts` and `tokens`, tokens that come twice or that can
            never be found in a text, `max_size` below 5, `min_count` below 1.

    Example:
        >>> from keras_seqcv.data import Words
        >>> vocabulary = Words("to be, or not to be", max_size=7)
        >>> vocabulary.tokens
        ['<pad>', '<start>', '<end>', '<unk>', 'be', 'to', ',']
        >>> vocabulary.encode("to see, to be").tolist()
        [5, 3, 6, 5, 4]
        >>> vocabulary.decode([1, 5, 3, 6, 5, 4, 2])
        'to <unk>, to be'
    """

    unit = "word"
    pad_id, start_id, end_id, unknown_id = range(4)

    def __init__(self, texts=None, *, tokens=None, max_size=None, min_count=1, lowercase=False):
        if (texts is None) == (tokens is None):
            received = "neither" if texts is None else "both"
            raise ValueError(f"Words takes either `texts` or `tokens`, received {received}")
        if not isinstance(lowercase, bool):
            raise TypeError(f"`lowercase` must be a bool, received {type(lowercase).__name__}")
        check_integer(min_count, "min_count", 1)
        if max_size is not None:
            check_integer(max_size, "max_size", len(RESERVED) + 1)
        if tokens is None:
            words = _frequent(texts, max_size, min_count, lowercase)
        else:
            words = _checked_words(tokens, lowercase)
            if max_size is not None and len(words) + len(RESERVED) > max_size:
                raise ValueError(f"`tokens` holds {len(words)} words, more than `max_size`={max_size} leaves room for")
        super().__init__([*RESERVED, *words])
        self.max_size, self.min_count, self.lowercase = max_size, min_count, lowercase
        self._ids = {word: index for index, word in enumerate(self._tokens) if index >= len(RESERVED)}

    def encode(self, text: str | bytes) -> np.ndarray:
        """Returns the ids of a text, int32 (T,), without start and end."""
        text = checked_text(text, "text")
        if isinstance(text, bytes):
            text = decode_utf8(text, "`text`")
        code_points(text, "`text`")
        words = split_words(text, self.lowercase)
        return np.fromiter((self._ids.get(word, self.unknown_id) for word in words), "int32", len(words))

    def split(self, text: str) -> list[str]:
        """Returns the words of a text as they are read, one for each id of `encode`; unknown ones too."""
        return split_words(checked_text(text, "text", (str,)), self.lowercase)

    def decode(self, ids) -> str:
        """Returns the text of ids (T,); text of fewer ids is always the beginning of the text of more."""
        pieces, before = [], "\n"
        for index in self._checked_ids(ids).tolist():
            if index < self.unknown_id:
                continue
            word = self._tokens[index]
            glued = word in _NO_SPACE_BEFORE or before in _NO_SPACE_AFTER
            pieces.append(word if glued else " " + word)
            before = word
        return "".join(pieces)

    def encode_tensor(self, strings):
        """Returns the ids, int32 (B, P), padded with 0 on the right, and lengths, int32 (B,), of strings (B,)."""
        words = split_words_tensor(tf.convert_to_tensor(strings), self.lowercase)
        # Look-up by sorted fingerprints: plain operators, where a hash table would be a resource to be tracked.
        known = np.array(self._tokens[len(RESERVED) :], "O")
        with tf.init_scope():
            prints = tf.strings.to_hash_bucket_fast(tf.constant(known), _BUCKETS).numpy()
        order = np.argsort(prints, kind="stable")
        if np.any(np.diff(prints[order]) == 0):
            raise ValueError("two words of the vocabulary have the same 63-bit fingerprint; leave one of them out")
        flat = words.flat_values
        place = tf.searchsorted(tf.constant(prints[order]), tf.strings.to_hash_bucket_fast(flat, _BUCKETS))
        place = tf.minimum(place, len(known) - 1)
        found = tf.equal(tf.gather(tf.constant(known[order]), place), flat)
        ids = tf.gather(tf.constant((order + len(RESERVED)).astype("int32")), place)
        ids = words.with_flat_values(tf.where(found, ids, self.unknown_id))
        return ids.to_tensor(self.pad_id), tf.cast(ids.row_lengths(), tf.int32)

    def decode_tensor(self, ids, lengths):
        """Returns the strings (B,) of the first `lengths` (B,) ids of each row of `ids` (B, T)."""
        ids, lengths = tf.convert_to_tensor(ids), tf.convert_to_tensor(lengths)
        kept = tf.sequence_mask(lengths, tf.shape(ids)[1]) & (ids >= self.unknown_id)  # (B, T)
        ids = tf.ragged.boolean_mask(ids, kept)
        flat = ids.flat_values
        glued_before = tf.constant([word in _NO_SPACE_BEFORE for word in self._tokens])
        glued_after = tf.constant([word in _NO_SPACE_AFTER for word in self._tokens])
        rows = ids.value_rowids()
        first = tf.concat([tf.ones_like(rows[:1], tf.bool), rows[1:] != rows[:-1]], 0)
        after = tf.concat([tf.zeros_like(rows[:1], tf.bool), tf.gather(glued_after, flat[:-1])], 0)
        space = tf.where(first | after | tf.gather(glued_before, flat), "", " ")
        pieces = ids.with_flat_values(tf.strings.join([space, tf.gather(tf.constant(self._pieces()), flat)]))
        return tf.strings.reduce_join(pieces.to_tensor(""), axis=1)

    def get_config(self) -> dict:
        return {
            "tokens": self.tokens,
            "max_size": self.max_size,
            "min_count": self.min_count,
            "lowercase": self.lowercase,
        }


def check_integer(value, argument: str, least: int) -> None:
    """Raises TypeError or ValueError that names the argument."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"`{argument}` must be an int, received {type(value).__name__}")
    if value < least:
        raise ValueError(f"`{argument}` must be at least {least}, received {value}")


def _frequent(texts, max_size: int | None, min_count: int, lowercase: bool) -> list[str]:
    counts, documents = collections.Counter(), named_documents(texts, "texts")
    for name, document in documents:
        for block in document_blocks(name, document, "word"):
            code_points(block, name)
            counts.update(split_words(block, lowercase))
    if not counts:
        raise ValueError(f"{documents[0][0]} holds no words")
    words = sorted((word for word in counts if counts[word] >= min_count), key=lambda word: (-counts[word], word))
    if not words:
        most = max(counts.values())
        raise ValueError(
            f"no word of `texts` comes `min_count`={min_count} times; the most frequent comes {most} times"
        )
    return words if max_size is None else words[: max_size - len(RESERVED)]


def _checked_words(tokens, lowercase: bool) -> list[str]:
    if isinstance(tokens, (str, bytes)):
        raise TypeError(f"`tokens` must be a sequence of words, received {type(tokens).__name__}")
    words = list(tokens)
    if tuple(words[: len(RESERVED)]) == RESERVED:
        words = words[len(RESERVED) :]
    if not words:
        raise ValueError("`tokens` holds no words")
    seen = set()
    for word in words:
        if not isinstance(word, str):
            raise TypeError(f"`tokens` must hold str only, received {word!r}")
        code_points(word, "`tokens`")
        if (pieces := split_words(word, lowercase)) != [word]:
            raise ValueError(f"`tokens` holds {word!r}, which no text can give: it is read as {pieces}")
        if word in seen:
            raise ValueError(f"`tokens` holds {word!r} more than once")
        seen.add(word)
    return words
