"""Frames as a GIF: the same pictures, shown as long as asked for, whole or not at all."""

import numpy as np
import pytest
from PIL import Image

from keras_seqcv.inspection.animation import save_gif


def test_a_file_shows_what_was_given(tmp_path):
    frames = [np.full((6, 8, 3), color, "uint8") for color in ((255, 0, 0), (0, 255, 0), (0, 0, 0))]
    save_gif(tmp_path / "a.gif", frames, seconds=0.1, last=0.5)
    with Image.open(tmp_path / "a.gif") as file:
        assert file.n_frames == 3 and file.info["loop"] == 0
        for k, frame in enumerate(frames):
            file.seek(k)
            np.testing.assert_array_equal(np.asarray(file.convert("RGB")), frame)
            assert file.info["duration"] == (100, 100, 500)[k]


def test_equal_frames_are_kept(tmp_path):
    """Pillow puts equal neighbours together: how long they are shown is the same."""
    save_gif(tmp_path / "a.gif", [np.zeros((6, 8), "uint8")] * 4, seconds=0.1, last=0.5)
    with Image.open(tmp_path / "a.gif") as file:
        total = 0
        for k in range(file.n_frames):
            file.seek(k)
            total += file.info["duration"]
    assert total == 800


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"path": "a.png"}, ValueError, "must end in .gif, received 'a.png'"),
        ({"frames": []}, ValueError, "one picture at least"),
        ({"frames": [np.zeros((2, 2, 3))]}, TypeError, "must be uint8, received float64"),
        ({"frames": [np.zeros((2, 2), "uint8"), np.zeros((2, 3), "uint8")]}, ValueError, r"received \(2, 3\)"),
        ({"seconds": 0.0}, ValueError, "`seconds` must be at least 0.02"),
    ],
)
def test_bad_input_leaves_no_file(tmp_path, monkeypatch, options, error, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        save_gif(**{"path": "a.gif", "frames": [np.zeros((2, 2), "uint8")], **options})
    assert not list(tmp_path.iterdir())
