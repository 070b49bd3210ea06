"""Captions as a model returns them, with maps that are known, and pages read as a browser reads them."""

import base64
import dataclasses
import html.parser
import io
import json

import numpy as np
from PIL import Image

HOSTILE = "<script>alert('a')</script> & \"b\" $x$ $y$"


@dataclasses.dataclass
class Result:
    """What `model.caption` returns for one picture: what inspection reads of it."""

    text: str
    words: list
    attention: np.ndarray | None
    score: float = -1.25
    alternatives: list = dataclasses.field(default_factory=lambda: [("a bad cat", -2.5)])


def peaked(places, h=4, w=4, peak=0.7):
    """Maps (T, h, w) with most of the weight at one place (y, x) each, the rest spread evenly."""
    maps = np.full((len(places), h, w), (1 - peak) / (h * w - 1), "float32")
    for t, (y, x) in enumerate(places):
        maps[t, y, x] = peak
    return maps


def result(text="a red dog", places=((0, 0), (3, 3), (1, 2)), **options):
    words = text.split()
    return Result(text, words, peaked([places[t % len(places)] for t in range(len(words))]), **options)


def plain(height=40, width=40, color=(200, 160, 120)):
    return np.full((height, width, 3), color, "uint8")


class Page(html.parser.HTMLParser):
    """The elements of a page, each (tag, attributes, text in it), in the order of their ends."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self._open = [], []
        self.feed(text)
        self.close()
        assert not self._open, f"elements without an end: {self._open}"

    def handle_starttag(self, tag, attributes):
        if tag in ("meta", "img", "input"):
            self.elements.append((tag, dict(attributes), ""))
        else:
            self._open.append([tag, dict(attributes), ""])

    def handle_endtag(self, tag):
        assert self._open and self._open[-1][0] == tag, f"</{tag}> ends {self._open[-1:]}"
        self.elements.append(tuple(self._open.pop()))

    def handle_data(self, data):
        for element in self._open:
            element[2] += data

    def all(self, tag, **attributes):
        found = [e for e in self.elements if e[0] == tag]
        return [e for e in found if all(e[1].get(k) == v for k, v in attributes.items())]

    def texts(self, tag, **attributes):
        return [" ".join(text.split()) for _, _, text in self.all(tag, **attributes)]

    def pictures(self):
        """The pictures as arrays (H, W, 3)."""
        arrays = []
        for _, attributes, _ in self.all("img"):
            head, data = attributes["src"].split(",", 1)
            assert head in ("data:image/png;base64", "data:image/jpeg;base64")
            arrays.append(np.asarray(Image.open(io.BytesIO(base64.b64decode(data, validate=True)))))
        return arrays

    def data(self):
        ((_, _, text),) = self.all("script", id="data")
        return json.loads(text)

    def assert_needs_nothing_else(self):
        """Nothing is loaded, and the browser is told to load nothing."""
        for tag, attributes, text in self.elements:
            for name in ("src", "href", "action", "data", "srcset", "poster"):
                assert attributes.get(name, "data:").startswith("data:"), (tag, name, attributes[name][:80])
            assert not any(name.startswith("on") for name in attributes), (tag, attributes)
            if tag == "style":
                assert "url(" not in text and "@import" not in text
        (policy,) = [a["content"] for _, a, _ in self.all("meta", **{"http-equiv": "Content-Security-Policy"})]
        assert "default-src 'none'" in policy and "http" not in policy and "unsafe" not in policy
        return policy
