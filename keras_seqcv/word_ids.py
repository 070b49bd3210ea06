"""Ids of a text, and of words that were cut by somebody else, as models read them."""

import numpy as np


def ids_of_text(vocabulary, text, where: str) -> tuple[np.ndarray, list[str]]:
    """Ids (T,) int32 of a text, and its words, one for each id.

    Raises:
        TypeError, ValueError: naming `where`: it is no str, or has no word.

    Example:
        >>> from keras_seqcv.word_ids import ids_of_text
        >>> ids, words = ids_of_text(ks.data.Words("a red star"), "a blue star", "text")
        >>> ids.tolist(), words
        ([4, 3, 6], ['a', 'blue', 'star'])
    """
    if not isinstance(text, str):
        raise TypeError(f"{where}: expected a str, received {type(text).__name__}")
    try:
        ids = vocabulary.encode(text)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    if not len(ids):
        raise ValueError(f"{where}: expected a text with words, received {text!r:.60}")
    if hasattr(vocabulary, "split"):
        return ids, vocabulary.split(text)
    tokens = vocabulary.tokens
    return ids, [tokens[k] for k in ids]


def ids_of_words(vocabulary, words, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Ids (T,) int32 of words that the vocabulary may cut in pieces, and the place of the last piece of each.

    Raises:
        TypeError, ValueError: naming `where`: something else than str, no word, or an empty one.

    Example:
        >>> from keras_seqcv.word_ids import ids_of_words
        >>> ids, last = ids_of_words(ks.data.Words("the U.S. army"), ["the", "U.S.", "army"], "words")
        >>> len(ids), last.tolist()
        (6, [0, 4, 5])
    """
    pieces = []
    for k, word in enumerate(words):
        if not isinstance(word, str):
            raise TypeError(f"{where}: expected words, received {type(word).__name__} at place {k}")
        if not word.strip():
            raise ValueError(f"{where}: expected words, received an empty one at place {k}")
        ids = vocabulary.encode(word)
        pieces.append(ids if len(ids) else np.array([vocabulary.unknown_id], "int32"))
    if not pieces:
        raise ValueError(f"{where}: expected one word at least, received none")
    return np.concatenate(pieces).astype("int32"), np.cumsum([len(ids) for ids in pieces]) - 1
