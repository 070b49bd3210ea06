"""One HTML file that needs nothing else: no network, no script but its own."""

import base64
import hashlib
import html
import json
import os
from pathlib import Path

from keras_seqcv.placing import placed

_STYLE = """
:root { color-scheme: light dark; --back: #fafafa; --card: #fff; --ink: #1b1b1b; --soft: #5f6368; --line: #dadce0;
  --mark: #b3470a; --mark-ink: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --back: #131416; --card: #1e2023; --ink: #e8e8e8; --soft: #a2a7ad; --line: #3a3d42;
    --mark: #ffb070; --mark-ink: #1b1b1b; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 72rem; background: var(--back); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; margin: .5rem 0; }
h2 { font-size: 1.1rem; margin: 1.5rem 0 .5rem; }
.hint, .soft { color: var(--soft); font-size: .9rem; }
.cards { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); }
article { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .8rem; }
article img { display: block; width: 100%; height: auto; border-radius: .3rem; }
article p { margin: .6rem 0 0; }
article ul, article ol { margin: .4rem 0 0; padding-left: 1.3rem; font-size: .9rem; }
.number { color: var(--soft); font-variant-numeric: tabular-nums; white-space: nowrap; }
"""


def make_page(title: str, body: str, style: str = "", script: str = "", data=None) -> str:
    """Returns a whole page as text.

    Its Content-Security-Policy lets a browser run and load only what is in the file: this style, this script, and
    pictures that are data.

    Args:
        title: text, not yet escaped; also the heading.
        body: HTML below the heading.
        style: CSS besides that of all pages.
        script: JavaScript, run at the end. It finds `data` in the element `data`.
        data: what JSON can hold.

    Example:
        >>> from keras_seqcv.inspection.page import make_page
        >>> print(make_page("a < b", "<p>yes</p>")[-45:-1])
        <h1>a &lt; b</h1>
        <p>yes</p>
        </body>
        </html>
    """
    style = _STYLE + style
    policy = f"default-src 'none'; img-src data:; style-src '{_hash(style)}'"
    if script:
        policy += f"; script-src '{_hash(script)}'"
        # A text in it could end the element, or begin a comment that swallows its end.
        safe = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
        body += f'\n<script type="application/json" id="data">{safe}</script>\n<script>{script}</script>'
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title>
<style>{style}</style>
</head>
<body>
<h1>{html.escape(title)}</h1>
{body}
</body>
</html>
"""


def write_page(path: str | os.PathLike, page: str) -> Path:
    """Writes a page, whole or not at all, and returns where it is.

    Raises:
        OSError: naming `path`, if it cannot be written.
    """
    # Half of a surrogate pair is no UTF-8: its number stands for it, and a browser shows that something was there.
    path, data = Path(path), page.encode("utf-8", "xmlcharrefreplace")
    with placed(path, folder=False) as temporary:
        temporary.write_bytes(data)
    return path


def check_lengths(**lists) -> int:
    """Returns the length that all of these have.

    Raises:
        TypeError: one of them has no length, or is a text or a path.
        ValueError: they are empty, or their lengths differ.
    """
    for name, value in lists.items():
        if isinstance(value, (str, bytes, dict)) or not (hasattr(value, "__len__") and hasattr(value, "__getitem__")):
            raise TypeError(f"`{name}` must be a list with one item per picture, received {type(value).__name__}")
    lengths = {name: len(value) for name, value in lists.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{_listed(lengths)} must have the same length, received {list(lengths.values())}")
    if not lengths or 0 in lengths.values():
        raise ValueError(f"{_listed(lengths)} must hold at least one picture, received none")
    return next(iter(lengths.values()))


def _listed(names) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
