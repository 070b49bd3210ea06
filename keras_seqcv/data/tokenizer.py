"""Cuts text into words, punctuation marks and newlines, alike in Python and inside a TensorFlow graph.

Python's `re` and TensorFlow's RE2 disagree about Unicode classes, so both are given the same explicit ranges, which are
taken from `unicodedata`. The same holds for lower case: one table of characters, no rules of a language.
"""

import functools
import re
import sys
import unicodedata

import numpy as np
import tensorflow as tf

# Inside a word: apostrophes, hyphens, and the invisible joiners of Persian and Hindi.
_JOINERS = "'\u2019\\-\u2010\u2011\u200c\u200d"


@functools.cache
def _ranges() -> dict[str, list[tuple[int, int]]]:
    """The code points of words (letters, marks, numbers) and of space (but newline) as [first, last] ranges."""
    ranges = {"word": [], "space": []}
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        if unicodedata.category(char)[0] in "LMN":
            found = ranges["word"]
        elif char.isspace() and char != "\n":
            found = ranges["space"]
        else:
            continue
        if found and found[-1][1] == code - 1:
            found[-1] = (found[-1][0], code)
        else:
            found.append((code, code))
    return ranges


def _patterns(escape: str) -> tuple[str, str]:
    """Patterns of a token and of space, code points written by the format `escape`."""
    word, space = (
        "".join(f"{escape.format(first)}-{escape.format(last)}" for first, last in _ranges()[name])
        for name in ("word", "space")
    )
    return f"[{word}]+(?:[{_JOINERS}][{word}]+)*|\\n|[^{space}]", f"[{space}]+"


@functools.cache
def _python_pattern() -> re.Pattern:
    return re.compile(_patterns("\\U{:08x}")[0])


@functools.cache
def _lower_table() -> dict[int, int]:
    """Code point to code point; where lower case is several characters, to the first of them."""
    lower = ((code, ord(chr(code).lower()[0])) for code in range(sys.maxunicode + 1))
    return {code: small for code, small in lower if code != small}


def lower(text: str) -> str:
    """The text in lower case, character by character.

    Example:
        >>> from keras_seqcv.data.tokenizer import lower
        >>> lower("ÄPFEL")
        'äpfel'
    """
    return text.translate(_lower_table())


def split_words(text: str, lowercase: bool = False) -> list[str]:
    """Cuts a text into tokens.

    Args:
        text: the text.
        lowercase: whether to turn each character to lower case first.

    Returns:
        List of words (letters, marks and digits, with apostrophes and hyphens inside), single other characters, and
        newlines. Other white space is left out.

    Example:
        >>> from keras_seqcv.data.tokenizer import split_words
        >>> split_words("Don't stop, mother-in-law!\\n")
        ["Don't", 'stop', ',', 'mother-in-law', '!', '\\n']
    """
    if lowercase:
        text = lower(text)
    return _python_pattern().findall(text)


def split_words_tensor(strings: tf.Tensor, lowercase: bool = False) -> tf.RaggedTensor:
    """Does the same in the graph: strings (B,) to a ragged tensor of strings (B, P).

    Raises:
        tf.errors.InvalidArgumentError: where the graph runs: invalid UTF-8.
    """
    codes = tf.strings.unicode_decode(strings, "UTF-8", errors="strict")
    if lowercase:
        capital, small = (np.array(column, "int32") for column in zip(*sorted(_lower_table().items()), strict=True))
        flat = codes.flat_values
        place = tf.minimum(tf.searchsorted(tf.constant(capital), flat), len(capital) - 1)
        flat = tf.where(tf.gather(tf.constant(capital), place) == flat, tf.gather(tf.constant(small), place), flat)
        codes = codes.with_flat_values(flat)
    strings = tf.strings.unicode_encode(codes, "UTF-8")
    token, space = _patterns("\\x{{{:x}}}")
    strings = tf.strings.regex_replace(strings, space, " ")
    strings = tf.strings.regex_replace(strings, f"({token})", "\\1 ")
    tokens = tf.strings.split(strings, sep=" ")
    return tf.ragged.boolean_mask(tokens, tf.not_equal(tokens, ""))
