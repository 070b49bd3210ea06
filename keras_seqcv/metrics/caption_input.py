"""What caption metrics take: the checks, and captions as tokens."""

import collections
from collections.abc import Iterator

import numpy as np

from keras_seqcv.metrics.ptb_tokenizer import tokenize_caption


def checked_list(value, argument: str, content: str) -> list:
    """Returns `value` as a list if it is a list, tuple or array; a str or dict would be taken apart without a word."""
    if not isinstance(value, (list, tuple, np.ndarray)):
        raise TypeError(f"`{argument}` must be a list of {content}, received {type(value).__name__}")
    return list(value)


def candidate_tokens(candidates) -> list[list[str]]:
    """Checks candidates and returns the tokens of each."""
    tokens = []
    for index, caption in enumerate(checked_list(candidates, "candidates", "captions (str)")):
        if not isinstance(caption, str):
            raise TypeError(f"`candidates[{index}]` must be a str, received {type(caption).__name__}")
        tokens.append(tokenize_caption(caption))
    return tokens


def reference_tokens(references) -> list[list[list[str]]]:
    """Checks references and returns the tokens of each."""
    tokens = []
    for index, item in enumerate(checked_list(references, "references", "lists of captions")):
        captions = checked_list(item, f"references[{index}]", "captions (str)")
        if not captions:
            raise ValueError(f"`references[{index}]` must hold at least one caption, received none")
        for place, caption in enumerate(captions):
            if not isinstance(caption, str):
                raise TypeError(f"`references[{index}][{place}]` must be a str, received {type(caption).__name__}")
        tokens.append([tokenize_caption(caption) for caption in captions])
    if not tokens:
        raise ValueError("`references` must hold the captions of at least one picture, received none")
    return tokens


def corpus_tokens(candidates, references) -> tuple[list[list[str]], list[list[list[str]]]]:
    """Checks candidates and references and returns the tokens of both."""
    counts = [len(checked_list(candidates, "candidates", "captions (str)"))]
    counts.append(len(checked_list(references, "references", "lists of captions")))
    if counts[0] != counts[1]:
        raise ValueError(
            "`candidates` and `references` must have the same length, one caption and one list of references for each "
            f"picture, received {counts[0]} and {counts[1]}"
        )
    return candidate_tokens(candidates), reference_tokens(references)


def words_of(tokens: list[str]) -> list[str]:
    """Takes tokens of several words apart, as BLEU and CIDEr of the original do (ROUGE-L does not)."""
    return " ".join(tokens).split()


def ngram_counts(words: list[str], order: int) -> Iterator[collections.Counter]:
    """Yields the counts of the n-grams of `words` for n = 1 .. `order`."""
    for n in range(1, order + 1):
        yield collections.Counter(zip(*(words[start:] for start in range(n)), strict=False))
