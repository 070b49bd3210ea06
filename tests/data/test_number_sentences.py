"""Drawn sentences: the numbers in both languages mean the same, by a reader of number words that shares no code."""

import pytest

import keras_seqcv as ks
from keras_seqcv.data.number_sentences import english_number, german_number

ENGLISH = dict(
    zip(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety".split(),
        [*range(20), *range(20, 100, 10)],
    )
)
GERMAN = dict(
    zip(
        "null ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn "
        "siebzehn achtzehn neunzehn zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig eins".split(),
        [*range(20), *range(20, 100, 10), 1],
    )
)


def value(words, numbers, hundred, thousand):
    """The number that words say: units before tens or behind them add up alike."""
    total = below = 0
    for word in words:
        if word == thousand:
            total, below = total + 1000 * below, 0
        elif word == hundred:
            below *= 100
        elif word not in ("and", "und"):
            below += numbers[word]
    return total + below


NUMBERS = [*range(1200), 1999, 2000, 20_017, 21_321, 100_000, 101_001, 321_321, 999_999]


def test_numbers_mean_what_they_say():
    for number in NUMBERS:
        assert value(english_number(number).split(), ENGLISH, "hundred", "thousand") == number
        assert value(german_number(number).split(), GERMAN, "hundert", "tausend") == number
    for number in (-1, 1_000_000):
        with pytest.raises(ValueError, match="999,999"):
            german_number(number)


def test_both_sides_of_a_pair_mean_the_same():
    pairs = ks.data.number_sentences(300, seed=4)
    for source, target in zip(pairs.sources, pairs.targets, strict=True):
        said = [word for word in source.split() if word in ENGLISH or word in ("hundred", "thousand")]
        told = [word for word in target.split() if word in GERMAN or word in ("hundert", "tausend")]
        assert value(said, ENGLISH, "hundred", "thousand") == value(told, GERMAN, "hundert", "tausend") >= 2
        assert target.endswith(("t", "en"))  # the participle is the last word
    assert len(set(pairs.sources)) == 300
    short = sum(len(source.split()) <= 6 for source in pairs.sources)
    assert 30 < short < 270  # numbers of all lengths


def test_a_seed_is_a_corpus():
    assert ks.data.number_sentences(20, seed=1).sources == ks.data.number_sentences(50, seed=1).sources[:20]
    assert ks.data.number_sentences(20, seed=1) != ks.data.number_sentences(20, seed=2)
    for options, error in (
        ({"count": 0}, ValueError),
        ({"count": 1.0}, TypeError),
        ({"count": 1, "seed": -1}, ValueError),
    ):
        with pytest.raises(error, match="count|seed"):
            ks.data.number_sentences(**options)
