"""Drawn opinions mean what their label says, read by another reader; words alone do not tell it."""

import collections
import re

import numpy as np
import pytest

from keras_seqcv.data import opinions
from keras_seqcv.data.opinions import BAD, GOOD

NEGATIONS = re.compile(r"\bnot\b|\bnever\b|\bnobody\b|anything but")


def meaning(clause: str) -> str:
    """Of one clause: that of its adjective, turned around by each negation."""
    (adjective,) = [word for word in clause.split() if word in GOOD + BAD]
    positive = (adjective in GOOD) == (len(NEGATIONS.findall(clause)) % 2 == 0)
    return "positive" if positive else "negative"


def counting_clause(text: str) -> str:
    """The clause that counts, by the words that join."""
    text = text.replace("anything but", "anything-but")
    if text.startswith("although "):
        text = text.split(" , ")[1]
    elif " although " in text:
        text = text.split(" although ")[0]
    for word in (" , and still ", " but "):
        text = text.split(word)[-1]
    return text.replace("anything-but", "anything but")


def test_labels_are_what_the_texts_mean():
    some = opinions(600)
    assert [meaning(counting_clause(text)) for text in some.texts] == some.labels
    assert 0.4 < np.mean([label == "positive" for label in some.labels]) < 0.6


def test_tags_are_what_the_words_mean():
    plain, tagged = opinions(300, seed=4), opinions(300, per_step=True, seed=4)
    assert [" ".join(words) for words in tagged.texts] == plain.texts
    for words, tags in zip(tagged.texts, tagged.labels, strict=True):
        text, judged = " ".join(words), [k for k, tag in enumerate(tags) if tag in ("positive", "negative")]
        pieces = re.split(r" , and still | , |^although | although |(?<!anything) but ", text)
        clauses = [piece for piece in pieces if piece]
        assert [meaning(clause) for clause in clauses] == [tags[k] for k in judged]
        assert all(words[k] in GOOD + BAD for k in judged) and tags.count("aspect") == len(judged)


def test_no_word_tells_the_label():
    """Of each frequent word, and pair of neighbours, about half of the texts that hold it are positive."""
    some = opinions(4000)
    counts = collections.defaultdict(lambda: [0, 0])
    for text, label in zip(some.texts, some.labels, strict=True):
        for word in set(text.split()):
            counts[word][label == "positive"] += 1
    for word, (negative, positive) in counts.items():
        if negative + positive > 300:
            assert abs(positive / (negative + positive) - 0.5) < 0.12, word


def test_the_same_seed_gives_the_same():
    assert opinions(20, seed=1) == opinions(20, seed=1) and opinions(20, seed=1) != opinions(20, seed=2)
    assert opinions(5, seed=1).texts == opinions(20, seed=1).texts[:5]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0,), ValueError, "`count` must be at least 1"),
        ((2.5,), TypeError, "`count` must be an int"),
        ((2, False, -1), ValueError, "`seed` must be at least 0"),
        ((2, 1), TypeError, "`per_step` must be a bool"),
    ],
)
def test_wrong_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        opinions(*arguments)
