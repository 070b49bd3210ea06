"""BLEU, ROUGE-L and CIDEr-D against naive loops and the public evaluation's own values; bad input."""

import functools
import math
import random

import numpy as np
import pytest

from keras_seqcv.metrics import CiderD, bleu, caption_scores, cider_d, meteor, rouge_l, spice
from tests.metrics.published_captions import CANDIDATES, PUBLISHED, REFERENCES


def random_corpus(seed, pictures=12):
    """Captions of few words, so that they have much in common; no marks, so that the words are the tokens."""
    choose = random.Random(seed)
    words = "dog man red runs with grass the a".split()

    def caption(least):
        return " ".join(choose.choices(words, k=choose.randint(least, 9)))

    candidates = [caption(0) for _ in range(pictures)]
    return candidates, [[caption(1) for _ in range(choose.randint(1, 4))] for _ in range(pictures)]


def grams(words, n):
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def naive_bleu(candidates, references, order):
    """Papineni's equation with the evaluation's constants, counting by looking through lists."""
    product, values = 1.0, []
    length = sum(len(c.split()) for c in candidates)
    closest = 0
    for candidate, captions in zip(candidates, references, strict=True):
        lengths = sorted(len(r.split()) for r in captions)
        closest += min(lengths, key=lambda r: abs(r - len(candidate.split())))
    for n in range(1, order + 1):
        found = total = 0
        for candidate, captions in zip(candidates, references, strict=True):
            mine = grams(candidate.split(), n)
            total += len(mine)
            for gram in set(mine):
                found += min(mine.count(gram), max(grams(r.split(), n).count(gram) for r in captions))
        product *= (found + 1e-15) / (total + 1e-9)
        values.append(product ** (1 / n))
    ratio = (length + 1e-15) / (closest + 1e-9)
    return [value * (math.exp(1 - 1 / ratio) if ratio < 1 else 1) for value in values]


def naive_rouge_l(candidate, captions):
    @functools.cache
    def common(first, second):
        if not first or not second:
            return 0
        if first[0] == second[0]:
            return 1 + common(first[1:], second[1:])
        return max(common(first[1:], second), common(first, second[1:]))

    words = tuple(candidate.split())
    lengths = [(common(words, tuple(r.split())), len(r.split())) for r in captions]
    if not any(length for length, _ in lengths):
        return 0.0
    precision, recall = max(k / len(words) for k, _ in lengths), max(k / r for k, r in lengths)
    return (1 + 1.2**2) * precision * recall / (recall + 1.2**2 * precision)


def naive_cider_d(candidates, references):
    """Vedantam's equations over dense vectors of all n-grams, one n at a time."""
    scores = np.zeros(len(candidates))
    for n in range(1, 5):
        everything = sorted({g for r in references for caption in r for g in grams(caption.split(), n)})
        everything += sorted({g for c in candidates for g in grams(c.split(), n)} - set(everything))
        df = [sum(any(g in grams(c.split(), n) for c in captions) for captions in references) for g in everything]
        idf = np.array([math.log(len(references) / max(1, count)) for count in df])

        def vector(caption, n=n, everything=everything, idf=idf):
            return np.array([grams(caption.split(), n).count(g) for g in everything], float) * idf

        for index, (candidate, captions) in enumerate(zip(candidates, references, strict=True)):
            mine = vector(candidate)
            for caption in captions:
                theirs = vector(caption)
                norms = np.linalg.norm(mine) * np.linalg.norm(theirs)
                cosine = np.minimum(mine, theirs) @ theirs / norms if norms else 0.0
                gap = len(candidate.split()) - len(caption.split())
                scores[index] += 10 / 4 * cosine * math.exp(-(gap**2) / (2 * 6**2)) / len(captions)
    return scores


@pytest.mark.parametrize("seed", range(6))
def test_values_of_naive_loops(seed):
    candidates, references = random_corpus(seed)
    assert bleu(candidates, references, 5) == pytest.approx(naive_bleu(candidates, references, 5), rel=1e-9)
    for index, value in enumerate(bleu(candidates, references, per_caption=True)[1]):
        expected = naive_bleu(candidates[index : index + 1], references[index : index + 1], 4)
        assert value == pytest.approx(expected, rel=1e-9, abs=1e-300)
    each = [naive_rouge_l(c, r) for c, r in zip(candidates, references, strict=True)]
    assert rouge_l(candidates, references, per_caption=True)[1] == pytest.approx(each, rel=1e-12)
    assert rouge_l(candidates, references) == pytest.approx(np.mean(each), rel=1e-12)
    each = naive_cider_d(candidates, references)
    assert max(each) > 1
    assert cider_d(candidates, references, per_caption=True)[1] == pytest.approx(each, rel=1e-9, abs=1e-12)
    assert cider_d(candidates, references) == pytest.approx(np.mean(each), rel=1e-9)


