"""`plot_confusion`: counts against a loop; files whole or not at all."""

import numpy as np
import pytest
from PIL import Image

import keras_seqcv as ks
from keras_seqcv.inspection.confusion_plot import confusion_counts

NAMES = ["bad", "good", "mixed"]


def labels(count=60, seed=0):
    rng = np.random.default_rng(seed)
    return [[str(name) for name in rng.choice(NAMES, count)] for _ in range(2)]


def test_counts_are_those_of_a_loop():
    truth, found = labels()
    names, counts = confusion_counts(truth, found)
    assert names == NAMES and counts.sum() == 60
    for i, a in enumerate(NAMES):
        for j, b in enumerate(NAMES):
            assert counts[i, j] == sum(t == a and f == b for t, f in zip(truth, found))
    turned = confusion_counts(truth, found, NAMES[::-1])[1]
    np.testing.assert_array_equal(turned, counts[::-1, ::-1])


def test_the_figure_shows_counts_and_shares(tmp_path):
    truth, found = ["a", "a", "a", "b"], ["a", "a", "b", "b"]
    figure = ks.inspection.plot_confusion(truth, found, path=tmp_path / "confusion.png")
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.texts] == ["2", "1", "0", "1"]
    np.testing.assert_allclose(axes.images[0].get_array(), [[2 / 3, 1 / 3], [0, 1]])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a  67%", "b  100%"]
    assert axes.get_title() == "75.0% of 4 right"
    assert Image.open(tmp_path / "confusion.png").size[0] > 100


def test_many_labels_and_strange_ones():
    many = [f"label {k}" for k in range(40)]
    figure = ks.inspection.plot_confusion(many, many[::-1])
    assert not figure.axes[0].texts and max(figure.get_size_inches()) < 15
    assert figure._repr_png_()
    assert ks.inspection.plot_confusion(["$a$", "<b>"], ["$a$", "$a$"])._repr_png_()


@pytest.mark.parametrize(
    ("truth", "found", "options", "error", "message"),
    [
        (["a"], ["a", "b"], {}, ValueError, "received 1 and 2"),
        ([], [], {}, ValueError, "at least 1"),
        (["a"], [1], {}, TypeError, "`found` must hold str only"),
        ("a", ["a"], {}, TypeError, "`truth` must be a list"),
        (["a"], ["b"], {"names": ["a"]}, ValueError, r"`names` must hold all labels, received none for \['b'\]"),
        (["a"], ["a"], {"path": "x.jpg"}, ValueError, "must end in .png"),
    ],
)
def test_wrong_arguments_are_named(truth, found, options, error, message):
    with pytest.raises(error, match=message):
        ks.inspection.plot_confusion(truth, found, **options)
