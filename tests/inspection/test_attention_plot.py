"""`plot_attention`: a panel for each word, bright where its weight is large; PNG files whole or not at all."""

import gc
import io
import runpy
import sys
import threading
import weakref

import numpy as np
import pytest
from PIL import Image

import keras_seqcv as ks
from tests.inspection.results import HOSTILE, Result, peaked, plain, result


def shown(figure):
    """The pictures in the panels, and their words."""
    return [(axes.get_title(), np.asarray(axes.images[0].get_array())) for axes in figure.axes]


def quarter(array, y, x, h=4, w=4):
    """The middle of the place (y, x) of a picture."""
    H, W = array.shape[:2]
    return array[(2 * y + 1) * H // (2 * h), (2 * x + 1) * W // (2 * w)].astype(float)


@pytest.mark.parametrize("upsample", ["smooth", "blocks"])
def test_panels_are_bright_where_the_weight_is(upsample):
    places = [(0, 0), (3, 3), (1, 2)]
    panels = shown(ks.inspection.plot_attention(plain(), result(places=places), upsample=upsample))
    assert [word for word, _ in panels] == ["", "a", "red", "dog"]
    np.testing.assert_array_equal(np.unique(panels[0][1].reshape(-1, 3), axis=0), [[200, 160, 120]])
    for (_, array), place in zip(panels[1:], places):
        bright = quarter(array, *place)
        np.testing.assert_allclose(bright, [200, 160, 120], atol=25 if upsample == "smooth" else 0)
        for y in range(4):
            for x in range(4):
                if (y, x) != place:  # share of the largest weight: 0.02 / 0.7
                    expected = np.array([200, 160, 120]) * (0.2 + 0.8 * 0.02 / 0.7)
                    np.testing.assert_allclose(quarter(array, y, x), expected, atol=25 if upsample == "smooth" else 1)


def test_a_heavier_place_is_brighter_and_rows_are_not_columns():
    """Weights from 1 to 12 over 3 rows and 4 columns: brightness is in the order of the weights."""
    maps = np.arange(1, 13, dtype="float32").reshape(1, 3, 4) / 78
    figure = ks.inspection.plot_attention(plain(60, 80), Result("dog", ["dog"], maps), upsample="blocks")
    array = shown(figure)[1][1]
    assert array.shape[0] * 4 == array.shape[1] * 3
    light = [quarter(array, y, x, 3, 4)[0] for y in range(3) for x in range(4)]
    np.testing.assert_allclose(light, 200 * (0.2 + 0.8 * np.arange(1, 13) / 12), atol=1)


def test_how_large_the_largest_weight_is_stands_beside_the_word():
    figure = ks.inspection.plot_attention(plain(), result())
    assert [axes.get_title(loc="right") for axes in figure.axes] == ["", "70%", "70%", "70%"]


def test_places_on_the_page_follow_the_columns():
    figure = ks.inspection.plot_attention(plain(), result("a b c d e f"), columns=3)
    figure._repr_png_()  # lays it out
    boxes = [axes.get_position() for axes in figure.axes]
    assert len(boxes) == 7
    lefts, tops = [round(b.x0, 3) for b in boxes], [round(b.y0, 3) for b in boxes]
    assert lefts[0] == lefts[3] == lefts[6] < lefts[1] == lefts[4] < lefts[2] == lefts[5]
    assert tops[0] == tops[1] == tops[2] > tops[3] == tops[4] == tops[5] > tops[6]


def test_the_png_decodes_and_holds_the_panels(tmp_path):
    path = tmp_path / "new" / "plot.png"
    figure = ks.inspection.plot_attention(plain(color=(255, 0, 0)), result(), path=path)
    with Image.open(path) as file:
        assert file.format == "PNG"
        pixels = np.asarray(file.convert("RGB")).astype(int)
    red = (pixels[..., 1] < 30) & (pixels[..., 2] < 30)
    columns = np.flatnonzero(red.any(axis=0))
    assert (np.diff(columns) > 1).sum() == 3  # four panels side by side
    assert (pixels[red][:, 0] > 250).any() and (pixels[red][:, 0] < 80).any()
    notebook = Image.open(io.BytesIO(figure._repr_png_()))  # what a notebook shows
    assert notebook.format == "PNG" and notebook.size == pixels.shape[1::-1]
    assert [p.name for p in path.parent.iterdir()] == ["plot.png"]


def test_every_kind_of_picture(tmp_path):
    array = np.random.default_rng(0).integers(0, 256, (30, 20, 3)).astype("uint8")
    path = tmp_path / "picture.png"
    Image.fromarray(array).save(path)
    expected = shown(ks.inspection.plot_attention(array, result()))
    for image in (path, str(path), Image.fromarray(array)):
        for (_, a), (_, b) in zip(expected, shown(ks.inspection.plot_attention(image, result())), strict=True):
            np.testing.assert_array_equal(a, b)


def test_pictures_are_upright_on_white_and_of_eight_bits():
    """As `load_image` gives them to models, which the maps are of."""
    tall = Image.fromarray(np.concatenate([plain(10, 20, (255, 0, 0)), plain(10, 20, (0, 0, 255))]))
    turned, file = tall.transpose(Image.Transpose.ROTATE_90), io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its left side: to be turned by 90 degrees clockwise
    turned.save(file, "PNG", exif=exif)
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    deep = Image.fromarray(np.full((8, 8), 257 * 90, "uint16"))
    for picture in (Image.open(file), clear, deep):
        first = shown(ks.inspection.plot_attention(picture, result()))[0][1]
        expected = ks.data.load_image(picture)
        assert abs(first[0, 0].astype(int) - expected[0, 0]).max() <= 1, picture
        assert abs(first[-1, -1].astype(int) - expected[-1, -1]).max() <= 1, picture


def test_captions_that_look_like_markup_or_are_empty(tmp_path):
    figure = ks.inspection.plot_attention(plain(), result(HOSTILE), tmp_path / "a.png")
    assert [axes.get_title() for axes in figure.axes] == ["", *HOSTILE.split()]
    assert figure.get_suptitle().split() == HOSTILE.split()
    empty = Result("", [], np.zeros((0, 4, 4), "float32"))
    assert len(ks.inspection.plot_attention(plain(), empty, tmp_path / "b.png").axes) == 1


@pytest.mark.parametrize(
    ("error", "message", "change"),
    [
        (ValueError, "no attention to show", {"attention": None}),
        (ValueError, r"map for each of its 3 words, received \(2, 4, 4\)", {"attention": peaked([(0, 0)] * 2)}),
        (ValueError, "each of its 3 words", {"attention": np.full((3, 16), 1 / 16)}),
        (ValueError, "sum to one", {"attention": peaked([(0, 0)] * 3) * 2}),
        (ValueError, "sum to one", {"attention": np.zeros((3, 4, 4))}),
        (ValueError, "sum to one", {"attention": np.full((3, 4, 4), np.nan)}),
        (ValueError, "from -0.5", {"attention": np.tile(np.float32([[1.5, -0.5]]), (3, 1, 1))}),
        (TypeError, "`columns` must be an int", {"columns": 2.0}),
        (ValueError, "`columns` must be at least 1, received 0", {"columns": 0}),
        (ValueError, '`upsample` must be "smooth" or "blocks", received \'cubic\'', {"upsample": "cubic"}),
        (ValueError, "`path` must end in .png", {"path": "plot.jpg"}),
        (TypeError, "`image`.* uint8", {"image": np.zeros((8, 8, 3))}),
        (ValueError, r"`image`.* \(1, 8, 8, 3\)", {"image": np.zeros((1, 8, 8, 3), "uint8")}),
        (TypeError, "`image`.* expected a path", {"image": 3}),
        (TypeError, "`result` must be what `model.caption` returns.*list without text", {"result": [result()]}),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(tmp_path, monkeypatch, error, message, change):
    monkeypatch.chdir(tmp_path)
    given = result()
    if "attention" in change:
        given.attention = change.pop("attention")
    arguments = {"image": plain(), "result": given, "path": tmp_path / "new" / "plot.png", **change}
    with pytest.raises(error, match=message):
        ks.inspection.plot_attention(**arguments)
    assert list(tmp_path.iterdir()) == []


def test_files_that_cannot_be_read_or_written(tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    with pytest.raises(ValueError, match="broken.png.* no picture"):
        ks.inspection.plot_attention(broken, result())
    with pytest.raises(ValueError, match="none.png"):
        ks.inspection.plot_attention(tmp_path / "none.png", result())
    with pytest.raises(OSError, match="cannot write .*broken.png/plot.png"):
        ks.inspection.plot_attention(plain(), result(), broken / "plot.png")
    assert [p.name for p in tmp_path.iterdir()] == ["broken.png"]


def test_figures_are_gone_when_nobody_holds_them():
    figures = [weakref.ref(ks.inspection.plot_attention(plain(), result())) for _ in range(2)]
    gc.collect()
    assert [figure() for figure in figures] == [None, None]


def test_in_a_thread_and_without_pyplot():
    """Pyplot, which Keras imports where it can, is not told of the figure."""
    from matplotlib import pyplot

    before, files = pyplot.get_fignums(), []
    thread = threading.Thread(target=lambda: files.append(ks.inspection.plot_attention(plain(), result())._repr_png_()))
    thread.start()
    thread.join()
    assert files[0][1:4] == b"PNG" and pyplot.get_fignums() == before


@pytest.mark.filterwarnings("ignore:.*found in sys.modules")
@pytest.mark.parametrize("module", ["attention_plot", "attention_page", "caption_page", "training_curves", "figures"])
def test_matplotlib_is_not_imported_with_the_package(monkeypatch, module):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    runpy.run_module(f"keras_seqcv.inspection.{module}", run_name="again")


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_seqcv.inspection.notebook_figure", None)
    with pytest.raises(ImportError, match=r"plot_attention needs matplotlib: pip install \"keras_seqcv\[plots\]\""):
        ks.inspection.plot_attention(plain(), result())
