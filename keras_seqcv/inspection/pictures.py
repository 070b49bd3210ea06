"""Pictures as people have them, for figures and pages."""

import base64
import io
import os

import numpy as np
from PIL import Image, ImageOps


def load_picture(image, argument: str) -> Image.Image:
    """Returns a picture as Pillow has it: upright, in RGB, on white where it is transparent, as models see it.

    Args:
        image: path, Pillow image, or uint8 array (H, W, 3).
        argument: name for errors.

    Raises:
        TypeError: `image` is something else.
        ValueError: an array of another shape or type, a file that is no picture.
        OSError: the file cannot be opened.

    Example:
        >>> from keras_seqcv.inspection.pictures import load_picture
        >>> load_picture(np.zeros((2, 3, 3), "uint8"), "image").size
        (3, 2)
    """
    if isinstance(image, (str, os.PathLike)):
        return _opened(image, argument)
    if isinstance(image, Image.Image):
        return _rgb(image)
    if not hasattr(image, "__array__"):
        raise TypeError(
            f"`{argument}` must be a path, a Pillow image or an array (H, W, 3), received {type(image).__name__}"
        )
    pixels = np.asarray(image)
    if pixels.ndim != 3 or pixels.shape[-1] != 3 or 0 in pixels.shape or pixels.dtype != np.uint8:
        raise ValueError(
            f"`{argument}` must be an array (H, W, 3) of uint8, received {pixels.shape} of {pixels.dtype}; "
            "a batch is a list of pictures"
        )
    return Image.fromarray(pixels)


def resized(picture: Image.Image, longest: int) -> Image.Image:
    """Returns the picture with a longest side of so many pixels, smaller or larger than before."""
    scale = longest / max(picture.size)
    return picture.resize([max(1, round(side * scale)) for side in picture.size], Image.Resampling.BICUBIC)


def data_uri(picture: Image.Image, longest: int = 640) -> str:
    """Returns the picture as the text that a page shows as `src`, as JPEG or PNG, whichever is shorter.

    Args:
        picture: RGB.
        longest: a picture whose longest side has more pixels is made smaller.

    Example:
        >>> from PIL import Image
        >>> from keras_seqcv.inspection.pictures import data_uri
        >>> data_uri(Image.new("RGB", (8, 8)))[:22]
        'data:image/png;base64,'
    """
    if max(picture.size) > longest:
        picture = resized(picture, longest)
    files = []
    for kind, options in (("png", {"optimize": True}), ("jpeg", {"quality": 88, "optimize": True})):
        file = io.BytesIO()
        picture.save(file, kind, **options)
        files.append((kind, file.getvalue()))
    kind, data = min(files, key=lambda item: len(item[1]))
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _rgb(picture: Image.Image) -> Image.Image:
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I;16"):  # Pillow would make all above 255 white
        return Image.fromarray(np.round(np.asarray(picture) / 257).astype("uint8")).convert("RGB")
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    picture = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")


def _opened(path, argument: str) -> Image.Image:
    try:
        with Image.open(path) as file:
            return _rgb(file)
    except (Image.UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError) as error:
        raise ValueError(f"`{argument}`: {os.fspath(path)} is no picture that can be read: {error}") from error
    except OSError as error:
        if error.filename is not None:  # not there, not allowed: the system has named the file
            raise
        raise ValueError(f"`{argument}`: {os.fspath(path)} is no picture that can be read: {error}") from error
