"""The figure of answers: what lies where, and what is refused."""

import numpy as np
import pytest

import keras_seqcv as ks

pytest.importorskip("matplotlib")


def answer(place, question="where is it?"):
    maps = np.full((2, 4, 4), 1e-6, "float32")
    maps[0, 3, 3] = maps[1][place] = 1
    return ks.models.Answer("left", 0.875, [], question, [], maps[-1], maps)


def shown(figure):
    return [np.asarray(axes.get_images()[0].get_array()) for axes in figure.axes]


def test_the_picture_is_bright_where_the_model_looked(tmp_path):
    white = np.full((40, 40, 3), 255, "uint8")
    figure = ks.inspection.plot_answers(white, [answer((0, 1)), answer((2, 3))], tmp_path / "a.png")
    whole, first, second = shown(figure)
    assert (whole == 255).all() and len(figure.axes) == 3
    for panel, (row, column) in ((first, (0, 1)), (second, (2, 3))):
        side = len(panel) // 4
        means = panel.mean(-1).reshape(4, side, 4, side).mean((1, 3))
        assert np.unravel_index(means.argmax(), (4, 4)) == (row, column) and means.max() > 2 * np.median(means)
    assert figure.axes[1].get_title() == "where is it?\nleft" and figure.axes[1].get_title("right") == "88%"
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_every_look_can_be_shown_and_a_model_may_not_look():
    white = np.full((40, 40, 3), 255, "uint8")
    assert len(ks.inspection.plot_answers(white, answer((0, 1)), looks=True).axes) == 3
    blind = ks.models.Answer("left", 0.5, [], "a very long question about a very small picture?", [])
    figure = ks.inspection.plot_answers(white, [blind])
    assert (shown(figure)[1] == 255).all() and "\n" in figure.axes[1].get_title().removesuffix("\nleft")


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (([],), TypeError, "received none"),
        (("yes",), TypeError, "without question"),
        ((answer((0, 0)), "a.jpg"), ValueError, "must end in .png"),
        ((answer((0, 0)), None, 0), ValueError, "`columns` must be an int of at least 1"),
    ],
)
def test_arguments_are_checked(arguments, error, text):
    with pytest.raises(error, match=text):
        ks.inspection.plot_answers(np.zeros((8, 8, 3), "uint8"), *arguments)
