"""Where a language model of characters goes wrong, and what would help: errors taken away one kind after the other."""

import collections
import dataclasses
import os
import re
import string
from collections.abc import Sequence

import numpy as np

from keras_seqcv.inspection.figures import check_png, new_figure, save_png
from keras_seqcv.inspection.ngrams import ngram_probabilities
from keras_seqcv.inspection.recording import Recording

_WORD = re.compile(r"\w+")
_SURE = 0.5
_BOOSTS = (0.1, 0.2, 0.3, 0.4)


@dataclasses.dataclass(frozen=True)
class ErrorTypes:
    """What `error_types` found.

    Args:
        predicted: how many characters were told by the model. errors: to how many it gave less than 1/2.
        kinds: name of a kind -> how many errors go with it and with no kind before, in the order of the paper.

    Example:
        >>> ks.inspection.ErrorTypes(100, 40, {"5-gram": 10, "rest": 30}).shares
        {'5-gram': 0.25, 'rest': 0.75}
    """

    predicted: int
    errors: int
    kinds: dict

    @property
    def shares(self) -> dict:
        """Name of a kind -> share of the errors; empty where there are none."""
        return {name: count / self.errors for name, count in self.kinds.items()} if self.errors else {}


def error_types(
    recording: Recording,
    training_text: str,
    longest: int = 9,
    memories: Sequence[int] = (100, 500, 1000, 5000),
    rare: Sequence[int] = (0, 1, 2, 3, 4, 5),
) -> ErrorTypes:
    r"""Break the errors of a model down as Karpathy, Johnson and Fei-Fei do.

    An error is a character that got less than 1/2. Oracles take errors away one after the other; each is credited with
    what those before have left:

        n-gram            one of the models by 1- to n-grams, counted in the training text, gives it more than 1/2
        memory of m       it is in a word (\w+) that also stands, whole, within the m characters before this one begins
        word seen <= k    it is in a word that the training text has at most k times
        word model        it is the first of what follows a space, a quotation mark or a newline
        punctuation       it is one of ASCII's punctuation marks
        boost of b        with b more it would have had 1/2
        rest              all others

    The paper names these oracles and their order; how a memory looks for a word, and that boosts add up, is said here.

    Args:
        recording: what `record` gives of a language model of characters, by `models.LanguageModel`.
        training_text: what the model was trained on.
        longest: int >= 1, the largest n.
        memories: how far back, in characters, growing.
        rare: how often a word may come, growing.

    Returns:
        `ErrorTypes`.

    Raises:
        ValueError: for a recording without probabilities, or of tokens that are not characters; for an argument that is
            not as above.

    Example:

    >>> tokens, shares = list("ab ab"), np.array([np.nan, 0.9, 0.8, 0.1, 0.9], "float32")
    >>> found = ks.inspection.error_types(ks.inspection.Recording(tokens, {}, shares), "ab ab ab")
    >>> found.predicted, found.errors, found.kinds["2-gram"]
    (4, 1, 1)

    Reference:
        Karpathy, Johnson, Fei-Fei: Visualizing and Understanding Recurrent Networks. arXiv 1506.02078, 2015, 4.4.
    """
    _check(recording, training_text, longest, memories, rare)
    text, shares = recording.text, recording.probability.astype("float64")
    left = shares < _SURE  # not a number, the first, is none
    predicted, errors, kinds = int(np.isfinite(shares).sum()), int(left.sum()), {}
    for name, told in _oracles(text, shares, training_text, longest, memories, rare):
        kinds[name] = int((left & told).sum())
        left = left & ~told
    kinds["rest"] = int(left.sum())
    return ErrorTypes(predicted, errors, kinds)


