"""CIDEr-D of captions: how much of what people agree on a caption says."""

import numpy as np

from keras_seqcv.metrics.caption_input import (
    candidate_tokens,
    corpus_tokens,
    ngram_counts,
    reference_tokens,
    words_of,
)

_ORDERS = 4
_SIGMA = 6.0


class CiderD:
    """CIDEr-D against a fixed set of references, counted once: for evaluation, and as a reward in training.

        CIDEr-D = 10 / (4 m) * sum_n sum_j exp(-(l - l_j)^2 / (2 s^2)) * min(g, g_j) . g_j / (|g| |g_j|)

    where g and g_j hold, for each n-gram (n = 1 .. 4), how often it occurs in the candidate and in its j-th reference,
    times log(N / df): N pictures, of which df have the n-gram in their references (1 at least). l and l_j are the
    lengths of the two, m the number of references, and s = 6. With a single picture all weights are log 1 = 0.

    Args:
        references: list of N lists of captions (str): what people wrote about each picture.

    Raises:
        TypeError: an argument of a wrong type.
        ValueError: a picture without references, no pictures.

    Example:
        >>> from keras_seqcv.metrics import CiderD
        >>> reward = CiderD([["A dog runs on grass.", "The dog is running."], ["Two men talk.", "Men are talking."]])
        >>> reward.score(["A dog runs.", "A man talks.", "Two men talk."], items=[0, 1, 1]).round(3)
        array([2.791, 0.   , 4.167])

    Reference:
        Vedantam et al. 2015, CIDEr: Consensus-based Image Description Evaluation, arXiv:1411.5726.
        Rennie et al. 2017, Self-critical Sequence Training for Image Captioning, arXiv:1612.00563.
    """

    def __init__(self, references):
        self._count(reference_tokens(references))

    @classmethod
    def _of_tokens(cls, references: list[list[list[str]]]) -> "CiderD":
        scorer = cls.__new__(cls)
        scorer._count(references)
        return scorer

    def _count(self, references: list[list[list[str]]]) -> None:
        self._ids = {}  # n-gram -> its number
        numbers, counts, orders, owners, lengths, pictures = [], [], [], [], [], []
        self._first = [0]  # of each picture, its first reference; then the number of references
        self._first_gram = [0]  # of each picture, its first entry in the arrays of n-grams; then their number
        for captions in references:
            seen = set()
            for caption in captions:
                words = words_of(caption)
                for n, ngrams in enumerate(ngram_counts(words, _ORDERS)):
                    found = [self._ids.setdefault(gram, len(self._ids)) for gram in ngrams]
                    numbers += found
                    counts += ngrams.values()
                    orders += [n] * len(found)
                    owners += [len(lengths)] * len(found)
                    seen.update(found)
                lengths.append(len(words))
            pictures += seen
            self._first.append(len(lengths))
            self._first_gram.append(len(numbers))
        self._lengths = np.array(lengths)  # (R,), R references of all pictures
        document_frequency = np.bincount(np.array(pictures, "int64"), minlength=len(self._ids))
        # One entry more, for the n-grams of candidates that no reference has: their number is -1.
        self._idf = np.log(len(references)) - np.log(np.append(np.maximum(document_frequency, 1), 1))  # (G + 1,)
        self._grams = np.array(numbers, "int64")  # (E,), E entries: an n-gram in a reference
        self._weights = np.array(counts) * self._idf[self._grams]  # (E,)
        self._places = np.array(owners, "int64") * _ORDERS + np.array(orders, "int64")  # (E,): reference and order
        squares = np.bincount(self._places, self._weights**2, minlength=len(lengths) * _ORDERS)
        self._norms = np.sqrt(squares).reshape(-1, _ORDERS)  # (R, orders)

    def score(self, candidates, items=None) -> np.ndarray:
        """Scores captions.

        Args:
            candidates: list of M captions (str). An empty one scores 0.
            items: None: as many candidates as pictures, in their order. Or M integers: the picture that each candidate
                is about, by its place in `references`; any of them, as often as wanted.

        Returns:
            array (M,), float64, from 0 to 10. The corpus's CIDEr-D is the mean over all pictures.

        Raises:
            TypeError: an argument of a wrong type.
            ValueError: numbers of candidates and items that do not fit, an item that is not there.
        """
        return self._score_tokens(candidate_tokens(candidates), self._checked_items(candidates, items))

    def _checked_items(self, candidates, items) -> list[int]:
        pictures = len(self._first) - 1
        if items is None:
            if len(candidates) != pictures:
                raise ValueError(
                    f"`candidates` must hold one caption for each of the {pictures} pictures, or `items` tell which "
                    f"picture each is about, received {len(candidates)} captions"
                )
            return list(range(pictures))
        items = np.asarray(items)
        if items.size and items.dtype.kind not in "iu":
            raise TypeError(f"`items` must be integers, received {items.dtype}")
        if items.shape != (len(candidates),):
            raise ValueError(
                f"`items` must have shape ({len(candidates)},), one for each candidate, received {items.shape}"
            )
        wrong = items[(items < 0) | (items >= pictures)]
        if wrong.size:
            raise ValueError(f"`items` must be from 0 to {pictures - 1}, received {wrong[0]}")
        return items.tolist()

    def _score_tokens(self, candidates: list[list[str]], items: list[int]) -> np.ndarray:
        scores = np.zeros(len(candidates))
        # The candidate's weight of each n-gram. Filled for one candidate at a time, so that min(g, g_j) is one look-up
        # for all references; made here, so that several threads may score.
        weights = np.zeros(len(self._idf))  # (G + 1,)
        for index, (tokens, item) in enumerate(zip(candidates, items, strict=True)):
            words = words_of(tokens)
            numbers, counts, orders = [], [], []
            for n, ngrams in enumerate(ngram_counts(words, _ORDERS)):
                numbers += [self._ids.get(gram, -1) for gram in ngrams]
                counts += ngrams.values()
                orders += [n] * len(ngrams)
            numbers = np.array(numbers, "int64")
            values = np.array(counts) * self._idf[numbers]
            norms = np.sqrt(np.bincount(np.array(orders, "int64"), values**2, minlength=_ORDERS))  # (orders,)
            weights[numbers] = values
            scores[index] = self._similarity(weights, norms, len(words), item)
            weights[numbers] = 0
        return scores

    def _similarity(self, weights, norms, length: int, item: int) -> float:
        """Returns the score of one candidate: its weights (G + 1,), its norms (orders,), its length."""
        first, last = self._first[item], self._first[item + 1]
        entries = slice(self._first_gram[item], self._first_gram[item + 1])
        theirs = self._weights[entries]
        places = self._places[entries] - first * _ORDERS
        products = np.minimum(weights[self._grams[entries]], theirs) * theirs
        products = np.bincount(places, products, minlength=(last - first) * _ORDERS).reshape(-1, _ORDERS)  # (m, orders)
        norms = norms * self._norms[first:last]  # (m, orders)
        cosines = np.divide(products, norms, out=np.zeros_like(norms), where=norms > 0)
        penalties = np.exp(-((length - self._lengths[first:last]) ** 2) / (2 * _SIGMA**2))  # (m,)
        return 10 * float((cosines.mean(1) * penalties).mean())


