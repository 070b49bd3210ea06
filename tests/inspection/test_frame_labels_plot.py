"""The labels of frames over time as a figure."""

import numpy as np
import PIL.Image
import pytest

import keras_seqcv as ks

NAMES = ["still", "left", "right"]


def steps(labels, sure=0.8):
    shares = np.full((len(labels), 3), (1 - sure) / 2)
    shares[np.arange(len(labels)), [NAMES.index(label) for label in labels]] = sure
    return ks.models.StepClassification(list(labels), shares.max(1), shares)


def test_a_row_for_each_label_and_a_cross_for_each_error(tmp_path):
    found, truth = steps(["still", "left", "right", "left"]), ["still", "left", "left", "left"]
    frames = np.zeros((4, 6, 8, 3), "uint8")
    figure = ks.inspection.plot_frame_labels(found, NAMES, truth, frames, tmp_path / "a.png")
    strip, axes = figure.axes
    assert axes.images[0].get_array().shape == (3, 4) and strip.images[0].get_array().shape[0] == 6
    np.testing.assert_allclose(axes.images[0].get_array(), found.probabilities.T)
    line, crosses = axes.lines
    assert line.get_ydata()[:4].tolist() == [0, 1, 1, 1] and crosses.get_xydata().tolist() == [[2, 2]]
    assert axes.get_title() == "75% of 4 frames right"
    assert PIL.Image.open(tmp_path / "a.png").size[0] > 800


def test_how_the_label_of_a_clip_comes_about():
    stream = [ks.models.Classification("left", p, {"still": 1 - p, "left": p, "right": 0.0}) for p in (0.4, 0.6, 0.9)]
    (axes,) = ks.inspection.plot_frame_labels(stream, NAMES, "left").axes
    np.testing.assert_allclose(axes.images[0].get_array()[1], [0.4, 0.6, 0.9])
    assert axes.get_title() == "67% of 3 frames right"
    assert not ks.inspection.plot_frame_labels(stream, NAMES).axes[0].lines


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"found": "left"}, TypeError, "`found` must be a StepClassification"),
        ({"names": ["a", "b"]}, ValueError, "`names` must be the 3 labels of the model, received 2"),
        ({"truth": ["left"]}, ValueError, "`truth` must be 2 labels, one for each frame, received 1"),
        ({"truth": ["left", "up"]}, ValueError, "`truth` must be labels of .*'up'"),
        ({"frames": np.zeros((3, 4, 4, 3), "uint8")}, ValueError, r"`frames` must be uint8 \(2, H, W, 3\)"),
        ({"path": "a.jpg"}, ValueError, "`path` must end in .png"),
    ],
)
def test_bad_input(change, error, message):
    with pytest.raises(error, match=message):
        ks.inspection.plot_frame_labels(**{"found": steps(["left", "still"]), "names": NAMES, **change})
