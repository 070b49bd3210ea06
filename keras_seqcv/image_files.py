"""Picture files, of whatever kind, as RGB arrays."""

import io
import os
import stat
from pathlib import Path

import numpy as np
from PIL import Image

# What Pillow reads by itself, and tells by its first bytes: EPS would be run by another program, TGA has no mark.
_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP")
_ORIENTATION = 0x0112  # the EXIF tag
_HUNGRY = ("JPEG2000", "WEBP")  # their decoders take 16 bytes of memory for a pixel, others at most 8
_ROWS = 256  # at a time, where a picture would be in memory several times: one of a few bytes may have many pixels
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def load_image(
    source: str | os.PathLike | bytes | Image.Image | np.ndarray, size: int | tuple[int, int] | None = None
) -> np.ndarray:
    """Returns a picture as RGB, upright, of any size or the one that is wanted.

    Grey and palettes become RGB, 16-bit grey is divided by 257, what is transparent is laid on white, and the
    orientation that EXIF tells is applied (a picture whose EXIF cannot be read counts as upright). Resizing is
    bilinear, averages where it shrinks, and does not keep the aspect.

    Args:
        source: path of an AVIF, BMP, GIF, JPEG, JPEG 2000, PNG, PPM, TIFF or WebP file; the bytes of one; a PIL image;
            or an array (H, W, 3), (H, W) or (H, W, 1), uint8.
        size: (H, W), or int for both. None: as it is.

    Returns:
        (H, W, 3) uint8.

    Raises:
        TypeError: a source of another type, or an array that is not uint8.
        ValueError: a file that is missing, empty, cut off, damaged, no picture, or several (animated); more pixels than
            `PIL.Image.MAX_IMAGE_PIXELS`, or of JPEG 2000 and WebP than half as many; pixels of more than 16 bits; an
            array of another shape. It names the file.

    Example:
        >>> from PIL import Image
        >>> Image.new("L", (40, 30), 7).save("grey.png")
        >>> ks.data.load_image("grey.png").shape
        (30, 40, 3)
        >>> ks.data.load_image("grey.png", size=16)[0, 0].tolist()
        [7, 7, 7]
    """
    return decoded(source, None, checked_size(size, "size"))


def decoded(source, name: str | None, size: tuple[int, int] | None) -> np.ndarray:
    """`load_image`, under the name that error messages use; None: that of the file."""
    if isinstance(source, Image.Image):
        picture = _guarded(lambda: _rgb(_upright(source)), name or "the PIL image")
    elif isinstance(source, (str, os.PathLike, bytes)):
        picture = _guarded(lambda: _rgb(_upright(_opened(source))), name or _name(source))
    else:
        array = checked_array(source, name or "`source`")
        if size in (None, array.shape[:2]):
            return array
        picture = Image.fromarray(array)
    if size is not None and picture.size != size[::-1]:
        picture = picture.resize(size[::-1], Image.Resampling.BILINEAR)
    return np.array(picture)


def check_image(source, name: str | None = None) -> None:
    """Raises what `load_image` raises, and reads the whole file for it, but makes no more pixels than it must."""
    if isinstance(source, (str, os.PathLike, bytes)):
        _guarded(lambda: _rgb(_upright(_opened(source, fast=True))), name or _name(source))
    else:
        decoded(source, name, None)


def checked_size(size, argument: str) -> tuple[int, int] | None:
    """Returns (H, W) of an int or a pair, None of None, or raises ValueError that names the argument."""
    if size is None:
        return None
    pair = (size, size) if isinstance(size, (int, np.integer)) else size
    if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not all(_is_size(n) for n in pair):
        raise ValueError(f"`{argument}` must be an int or (height, width), at least 1, received {size!r}")
    return int(pair[0]), int(pair[1])


def checked_array(array, name: str) -> np.ndarray:
    """Returns an array of one picture as (H, W, 3) uint8, or raises."""
    if not hasattr(array, "__array__"):
        expected = "a path, bytes, a PIL image or an array"
        raise TypeError(f"{name}: expected {expected}, received {type(array).__name__}")
    array = np.asarray(array)
    if array.dtype != np.uint8:
        raise TypeError(f"{name}: expected uint8, received {array.dtype}")
    shape = array.shape
    if len(shape) == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3) or 0 in shape:
        raise ValueError(f"{name}: expected shape (H, W, 3), (H, W) or (H, W, 1), received {shape}")
    return np.array(np.broadcast_to(array, (*array.shape[:2], 3)), order="C")


def _is_size(number) -> bool:
    return isinstance(number, (int, np.integer)) and not isinstance(number, bool) and number >= 1


def _name(source) -> str:
    return f"the picture of {len(source)} bytes" if isinstance(source, bytes) else os.fspath(source)


class _Unusable(ValueError):
    """What is wrong with a picture, said by us."""


