"""The page of cells: what is in the file, and what a real browser makes of it, opened from disk."""

import base64
import hashlib
import io

import numpy as np
import PIL.Image
import pytest

import keras_seqcv as ks
from tests.browser import BROWSER, DRIVER, browser
from tests.inspection.results import HOSTILE, Page

cell_page, Recording, Cell = ks.inspection.cell_page, ks.inspection.Recording, ks.inspection.Cell
needs_browser = pytest.mark.skipif(not (BROWSER and DRIVER), reason="needs chromium and chromedriver")
TEXT = "one (two) three\n" * 12
UNITS = 5
LEFT, RIGHT = "\ue012", "\ue014"


def word_of(text, word):
    """1 over a word, 0 elsewhere."""
    found = np.zeros(len(text))
    first = text.index(word)
    found[first : first + len(word)] = 1
    return found


def recording(text=TEXT):
    random = np.random.default_rng(0)
    hidden = random.uniform(-0.2, 0.2, (len(text), UNITS))
    hidden[:, 3] = 2 * ks.inspection.probes.inside_parentheses(text) - 1
    hidden[:, 1] = -word_of(text, "three")
    states = {"gru": {"hidden": random.uniform(0, 1, (len(text), 2))}, "lstm": {"hidden": hidden, "cell": 3 * hidden}}
    return Recording(list(text), states, np.linspace(0, 1, len(text), dtype="float32"))


def page_of(tmp_path, *args, **options):
    path = cell_page(*args[:1], tmp_path / "page.html", *args[1:], **options)
    assert path == tmp_path / "page.html" and [p.name for p in tmp_path.iterdir()] == ["page.html"]
    return Page(path.read_bytes().decode("utf-8"))


def decoded(text, kind):
    return np.frombuffer(base64.b64decode(text, validate=True), kind)


PROBES = {"inside_parentheses": ks.inspection.probes.inside_parentheses, "line": ks.inspection.probes.line_position}


def test_all_values_are_in_the_file(tmp_path):
    made = recording()
    data = page_of(tmp_path, made, PROBES, first=3, last=40).data()
    assert data["tokens"] == list(TEXT[3:40]) and [layer["name"] for layer in data["layers"]] == ["gru", "lstm"]
    hidden, cell = data["layers"][1]["states"]
    assert (hidden["name"], hidden["units"], hidden["scales"], cell["name"]) == ("hidden", UNITS, [1] * UNITS, "cell")
    assert cell["scales"] == [1, 3, 1, 3, 1]
    for state, values in ((hidden, made.values("lstm")), (cell, made.values("lstm", "cell") / cell["scales"])):
        np.testing.assert_array_equal(
            decoded(state["values"], "int8").reshape(UNITS, 37), np.round(127 * values[3:40].T)
        )
    line = ks.inspection.probes.line_position(TEXT)[3:40]
    np.testing.assert_array_equal(decoded(data["probes"][1]["values"], "uint8"), np.round(line / 15 * 255))
    np.testing.assert_array_equal(decoded(data["probability"], "uint8"), np.round(made.probability[3:40] * 255))


def test_values_beyond_one_are_scaled(tmp_path):
    made = Recording(["a", "b"], {"rnn": {"hidden": np.array([[4.0, -0.5], [1.0, 0.0]])}}, None)
    state = page_of(tmp_path, made).data()["layers"][0]["states"][0]
    assert state["scales"] == [4, 1] and decoded(state["values"], "int8").tolist() == [127, 32, -64, 0]


def test_found_cells_are_listed(tmp_path):
    found = [
        Cell("line", "lstm", "cell", 2, 0.9, -0.8, 0.1, None),
        Cell("line", "gru", "hidden", None, 1.0, 1.0, 0.1, None),
    ]
    listed = page_of(tmp_path, recording(), PROBES, found).data()["probes"]
    assert listed[0]["cells"] == []
    assert listed[1]["cells"] == [{"layer": 1, "state": 1, "unit": 2, "held_out": -0.8, "control": 0.1}]


