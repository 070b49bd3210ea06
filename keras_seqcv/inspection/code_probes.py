r"""Probes of C and of LaTeX, which know what is meant and what is only quoted."""

import re

import numpy as np

from keras_seqcv.inspection.spans import depth_of, filled

# What stands first swallows the marks of the others: a string in a comment is none, nor is a comment in a string. A
# string or a character that is not closed ends with its line, which a backslash joins to the next one.
_C = re.compile(
    r"""(?P<block>/\*.*?(?:(?P<closed>\*/)|\Z))
      | (?P<line>//(?:\\\n|[^\n])*)
      | (?P<string>"(?:\\(?:.|\Z)|[^"\\\n])*(?P<shut>"?))
      | (?P<character>'(?:\\(?:.|\Z)|[^'\\\n])*'?)
      | (?P<brace>[{}])""",
    re.DOTALL | re.VERBOSE,
)

_TEX = re.compile(
    r"""(?P<comment>%[^\n]*)
      | \\(?P<begin>begin)\s*\{(?P<opened>[^{}\n]*)\}
      | \\(?P<end>end)\s*\{(?P<ended>[^{}\n]*)\}
      | (?P<open>\\[(\[])
      | (?P<close>\\[)\]])
      | \\.
      | (?P<dollar>\$\$?)
      | (?P<paragraph>\n[^\S\n]*\n)""",
    re.DOTALL | re.VERBOSE,
)
_MATH = re.compile(r"(math|displaymath|equation|align|alignat|xalignat|flalign|gather|multline|eqnarray)\*?")


def inside_comment(text: str) -> np.ndarray:
    """1 inside a comment of C, from the second character that opens it up to the last one that closes it.

    A comment after // goes up to the newline, which is outside. Marks in strings and characters open nothing.

    Example:
        >>> ks.inspection.probes.inside_comment('a /*"*/ "/*"').astype(int)
        array([0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    """
    spans = [
        (match.start() + 1, match.end() - (1 if match["closed"] else 0))
        for match in _C.finditer(text)
        if match["block"] or match["line"]
    ]
    return filled(len(text), spans)


def inside_string(text: str) -> np.ndarray:
    r"""1 inside a string of C, from the mark that opens it up to the one that closes it.

    Escapes, marks in comments and in characters, as '"', are known. One that is not closed ends with its line.

    Example:
        >>> ks.inspection.probes.inside_string(r'''"a\"b" '"' /*"*/''').astype(int)
        array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    """
    spans = [
        (match.start(), match.end() - len(match["shut"])) for match in _C.finditer(text) if match["string"] is not None
    ]
    return filled(len(text), spans)


def block_depth(text: str) -> np.ndarray:
    """How many braces of C are open, those in comments, strings and characters left out; never below 0.

    Example:
        >>> ks.inspection.probes.block_depth('{"{" {}} }').astype(int)
        array([1, 1, 1, 1, 1, 2, 1, 0, 0, 0])
    """
    braces = [(match.start(), match["brace"]) for match in _C.finditer(text) if match["brace"]]
    return depth_of(len(text), [(place, 1 if brace == "{" else -1) for place, brace in braces])


def inside_math(text: str) -> np.ndarray:
    r"""1 inside mathematics of LaTeX: $ $, $$ $$, \( \), \[ \], and equation, align, gather, ..., with a star or not.

    From the last character of what opens it up to the last one of what closes it. A comment and \$ open nothing; a
    blank line, which TeX does not allow there, closes it. `verbatim` is read like anything else.

    Example:
        >>> ks.inspection.probes.inside_math(r"a $b$ \$ \[c\]").astype(int)
        array([0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0])
    """
    spans, opened, by = [], None, None
    for match in _TEX.finditer(text):
        mark = _closes(match)
        if opened is None and (by_now := _opens(match)):
            opened, by = match.end() - 1, by_now
        elif opened is not None and (by, mark) == ("$", "$$"):  # one ends, and the next begins
            spans.append((opened, match.start()))
            opened = match.end() - 1
        elif opened is not None and mark in (by, "paragraph"):
            spans.append((opened, match.end() - 1))
            opened = None
    return filled(len(text), spans if opened is None else [*spans, (opened, len(text))])


def environment_depth(text: str) -> np.ndarray:
    r"""How many environments of LaTeX are open, from the brace behind \begin{...} to the one behind \end{...}.

    Never below 0; those in comments are left out.

    Example:
        >>> ks.inspection.probes.environment_depth(r"\begin{a}b\end{a}").astype(int)
        array([0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0])
    """
    found = [match for match in _TEX.finditer(text) if match["begin"] or match["end"]]
    return depth_of(len(text), [(match.end() - 1, 1 if match["begin"] else -1) for match in found])


def _opens(match) -> str | None:
    """What closes the mathematics that begins here, or None."""
    if match["begin"]:
        return match["opened"] if _MATH.fullmatch(match["opened"]) else None
    if match["open"]:
        return {"(": r"\)", "[": r"\]"}[match["open"][1]]
    return match["dollar"]


def _closes(match) -> str | None:
    if match["end"]:
        return match["ended"]
    return "paragraph" if match["paragraph"] else match["close"] or match["dollar"]
