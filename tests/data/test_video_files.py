"""Clips from folders of frames, animated pictures, video files and arrays; and what is no clip, named."""

import sys

import numpy as np
import PIL.Image
import pytest

import keras_seqcv as ks


def shades(count=5, height=16, width=24):
    """A clip whose frame k has the shade 40 k."""
    return np.repeat(np.arange(count, dtype="uint8")[:, None] * 40, height * width * 3, 1).reshape(-1, height, width, 3)


def saved(path, frames, **options):
    first, *others = [PIL.Image.fromarray(frame) for frame in frames]
    first.save(path, save_all=True, append_images=others, **options)
    return path


def test_a_folder_is_read_in_the_order_of_numbers(tmp_path):
    for k, frame in enumerate(shades(12)):
        PIL.Image.fromarray(frame // 2).save(tmp_path / f"frame{k}.png")  # frame10 comes after frame9
    (tmp_path / "notes.txt").write_text("no frame")
    (tmp_path / ".hidden.png").write_bytes(b"")
    np.testing.assert_array_equal(ks.data.load_video(tmp_path), shades(12) // 2)
    np.testing.assert_array_equal(ks.data.load_video(tmp_path, frames=4), shades(12)[[1, 4, 7, 10]] // 2)
    assert ks.data.load_video(tmp_path, size=(4, 6)).shape == (12, 4, 6, 3)


@pytest.mark.parametrize("kind", ["gif", "png", "webp"])
def test_animations(tmp_path, kind):
    path = saved(tmp_path / f"clip.{kind}", shades(), **({"lossless": True} if kind == "webp" else {}))
    found = ks.data.load_video(path)
    np.testing.assert_array_equal(found, shades())
    assert ks.data.load_video(path, 8, frames=2)[:, 0, 0, 0].tolist() == [40, 120]


def test_a_frame_of_an_animation_is_what_is_shown(tmp_path):
    """A GIF that stores only what has changed, on a background that stays."""
    frames = np.full((4, 16, 16, 3), 200, "uint8")
    for k in range(4):
        frames[k, 4:8, 3 * k : 3 * k + 4] = 10
    found = ks.data.load_video(saved(tmp_path / "clip.gif", frames, disposal=1))
    np.testing.assert_array_equal(found, frames)


def test_video_files(tmp_path):
    av = pytest.importorskip("av")
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 16, "yuv420p"
        for frame in shades(6, 16, 32):
            for packet in stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    found = ks.data.load_video(path)
    assert found.shape == (6, 16, 32, 3) and found.dtype == np.uint8
    np.testing.assert_allclose(found.mean((1, 2, 3)), 40 * np.arange(6), atol=6)
    whole = path.read_bytes()
    path.write_bytes(whole[:300])
    with pytest.raises(ValueError, match=r"clip.mp4: cannot be decoded \("):
        ks.data.load_video(path)
    (tmp_path / "text.avi").write_text("this is no video at all")
    with pytest.raises(ValueError, match=r"text.avi: cannot be decoded \("):
        ks.data.load_video(tmp_path / "text.avi")


def test_a_video_file_without_pyav(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    (tmp_path / "clip.mp4").write_bytes(b"some")
    with pytest.raises(ImportError, match=r'clip.mp4 needs PyAV: pip install "keras_seqcv\[video\]"'):
        ks.data.load_video(tmp_path / "clip.mp4")


def test_arrays():
    clip = shades()
    np.testing.assert_array_equal(ks.data.load_video(clip), clip)
    np.testing.assert_array_equal(ks.data.load_video(clip[..., 0]), clip)
    np.testing.assert_array_equal(ks.data.load_video(clip[..., :1], frames=1), clip[2:3])
    assert ks.data.load_video(clip, size=7).shape == (5, 7, 7, 3)
    scene = ks.data.moving_scenes(1)[0]
    np.testing.assert_array_equal(ks.data.load_video(scene), scene.frames)
    found = ks.data.load_video(clip)
    found[:] = 0  # it is no view
    assert clip.any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda f: (f / "a").mkdir() or f / "a", "a: expected a folder of frames .*it has none"),
        (lambda f: f / "nothing.gif", "nothing.gif: there is no such file"),
        (lambda f: (f / "a.gif").write_bytes(b"") and 0 or f / "a.gif", "a.gif: the file is empty"),
        (lambda f: (f / "a.gif").write_bytes(b"GIF89a no more") and f / "a.gif", r"a.gif: cannot be decoded \("),
    ],
)
def test_what_is_no_clip_is_named(tmp_path, make, message):
    with pytest.raises(ValueError, match=message):
        ks.data.load_video(make(tmp_path))


def test_frames_that_do_not_belong_together(tmp_path):
    for k, size in enumerate([(8, 6), (8, 6), (6, 8)]):
        PIL.Image.new("RGB", size).save(tmp_path / f"{k}.png")
    with pytest.raises(ValueError, match=r"2.png: expected frames of one size, 8 x 6 as .*0.png has, received 6 x 8"):
        ks.data.load_video(tmp_path)
    (tmp_path / "1.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"1.png: no picture"):
        ks.data.load_video(tmp_path)


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (3, TypeError, "`source`: expected a path, an array"),
        (np.zeros((2, 4, 4, 3)), TypeError, "`source`: expected uint8, received float64"),
        (np.zeros((2, 4, 4, 2), "uint8"), ValueError, r"`source`: expected shape .* received \(2, 4, 4, 2\)"),
        (np.zeros((0, 4, 4, 3), "uint8"), ValueError, r"`source`: expected shape .* received \(0, 4, 4, 3\)"),
    ],
)
def test_wrong_arrays(source, error, message):
    with pytest.raises(error, match=message):
        ks.data.load_video(source)
