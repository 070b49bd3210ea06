"""The reading of a picture by glimpses as a figure and as an animation."""

import numpy as np
import PIL.Image
import pytest

import keras_seqcv as ks

PATH = np.array([[0.0, 0.0], [-0.5, 0.5], [1.0, -1.0], [0.25, 0.0]], "float32")


def picture(channels=1):
    return np.random.default_rng(0).integers(0, 256, (17, 17, channels)).astype("uint8")


def reading(labels=("7",), shares=None):
    shares = np.full(10, 0.1) if shares is None else shares
    return ks.models.Reading(" ".join(labels), list(labels), 0.75, shares, PATH, PATH[None])


@pytest.mark.parametrize("channels", [1, 3])
def test_squares_where_it_looked_and_patches_of_what_it_saw(tmp_path, channels):
    image, sensor = picture(channels), ks.layers.GlimpseSensor(4, 2)
    figure = ks.inspection.plot_glimpses(image, reading(), sensor, tmp_path / "a.png")
    axes, *others = figure.axes
    assert axes.get_title() == "7 (75%)" and len(others) == 8
    assert [one.get_title() for one in others[:4]] == ["1", "2", "3", "4: 7"]
    squares = [line.get_xydata() for line in axes.lines if len(line.get_xydata()) == 5]
    middles = (PATH + 1) * 8
    assert len(squares) == 4
    for square, (row, column) in zip(squares, middles, strict=True):
        assert square.min(0).tolist() == [column - 2, row - 2]
        assert square.max(0).tolist() == [column + 2, row + 2]
    # A patch of even size around the middle of a pixel sees the mean of four at each place.
    grey = np.broadcast_to(image, (17, 17, 3)).astype(float)
    mean = (grey[:-1, :-1] + grey[1:, :-1] + grey[:-1, 1:] + grey[1:, 1:]) / 4
    np.testing.assert_allclose(others[0].images[0].get_array(), mean[6:10, 6:10], atol=0.5)
    np.testing.assert_allclose(others[1].images[0].get_array(), mean[2:6, 10:14], atol=0.5)
    corner = np.asarray(others[2].images[0].get_array())
    assert not corner[3].any() and not corner[:, 0].any() and corner[:2, 2:].any()
    assert PIL.Image.open(tmp_path / "a.png").size[0] > 800


def test_what_was_said_after_which_glimpses():
    shares = np.zeros((4, 11))  # a glimpse for each label
    figure = ks.inspection.plot_glimpses(picture(), reading(("$3", "5"), shares), ks.layers.GlimpseSensor(4))
    assert [one.get_title() for one in figure.axes] == ["$3 5 (75%)", "1: $3", "2: 5", "3: end"]
    full = ks.inspection.plot_glimpses(picture(), reading(("1",) * 4, shares), ks.layers.GlimpseSensor(4))
    assert [one.get_title() for one in full.axes[1:]] == ["1: 1", "2: 1", "3: 1", "4: 1"]
    none = ks.inspection.plot_glimpses(picture(), reading((), np.zeros((2, 11))), ks.layers.GlimpseSensor(4))
    assert [one.get_title() for one in none.axes[1:]] == ["1", "2: end"]


def test_an_animation_shows_what_has_been_seen_so_far(tmp_path):
    ks.inspection.animate_glimpses(picture(), reading(), ks.layers.GlimpseSensor(4), tmp_path / "a.gif")
    frames = ks.data.load_video(tmp_path / "a.gif")
    side = 17 * 14
    assert frames.shape == (4, side + 26, 2 * side + 4, 3)
    seen = (frames[:, :side, side + 4 :].max(-1) > 20).reshape(4, side, side)
    assert 0 < seen[0].sum() <= (4 * 14) ** 2
    assert (seen.sum((1, 2))[1:] >= seen.sum((1, 2))[:-1]).all()
    rows, columns = np.nonzero(seen[0])
    assert rows.min() >= 6.5 * 14 and columns.max() < 10.5 * 14
    assert not seen[1, side // 2 + 28 :].any()  # the second glimpse is above


def test_what_was_seen_sharp_stays_sharp(tmp_path):
    """Of two scales the coarse one lies around the sharp one, and never on it."""
    image = np.zeros((17, 17), "uint8")
    image[8, 8] = 255
    where = np.array([[0, 0], [0.25, 0.25]], "float32")
    found = ks.models.Reading("7", ["7"], 0.75, np.full(10, 0.1), where, where[None])
    ks.inspection.animate_glimpses(image, found, ks.layers.GlimpseSensor(3, 2), tmp_path / "a.gif")
    frames = ks.data.load_video(tmp_path / "a.gif")[:, : 17 * 14, 17 * 14 + 4 :]
    assert (frames[:, int(8.5 * 14), int(8.5 * 14)] > 240).all()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"reading": "7"}, TypeError, "`reading` must be a ks.models.Reading, received str"),
        ({"sensor": 4}, TypeError, "`sensor` must be a ks.layers.GlimpseSensor, received int"),
        ({"sensor": ks.layers.GlimpseSensor(18)}, ValueError, r"size: expected a patch within pictures of \(17, 17\)"),
        ({"image": 3}, TypeError, "`image`"),
        ({"path": "a.jpg"}, ValueError, "`path` must end in"),
    ],
)
def test_bad_input(change, error, message):
    given = {"image": picture(), "reading": reading(), "sensor": ks.layers.GlimpseSensor(4), "path": "a.png", **change}
    with pytest.raises(error, match=message):
        ks.inspection.plot_glimpses(**given)
    with pytest.raises(error, match=message):
        ks.inspection.animate_glimpses(**{**given, "path": given["path"].replace("png", "gif")})


def test_a_reading_without_a_path():
    empty = ks.models.Reading("7", ["7"], 0.75, np.full(10, 0.1), PATH[:0], PATH[None])
    with pytest.raises(ValueError, match=r"`reading` must have a path \(T, 2\), T >= 1, received \(0, 2\)"):
        ks.inspection.plot_glimpses(picture(), empty, ks.layers.GlimpseSensor(4))
