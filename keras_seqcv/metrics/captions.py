"""BLEU and ROUGE-L of captions, and all caption metrics in one call: the values of the COCO caption evaluation."""

import math

import numpy as np

from keras_seqcv.metrics.caption_input import corpus_tokens, ngram_counts, words_of
from keras_seqcv.metrics.captions_java import meteor_of_tokens, spice_of_tokens
from keras_seqcv.metrics.cider import cider_d_of_tokens

# The evaluation's own constants. They keep fractions defined where a caption has no n-gram: with them a caption of two
# words has a very small BLEU-4, and not 0.
_TINY, _SMALL = 1e-15, 1e-9
_BETA = 1.2  # how much more recall weighs than precision in ROUGE-L


def bleu(candidates, references, max_order: int = 4, per_caption: bool = False):
    """Corpus BLEU-1 to BLEU-`max_order`: n-grams of candidates that occur in references, over the whole corpus.

        BLEU-k = min(1, exp(1 - r/c)) * (p_1 * ... * p_k)^(1/k)

    where p_n is the fraction of the candidates' n-grams that are found in the references of their picture (each n-gram
    as often as the one reference that has most of it), c the number of words of all candidates, and r the sum, over the
    pictures, of the length of the reference whose length is closest to the candidate's (the shorter one of two).

    Args:
        candidates: list of N captions (str), one for each picture. An empty one scores 0.
        references: list of N lists of captions (str): what people wrote about each picture.
        max_order: the longest n-grams.
        per_caption: also return the value of each caption on its own. (Their mean is not the corpus's value.)

    Returns:
        list of `max_order` values from 0 to 1. With `per_caption`: these and an array (N, `max_order`).

    Raises:
        TypeError: an argument of a wrong type.
        ValueError: different lengths, a picture without references, no pictures, `max_order` below 1.

    Example:
        >>> from keras_seqcv.metrics import bleu
        >>> values = bleu(["A dog runs on grass."], [["A dog runs on the grass.", "The dog is running."]])
        >>> [round(value, 3) for value in values]
        [1.0, 0.866, 0.794, 0.707]

    Reference:
        Papineni et al. 2002, BLEU: a Method for Automatic Evaluation of Machine Translation.
    """
    if isinstance(max_order, bool) or not isinstance(max_order, (int, np.integer)):
        raise TypeError(f"`max_order` must be an int, received {type(max_order).__name__}")
    if max_order < 1:
        raise ValueError(f"`max_order` must be at least 1, received {max_order}")
    corpus, each = _bleu_of_tokens(*corpus_tokens(candidates, references), max_order)
    return (corpus, each) if per_caption else corpus


def rouge_l(candidates, references, per_caption: bool = False):
    """ROUGE-L: the longest common subsequence of candidate and reference, as an F measure; the mean over pictures.

        ROUGE-L = (1 + b^2) P R / (R + b^2 P),   P = max_j l_j / c,   R = max_j l_j / r_j

    where l_j is the number of tokens of the longest sequence that is found, in this order but not necessarily next to
    each other, in both the candidate and its j-th reference, c and r_j are their lengths, and b = 1.2. The largest
    precision P and the largest recall R may come from different references.

    Args:
        candidates: list of N captions (str), one for each picture. An empty one scores 0.
        references: list of N lists of captions (str): what people wrote about each picture.
        per_caption: also return the value of each caption.

    Returns:
        float from 0 to 1. With `per_caption`: it and an array (N,).

    Raises:
        TypeError: an argument of a wrong type.
        ValueError: different lengths, a picture without references, no pictures.

    Example:
        >>> from keras_seqcv.metrics import rouge_l
        >>> round(rouge_l(["A dog runs on grass."], [["A dog runs on the grass.", "The dog is running."]]), 3)
        0.894

    Reference:
        Lin 2004, ROUGE: A Package for Automatic Evaluation of Summaries.
    """
    corpus, each = _rouge_l_of_tokens(*corpus_tokens(candidates, references))
    return (corpus, each) if per_caption else corpus


