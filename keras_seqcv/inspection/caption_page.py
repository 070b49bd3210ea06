"""The best, the middling and the worst captions of a test set, as a page."""

import html
import os
from pathlib import Path

import numpy as np

from keras_seqcv.inspection.page import check_lengths, make_page, write_page
from keras_seqcv.inspection.pictures import data_uri, load_picture


def caption_page(
    images, results, references, scores, path: str | os.PathLike, count: int = 8, metric: str = "CIDEr-D"
) -> Path:
    """One HTML file with the best, the median and the worst captions: picture, caption, references, score.

    Pictures are in the file: it needs no network. Captions of equal scores stay in their order. Where there are not
    more than three times `count` captions, all of them are shown, from the best to the worst.

    Args:
        images: N pictures: a list of paths, Pillow images or uint8 arrays (H, W, 3), or an array (N, H, W, 3). Only
            those that are shown are read.
        results: list of N results, what `model.caption` returned: each has `text` (str).
        references: list of N lists of captions (str): what people wrote about each picture.
        scores: N numbers, one per caption, more is better: as from `caption_scores(..., per_caption=True)`.
        path: the file.
        count: how many of each kind, at least 1.
        metric: name of the score.

    Returns:
        `path` as a `pathlib.Path`.

    Raises:
        TypeError: an argument of a wrong type.
        ValueError: different lengths, no pictures, a score that is no number, `count` below 1.
        OSError: a file cannot be read or written; it names the file.

    Example:
        >>> from types import SimpleNamespace
        >>> scenes = ks.data.scenes(30)
        >>> results = [SimpleNamespace(text="there is a red circle") for _ in scenes]
        >>> texts = [result.text for result in results]
        >>> _, each = ks.metrics.caption_scores(texts, scenes.captions, per_caption=True)
        >>> page = ks.inspection.caption_page(
        ...     scenes.images(), results, scenes.captions, each["CIDEr-D"], "captions.html", count=4
        ... )
        >>> page.read_text(encoding="utf-8").count("<article>")
        12
    """
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)):
        raise TypeError(f"`count` must be an int, received {type(count).__name__} {count!r}")
    if count < 1:
        raise ValueError(f"`count` must be at least 1, received {count}")
    if not isinstance(metric, str):
        raise TypeError(f"`metric` must be a str, received {type(metric).__name__}")
    total = check_lengths(images=images, results=results, references=references, scores=scores)
    values = np.asarray(scores)
    if values.ndim != 1 or values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        raise ValueError(f"`scores` must be {total} finite numbers, received {values.dtype} of shape {values.shape}")
    name = html.escape(metric)
    body = [f'<p class="hint">{total} captions, mean {name} <span class="number">{values.mean():.3f}</span></p>']
    for heading, chosen in _sections(values, int(count)):
        cards = [_card(i, images[i], results[i], references[i], f"{name} {values[i]:.3f}") for i in chosen]
        body.append(f'<h2>{heading}</h2>\n<div class="cards">\n' + "\n".join(cards) + "\n</div>")
    return write_page(path, make_page(f"Captions by {metric}", "\n".join(body)))


def _sections(values: np.ndarray, count: int) -> list[tuple[str, list[int]]]:
    """Headings with the numbers of the pictures below them."""
    order = [int(i) for i in np.argsort(-values, kind="stable")]
    if len(order) <= 3 * count:
        return [("From the best to the worst", order)]
    middle = (len(order) - count) // 2
    return [
        ("Best", order[:count]),
        ("Around the median", order[middle : middle + count]),
        ("Worst, the very worst last", order[-count:]),
    ]


def _card(number: int, image, result, references, score: str) -> str:
    if not isinstance(getattr(result, "text", None), str):
        raise TypeError(
            f"`results[{number}]` must be what `model.caption` returns for one picture, received "
            f"{type(result).__name__} without text"
        )
    if not isinstance(references, (list, tuple, np.ndarray)) or not all(
        isinstance(reference, str) for reference in references
    ):
        raise TypeError(f"`references[{number}]` must be a list of captions (str), received {references!r}")
    source = data_uri(load_picture(image, f"images[{number}]"))
    told = "\n".join(f"<li>{html.escape(reference)}</li>" for reference in references)
    return f"""<article>
<img src="{source}" alt="picture {number}" loading="lazy">
<p><strong>{html.escape(result.text)}</strong></p>
<p class="number">{score}, picture {number}</p>
<ul class="soft">
{told}
</ul>
</article>"""