def test_values_of_the_public_evaluation():
    scores, each = caption_scores(CANDIDATES, REFERENCES, per_caption=True)
    assert list(scores) == list(each) == [name for name in PUBLISHED if name != "METEOR"]
    for name in scores:
        assert scores[name] == pytest.approx(PUBLISHED[name][0], rel=1e-12), name
        assert each[name] == pytest.approx(PUBLISHED[name][1], rel=1e-12), name
    assert caption_scores(CANDIDATES, REFERENCES) == scores


def test_functions_agree_with_caption_scores():
    scores, each = caption_scores(CANDIDATES, REFERENCES, per_caption=True)
    values, by_caption = bleu(CANDIDATES, REFERENCES, per_caption=True)
    assert values == bleu(CANDIDATES, REFERENCES) == [scores[f"BLEU-{n}"] for n in (1, 2, 3, 4)]
    assert np.array_equal(by_caption, np.stack([each[f"BLEU-{n}"] for n in (1, 2, 3, 4)], 1))
    assert bleu(CANDIDATES, REFERENCES, 2) == values[:2]
    assert rouge_l(CANDIDATES, REFERENCES) == scores["ROUGE-L"]
    assert cider_d(CANDIDATES, REFERENCES) == scores["CIDEr-D"]
    assert all(type(value) is float for value in (*values, *scores.values()))


def test_perfect_and_foreign_candidates():
    references = [
        ["a red kite in the sky", "two dogs"],
        ["the man runs along the beach"],
        ["birds sit on a wire today"],
    ]
    perfect, each = caption_scores([captions[0] for captions in references], references, per_caption=True)
    assert [perfect[f"BLEU-{n}"] for n in (1, 2, 3, 4)] == pytest.approx([1] * 4, abs=1e-8)
    assert perfect["ROUGE-L"] == 1
    assert each["CIDEr-D"][1:] == pytest.approx([10, 10])  # the first has a second reference, with nothing in common
    assert each["CIDEr-D"][0] == pytest.approx(5)
    foreign = caption_scores(["quietly sleeping cats purr"] * 3, references)
    assert max(foreign.values()) < 1e-5 and foreign["ROUGE-L"] == foreign["CIDEr-D"] == 0


def test_empty_captions_and_references_of_marks_alone():
    scores, each = caption_scores(["", " . ", "a dog"], [["a dog"], ["..."], ["!", "a dog"]], per_caption=True)
    for name, values in each.items():
        assert values[0] == values[1] == 0 and values[2] > 0, name
    assert all(math.isfinite(value) for value in scores.values())
    assert set(caption_scores([""], [["a dog"]]).values()) == {0.0}


def test_order_of_pictures_and_of_references_does_not_matter():
    candidates, references = random_corpus(7)
    scores, each = caption_scores(candidates, references, per_caption=True)
    order = random.Random(0).sample(range(len(candidates)), len(candidates))
    moved, moved_each = caption_scores(
        [candidates[n] for n in order], [references[n][::-1] for n in order], per_caption=True
    )
    assert order != sorted(order)
    for name in scores:
        assert moved[name] == pytest.approx(scores[name], rel=1e-12), name
        assert moved_each[name] == pytest.approx(each[name][order], rel=1e-12, abs=1e-15), name


def test_bleu_is_of_the_corpus_and_takes_the_closest_length():
    # By hand: 3 of 4 words are found. The closest lengths are 2 (of 1, 2 and 4) and 1 (1 and 3 are equally close to 2:
    # the shorter), so 4 words are against 3: no penalty.
    values = bleu(["a b", "a c"], [["b", "a b", "a b c d"], ["a", "a b d"]], 1)
    assert values == pytest.approx([3 / 4])
    # 2 words against 4: exp(1 - 4 / 2).
    assert bleu(["a b"], [["a b c d"]], 1) == pytest.approx([math.exp(-1)])
    # A word counts as often as one reference has it, not as all together.
    assert bleu(["a a a"], [["a b c", "a a d"]], 1) == pytest.approx([2 / 3])


def test_rouge_l_takes_precision_and_recall_from_different_references():
    # "a x b": "a b" twice in order. P = 2/3 with both, R = 2/2 with the second.
    expected = (1 + 1.44) * (2 / 3) / (1 + 1.44 * 2 / 3)
    assert rouge_l(["a x b"], [["a c c b", "a b"]]) == pytest.approx(expected)
    assert rouge_l(["b a"], [["a b"]]) == pytest.approx(0.5)  # order counts


def test_cider_d_by_hand():
    references = [["red kite"], ["dog"]]
    # n = 1: weights log 2 each. "red": 1 / (1 sqrt 2); the candidate is as long as one word, the reference as two.
    expected = 10 / 4 * (1 / math.sqrt(2)) * math.exp(-1 / 72)
    assert cider_d(["red", "cat"], references) == pytest.approx(expected / 2)
    # "kite" is in the references of all pictures and weighs nothing: "a" is all that there is of "a kite".
    each = cider_d(["kite", "a"], [["kite"], ["a kite"]], per_caption=True)[1]
    assert each == pytest.approx([0, 10 / 4 * math.exp(-1 / 72)])
    # Repeating a word does not help: the smaller weight is taken.
    once, thrice = CiderD(references).score(["red", "red red red"], items=[0, 0])
    assert thrice < once
    assert cider_d(["a dog"], [["a dog"]]) == 0  # log 1


