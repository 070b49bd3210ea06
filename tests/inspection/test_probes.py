"""Each probe against marks made by hand beside the text: a digit where it holds, a point where it is 0."""

import numpy as np
import pytest

from keras_seqcv.inspection import probes
from keras_seqcv.inspection.spans import depth_of, filled

QUOTES = [
    ('he "said" it', "...11111...."),
    ('"a" "b"', "11..11."),
    ("“a” ”b", "11...."),
    ('"a\n\nb', "111.."),  # a blank line ends a quotation that nobody closed
    ('"a\nb"', "1111."),
    ('x "open', "..11111"),
    ("“a “b” c", "11111..."),
    ("it's", "...."),
]
PARENTHESES = [("a(b(c)d)e", ".111111.."), (")a(b", "..11"), ("(a\n\nb)", "111..."), ("((a)", "1111")]
WORDS = [("don't x_2 é", "111.1.111.1")]
SENTENCES = [
    ("Go. He", "..1..."),
    ('"Go!" He', "...1...."),
    ("1.5 is", "......"),
    ("What?! (Yes.)", "....11.....1."),
    ("end.", "...1"),
]
POSITIONS = [("ab\n\nc", "12001"), ("", "")]
DISTANCES = [("ab\n\nc", "21001"), ("abc", "321"), ("", "")]
INDENTS = [("  a b\n c", "12222011"), ("a b", "...")]

COMMENTS = [
    ("a/*b*/c", "..111.."),
    ("/*/ a */", ".111111."),
    ("/* // */ x", ".111111..."),
    ("// a\nb", ".111.."),
    ("// a \\\nb\nc", ".1111111.."),
    ('"/* */" x', "........."),
    ("'/' /* '\"' */ \"", "....." + "1111111" + "..."),
    ("a / b * c", "........."),
    ("/* open", ".111111"),
    ('"//" // "', "......111"),
    ("/**/x", ".11.."),
]
STRINGS = [
    ('x "ab" y', "..111..."),
    (r'"a\"b" c', "11111..."),
    (r'"a\\" "b"', "1111..11."),
    ('\'"\' "a"', "....11."),
    (r"'\'' " + '"a"', ".....11."),
    ('/* "a" */ "b"', "..........11."),
    ('// "a\n"b"', "......11."),
    ('"open\nx', "11111.."),
    ('"a\\\nb" c', "11111..."),
    ('""x', "1.."),
    ('"/*" x "*/"', "111....111."),
]
BLOCKS = [
    ("{a{b}c}d", "11221100"),
    ("}{", ".1"),
    ("{'{' \"{\" /*{*/ //}\n}", "1" * 19 + "0"),
    ("a{", ".1"),
]
MATH = [
    ("a $b$ c", "..11..."),
    ("$$a$$ b", ".111..."),
    (r"\(a\) b", ".111..."),
    (r"\[a\]$b$", ".111.11."),
    (r"\$5 $a$", "....11."),
    (r"\\$a$", "..11."),
    ("% $\n$a$", "....11."),
    ("$a\n\nb", "111.."),
    (r"\begin{align*}a\end{align*}b", "." * 13 + "1" * 13 + ".."),
    (r"\begin{proof}a\end{proof}", "." * 25),
    (r"$a \$ b$", "1111111."),
    ("$a$$b$ c", "11.11..."),
    ("$$a $b$ $$", ".11111111."),
    (r"\[a $b$ \]", ".11111111."),
]
ENVIRONMENTS = [
    (r"\begin{a}x\begin{b}\end{b}\end{a}", "." * 8 + "1" * 10 + "2" * 7 + "1" * 7 + "."),
    ("%\\begin{a}\nx", "." * 12),
    (r"\end{a}\begin{b}", "." * 15 + "1"),
]


def cases():
    tables = {
        probes.inside_quotes: QUOTES,
        probes.inside_parentheses: PARENTHESES,
        probes.inside_word: WORDS,
        probes.sentence_end: SENTENCES,
        probes.line_position: POSITIONS,
        probes.distance_to_newline: DISTANCES,
        probes.indentation: INDENTS,
        probes.inside_comment: COMMENTS,
        probes.inside_string: STRINGS,
        probes.block_depth: BLOCKS,
        probes.inside_math: MATH,
        probes.environment_depth: ENVIRONMENTS,
    }
    return [
        pytest.param(probe, *case, id=f"{probe.__name__}-{case[0]!r}") for probe in tables for case in tables[probe]
    ]


@pytest.mark.parametrize(("probe", "text", "marks"), cases())
def test_by_hand(probe, text, marks):
    found = probe(text)
    assert found.dtype == float and found.shape == (len(text),)
    assert "".join("." if value == 0 else str(int(value)) for value in found) == marks.replace("0", ".")


def test_a_tab_goes_to_the_next_eighth_column():
    assert probes.indentation(" \ta\t\n\t\tx").tolist() == [1, 8, 8, 8, 0, 8, 16, 16]


@pytest.mark.parametrize("name", ["PROSE", "C", "LATEX"])
def test_the_tables_hold_probes_by_their_names(name):
    table = getattr(probes, name)
    assert all(probe.__name__ == known and probe("a\n").shape == (2,) for known, probe in table.items())
    assert all(probe("").shape == (0,) for probe in table.values())


def test_a_scanner_by_hand_says_the_same_of_c():
    """Character by character, as a compiler's first lesson goes; on texts that are all marks."""
    random = np.random.default_rng(0)
    for _ in range(300):
        text = "".join(random.choice(list("/*\"'\\\n{}a"), 30))
        comment, string, depth = scanned(text)
        np.testing.assert_array_equal(probes.inside_comment(text), comment, err_msg=repr(text))
        np.testing.assert_array_equal(probes.inside_string(text), string, err_msg=repr(text))
        np.testing.assert_array_equal(probes.block_depth(text), depth, err_msg=repr(text))


def scanned(text):
    state, escaped, depth, since, rows = "code", False, 0, 0, []
    for t, character in enumerate(text):
        pair = text[t - 1 : t + 1] if t else ""
        if state == "code":
            if pair in ("/*", "//") and since < t:
                state, since = {"/*": "block", "//": "line"}[pair], t + 1
            elif character in "\"'":
                state, escaped = character, False
            else:
                depth = max(0, depth + {"{": 1, "}": -1}.get(character, 0))
        elif state == "block":
            if pair == "*/" and t > since:
                state, since = "code", t + 1
        elif state == "line":
            if character == "\n" and not escaped:
                state = "code"
            escaped = character == "\\"
        elif escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character in (state, "\n"):
            state, since = "code", t + 1
        if state == "line" and pair == "//" and since == t + 1:
            escaped = False
        rows.append((state in ("block", "line"), state == '"', depth))
    return np.array(rows, float).T


def test_spans():
    assert filled(3, []).tolist() == [0, 0, 0] and depth_of(2, []).tolist() == [0, 0]
