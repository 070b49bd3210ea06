"""Errors by hand, n-grams by counting in a dictionary, and a figure with the numbers in it."""

import collections

import numpy as np
import pytest

import keras_seqcv as ks
from keras_seqcv.inspection.ngrams import ngram_probabilities

error_types, plot, ErrorTypes = ks.inspection.error_types, ks.inspection.plot_error_types, ks.inspection.ErrorTypes


def recording(text, wrong, share=0.01):
    """All characters are told but for those at the places `wrong`, which got `share`."""
    shares = np.full(len(text), 0.9, "float32")
    shares[0] = np.nan
    shares[list(wrong)] = share
    return ks.inspection.Recording(list(text), {}, shares)


def kinds(text, wrong, training="q", share=0.01, **options):
    found = error_types(recording(text, wrong, share), training, **options)
    assert found.errors == len(wrong) == sum(found.kinds.values()) and found.predicted == len(text) - 1
    return {name: count for name, count in found.kinds.items() if count}


def test_ngrams_by_counting():
    random = np.random.default_rng(0)
    training, text = random.integers(0, 3, 200), random.integers(0, 4, 60)
    found = ngram_probabilities(training, text, 4)
    for n in range(1, 5):
        grams = collections.Counter(tuple(training[t : t + n]) for t in range(len(training) - n + 1))
        contexts = collections.Counter()
        for gram, count in grams.items():
            contexts[gram[:-1]] += count
        for t in range(len(text)):
            gram = tuple(text[t - n + 1 : t + 1]) if t >= n - 1 else None
            wanted = grams[gram] / contexts[gram[:-1]] if gram and contexts[gram[:-1]] else 0
            assert found[n - 1, t] == pytest.approx(wanted), (n, t)


def test_ngrams_are_tried_from_the_shortest():
    assert kinds("xaba", [2, 3], training="abababab aba") == {"2-gram": 2}
    assert kinds("zzab", [3], training="aaaaaaaab") == {"word seen <= 0": 1}  # a more often goes before a
    assert kinds("aba", [2], training="cbcbcbcbaba", longest=3) == {"3-gram": 1}


def test_a_word_that_came_before():
    text = "Mary likes " + "x" * 100 + " Mary"
    m = len(text) - 3
    assert kinds(text, [m]) == {"memory of 500": 1}
    assert kinds("Mary Mary", [6]) == {"memory of 100": 1}
    assert kinds("Marys Mary", [7]) == {"word seen <= 0": 1}  # another word
    assert kinds("Mary Mary", [6], memories=(4,)) == {"word seen <= 0": 1}  # it begins 5 before
    assert kinds("Mary", [2]) == {"word seen <= 0": 1}  # the first has nothing before it


def test_rare_words_are_counted_whole():
    training = "ab ab ab ab ab ab ab. axe axe zz zz zz zz " * 2 + "abc"
    options = dict(longest=1)
    assert kinds("- zz", [3], training, **options) == {"rest": 1}  # eight times
    assert kinds("- axe", [4], training, **options) == {"word seen <= 4": 1}
    assert kinds("- abc", [4], training, **options) == {"word seen <= 1": 1}


def test_what_is_left():
    training = "of of of of of of . , it it it it it it"
    options = dict(training=training, longest=1)
    assert kinds("- of", [2], **options) == {"word model": 1}
    assert kinds("-\nof", [2], **options) == {"word model": 1}
    assert kinds("it, of", [2], **options) == {"punctuation": 1}
    assert kinds("- of", [3], share=0.35, **options) == {"boost of 0.2": 1}
    assert kinds("- of", [3], **options) == {"rest": 1}


def test_of_a_trained_model():
    text = "the cat sat on the mat. " * 30
    model = ks.models.LanguageModel(ks.data.Characters(text), layers=1, units=4)
    found = error_types(ks.inspection.record(model, text[:200]), text)
    assert found.predicted == 199 and found.errors == sum(found.kinds.values()) > 100  # it was never trained
    assert sum(found.kinds[f"{n}-gram"] for n in range(1, 10)) / found.errors > 0.95  # a text that n-grams know


def test_the_figure_has_the_shares(tmp_path):
    found = ErrorTypes(1000, 40, {"1-gram": 10, "rest": 30})
    figure = plot({"LSTM": found, "GRU": ErrorTypes(1000, 20, {"1-gram": 1, "rest": 19})}, tmp_path / "a.png")
    assert [axes.get_title() for axes in figure.axes] == [
        "LSTM\n40 errors in 1,000 characters",
        "GRU\n20 errors in 1,000 characters",
    ]
    assert [[bar.get_width() for bar in axes.patches] for axes in figure.axes] == [[25, 75], [5, 95]]
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("message", "call"),
    [
        (
            "recording: expected one of a language model",
            lambda: error_types(ks.inspection.Recording(["a"], {}, None), "a"),
        ),
        (
            "recording: expected tokens that are characters",
            lambda: error_types(ks.inspection.Recording(["to"], {}, np.ones(1)), "a"),
        ),
        ("training_text: expected what the model was trained on", lambda: error_types(recording("ab", []), "")),
        ("longest: expected an int >= 1, received 0", lambda: error_types(recording("ab", []), "a", longest=0)),
        (
            r"memories: expected growing numbers, received \(5, 1\)",
            lambda: error_types(recording("ab", []), "a", 1, (5, 1)),
        ),
        ("found: expected errors to draw", lambda: plot(ErrorTypes(3, 0, {}))),
        (
            "found: expected the same kinds",
            lambda: plot({"a": ErrorTypes(3, 1, {"b": 1}), "c": ErrorTypes(3, 1, {"d": 1})}),
        ),
    ],
)
def test_bad_input_is_named(message, call):
    with pytest.raises(ValueError, match=message):
        call()