def _guarded(function, name: str):
    """What the function returns; whatever it raises becomes a ValueError that names the picture."""
    try:
        return function()
    except _Unusable as error:
        raise ValueError(f"{name}: {error}") from None
    except (
        Exception
    ) as error:  # a damaged file lets Pillow raise nearly anything: struct.error, SyntaxError, IndexError
        raise ValueError(f"{name}: damaged or cut off ({type(error).__name__}: {error})") from error


def _opened(source, fast: bool = False) -> Image.Image:
    """The picture of a file or its bytes, checked and read; `fast`: perhaps smaller than it is."""
    data = source if isinstance(source, bytes) else _contents(Path(source))
    if not data:
        raise _Unusable("the file is empty")
    _identified(data).verify()  # of a PNG file: the sums of all parts; then it has to be opened anew
    picture = _identified(data)
    if fast:
        picture.draft(None, (1, 1))
    picture.load()
    return picture


def _contents(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode  # first, as reading a pipe may take for ever
    except (OSError, ValueError) as error:  # ValueError: a null character
        missing = isinstance(error, (FileNotFoundError, NotADirectoryError, ValueError))
        raise _Unusable("there is no such file" if missing else f"cannot be read: {error}") from error
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "no ordinary file"
        raise _Unusable(f"expected a picture file, received {kind}")
    try:
        return path.read_bytes()
    except OSError as error:
        raise _Unusable(f"cannot be read: {error}") from error


def _identified(data: bytes) -> Image.Image:
    Image.init()
    try:
        picture = Image.open(io.BytesIO(data), formats=[name for name in _FORMATS if name in Image.OPEN])
    except Image.UnidentifiedImageError:
        raise _Unusable(f"no picture, or none of {', '.join(_FORMATS)}") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _Unusable(f"too large: {error}") from None
    check_pixels(picture)
    return picture


def check_pixels(picture: Image.Image) -> None:
    """Raises ValueError for a picture that would take too much memory."""
    # Pillow warns of more than that, and only raises of twice as many.
    most, half = Image.MAX_IMAGE_PIXELS, picture.format in _HUNGRY
    if most is not None and picture.width * picture.height > (most // 2 if half else most):
        limit = f"PIL.Image.MAX_IMAGE_PIXELS={most}{f' // 2 (of {picture.format})' if half else ''}"
        raise _Unusable(f"too large: {picture.width} x {picture.height} pixels are more than {limit}")


def _upright(picture: Image.Image) -> Image.Image:
    # The further pictures of an MPO file are made by the camera: another eye, the depth, the range of light.
    if getattr(picture, "is_animated", False) and picture.format != "MPO":
        raise _Unusable(f"expected one picture, received {_count(picture)} in one file")
    picture.load()
    try:
        turn = _TURNS.get(picture.getexif().get(_ORIENTATION))
    except Exception:  # EXIF that is damaged says nothing, the picture is whole all the same
        turn = None
    return picture if turn is None else picture.transpose(turn)


def _count(picture: Image.Image) -> str:
    """How many pictures are in a file: of a GIF each has to be looked for, and there may be a million."""
    if picture.format != "GIF":
        return str(getattr(picture, "n_frames", "several"))
    try:
        for number in range(1, 100):
            picture.seek(number)
    except EOFError:
        return str(number)
    return "a hundred and more"


def _rgb(picture: Image.Image) -> Image.Image:
    mode = picture.mode
    if mode.startswith("I;16") or (mode == "I" and picture.format == "PPM"):  # PPM: in 16 bits, whatever the file has
        return _eight_bits(picture)
    if mode in ("I", "F"):
        raise _Unusable(f"expected pixels of 8 or 16 bits, received mode {mode!r} (32)")
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    if mode in ("La", "RGBa"):
        picture = picture.convert(mode.upper())
    if picture.mode != "RGBA":
        picture = picture.convert("RGBA")
    return _on_white(picture)


def _on_white(picture: Image.Image) -> Image.Image:
    result = Image.new("RGB", picture.size)
    for top in range(0, picture.height, _ROWS):
        strip = picture.crop((0, top, picture.width, min(top + _ROWS, picture.height)))
        strip = Image.alpha_composite(Image.new("RGBA", strip.size, "white"), strip)
        result.paste(strip.convert("RGB"), (0, top))
    return result


def _eight_bits(picture: Image.Image) -> Image.Image:
    pixels, transparent = np.asarray(picture), picture.info.get("transparency")
    small = np.empty(pixels.shape, "uint8")
    for top in range(0, len(pixels), _ROWS):
        grey = pixels[top : top + _ROWS].astype("uint32")
        small[top : top + _ROWS] = (grey + 128) // 257  # rounded
        if isinstance(transparent, int):
            small[top : top + _ROWS][grey == transparent] = 255
    return Image.fromarray(small).convert("RGB")