def _oracles(text, shares, training_text, longest, memories, rare):
    """Yields the name of an oracle, and where it is right, (N,) bool."""
    sure = ngram_probabilities(_symbols(training_text), _symbols(text), longest) > _SURE
    for n in range(1, longest + 1):
        yield f"{n}-gram", sure[n - 1]
    words = [(match.span(), match.group()) for match in _WORD.finditer(text)]
    distances, counts = np.full(len(text), np.inf), np.full(len(text), np.inf)
    seen, known = collections.defaultdict(list), collections.Counter(_WORD.findall(training_text))
    for (first, last), word in words:
        if seen[word]:
            distances[first:last] = first - seen[word][-1]
        seen[word].append(first)
        counts[first:last] = known[word]
    for memory in memories:
        yield f"memory of {memory}", distances <= memory
    for most in rare:
        yield f"word seen <= {most}", counts <= most
    before = np.array(list(" " + text[:-1]))
    yield "word model", np.isin(before, [" ", "\n", "\t", '"', "“", "'"])
    yield "punctuation", np.isin(np.array(list(text)), list(string.punctuation))
    for boost in _BOOSTS:
        yield f"boost of {boost}", shares + boost >= _SURE


def _symbols(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def _check(recording, training_text, longest, memories, rare) -> None:
    if recording.probability is None:
        raise ValueError("recording: expected one of a language model, with probabilities")
    if any(len(token) != 1 for token in recording.tokens):
        raise ValueError("recording: expected tokens that are characters")
    if not isinstance(training_text, str) or not training_text:
        raise ValueError("training_text: expected what the model was trained on, received no text")
    if isinstance(longest, bool) or not isinstance(longest, int) or longest < 1:
        raise ValueError(f"longest: expected an int >= 1, received {longest!r}")
    for name, limits in (("memories", memories), ("rare", rare)):
        if list(limits) != sorted(set(limits)):
            raise ValueError(f"{name}: expected growing numbers, received {limits!r}")


def plot_error_types(found: ErrorTypes, path: str | os.PathLike | None = None):
    """A bar for each kind of error, as long as its share of the errors, in the order in which they were taken away.

    Args:
        found: what `error_types` gives; or a dict name -> of several, which are drawn side by side.
        path: PNG file for the figure, or None.

    Returns:
        matplotlib Figure. A notebook shows it; it does not belong to pyplot, so there is nothing to close.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: there are no errors to draw, the kinds differ, or the path does not end in .png.
        OSError: the file cannot be written; it names the file.

    Example:
        >>> found = ks.inspection.ErrorTypes(100, 40, {"5-gram": 10, "rest": 30})
        >>> figure = ks.inspection.plot_error_types(found, "errors.png")
        >>> figure.axes[0].get_title()
        '40 errors in 100 characters'
    """
    check_png(path)
    several = found if isinstance(found, dict) else {"": found}
    if not several or any(not one.errors for one in several.values()):
        raise ValueError("found: expected errors to draw, there are none")
    first = next(iter(several.values()))
    if any(list(one.kinds) != list(first.kinds) for one in several.values()):
        raise ValueError(f"found: expected the same kinds, received {[list(one.kinds) for one in several.values()]}")
    names = list(first.kinds)
    figure = new_figure("plot_error_types", 3.2 + 2.6 * len(several), 0.6 + 0.2 * len(names))
    panels = figure.subplots(1, len(several), sharey=True, sharex=True, squeeze=False)[0]
    for axes, (label, one) in zip(panels, several.items(), strict=True):
        bars = axes.barh(range(len(names)), [100 * share for share in one.shares.values()], color=_colors(names))
        axes.bar_label(bars, fmt="%.1f", fontsize=7, padding=2)
        title = f"{one.errors:,} errors in {one.predicted:,} characters"
        axes.set_title(f"{label}\n{title}" if label else title, fontsize=9)
        axes.set_xlabel("% of the errors", fontsize=9)
        axes.margins(x=0.15, y=0.01)
        axes.tick_params(labelsize=8)
    panels[0].set_yticks(range(len(names)), names, fontsize=8)
    panels[0].invert_yaxis()
    if path is not None:
        save_png(figure, path)
    return figure


def _colors(names) -> list:
    """One colour for each family of oracles."""
    families = ("gram", "memory", "seen", "word model", "punctuation", "boost", "rest")
    return [f"C{next(k for k, family in enumerate(families) if family in name)}" for name in names]
