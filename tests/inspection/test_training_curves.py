"""`plot_curves`: the numbers of the runs at their epochs, training dashed and validation solid."""

import keras
import numpy as np
import pytest
from matplotlib.colors import to_hex
from PIL import Image

import keras_seqcv as ks

RUNS = {
    "LSTM": {"loss": [2.0, 1.5, 1.2], "val_loss": [2.1, 1.8, 1.7], "val_cider_d": [0.1, 0.2, 0.4]},
    "GRU": {"loss": [1.9, 1.6], "learning_rate": [0.1, 0.05]},
}


def curves(figure):
    """{title: [(dashed?, colour, x, y), ...]} of a figure."""
    return {
        axes.get_title(): [
            (line.get_linestyle() == "--", to_hex(line.get_color()), [*line.get_xdata()], [*line.get_ydata()])
            for line in axes.lines
        ]
        for axes in figure.axes
    }


def test_panels_lines_and_colours():
    figure = ks.inspection.plot_curves(RUNS)
    blue, orange = "#1f77b4", "#ff7f0e"
    assert curves(figure) == {
        "loss": [
            (True, blue, [1, 2, 3], [2.0, 1.5, 1.2]),
            (False, blue, [1, 2, 3], [2.1, 1.8, 1.7]),
            (True, orange, [1, 2], [1.9, 1.6]),
        ],
        "cider_d": [(False, blue, [1, 2, 3], [0.1, 0.2, 0.4])],
        "learning_rate": [(True, orange, [1, 2], [0.1, 0.05])],
    }
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["LSTM", "GRU", "training", "validation"]


def test_chosen_metrics_in_their_order():
    assert list(curves(ks.inspection.plot_curves(RUNS, metrics=["cider_d", "loss"]))) == ["cider_d", "loss"]


def test_a_history_of_fit_knows_its_epochs():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((4, 1), "float32")
    history = model.fit(x, x, epochs=8, initial_epoch=2, validation_data=(x, x), validation_freq=2, verbose=0)
    (train, valid) = curves(ks.inspection.plot_curves({"run": history}))["loss"]
    assert train[2:] == ([3, 4, 5, 6, 7, 8], history.history["loss"])
    assert valid[2:] == ([4, 6, 8], history.history["val_loss"])


def test_metrics_of_every_kth_epoch_and_epochs_without_a_number():
    nan = float("nan")
    runs = {
        "a": {"loss": [6.0, 5.0, 4.0, 3.0, 2.0, 1.0], "val_loss": [5.0, 3.0, 1.0], "val_x": [nan, 1, nan, 2, nan, nan]}
    }
    found = curves(ks.inspection.plot_curves(runs))
    assert found["loss"][1][2:] == ([2, 4, 6], [5.0, 3.0, 1.0])
    assert found["x"][0][2:] == ([2, 4], [1.0, 2.0])
    with pytest.raises(ValueError, match=r"`histories\['a'\]\['val_loss'\]` .* received 4 for 6 epochs"):
        ks.inspection.plot_curves({"a": {"loss": [0.0] * 6, "val_loss": [0.0] * 4}})
    with pytest.raises(ValueError, match="received 1 for 6 epochs"):  # the fourth, the fifth or the sixth?
        ks.inspection.plot_curves({"a": {"loss": [0.0] * 6, "val_loss": [0.0]}})


def test_a_single_epoch_is_seen():
    (line,) = ks.inspection.plot_curves({"a": {"loss": [1.0]}}).axes[0].lines
    assert line.get_marker() == "o"


def test_twelve_runs_have_twelve_colours():
    figure = ks.inspection.plot_curves({number: {"loss": [number, 0.0]} for number in range(12)})
    colors = [color for _, color, *_ in curves(figure)["loss"]]
    assert len(set(colors)) == 12
    entries = [to_hex(line.get_color()) for line in figure.legends[0].get_lines()]
    assert entries[:12] == colors


def test_the_png_decodes_and_has_the_colours_of_the_runs(tmp_path):
    path = tmp_path / "new" / "curves.png"
    ks.inspection.plot_curves(RUNS, path)
    pixels = np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3)
    for color in ((0x1F, 0x77, 0xB4), (0xFF, 0x7F, 0x0E)):
        assert (np.abs(pixels.astype(int) - color).max(axis=1) < 3).sum() > 100
    assert [p.name for p in path.parent.iterdir()] == ["curves.png"]


@pytest.mark.parametrize(
    ("error", "message", "histories", "options"),
    [
        (TypeError, "`histories` must be a dict from name to history, received list", [RUNS["GRU"]], {}),
        (ValueError, "`histories` must hold at least one run", {}, {}),
        (TypeError, r"`histories\['a'\]` must be a History or a dict, received list", {"a": [1.0]}, {}),
        (ValueError, r"`histories\['loss'\]", {"loss": {"a": 1.0}}, {}),
        (ValueError, "must be a list of numbers", {"a": {"loss": ["low"]}}, {}),
        (TypeError, "must have names of metrics, received 3", {"a": {3: [1.0]}}, {}),
        (ValueError, "must name at least one metric", {"a": {}}, {}),
        (ValueError, "must name at least one metric", RUNS, {"metrics": []}),
        (TypeError, "`metrics` must be a list of names, received str", RUNS, {"metrics": "loss"}),
        (ValueError, r"without \"val_\", received \['val_loss'\]", RUNS, {"metrics": ["loss", "val_loss"]}),
        (ValueError, "`path` must end in .png, received 'curves.svg'", RUNS, {"path": "curves.svg"}),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(tmp_path, monkeypatch, error, message, histories, options):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        ks.inspection.plot_curves(histories, **{"path": "curves.png", **options})
    assert list(tmp_path.iterdir()) == []
