"""Pages show texts as texts, whatever is in them: no element, no attribute and no script comes of one."""

import html.parser
import json
from types import SimpleNamespace

import numpy as np
import pytest

import keras_seqcv as ks
from tests.browser import BROWSER, DRIVER, browser

# Each would get out of one place: an element, an attribute in either quotes, a script, a comment, a title, JSON.
HOSTILE = [
    "</script><script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    '" onmouseover="window.hacked = 1" x="',
    "' onmouseover='window.hacked = 1' x='",
    "</title></style></h1><svg onload=window.hacked=1>",
    "<!--<script>",
    "--></button></option></select><b>",
    "&lt;b&gt; &#60;i&#62; &amp;amp;",
    "javascript:window.hacked=1",
    "${window.hacked = 1}`",
    '\\u003cscript>\\"',
    "\u2028\u2029\0\x7f\ufeff",
    "]]></article><a href='//example.com'>",
]
TAME = "tame"


class Page(html.parser.HTMLParser):
    """The elements with the names of their attributes, all that they show, and the JSON of the page."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.shown, self.data, self._inside = [], [], "", None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, tuple(name for name, _ in attributes)))
        self.shown += [value for name, value in attributes if name in ("alt", "title", "aria-label", "value")]
        self._inside = "data" if ("id", "data") in attributes else tag

    def handle_endtag(self, tag):
        self.elements.append((f"/{tag}", ()))
        self._inside = None

    def handle_comment(self, text):
        self.elements.append(("comment", ()))

    def handle_data(self, text):
        if self._inside == "data":
            self.data += text
        elif self._inside not in ("script", "style"):
            self.shown.append(text)


def picture():
    return np.full((8, 8, 3), 200, "uint8")


def attention(text, path):
    maps = np.full((2, 2, 2), 0.25, "float32")
    result = SimpleNamespace(text=text, words=[text, text], attention=maps, score=-1.0, alternatives=[(text, -2.0)])
    ks.inspection.attention_page([picture()], [result], path, title=text)


def caption(text, path):
    result = SimpleNamespace(text=text)
    ks.inspection.caption_page([picture()] * 2, [result] * 2, [[text, text]] * 2, [1.0, 0.0], path, metric=text)


def importance(text, path):
    result = ks.models.Classification(text, 0.9, {}, [text, text], np.array([1.0, -0.5]))
    ks.inspection.importance_page([result], path, truth=[f"not {text}"], title=text)


def cells(text, path):
    values = np.linspace(-1, 1, 8, dtype="float32").reshape(4, 2)
    recording = ks.inspection.Recording([text, "a", text, "b"], {text: {"hidden": values, text: values}}, None)
    found = [ks.inspection.Cell(text, text, "hidden", 1, 0.9, 0.8, 0.2, 0.7)]
    probes = {text: np.array([0.0, 1, 0, 1], "float32")}
    ks.inspection.cell_page(recording, path, probes, found, states=["hidden", text], title=text)


PAGES = {"attention": attention, "caption": caption, "importance": importance, "cells": cells}


def strings(tree) -> list[str]:
    """All texts of what JSON held."""
    if isinstance(tree, str):
        return [tree]
    return [one for value in (tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ())
            for one in strings(value)]  # fmt: skip


def read(path):
    return Page(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("page", PAGES)
def test_no_element_comes_of_a_text(tmp_path, page, text):
    PAGES[page](TAME, tmp_path / "tame.html")
    PAGES[page](text, tmp_path / "hostile.html")
    tame, hostile = read(tmp_path / "tame.html"), read(tmp_path / "hostile.html")
    assert hostile.elements == tame.elements
    # And it is still there, letter by letter (a reader of HTML makes U+FFFD of the null character).
    kept = [text, text.replace("\0", "\ufffd")]
    wanted = sum(one.count(TAME) for one in [*tame.shown, *strings(json.loads(tame.data or "[]"))])
    found = [*hostile.shown, *strings(json.loads(hostile.data or "[]"))]
    assert sum(max(one.count(form) for form in kept) for one in found) == wanted > 0


@pytest.mark.parametrize("page", PAGES)
def test_half_of_a_surrogate_pair_is_shown(tmp_path, page):
    PAGES[page]("half \ud800", tmp_path / "half.html")
    assert "half " in (tmp_path / "half.html").read_text(encoding="utf-8")


@pytest.mark.skipif(not (BROWSER and DRIVER), reason="needs chromium and chromedriver")
def test_in_a_browser(tmp_path):
    """No script of a text runs, and none of the page's own breaks."""
    count = "return [document.querySelectorAll('*').length, typeof window.hacked]"
    with browser() as window:
        for page, make in PAGES.items():
            make(TAME, tmp_path / "tame.html")
            window.open(tmp_path / "tame.html")
            elements = window.run(count)[0]
            # One text with all of them: a start of the browser and a page for each take longer.
            for number, text in enumerate([*HOSTILE[:3], "".join(HOSTILE)]):
                path = tmp_path / f"{page}{number}.html"
                make(text, path)
                window.open(path)
                assert window.run(count) == [elements, "undefined"], (page, text)
                assert window.errors() == [], (page, text)
