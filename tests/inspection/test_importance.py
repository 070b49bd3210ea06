"""`plot_importance` and `importance_page`: colours go by the sign and the share of the largest; text stays text."""

import re

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

import keras_seqcv as ks
from keras_seqcv.inspection import importance_page, plot_importance


def result(words=("not", "good", "at", "all"), importance=(1.0, -0.5, 0.0, 0.5), label="bad"):
    return ks.models.Classification(label, 0.9, {}, list(words), np.array(importance))


def boxes(figure):
    """Word -> the colour behind it."""
    axes = figure.axes[0]
    words = [text for text in axes.texts if text.get_fontweight() != "bold"]
    assert len(words) == len(axes.patches)
    return {text.get_text(): to_rgb(patch.get_facecolor()) for text, patch in zip(words, axes.patches)}


def test_colours_of_words(tmp_path):
    figure = plot_importance(result(), path=tmp_path / "words.png")
    found = boxes(figure)
    assert found["at"] == (1, 1, 1)
    assert found["not"][0] > found["not"][2] and found["good"][2] > found["good"][0]  # orange for, blue against
    assert found["not"][2] < found["all"][2] < 1  # the stronger the more
    assert Image.open(tmp_path / "words.png").size[0] > 300


def test_words_follow_each_other_on_lines():
    words = [f"word{k}" for k in range(40)] + ["x" * 300, "$a$ $b$", "new\nline"]
    figure = plot_importance([result(words, np.ones(len(words))), result()], ["bad", "good"], width=40)
    texts = [text for text in figure.axes[0].texts]
    assert "bad 90%, in truth good" in [text.get_text() for text in texts]
    placed = sorted((text.get_position()[1], text.get_position()[0], len(text.get_text())) for text in texts)
    for (y, x, length), (below, right, _) in zip(placed, placed[1:]):
        assert y < below or x + length < right  # none over another
    assert all(x + length <= 40 for _, x, length in placed)
    assert figure._repr_png_()


def test_a_page_is_whole_and_safe(tmp_path):
    hostile = result(["<script>alert(1)</script>", "&", "good"], [0.2, -1, 0.04], label="<b>")
    page = importance_page([hostile], tmp_path / "words.html", ["good"]).read_text(encoding="utf-8")
    assert "<script>" not in page and "&lt;script&gt;alert(1)" in page and "&lt;b&gt; 90%, in truth good" in page
    assert re.search(r'<span class="a10" title="-1">&amp;</span>', page)
    assert re.search(r'<span class="f2" title="0.2">', page) and re.search(r'<span title="0.04">good', page)
    assert 'style="' not in page  # the page's policy would not let it


@pytest.mark.parametrize("show", [plot_importance, lambda *a, **o: importance_page(a[0], "words.html", *a[1:], **o)])
@pytest.mark.parametrize(
    ("results", "truth", "error", "message"),
    [
        ([], None, ValueError, "at least one"),
        ("bad", None, TypeError, "`results` must be what"),
        ([3], None, TypeError, r"`results\[0\]` must be what .* without label"),
        (ks.models.Classification("a", 1.0, {}), None, ValueError, "has no words with importance"),
        (result(importance=[1.0]), None, ValueError, "a finite number for each of its words"),
        (result(importance=[1.0, np.nan, 0, 0]), None, ValueError, "a finite number for each of its words"),
        (result(), ["a", "b"], ValueError, "`truth` must be a list of 1 labels"),
    ],
)
def test_wrong_arguments_are_named(show, results, truth, error, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        show(results, truth)
    assert not list(tmp_path.iterdir())


def test_a_wrong_width():
    with pytest.raises(ValueError, match="`width` must be at least 20"):
        plot_importance(result(), width=5)
    with pytest.raises(TypeError, match="`width` must be an int"):
        plot_importance(result(), width=50.0)
