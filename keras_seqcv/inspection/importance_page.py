"""The words that decided, as a page."""

import html
import os
from pathlib import Path

from keras_seqcv.inspection.importance_results import checked_results, checked_truth, heading, relative
from keras_seqcv.inspection.page import make_page, write_page

_STEPS = 10
_FOR, _AGAINST = "230, 115, 26", "38, 115, 204"
# The page's policy lets no element have a style of its own.
_STYLE = ".words { line-height: 1.9; } .words span { padding: .1em .15em; border-radius: .25em; }\n" + "\n".join(
    f".{name}{k} {{ background: rgba({color}, {0.8 * k / _STEPS:.2f}); }}"
    for name, color in (("f", _FOR), ("a", _AGAINST))
    for k in range(1, _STEPS + 1)
)


def importance_page(results, path: str | os.PathLike, truth=None, title: str = "The words that decided") -> Path:
    """One HTML file with texts, and the words that decided in colour: orange spoke for the label, blue against it.

    Args:
        results: what `model.classify(texts, explain=...)` returned: a `Classification`, or a list of them.
        path: the file.
        truth: the true labels, a list, or None; they are told where the model was wrong.
        title: of the page.

    Returns:
        `path` as a `pathlib.Path`.

    Raises:
        TypeError: an argument of a wrong type.
        ValueError: results without importance.
        OSError: the file cannot be written; it names the file.

    Example:
        >>> result = ks.models.Classification("bad", 0.9, {}, ["not", "good"], np.array([1.0, -0.5]))
        >>> page = ks.inspection.importance_page([result], "words.html").read_text()
        >>> '<span class="f10" title="1">not</span> <span class="a5" title="-0.5">good</span>' in page
        True
    """
    if not isinstance(title, str):
        raise TypeError(f"`title` must be a str, received {type(title).__name__}")
    results = checked_results(results)
    cards = [_card(*pair) for pair in zip(results, checked_truth(truth, len(results)), strict=True)]
    hint = '<p class="hint">Orange spoke for the label, blue against it; the stronger the more.</p>\n'
    return write_page(path, make_page(title, hint + "\n".join(cards), style=_STYLE))


def _card(result, true) -> str:
    spans = []
    for word, number, share in zip(result.words, result.importance, relative(result.importance), strict=True):
        step = round(abs(share) * _STEPS)
        shade = f' class="{"f" if share > 0 else "a"}{step}"' if step else ""
        spans.append(f'<span{shade} title="{float(number):.3g}">{html.escape(word)}</span>')
    told = html.escape(heading(result, true))
    return f'<article>\n<strong>{told}</strong>\n<p class="words">{" ".join(spans)}</p>\n</article>'