def test_the_file_needs_nothing_else(tmp_path):
    page = page_of(tmp_path, recording(), PROBES)
    policy = page.assert_needs_nothing_else()
    for tag, kind in (("style", "style-src"), ("script", "script-src")):
        digest = base64.b64encode(hashlib.sha256(page.all(tag)[-1][2].encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in policy
    assert not [a for _, a, _ in page.elements if "style" in a]


def test_text_stays_text(tmp_path):
    made = Recording([HOSTILE], {HOSTILE: {"hidden": np.zeros((1, 1))}}, None)
    page = page_of(tmp_path, made, {HOSTILE: np.zeros(1)}, title=HOSTILE)
    assert page.data()["tokens"] == [HOSTILE] and page.texts("h1") == [HOSTILE] and len(page.all("script")) == 2


@needs_browser
def test_in_a_browser(tmp_path):
    """One browser for all that it shows: a start takes longer than the rest."""
    made = recording()
    found = ks.inspection.find_cells(made, PROBES, top=2)
    plain = cell_page(made, tmp_path / "plain.html", title="a")
    text = 'é"\t𝒳\r\n<b>&amp;' + "x" * 300
    odd = cell_page(Recording(list(text), {"rnn": {"hidden": np.zeros((len(text), 1))}}, None), tmp_path / "odd.html")
    path = cell_page(made, tmp_path / "page.html", PROBES, found)
    with browser() as window:
        window.size(1200, 800)
        window.open(path)
        _shows_the_best_unit(window, found[0])
        _goes_from_unit_to_unit(window)
        _finds_units_by_example(window)
        _is_used_by_keys(window)
        for options in ({"dark": True}, {"phone": True, "scale": 2}):
            window.size(360, 700, **options)
            window.open(path)
            assert window.run("return document.documentElement.scrollWidth") <= 360
            assert len(colors(window)) > 3
        window.open(plain)
        assert window.run("return [at('probe').closest('label').hidden, at('ranked').hidden, unit]") == [True, True, 0]
        window.open(odd)
        assert window.run("return words.textContent") == text
        assert window.run("return boxes.length / 5") >= len(text) - 1  # all but what has no width
        assert window.errors() == []


def colors(window):
    """The colours behind the text, as the browser paints them, without the underline's."""
    picture = PIL.Image.open(io.BytesIO(window.screenshot())).convert("RGB")
    left, top, right, bottom = window.run(
        "const b = words.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom]"
    )
    scale = picture.width / window.run("return innerWidth")
    part = picture.crop([round(v * scale) for v in (left, top, right, min(bottom, picture.height / scale))])
    return {color for count, color in part.getcolors(1 << 20) if count > 20}


def _shows_the_best_unit(window, best):
    assert window.run("return [layers[layerOf.value].name, state.name, unit]") == [best.layer, best.state, best.unit]
    listed = window.run("return [...document.querySelectorAll('.ranked li')].map(item => item.textContent)")
    assert len(listed) == 2 and listed[0].startswith(f"lstm {best.state} {best.unit}+{best.held_out:.2f} (")
    assert window.run("return document.querySelectorAll('.ranked button.on').length") == 1
    assert window.run("return words.textContent") == TEXT
    # What was painted behind an "o" of (two), red, and behind a "t" of three, blue; the first is underlined.
    pixels = window.run(
        """const context = canvas.getContext('2d'), scale = canvas.width / words.clientWidth;
        const box = i => { let k = 0; while (boxes[k + 4] !== i) k += 5; return boxes.subarray(k, k + 4); };
        const pixel = (x, y) => [...context.getImageData(x * scale, y * scale, 1, 1).data];
        return arguments[0].flatMap(i => { const [x, y, w, h] = box(i);
          return [pixel(x + w / 2, y + h / 2), pixel(x + w / 2, y + h + 1.5)]; });""",
        [TEXT.index("two") + 1, TEXT.index("three")],
    )
    (red, line), (blue, none) = pixels[:2], pixels[2:]
    assert red[0] > 200 > red[2] and blue[2] > 200 > blue[0] and min(red[3], blue[3]) > 200
    assert line[3] > 200 and none[3] < 60


def _goes_from_unit_to_unit(window):
    window.run("show(1, 0, 0)")
    for selector, unit in ((".more", 1), (".less", 0), (".less", UNITS - 1), (".more", 0)):
        window.click(selector)
        assert window.run("return [unit, Number(number.value)]") == [unit, unit]
    window.run("number.value = 3; number.dispatchEvent(new Event('input'))")
    window.run("number.value = 99; number.dispatchEvent(new Event('input'))")  # not there: nothing happens
    assert window.run("return unit") == 3
    cell = recording().values("lstm", "cell")[:, 3]
    for kind, wanted in ((1, cell), (2, np.tanh(cell))):
        shown = window.run("show(1, arguments[0], 3); return [state.name, tokens.map((_, i) => value(3, i))]", kind)
        assert shown[0] == ("cell" if kind == 1 else "tanh of cell")
        np.testing.assert_allclose(shown[1], wanted, atol=0.02)
    window.run("show(1, 0, 3); layerOf.value = 0; layerOf.dispatchEvent(new Event('change'))")
    assert window.run("return [state.name, state.units, unit]") == ["hidden", 2, 1]
    window.run("show(1, 0, 0); probeOf.value = 1; probeOf.dispatchEvent(new Event('change'))")
    assert window.run("return at('ranked').querySelector('h2').textContent") == "Units for line"
    window.run("probeOf.value = -1; probeOf.dispatchEvent(new Event('change'))")
    assert window.run("return at('ranked').hidden")


def _finds_units_by_example(window):
    """Over "three", the first, unit 1 is at -1, and at 0 elsewhere; unit 3 is as low around it."""
    first = TEXT.index("three")
    window.run(
        """getSelection().setBaseAndExtent(node, arguments[1], node, arguments[0]);
        document.dispatchEvent(new Event('selectionchange'));""",
        first,
        first + 5,
    )
    assert window.run("return selected()") == [first, first + 5]
    listed = window.run("return [...document.querySelectorAll('.searched li')].map(item => item.textContent)")
    assert listed == ["unit 1−1.00 / +0.00"]
    window.click(".searched li button")
    assert window.run("return [unit, document.querySelectorAll('.searched button.on').length]") == [1, 1]
    assert "unit 1" in window.run("return told.textContent")


def _is_used_by_keys(window):
    window.run("getSelection().removeAllRanges(); words.focus(); look(-1)")
    window.keys(RIGHT * 5)
    assert window.run("return caret") == 5
    window.keys(RIGHT * 3, shift=True)
    assert window.run("return selected()") == [5, 8]
    window.keys("]")
    assert window.run("return unit") == 2
    window.keys("[")
    window.keys(LEFT * 4, shift=True)
    assert window.run("return selected()") == [4, 5]
    assert "unit 1" in window.run("return told.textContent")


@pytest.mark.parametrize(
    ("error", "message", "options"),
    [
        (TypeError, "title: expected a str, received int", {"title": 3}),
        (ValueError, "first, last: expected 0 <= first < last <= 192, received 5, 5", {"first": 5, "last": 5}),
        (ValueError, "first, last: .* received 0, 1000", {"last": 1000}),
        (
            ValueError,
            r"states: expected some of \['hidden'\], which 'gru' has, received \['cell'\]",
            {"states": ["cell"]},
        ),
        (ValueError, "probes: 'a': expected finite numbers", {"probes": {"a": np.ones(3)}}),
        (TypeError, "cells: expected what `find_cells` gives, received str", {"cells": ["a"]}),
        (ValueError, "cells: expected of the probes", {"cells": [Cell("a", "lstm", "hidden", 9, 1, 1, 0, None)]}),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(tmp_path, error, message, options):
    with pytest.raises(error, match=message):
        cell_page(recording(), tmp_path / "new" / "page.html", **options)
    assert list(tmp_path.iterdir()) == []
