"""Pictures as people have them, for figures and pages."""

import base64
import io
import os

from PIL import Image

from keras_seqcv.image_files import decoded


def load_picture(image, argument: str) -> Image.Image:
    """Returns a picture as Pillow has it: upright, in RGB, on white where it is transparent, as models see it.

    Args:
        image: path, Pillow image, or uint8 array (H, W, 3).
        argument: name for errors; a file has its own.

    Raises:
        TypeError, ValueError: as `image_files.load_image`.

    Example:
        >>> from keras_seqcv.inspection.pictures import load_picture
        >>> load_picture(np.zeros((2, 3, 3), "uint8"), "image").size
        (3, 2)
    """
    is_file = isinstance(image, (str, os.PathLike))
    return Image.fromarray(decoded(image, None if is_file else f"`{argument}`", None))


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