def caption_scores(candidates, references, *, meteor: bool = False, spice: bool = False, per_caption: bool = False):
    """All caption metrics: "BLEU-1" to "BLEU-4", "ROUGE-L", "CIDEr-D", and "METEOR" and "SPICE" where asked for.

    The captions are split into tokens once for all of them.

    Args:
        candidates: list of N captions (str), one for each picture. An empty one scores 0.
        references: list of N lists of captions (str): what people wrote about each picture.
        meteor: METEOR too, which needs Java and `pip install "keras_seqcv[captions]"`.
        spice: SPICE too, which needs the same and downloads its parser at its first use.
        per_caption: also return the values of each caption.

    Returns:
        dict from name to float. With `per_caption`: it and a dict from name to an array (N,).

    Raises:
        TypeError: an argument of a wrong type.
        ValueError: different lengths, a picture without references, no pictures.
        ImportError: METEOR or SPICE without the extra.
        RuntimeError: METEOR or SPICE without Java.

    Example:
        >>> from keras_seqcv.metrics import caption_scores
        >>> candidates = ["A dog runs on grass.", "Two men."]
        >>> references = [["A dog runs on the grass.", "The dog is running."], ["Two men talk.", "Men are talking."]]
        >>> scores, each = caption_scores(candidates, references, per_caption=True)
        >>> {name: round(value, 3) for name, value in scores.items()}
        {'BLEU-1': 1.0, 'BLEU-2': 0.894, 'BLEU-3': 0.811, 'BLEU-4': 0.719, 'ROUGE-L': 0.833, 'CIDEr-D': 2.912}
        >>> int(each["CIDEr-D"].argmax())  # the best of them
        0

    Reference:
        Chen et al. 2015, Microsoft COCO Captions: Data Collection and Evaluation Server, arXiv:1504.00325.
    """
    tokens = corpus_tokens(candidates, references)
    orders, each_order = _bleu_of_tokens(*tokens, 4)
    found = {f"BLEU-{n + 1}": (orders[n], each_order[:, n]) for n in range(4)}
    found["ROUGE-L"] = _rouge_l_of_tokens(*tokens)
    found["CIDEr-D"] = cider_d_of_tokens(*tokens)
    if meteor:
        found["METEOR"] = meteor_of_tokens(*tokens)
    if spice:
        found["SPICE"] = spice_of_tokens(*tokens)
    scores = {name: corpus for name, (corpus, _) in found.items()}
    return (scores, {name: each for name, (_, each) in found.items()}) if per_caption else scores


def _bleu_of_tokens(candidates, references, max_order: int) -> tuple[list[float], np.ndarray]:
    found, total = np.zeros((2, len(candidates), max_order))  # (N, orders)
    lengths, closest = np.zeros((2, len(candidates)))  # (N,)
    for index, (candidate, captions) in enumerate(zip(candidates, references, strict=True)):
        candidate, captions = words_of(candidate), [words_of(caption) for caption in captions]
        lengths[index] = len(candidate)
        closest[index] = min((len(caption) for caption in captions), key=lambda r: (abs(r - len(candidate)), r))
        counts = [list(ngram_counts(caption, max_order)) for caption in captions]
        for n, ngrams in enumerate(ngram_counts(candidate, max_order)):
            total[index, n] = max(0, len(candidate) - n)
            found[index, n] = sum(min(k, max(c[n].get(gram, 0) for c in counts)) for gram, k in ngrams.items())
    corpus = _bleu_value(found.sum(0), total.sum(0), lengths.sum(), closest.sum())
    each = [_bleu_value(*row) for row in zip(found, total, lengths, closest, strict=True)]
    return corpus, np.array(each)


def _bleu_value(found, total, length: float, closest: float) -> list[float]:
    ratio = (length + _TINY) / (closest + _SMALL)
    brevity = math.exp(1 - 1 / ratio) if ratio < 1 else 1.0
    products = np.cumprod((found + _TINY) / (total + _SMALL))
    return [float(brevity * product ** (1 / (n + 1))) for n, product in enumerate(products)]


def _rouge_l_of_tokens(candidates, references) -> tuple[float, np.ndarray]:
    each = np.zeros(len(candidates))
    for index, (candidate, captions) in enumerate(zip(candidates, references, strict=True)):
        common = [_common_length(candidate, caption) for caption in captions]
        if any(common):
            precision = max(common) / len(candidate)
            recall = max(k / max(len(caption), 1) for k, caption in zip(common, captions, strict=True))
            each[index] = (1 + _BETA**2) * precision * recall / (recall + _BETA**2 * precision)
    return float(each.mean()), each


def _common_length(first: list[str], second: list[str]) -> int:
    """Returns the length of the longest common subsequence.

    A row of the usual table never falls, and rises by one at most from place to place. So one integer holds a whole
    row, with a bit where it rises, and the next row takes four operations instead of a loop (Hyyrö 2004).
    """
    places = {}
    for index, token in enumerate(first):
        places[token] = places.get(token, 0) | 1 << index
    row = 0
    for token in second:
        ones = row | places.get(token, 0)
        row = ones & ((ones - (row << 1 | 1)) ^ ones)
    return row.bit_count()