def test_cider_d_object_scores_any_captions_of_any_pictures():
    candidates, references = random_corpus(3)
    scorer = CiderD(references)
    each = cider_d(candidates, references, per_caption=True)[1]
    assert np.array_equal(scorer.score(candidates), each)
    items = [5, 0, 5, 11]
    assert np.array_equal(scorer.score([candidates[n] for n in items], items=items), each[items])
    assert np.array_equal(scorer.score(np.array(candidates)[items], items=np.array(items)), each[items])
    assert scorer.score([], items=[]).shape == (0,)
    # A caption about another picture, against the naive loop.
    others = references.copy()
    others[2], swapped = references[4], candidates.copy()
    swapped[4] = candidates[2]
    assert scorer.score([candidates[2]], items=[4])[0] == pytest.approx(naive_cider_d(swapped, references)[4])


def test_tokens_are_those_of_the_evaluation():
    references = [["He can't see the dog's T-shirt (red)."], ["Two men."]]
    scores = caption_scores(["he ca n't see \"the dog 's\" t-shirt ( red )", "two - men"], references)
    assert scores["ROUGE-L"] == 1 and scores["BLEU-4"] == pytest.approx(1, abs=1e-8)
    # A token that holds two words is two words for BLEU and CIDEr, and one for ROUGE-L: 3 of 3, and 2 of 2.
    assert bleu(["2 1/2 dogs"], [["2 1/2 cats"]], 1) == pytest.approx([2 / 3])
    assert rouge_l(["2 1/2 dogs"], [["2 1/2 cats"]]) == pytest.approx(1 / 2)


SCORES = [bleu, rouge_l, cider_d, caption_scores, meteor, spice]


@pytest.mark.parametrize("function", SCORES)
@pytest.mark.parametrize(
    ("candidates", "references", "error", "message"),
    [
        (["a"], [["a"], ["b"]], ValueError, "same length.*received 1 and 2"),
        ([], [], ValueError, "`references` must hold the captions of at least one picture, received none"),
        (["a", "b"], [["a"], []], ValueError, r"`references\[1\]` must hold at least one caption, received none"),
        ("a dog", [["a"]], TypeError, "`candidates` must be a list of captions.*received str"),
        ({"a": 1}, [["a"]], TypeError, "`candidates` must be a list of captions.*received dict"),
        (["a"], {"a": ["a"]}, TypeError, "`references` must be a list of lists of captions, received dict"),
        (["a"], ["a dog"], TypeError, r"`references\[0\]` must be a list of captions.*received str"),
        ([b"a"], [["a"]], TypeError, r"`candidates\[0\]` must be a str, received bytes"),
        ([None], [["a"]], TypeError, r"`candidates\[0\]` must be a str, received NoneType"),
        (["a"], [["a", 3]], TypeError, r"`references\[0\]\[1\]` must be a str, received int"),
        (["a"], [[["a"]]], TypeError, r"`references\[0\]\[0\]` must be a str, received list"),
    ],
)
def test_bad_captions(function, candidates, references, error, message):
    with pytest.raises(error, match=message):
        function(candidates, references)


@pytest.mark.parametrize(
    ("order", "error", "message"),
    [(0, ValueError, "at least 1, received 0"), (True, TypeError, "received bool"), (2.0, TypeError, "received float")],
)
def test_bad_order(order, error, message):
    with pytest.raises(error, match=f"`max_order` must be.*{message}"):
        bleu(["a"], [["a"]], order)


@pytest.mark.parametrize(
    ("candidates", "items", "error", "message"),
    [
        (["a"], None, ValueError, "one caption for each of the 2 pictures.*received 1 captions"),
        (["a"], [2], ValueError, "from 0 to 1, received 2"),
        (["a"], [-1], ValueError, "from 0 to 1, received -1"),
        (["a", "b"], [0], ValueError, r"shape \(2,\).*received \(1,\)"),
        (["a"], [[0]], ValueError, r"shape \(1,\).*received \(1, 1\)"),
        (["a"], [0.0], TypeError, "must be integers, received float64"),
        (["a"], [True], TypeError, "must be integers, received bool"),
        ("a", [0], TypeError, "`candidates` must be a list.*received str"),
        (3, None, TypeError, "`candidates` must be a list.*received int"),
    ],
)
def test_bad_items(candidates, items, error, message):
    with pytest.raises(error, match=message):
        CiderD([["a"], ["b"]]).score(candidates, items)


def test_bad_references_of_the_object():
    with pytest.raises(ValueError, match="at least one picture"):
        CiderD([])
    with pytest.raises(TypeError, match=r"`references\[0\]` must be a list of captions"):
        CiderD(["a"])
