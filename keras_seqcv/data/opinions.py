"""Opinions by a small grammar, whose meaning hangs on the order of the words."""

import numpy as np

from keras_seqcv.data.labelled_files import LabelledTexts

ASPECTS = ("plot", "acting", "music", "story", "ending", "dialogue", "cast", "script", "humour", "pacing")
GOOD = ("good", "wonderful", "moving", "clever", "funny", "convincing", "charming", "fresh")
BAD = ("bad", "dull", "awful", "silly", "boring", "clumsy", "weak", "flat")
ADVERBS = ("really", "quite", "very", "truly", "simply")
# {a} an aspect, {j} an adjective, with or without an adverb.
PLAIN = (
    "the {a} is {j}",
    "i found the {a} {j}",
    "everybody would call the {a} {j}",
    "it is true that the {a} is {j}",
)
DENIED = (
    "the {a} is not {j}",
    "i never found the {a} {j}",
    "nobody would call the {a} {j}",
    "it is not true that the {a} is {j}",
    "the {a} is anything but {j}",
)
DENIED_TWICE = (
    "nobody would say that the {a} is not {j}",
    "it is not true that i never found the {a} {j}",
)
# {0} is granted, {1} is what counts.
JOINED = ("{0} but {1}", "although {0} , {1}", "{1} although {0}", "{0} , and still {1}")
ALONE = 0.2  # share of sentences with one clause


def opinions(count: int, per_step: bool = False, seed: int = 0) -> LabelledTexts:
    """Writes opinions on films, labelled "positive" or "negative" by what they mean.

    A clause says that something is good or bad, or denies it, or denies that it is denied; half of all clauses are
    denied. Of two clauses, which always disagree, one is granted and the other counts: "although nobody would call the
    plot clever, the music is good" is positive. So which words there are tells next to nothing.

    Args:
        count: how many, int >= 1.
        per_step: label words instead: "aspect" for what is judged, "positive" or "negative" for the adjective, by what
            is meant ("good" is negative in "not good"), "O" for all others. What a label hangs on comes before it.
        seed: int >= 0; the same opinions for the same seed.

    Returns:
        `LabelledTexts`.

    Raises:
        TypeError, ValueError: for an argument that is not as above.

    Example:
        >>> some = ks.data.opinions(3, seed=2)
        >>> len(some), some.names
        (3, ['negative', 'positive'])
        >>> tagged = ks.data.opinions(3, per_step=True, seed=2)
        >>> " ".join(tagged.texts[0]) == some.texts[0]
        True
    """
    for name, value, least in (("count", count, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise TypeError(f"`{name}` must be an int, received {type(value).__name__}")
        if value < least:
            raise ValueError(f"`{name}` must be at least {least}, received {value}")
    if not isinstance(per_step, bool):
        raise TypeError(f"`per_step` must be a bool, received {type(per_step).__name__}")
    texts, labels = [], []
    for k in range(count):
        words, tags, label = _opinion(np.random.default_rng([seed, k]))
        texts.append(words if per_step else " ".join(words))
        labels.append(tags if per_step else label)
    return LabelledTexts(texts, labels, [f"opinion {k}" for k in range(count)])


def _opinion(rng: np.random.Generator) -> tuple[list[str], list[str], str]:
    """Words, their tags, and the label."""
    positive = rng.random() < 0.5
    label = "positive" if positive else "negative"
    first, second = (str(a) for a in rng.choice(ASPECTS, 2, replace=False))
    counts = _clause(rng, first, positive)
    if rng.random() < ALONE:
        return *counts, label
    granted = _clause(rng, second, not positive)
    words, tags = [], []
    for word in _pick(rng, JOINED).split():
        some = {"{0}": granted, "{1}": counts}.get(word, ([word], ["O"]))
        words, tags = words + some[0], tags + some[1]
    return words, tags, label


def _clause(rng: np.random.Generator, aspect: str, positive: bool) -> tuple[list[str], list[str]]:
    """A clause that means that, and its tags."""
    denied = rng.random() < 0.5
    twice = not denied and rng.random() < 0.25
    form = _pick(rng, DENIED if denied else DENIED_TWICE if twice else PLAIN)
    adjective = _pick(rng, GOOD if positive != denied else BAD)
    words, tags = [], []
    for word in form.split():
        if word == "{j}" and rng.random() < 0.5:
            words, tags = [*words, _pick(rng, ADVERBS)], [*tags, "O"]
        words.append(word.format(a=aspect, j=adjective))
        tags.append({"{a}": "aspect", "{j}": "positive" if positive else "negative"}.get(word, "O"))
    return words, tags


def _pick(rng: np.random.Generator, options) -> str:
    return options[int(rng.random() * len(options))]
