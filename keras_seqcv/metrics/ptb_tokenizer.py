"""Captions to tokens as the COCO caption evaluation does, without Java."""

import re

from keras_seqcv.metrics.ptb_rules import DIGIT_RULES, LETTER_RULES, MARK_RULES

# The evaluation's list of what is left out afterwards. It names brackets in capitals, but the tokens are in lower case
# by then: brackets stay, here too.
PUNCTUATION = frozenset(
    ["''", "'", "``", "`", "-LRB-", "-RRB-", "-LCB-", "-RCB-", ".", "?", "!", ",", ":", "-", "--", "...", ";"]
)
# By far the most frequent tokens, which need no rules: a word of letters or a comma between spaces.
_PLAIN = re.compile("[A-Za-z]+(?=,? )|,(?= )")
_TWO_IN_ONE = frozenset(["cannot", "gonna", "wanna", "gotta", "gimme", "lemme"])
# What the original drops: control characters, formatting, private use, and all beyond the 16-bit plane (most emoji).
_DROPPED = re.compile(
    "[\x00-\x1f\x7f\x81-\x84\x86-\x90\x95\x98-\xa0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u20d0-\u20ff\u3000"
    "\ud800-\uf8ff\ufe00-\ufe0f\ufeff\ufff0-\uffff\U00010000-\U0010ffff]"
)
_NUMERALS = re.compile("([\u00b2\u00b3\u00b9\u00bc-\u00be\u2070-\u2079\u2080-\u2089\u2150-\u218b\u2460-\u249b])")
_SOFT_HYPHEN = re.compile("(?<=\\w)\u00ad")


def tokenize_caption(text: str) -> list[str]:
    """Splits a caption into the tokens that the COCO caption evaluation compares.

    That is Stanford's `PTBTokenizer` (CoreNLP 3.4.1, `-preserveLines -lowerCase`) and the removal of punctuation, as in
    pycocoevalcap 1.2: lower case, contractions split (`don't` to `do n't`), hyphenated words, numbers, abbreviations
    and addresses whole, quotes, full stops, commas, colons and dashes gone. Brackets stay, as `-lrb-` and `-rrb-`.

    Each caption is on its own here. The original reads the whole corpus as one text, in which a caption that ends in a
    single letter and a dot depends on the next one, and one with a line separator other than newline moves all others.
    Rare characters outside Latin, Greek, Cyrillic and East Asian scripts may come out otherwise than in the original.

    Args:
        text: the caption.

    Returns:
        The tokens; none for a caption without any. A token that holds several words, as `2 1/2` does, has U+00A0
        between them.

    Raises:
        TypeError: `text` is not a str.

    Example:
        >>> from keras_seqcv.metrics import tokenize_caption
        >>> tokenize_caption("A T-shirt (it's red), and he can't see the U.S. flag.")
        ['a', 't-shirt', '-lrb-', 'it', "'s", 'red', '-rrb-', 'and', 'he', 'ca', "n't", 'see', 'the', 'u.s.', 'flag']

    Reference:
        Chen et al. 2015, Microsoft COCO Captions: Data Collection and Evaluation Server, arXiv:1504.00325.
    """
    if not isinstance(text, str):
        raise TypeError(f"`text` must be a str, received {type(text).__name__}")
    return [token for token in _ptb_tokens(text) if token and token not in PUNCTUATION]


def _ptb_tokens(text: str) -> list[str]:
    """Returns the tokens before punctuation is removed; their quotes are not told apart by side."""
    text = _DROPPED.sub(" ", text) + " "  # some rules look at what follows: the end is a space like any other
    if not text.isascii():
        text = _SOFT_HYPHEN.sub("", _NUMERALS.sub(r" \1 ", text))
    tokens, place = [], 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        plain = _PLAIN.match(text, place)
        if plain and plain[0].lower() not in _TWO_IN_ONE:
            tokens.append(plain[0].lower())
            place = plain.end()
            continue
        first = text[place]
        rules = LETTER_RULES if first.isalpha() else DIGIT_RULES if first.isdigit() else MARK_RULES
        matches = [(pattern.match(text, place), write) for pattern, write in rules]
        longest, write = max((m for m in matches if m[0]), key=lambda m: m[0].end())  # the first of equally long ones
        tokens.append(write(longest[1]).lower())
        place = longest.end(1)
    return tokens