def cider_d(candidates, references, per_caption: bool = False):
    """CIDEr-D, which the COCO caption evaluation calls CIDEr: the mean over pictures. `CiderD` has the equation.

    How rare n-grams are is counted over the references that are given: a value belongs to its set of pictures.

    Args:
        candidates: list of N captions (str), one for each picture. An empty one scores 0.
        references: list of N lists of captions (str): what people wrote about each picture.
        per_caption: also return the value of each caption.

    Returns:
        float from 0 to 10. With `per_caption`: it and an array (N,).

    Raises:
        TypeError: an argument of a wrong type.
        ValueError: different lengths, a picture without references, no pictures.

    Example:
        >>> from keras_seqcv.metrics import cider_d
        >>> candidates = ["A dog runs on grass.", "Two men."]
        >>> references = [["A dog runs on the grass.", "The dog is running."], ["Two men talk.", "Men are talking."]]
        >>> round(cider_d(candidates, references), 3)
        2.912

    Reference:
        Vedantam et al. 2015, CIDEr: Consensus-based Image Description Evaluation, arXiv:1411.5726.
    """
    corpus, each = cider_d_of_tokens(*corpus_tokens(candidates, references))
    return (corpus, each) if per_caption else corpus


def cider_d_of_tokens(candidates, references) -> tuple[float, np.ndarray]:
    """Returns CIDEr-D of the corpus and of each caption, float and (N,), from tokens."""
    each = CiderD._of_tokens(references)._score_tokens(candidates, list(range(len(candidates))))
    return float(each.mean()), each
