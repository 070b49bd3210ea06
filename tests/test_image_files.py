"""load_image: modes, orientation and resizing against NumPy, and every kind of file that is no picture."""

import io
import os
import pathlib

import numpy as np
import pytest
from PIL import Image

from keras_seqcv.data import load_image
from keras_seqcv.image_files import check_image


def noise(height=12, width=9, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype("uint8")


def encoded(picture, format="PNG", **options):
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def smooth():
    """A picture that JPEG keeps nearly as it is, all its corners different."""
    y, x = np.mgrid[:64, :48]
    return np.stack([y * 3, x * 4, 255 - y - x], -1).astype("uint8")


def test_every_kind_of_source(tmp_path):
    picture = noise()
    path = tmp_path / "picture.png"
    path.write_bytes(encoded(picture))
    for source in (path, str(path), path.read_bytes(), Image.open(path), Image.fromarray(picture), picture):
        loaded = load_image(source)
        assert loaded.dtype == np.uint8 and loaded.flags.writeable and loaded.flags.c_contiguous
        np.testing.assert_array_equal(loaded, picture)
    grey = picture[..., 0]
    for source in (grey, grey[..., None], Image.fromarray(grey), encoded(grey)):
        np.testing.assert_array_equal(load_image(source), np.stack([grey] * 3, -1))


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_formats(format):
    np.testing.assert_array_equal(load_image(encoded(noise(), format)), noise())


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "JPEG2000", "MPO"])
def test_lossy_formats(format):
    loaded = load_image(encoded(smooth(), format, **({"quality": 95} if format != "JPEG2000" else {})))
    assert loaded.shape == (64, 48, 3) and np.abs(loaded.astype(int) - smooth()).mean() < 4


def test_the_first_picture_of_two_that_a_camera_put_into_one_file():
    others = [Image.fromarray(noise(64, 48))]
    data = encoded(smooth(), "MPO", quality=95, save_all=True, append_images=others)
    with Image.open(io.BytesIO(data)) as picture:
        assert (picture.format, picture.n_frames) == ("MPO", 2)
    assert np.abs(load_image(data).astype(int) - smooth()).mean() < 4


def test_palette_and_one_bit():
    picture = Image.fromarray(np.array([[0, 1], [2, 1]], "uint8"), "P")
    picture.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    expected = [[[10, 20, 30], [40, 50, 60]], [[70, 80, 90], [40, 50, 60]]]
    for format in ("PNG", "GIF"):
        np.testing.assert_array_equal(load_image(encoded(picture, format)), expected)
    bits = Image.fromarray(np.array([[True, False]]))
    np.testing.assert_array_equal(load_image(encoded(bits)), [[[255] * 3, [0] * 3]])


def test_cmyk():
    ink = np.random.default_rng(0).integers(0, 256, (5, 4, 4)).astype("uint8")
    light = 255 - ink.astype(float)
    expected = light[..., :3] * light[..., 3:] / 255
    loaded = load_image(encoded(Image.fromarray(ink, "CMYK"), "TIFF"))
    np.testing.assert_allclose(loaded, expected, atol=1.01)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_pictures_lie_on_white(mode):
    channels = len(mode)
    pixels = np.random.default_rng(0).integers(0, 256, (6, 5, channels)).astype("uint8")
    pixels[0, :, -1], pixels[1, :, -1] = 0, 255
    alpha = pixels[..., -1:] / 255
    expected = np.broadcast_to(pixels[..., :-1] * alpha + 255 * (1 - alpha), (6, 5, 3))
    loaded = load_image(encoded(Image.fromarray(pixels, mode)))
    np.testing.assert_allclose(loaded, expected, atol=1.01)
    assert (loaded[0] == 255).all()


def test_one_transparent_colour_lies_on_white():
    grey = np.array([[0, 7, 200]], "uint8")
    np.testing.assert_array_equal(load_image(encoded(grey, transparency=7))[0, :, 1], [0, 255, 200])
    deep = Image.fromarray(np.array([[0, 7, 65535]], "uint16"))
    np.testing.assert_array_equal(load_image(encoded(deep, transparency=7))[0, :, 1], [0, 255, 255])


