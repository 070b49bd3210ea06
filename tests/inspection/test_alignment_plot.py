"""`plot_alignment`: a cell for each pair of words, as dark as its weight."""

import io
from types import SimpleNamespace

import numpy as np
import PIL.Image
import pytest

import keras_seqcv as ks
from tests.inspection.results import HOSTILE

pytest.importorskip("matplotlib")
WEIGHTS = np.array([[0.7, 0.2, 0.1], [0.0, 0.5, 0.5]])


def translation(words=("rote", "Äpfel"), source_words=("red", "apples", "again"), alignment=WEIGHTS):
    return SimpleNamespace(words=list(words), source_words=list(source_words), alignment=alignment)


def test_words_are_at_the_sides_and_weights_in_the_cells(tmp_path):
    figure = ks.inspection.plot_alignment(translation(), tmp_path / "new" / "alignment.png")
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["rote", "Äpfel"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["red", "apples", "again"]
    np.testing.assert_allclose(axes.images[0].get_array(), WEIGHTS)
    picture = PIL.Image.open(io.BytesIO((tmp_path / "new" / "alignment.png").read_bytes())).convert("L")
    assert picture.size[0] > 200

    def brightness(row, column):
        x, y = axes.transData.transform((column, row))
        return picture.getpixel((int(x), picture.size[1] - int(y)))

    shades = np.array([[brightness(row, column) for column in range(3)] for row in range(2)])
    order = np.argsort(WEIGHTS.ravel(), kind="stable")
    assert (np.diff(shades.ravel()[order]) <= 0).all() and shades[1, 0] > 250 > 120 > shades[0, 0]


def test_words_of_any_characters_are_shown(tmp_path):
    words = [HOSTILE, "", "\u2581Äpfel"]
    ks.inspection.plot_alignment(translation(words, words, np.eye(3)), tmp_path / "hostile.png")
    assert (tmp_path / "hostile.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("a text", TypeError, "words, source_words, alignment"),
        (translation(alignment=None), ValueError, "no attention"),
        (translation(alignment=WEIGHTS.T), ValueError, r"\(2, 3\).*received \(3, 2\)"),
        (translation(words=[], alignment=np.zeros((0, 3))), ValueError, "at least one"),
        (translation(alignment=WEIGHTS * 2), ValueError, "sums"),
        (translation(alignment=WEIGHTS * np.nan), ValueError, "sums"),
    ],
)
def test_what_is_no_alignment_is_refused(given, error, message):
    with pytest.raises(error, match=message):
        ks.inspection.plot_alignment(given)


def test_other_files_are_refused():
    with pytest.raises(ValueError, match="png"):
        ks.inspection.plot_alignment(translation(), "alignment.jpg")
