"""Drawings as a figure and as an animation."""

import numpy as np
import PIL.Image
import pytest

import keras_seqcv as ks
from keras_seqcv.drawing import Drawing


def drawing(count=2, steps=4, channels=1, windows=True, labels=None):
    rng = np.random.default_rng(0)
    canvases = rng.random((count, steps, 6, 8, channels)).astype("float32")
    where = np.tile(np.array([2.0, 3.0, 1.0, 0.3], "float32"), (count, steps, 1)) if windows else None
    return Drawing(canvases, where, 3 if windows else None, labels)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_row_for_each_picture_and_a_frame_where_it_was_written(tmp_path, channels):
    some = drawing(channels=channels, labels=["1", "$7"])
    figure = ks.inspection.plot_drawing(some, tmp_path / "a.png")
    assert len(figure.axes) == 8 and [axes.get_title() for axes in figure.axes[:4]] == ["1", "2", "3", "4"]
    assert figure.axes[4].get_ylabel() == "$7"
    for k, axes in enumerate(figure.axes):
        canvas = some.canvases[k // 4, k % 4]
        np.testing.assert_allclose(axes.images[0].get_array(), canvas if channels == 3 else canvas[..., 0])
        (frame,) = axes.lines
        assert frame.get_xydata().tolist() == [[2, 1], [4, 1], [4, 3], [2, 3], [2, 1]]
    assert PIL.Image.open(tmp_path / "a.png").size[0] > 800


def test_some_steps_and_no_frames():
    figure = ks.inspection.plot_drawing(drawing(1, 9, windows=False), steps=3)
    assert [axes.get_title() for axes in figure.axes] == ["1", "5", "9"]
    assert not any(axes.lines for axes in figure.axes)
    assert [axes.get_title() for axes in ks.inspection.plot_drawing(drawing(1, 9), steps=1).axes] == ["9"]


def test_an_animation_shows_every_step_and_last_the_pictures_alone(tmp_path):
    some = drawing(3)
    ks.inspection.animate_drawing(some, tmp_path / "a.gif")
    frames = ks.data.load_video(tmp_path / "a.gif")
    side = (2 * (6 * 8 + 2) + 2, 2 * (8 * 8 + 2) + 2)  # two rows of two, 8 times as large
    assert frames.shape == (5, *side, 3)
    last = frames[-1, 2 : 2 + 48, 2 : 2 + 64].astype(float) / 255
    np.testing.assert_allclose(last[4::8, 4::8, 0], some.images[0, ..., 0], atol=0.03)
    edge = frames[0, 2 + round(8 * 1.5), 2 + round(8 * 2.5) : 2 + round(8 * 4.5)].astype(int)
    assert (edge[:, 0] - edge[:, 1] > 100).all()  # red
    red = frames[-1].astype(int)
    assert (np.abs(red[..., 0] - red[..., 1]) < 20).all()
    ks.inspection.animate_drawing(drawing(3, windows=False), tmp_path / "b.gif", columns=3)
    assert ks.data.load_video(tmp_path / "b.gif").shape[1:] == (6 * 8 + 4, 3 * (8 * 8 + 2) + 2, 3)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"drawing": np.zeros(3)}, TypeError, "`drawing` must be a ks.models.Drawing, received ndarray"),
        ({"drawing": drawing()[:0]}, ValueError, r"`drawing` must have canvases .* received \(0, 4, 6, 8, 1\)"),
        ({"path": "a.jpg"}, ValueError, "`path` must end in"),
    ],
)
def test_bad_input(change, error, message):
    with pytest.raises(error, match=message):
        ks.inspection.plot_drawing(**{"drawing": drawing(), **change})
    with pytest.raises(error, match=message):
        ks.inspection.animate_drawing(**{"drawing": drawing(), "path": "a.gif", **change})


def test_bad_counts():
    with pytest.raises(ValueError, match="`steps` must be an int >= 1, received 0"):
        ks.inspection.plot_drawing(drawing(), steps=0)
    with pytest.raises(ValueError, match="`columns` must be an int >= 1, received 0"):
        ks.inspection.animate_drawing(drawing(), "a.gif", columns=0)