@pytest.mark.parametrize("format", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_are_scaled(format):
    deep = np.array([[0, 128, 129, 257, 30000, 65535]], "uint16")
    data = b"P5 6 1 65535\n" + deep.astype(">u2").tobytes() if format == "PPM" else encoded(deep, format)
    np.testing.assert_array_equal(load_image(data)[0, :, 2], [0, 0, 1, 1, 117, 255])


def test_pixels_of_32_bits_are_refused():
    for pixels in (np.ones((2, 2), "float32"), np.full((2, 2), 70000, "int32")):
        with pytest.raises(ValueError, match="8 or 16 bits, received mode '[IF]'"):
            load_image(encoded(pixels, "TIFF"))


TURNS = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("format", ["PNG", "TIFF", "JPEG", "WEBP"])
@pytest.mark.parametrize("orientation", TURNS)
def test_orientation(format, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(smooth(), format, exif=exif, **({"quality": 95} if format in ("JPEG", "WEBP") else {}))
    expected = TURNS[orientation](smooth())
    for source in (data, Image.open(io.BytesIO(data))):
        loaded = load_image(source)
        assert loaded.shape == expected.shape and np.abs(loaded.astype(int) - expected).mean() < 4
        np.testing.assert_array_equal(loaded, load_image(source))


def test_damaged_exif_is_upright():
    data = encoded(smooth(), "JPEG", quality=95, exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 40)
    assert load_image(data).shape == (64, 48, 3)


def triangles(old, new):
    """Weights (new, old) of bilinear resizing that averages where it shrinks, pixel by pixel."""
    scale = old / new
    reach = max(scale, 1.0)
    weights = np.zeros((new, old))
    for i in range(new):
        for j in range(old):
            weights[i, j] = max(0.0, 1 - abs(j + 0.5 - (i + 0.5) * scale) / reach)
    return weights / weights.sum(1, keepdims=True)


@pytest.mark.parametrize("size", [(5, 4), (12, 9), (30, 7), (24, 27), 6])
def test_resizing(size):
    picture = noise()
    height, width = (size, size) if isinstance(size, int) else size
    expected = np.einsum("hi,wj,ijc->hwc", triangles(12, height), triangles(9, width), picture.astype(float))
    for source in (picture, encoded(picture), Image.fromarray(picture)):
        loaded = load_image(source, size)
        assert loaded.shape == (height, width, 3)
        np.testing.assert_allclose(loaded, expected, atol=1.1)


@pytest.mark.parametrize("size", [0, -3, True, "8", (8,), (8, 0), (8, 8, 3), 8.0, (8, True)])
def test_bad_sizes(size):
    with pytest.raises(ValueError, match="`size` must be an int or .height, width., at least 1, received"):
        load_image(noise(), size)


def broken_files():
    whole = {f: encoded(noise(40, 30), f) for f in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "JPEG2000")}
    for format, data in whole.items():
        for share in (0.3, 0.6, 0.9):
            yield f"{format} cut at {share}", data[: int(len(data) * share)], ""
    flipped = bytearray(whole["PNG"])
    flipped[len(flipped) // 2] ^= 255
    yield "PNG with a wrong byte", bytes(flipped), "damaged or cut off"
    checked = bytearray(whole["PNG"])
    checked[-13] ^= 255  # of the sum of the pixels, which are as they were
    yield "PNG with a wrong sum", bytes(checked), "damaged or cut off"
    frames = [Image.fromarray(noise(seed=k)) for k in range(3)]
    for format in ("GIF", "PNG", "WEBP", "TIFF"):
        several = encoded(frames[0], format, save_all=True, append_images=frames[1:])
        yield f"{format} of three", several, "expected one picture, received 3"
    yield "empty", b"", "empty"
    yield "text", b"I am not a picture" * 9, "no picture"
    yield "zeros", bytes(1000), "no picture"
    eps = encoded(noise(), "EPS")
    yield "a program for another program", eps, "no picture"


@pytest.mark.parametrize(("data", "reason"), [pytest.param(d, r, id=name) for name, d, r in broken_files()])
def test_broken_files_are_named(tmp_path, data, reason):
    path = tmp_path / "some.jpg"
    path.write_bytes(data)
    for function in (load_image, check_image):
        with pytest.raises(ValueError, match=f"some.jpg: .*{reason}"):
            function(path)
    with pytest.raises(ValueError, match=f"the picture of {len(data)} bytes: "):
        load_image(data)


def test_what_is_no_file(tmp_path):
    for source, reason in (
        (tmp_path / "none.jpg", "none.jpg: there is no such file"),
        ("null\0.jpg", "there is no such file"),
        (tmp_path, f"{tmp_path.name}: expected a picture file, received a folder"),
    ):
        with pytest.raises(ValueError, match=reason):
            load_image(source)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="pipe: .*no ordinary file"):
        load_image(tmp_path / "pipe")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("limit", [100, 40])
def test_too_many_pixels(tmp_path, monkeypatch, limit):
    path = tmp_path / "bomb.png"
    path.write_bytes(encoded(noise()))  # 108 pixels; Pillow warns of more than the limit, and raises of twice as many
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(ValueError, match="bomb.png: too large"):
        load_image(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 108)
    assert load_image(path).shape == (12, 9, 3)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "WEBP", "TIFF"])
def test_nothing_but_valueerror_comes_out_of_damaged_bytes(format):
    whole, chance = encoded(noise(20, 20), format), np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        data = bytearray(whole)
        for place in chance.integers(0, len(data), 4):
            data[place] = chance.integers(256)
        try:
            assert load_image(bytes(data)).ndim == 3
        except ValueError as error:
            refused += 1
            assert "bytes: " in str(error)
    assert refused


def test_arrays_of_another_kind():
    with pytest.raises(TypeError, match="expected uint8, received float32"):
        load_image(np.zeros((4, 4, 3), "float32"))
    with pytest.raises(TypeError, match="expected uint8, received bool"):
        load_image(np.zeros((4, 4, 3), bool))
    for shape in ((4,), (4, 4, 2), (4, 4, 4), (1, 4, 4, 3), (0, 4, 3)):
        with pytest.raises(ValueError, match=r"expected shape \(H, W, 3\).*received \("):
            load_image(np.zeros(shape, "uint8"))
    for source in (None, 3, ["a.jpg"]):
        with pytest.raises(TypeError, match="expected a path, bytes, a PIL image or an array, received"):
            load_image(source)


def test_a_path_of_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("a.png").write_bytes(encoded(noise()))
    np.testing.assert_array_equal(load_image("a.png"), noise())
