"""Where a model looked for each word of its captions, as a page to play with."""

import base64
import html
import os
from pathlib import Path

import numpy as np

from keras_seqcv.inspection.attention_script import SCRIPT, STYLE
from keras_seqcv.inspection.caption_results import attention_of, relative, scored
from keras_seqcv.inspection.page import check_lengths, make_page, write_page
from keras_seqcv.inspection.pictures import data_uri, load_picture

_HINT = "Point at a word, tap it, or move with the arrow keys: the picture is bright where the model looked for it."


def attention_page(images, results, path: str | os.PathLike, title: str = "Where the model looks") -> Path:
    """One HTML file that shows pictures and their captions; at each word, where the model looked for it.

    Pictures and maps are in the file: it needs no network, and can be sent to somebody. A word shows its map when the
    mouse is on it, when it is tapped, and when the arrow keys move to it. Below it stand the score of the caption and
    the captions that came next.

    Args:
        images: list of N pictures: paths, Pillow images or uint8 arrays (H, W, 3); or an array (N, H, W, 3).
        results: list of N results, what `model.caption` returned for them: each has `text` (str), `words` (T str),
            `score`, `alternatives`, a list of (text, score), and `attention`, an array (T, h, w) of weights that sum to
            one over the h * w places.
        path: the file.
        title: heading of the page.

    Returns:
        `path` as a `pathlib.Path`.

    Raises:
        TypeError: an argument of a wrong type.
        ValueError: different lengths, no pictures, a model without attention, a map that is not right, a score that is
            no number.
        OSError: a file cannot be read or written; it names the file.

    Example:
        >>> from types import SimpleNamespace
        >>> maps = np.random.default_rng(0).dirichlet(np.ones(64), 2).reshape(2, 8, 8)
        >>> result = SimpleNamespace(
        ...     text="a circle", words=["a", "circle"], attention=maps, score=-1.2, alternatives=[("a ring", -1.5)]
        ... )
        >>> ks.inspection.attention_page([ks.data.scenes(1)[0].image], [result], "attention.html").name
        'attention.html'
    """
    if not isinstance(title, str):
        raise TypeError(f"`title` must be a str, received {type(title).__name__}")
    count = check_lengths(images=images, results=results)
    cards, data = [], []
    for i in range(count):
        words, maps = attention_of(results[i], f"results[{i}]")
        score, others = scored(results[i], f"results[{i}]")
        source = data_uri(load_picture(images[i], f"images[{i}]"))
        cards.append(_card(source, results[i].text, words, score, others))
        data.append(_packed(maps))
    body = f'<p class="hint">{_HINT}</p>\n<main class="cards">\n' + "\n".join(cards) + "\n</main>"
    return write_page(path, make_page(title, body, STYLE, SCRIPT, data))


def _packed(maps: np.ndarray) -> dict:
    """Maps (T, h, w) as the script reads them: shares of the largest weight of each word, in steps of 1/255."""
    steps = np.round(relative(maps) * 255).astype("uint8")
    return {
        "h": maps.shape[1],
        "w": maps.shape[2],
        "peaks": [f"{weights.max():.0%}" for weights in maps],
        "maps": base64.b64encode(steps.tobytes()).decode(),
    }


def _card(source: str, text: str, words: list[str], score: float, others: list[tuple[str, float]]) -> str:
    buttons = "\n".join(
        f'<button type="button" aria-pressed="false" tabindex="{0 if i == 0 else -1}">{html.escape(word)}</button>'
        for i, word in enumerate(words)
    )
    others = "\n".join(
        f'<li>{html.escape(other)} <span class="number">{number:.2f}</span></li>' for other, number in others
    )
    others = f'<p class="soft">Next best</p>\n<ol>\n{others}\n</ol>' if others else ""
    return f"""<article>
<div class="picture"><img src="{source}" alt="{html.escape(text)}"><canvas aria-hidden="true"></canvas></div>
<p class="words" role="group" aria-label="Caption, word by word">
{buttons or "(no words)"}
</p>
<p class="soft told" aria-live="polite"></p>
<p class="soft">Score <span class="number">{score:.2f}</span></p>
{others}
</article>"""
