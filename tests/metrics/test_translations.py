"""BLEU by sacrebleu, against the equation, and what is said of wrong arguments."""

import collections
import math
import sys

import pytest

import keras_seqcv as ks

pytest.importorskip("sacrebleu")
TEXTS = ["the dog runs on the green grass .", "two men stand near a blue car", "a child plays"]
REFERENCES = ["the dog runs on green grass .", "two men are standing near a blue car", "a child is playing outside"]


def slow_bleu(texts, references):
    """The equation, over words that are apart already."""
    hits, totals, c, r = [0] * 4, [0] * 4, 0, 0
    for text, reference in zip(texts, references):
        a, b = text.split(), reference.split()
        c, r = c + len(a), r + len(b)
        for n in range(4):
            grams, known = (collections.Counter(zip(*(s[k:] for k in range(n + 1)))) for s in (a, b))
            hits[n] += sum((grams & known).values())
            totals[n] += sum(grams.values())
    precision = math.exp(sum(math.log(hit / total) for hit, total in zip(hits, totals)) / 4)
    return 100 * min(1.0, math.exp(1 - r / c)) * precision


def test_bleu_is_that_of_the_equation():
    scores = ks.metrics.translation_scores(TEXTS, REFERENCES)
    assert scores["bleu"] == pytest.approx(slow_bleu(TEXTS, REFERENCES), abs=1e-6)
    assert 0 < scores["chrf"] < 100 and scores["signature"].startswith("nrefs:1|case:mixed|eff:no|tok:13a")
    perfect = ks.metrics.translation_scores(REFERENCES, REFERENCES)
    assert perfect["bleu"] == pytest.approx(100) and perfect["chrf"] == pytest.approx(100)


def test_capitals_and_marks():
    texts = [text.upper().replace(" .", ".") for text in TEXTS]
    assert ks.metrics.translation_scores(texts, REFERENCES)["bleu"] < 5
    scores = ks.metrics.translation_scores(texts, REFERENCES, lowercase=True)
    assert scores["bleu"] == pytest.approx(slow_bleu(TEXTS, REFERENCES), abs=1e-6)
    assert "case:lc" in scores["signature"]


def test_several_references():
    both = [[reference, text] for reference, text in zip(REFERENCES, TEXTS)]
    scores = ks.metrics.translation_scores(TEXTS, both)
    assert scores["bleu"] == pytest.approx(100) and "nrefs:2" in scores["signature"]


@pytest.mark.parametrize(
    ("texts", "references", "error", "message"),
    [
        ("a dog", ["a dog"], TypeError, "translations"),
        (["a dog", 3], ["a", "b"], TypeError, r"translations\[1\]"),
        (["a dog"], [3], TypeError, r"references\[0\]"),
        (["a dog"], ["a", "b"], ValueError, "received 1 and 2"),
        ([], [], ValueError, "at least one text"),
        (["a", "b"], [["a", "b"], ["a"]], ValueError, r"references\[1\]"),
        (["a"], [[]], ValueError, r"references\[0\]"),
    ],
)
def test_wrong_arguments_are_named(texts, references, error, message):
    with pytest.raises(error, match=message):
        ks.metrics.translation_scores(texts, references)


def test_hint_where_it_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics", None)
    with pytest.raises(ImportError, match=r'pip install "keras_seqcv\[metrics\]"'):
        ks.metrics.translation_scores(["a"], ["a"])
