"""`attention_page`: every word, map and alternative is in the file, and nothing that is not text runs or is loaded."""

import base64
import hashlib

import numpy as np
import pytest
from PIL import Image

import keras_seqcv as ks
from keras_seqcv.inspection.page import make_page
from tests.inspection.results import HOSTILE, Page, Result, peaked, plain, result


def maps_in(entry):
    """The maps (T, h, w) as the script of the page reads them."""
    values = np.frombuffer(base64.b64decode(entry["maps"], validate=True), "uint8")
    return values.reshape(-1, entry["h"], entry["w"])


def page_of(tmp_path, images, results, **options):
    path = ks.inspection.attention_page(images, results, tmp_path / "page.html", **options)
    assert path == tmp_path / "page.html" and [p.name for p in tmp_path.iterdir()] == ["page.html"]
    return Page(path.read_bytes().decode("utf-8"))


def test_every_word_has_its_map(tmp_path):
    results = [result("a red dog"), result("two cats sit here", places=[(3, 0), (0, 3)])]
    page = page_of(tmp_path, [plain(), plain(color=(0, 0, 255))], results)
    assert page.texts("button") == ["a", "red", "dog", "two", "cats", "sit", "here"]
    first, second = (maps_in(entry) for entry in page.data())
    assert first.shape == (3, 4, 4) and second.shape == (4, 4, 4)
    for maps, places in ((first, [(0, 0), (3, 3), (1, 2)]), (second, [(3, 0), (0, 3), (3, 0), (0, 3)])):
        for weights, place in zip(maps, places):
            assert weights[place] == 255 and (np.delete(weights.ravel(), place[0] * 4 + place[1]) == 7).all()
    assert page.data()[0]["peaks"] == ["70%"] * 3  # the smallest is 0.02: 0.02 / 0.7 * 255 = 7.3


def test_maps_that_are_not_square(tmp_path):
    maps = np.arange(1, 7, dtype="float64").reshape(1, 2, 3) / 21
    (entry,) = page_of(tmp_path, [plain()], [Result("dog", ["dog"], maps)]).data()
    np.testing.assert_array_equal(maps_in(entry), [np.round(np.arange(1, 7).reshape(2, 3) / 6 * 255)])


def test_pictures_scores_and_alternatives(tmp_path):
    array = np.arange(6, dtype="uint8").reshape(2, 1, 3).repeat(9, axis=1) * 40  # drawn: shortest as PNG
    results = [result(score=-1.234, alternatives=[("a red cat", -2.347), ("a dog", -3.456)]), result(alternatives=[])]
    page = page_of(tmp_path, [array, plain()], results, title="Test & more")
    np.testing.assert_array_equal(page.pictures()[0], array)
    assert [attributes["alt"] for _, attributes, _ in page.all("img")] == ["a red dog"] * 2
    assert page.texts("li") == ["a red cat -2.35", "a dog -3.46"]
    assert page.texts("h1") == page.texts("title") == ["Test & more"]
    assert len(page.all("article")) == 2 and [t for t in page.texts("p") if "Score" in t] == [
        "Score -1.23",
        "Score -1.25",
    ]


def test_large_pictures_are_made_smaller(tmp_path):
    page = page_of(tmp_path, [Image.fromarray(plain(500, 2000))], [result()])
    assert page.pictures()[0].shape == (160, 640, 3)


def test_a_batch_of_pictures_is_a_list_too(tmp_path):
    batch = np.stack([plain(color=(255, 0, 0)), plain(color=(0, 0, 255))])
    pictures = page_of(tmp_path, batch, [result(), result()]).pictures()
    assert [int(picture[5, 5].argmax()) for picture in pictures] == [0, 2]


def test_text_stays_text(tmp_path):
    hostile = Result(HOSTILE, HOSTILE.split(), peaked([(0, 0)] * len(HOSTILE.split())), alternatives=[(HOSTILE, -1.0)])
    page = page_of(tmp_path, [plain()], [hostile], title=HOSTILE)
    assert page.texts("button") == HOSTILE.split()
    assert page.texts("li") == [f"{HOSTILE} -1.00"] and page.texts("h1") == [HOSTILE]
    assert page.all("img")[0][1]["alt"] == HOSTILE
    assert len(page.all("script")) == 2  # the data and the page's own


def test_no_text_in_the_data_ends_it():
    data = ["</script><script>alert(1)</script>", "<!--<script>", "é"]
    assert Page(make_page("a", "<p>b</p>", script="'use strict';", data=data)).data() == data


def test_the_file_needs_nothing_else(tmp_path):
    page = page_of(tmp_path, [plain()], [result()])
    policy = page.assert_needs_nothing_else()
    for tag, kind in (("style", "style-src"), ("script", "script-src")):
        text = page.all(tag)[-1][2]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in policy
    assert not [a for _, a, _ in page.elements if "style" in a]  # a browser would not apply it


def test_words_are_reached_by_keys(tmp_path):
    """One word of each caption is in the order of the tab key; the arrow keys do the rest."""
    page = page_of(tmp_path, [plain()] * 2, [result(), result()])
    assert [a["tabindex"] for _, a, _ in page.all("button")] == ["0", "-1", "-1"] * 2
    script = page.all("script")[-1][2]
    assert all(key in script for key in ("ArrowRight", "ArrowLeft", "Home", "End", "Escape"))


def test_a_caption_without_words(tmp_path):
    page = page_of(tmp_path, [plain()], [Result("", [], np.zeros((0, 2, 2)))])
    assert "(no words)" in page.texts("p") and maps_in(page.data()[0]).shape == (0, 2, 2)


@pytest.mark.parametrize(
    ("error", "message", "images", "results", "title"),
    [
        (
            ValueError,
            r"`images`, `results` must have the same length, received \[2, 1\]",
            [plain()] * 2,
            [result()],
            "a",
        ),
        (ValueError, "at least one picture", [], [], "a"),
        (TypeError, "`images` must be a list .* received str", "a.png", [result()], "a"),
        (TypeError, "`results` must be a list .* received Result", [plain()], result(), "a"),
        (TypeError, "`title` must be a str, received NoneType", [plain()], [result()], None),
        (ValueError, r"`results\[1\]` has no attention", [plain()] * 2, [result(), Result("a", ["a"], None)], "a"),
        (ValueError, r"`images\[1\]`.* \(1, ", [plain(), plain()[None]], [result()] * 2, "a"),
        (TypeError, r"`results\[0\]` must be what", [plain()], ["a dog"], "a"),
        (TypeError, r"`results\[0\]` must have a score", [plain()], [result(score=None)], "a"),
        (ValueError, r"`results\[0\]` must have finite scores", [plain()], [result(score=float("nan"))], "a"),
        (TypeError, r"`results\[0\]` must have a score", [plain()], [result(alternatives=["a cat"])], "a"),
        (TypeError, "received 3 for a text", [plain()], [result(alternatives=[(3, -1.0)])], "a"),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(tmp_path, error, message, images, results, title):
    with pytest.raises(error, match=message):
        ks.inspection.attention_page(images, results, tmp_path / "new" / "page.html", title=title)
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_page_stays_when_the_new_one_fails(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("before")
    with pytest.raises(ValueError, match="none.png"):
        ks.inspection.attention_page([tmp_path / "none.png"], [result()], path)
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]
