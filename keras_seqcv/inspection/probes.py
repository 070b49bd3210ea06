"""Probes: what a unit may stand for, as functions of a text.

A probe takes a text, a str of T characters, and gives an array (T,): at t what holds when character t has just been
read, as the state of a network does. Any function of this kind serves; those here are of prose (`PROSE`), of C (`C`)
and of LaTeX (`LATEX`), each a dict name -> function, as `find_cells` takes it.
"""

import re

import numpy as np

from keras_seqcv.inspection.code_probes import (
    block_depth,
    environment_depth,
    inside_comment,
    inside_math,
    inside_string,
)
from keras_seqcv.inspection.spans import depth_of, filled

_PARAGRAPH = re.compile(r"\n[^\S\n]*\n")
_QUOTES = re.compile('["“”]|' + _PARAGRAPH.pattern)
_BRACKETS = re.compile(r"[()]|" + _PARAGRAPH.pattern)
_SENTENCE_END = re.compile(r"[.!?]+(?=[\"'”’)\]]*(?:\s|\Z))")
_TAB = 8


def inside_quotes(text: str) -> np.ndarray:
    """1 from a mark that opens on, up to the one that closes: " in turn, “ and ” as they are. A blank line closes.

    Example:
        >>> ks.inspection.probes.inside_quotes('a "b" c').astype(int)
        array([0, 0, 1, 1, 0, 0, 0])
    """
    spans, opened = [], None
    for match in _QUOTES.finditer(text):
        mark = match.group()
        if opened is not None and mark != "“":
            spans.append((opened, match.end() - 1))
            opened = None
        elif opened is None and mark in '"“':
            opened = match.start()
    return filled(len(text), spans if opened is None else [*spans, (opened, len(text))])


def inside_parentheses(text: str) -> np.ndarray:
    """1 from a ( on, up to the ) that closes it. A blank line closes all, and a ) without a ( is nothing.

    Example:
        >>> ks.inspection.probes.inside_parentheses("a(b(c)d)e").astype(int)
        array([0, 1, 1, 1, 1, 1, 1, 0, 0])
    """
    changes = [
        (match.end() - 1, {"(": 1, ")": -1}.get(match.group())) for match in _BRACKETS.finditer(text)
    ]  # None: back to zero
    return (depth_of(len(text), changes) > 0).astype(float)


def line_position(text: str) -> np.ndarray:
    r"""How many characters were read since the last newline: 0 at a newline, 1 at the first character of a line.

    Example:
        >>> ks.inspection.probes.line_position("ab\nc").astype(int)
        array([1, 2, 0, 1])
    """
    places = np.arange(len(text))
    last = np.where(_is(text, "\n"), places, -1)
    return (places - np.maximum.accumulate(last)).astype(float) if len(text) else np.zeros(0)


def distance_to_newline(text: str) -> np.ndarray:
    r"""How many characters follow until the next newline, or the end of the text: what a network can only guess.

    Example:
        >>> ks.inspection.probes.distance_to_newline("ab\nc").astype(int)
        array([2, 1, 0, 1])
    """
    newline = _is(text, "\n")
    following = np.where(newline, np.arange(len(text)), len(text))
    return (np.minimum.accumulate(following[::-1])[::-1] - np.arange(len(text))).astype(float)


def indentation(text: str) -> np.ndarray:
    r"""The columns of white space that the line begins with, as far as it was read; a tab goes to the next eighth one.

    Example:
        >>> ks.inspection.probes.indentation("\t a\n  b").astype(int)
        array([8, 9, 9, 0, 1, 2, 2])
    """
    found, column, begins = np.zeros(len(text)), 0, True
    for t, character in enumerate(text):
        if character == "\n":
            column, begins = 0, True
        elif begins and character in " \t":
            column = column + 1 if character == " " else (column // _TAB + 1) * _TAB
        else:
            begins = False
        found[t] = column
    return found


def inside_word(text: str) -> np.ndarray:
    """1 at letters, digits and underscores of any script.

    Example:
        >>> ks.inspection.probes.inside_word("an x_1!").astype(int)
        array([1, 1, 0, 1, 1, 1, 0])
    """
    return np.array([character.isalnum() or character == "_" for character in text], float)


def sentence_end(text: str) -> np.ndarray:
    """1 at . ! ? before white space or the end of the text, with closing quotes and brackets in between or not.

    Example:
        >>> ks.inspection.probes.sentence_end('Is 1.5 (it?) "Yes."').astype(int)
        array([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0])
    """
    return filled(len(text), [match.span() for match in _SENTENCE_END.finditer(text)])


def _is(text: str, character: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4") == ord(character)


_ALL = {f.__name__: f for f in (inside_quotes, line_position, inside_parentheses, inside_word, distance_to_newline)}
PROSE = {**_ALL, "sentence_end": sentence_end}
C = {
    "inside_comment": inside_comment,
    "inside_string": inside_string,
    "line_position": line_position,
    "indentation": indentation,
    "block_depth": block_depth,
    "inside_parentheses": inside_parentheses,
    "inside_word": inside_word,
    "distance_to_newline": distance_to_newline,
}
LATEX = {
    "inside_math": inside_math,
    "environment_depth": environment_depth,
    "line_position": line_position,
    "inside_parentheses": inside_parentheses,
    "inside_word": inside_word,
    "sentence_end": sentence_end,
    "distance_to_newline": distance_to_newline,
}
