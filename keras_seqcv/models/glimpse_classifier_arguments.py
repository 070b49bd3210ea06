"""The checks of what `GlimpseClassifier` is made with and given."""

import os

import numpy as np
from PIL import Image

from keras_seqcv.image_files import decoded
from keras_seqcv.models.argument_checks import check_options, check_width, checked_texts, is_number
from keras_seqcv.models.recurrent_stack import LAYERS

LOCATIONS, STARTS, JOINS = ("reinforce", "transformer"), ("center", "random"), ("sum", "product")
_NAMES = {"cell": sorted(LAYERS), "location": LOCATIONS, "start": STARTS, "join": JOINS}
_WIDTHS = ("glimpses", "patch", "scales", "units", "glimpse_units", "train_samples")
_GREY = (0.299, 0.587, 0.114)  # as Pillow makes grey of colours


def check_arguments(image_shape, labels, options: dict) -> tuple:
    """Raise TypeError or ValueError that names the first wrong argument; return shape and labels as tuples."""
    shape = checked_image_shape(image_shape)
    check_options(options, _NAMES, _WIDTHS, ("label_smoothing",))
    check_width("factor", options["factor"], 2)
    check_width("samples", options["samples"], 0)
    for name in ("max_labels", "context"):
        if options[name] is not None:
            check_width(name, options[name])
    if options["patch"] > min(shape[:2]):
        raise ValueError(f"patch: expected one within pictures of {shape[:2]}, received {(options['patch'],) * 2}")
    side = min(shape[:2])
    if options["context"] is not None and options["context"] > side:
        raise ValueError(f"context: expected at most {side}, as pictures are {shape}, received {options['context']}")
    for name in ("stddev", "reinforce_weight"):
        if not is_number(options[name]) or not 0 < options[name] < float("inf"):
            raise ValueError(f"{name}: expected a number > 0, received {options[name]!r}")
    if not is_number(options["location_gradient"]) or not 0 < options["location_gradient"] <= 1:
        raise ValueError(f"location_gradient: expected a number in (0, 1], received {options['location_gradient']!r}")
    return shape, checked_texts("labels", labels)


def checked_image_shape(image_shape) -> tuple[int, int, int]:
    """(H, W, C), C 1 or 3.

    Raises:
        ValueError: for another shape.
    """
    shape = tuple(image_shape) if isinstance(image_shape, (tuple, list)) else (image_shape,)
    if len(shape) != 3 or not all(isinstance(n, (int, np.integer)) and n >= 1 for n in shape) or shape[2] not in (1, 3):
        raise ValueError(f"image_shape: expected (H, W, C) with C 1 or 3, received {image_shape!r}")
    return tuple(int(n) for n in shape)


def prepared_pictures(images, image_shape) -> tuple[np.ndarray, bool]:
    """Pictures as people have them -> (B, H, W, C) uint8, and whether it was one alone.

    Raises:
        TypeError, ValueError: no picture, or one of another size; a file is named.
    """
    single = isinstance(images, (str, bytes, os.PathLike, Image.Image)) or getattr(images, "ndim", 4) < 4
    if not single and not hasattr(images, "__len__"):
        raise TypeError(f"images: expected a picture or a list of pictures, received {type(images).__name__}")
    some = [images] if single else list(images)
    if not some:
        raise ValueError("images: expected one picture at least, received none")
    names = ["images" if single else f"images[{k}]" for k in range(len(some))]
    return np.stack([_prepared(one, name, image_shape) for one, name in zip(some, names, strict=True)]), single


def _prepared(image, name: str, image_shape) -> np.ndarray:
    is_file = isinstance(image, (str, os.PathLike))
    picture = decoded(image, None if is_file else name, None)
    if picture.shape[:2] != image_shape[:2]:
        where = os.fspath(image) if is_file else name
        raise ValueError(f"{where}: expected a picture of {image_shape[:2]}, received {picture.shape[:2]}")
    if image_shape[2] == 3:
        return picture
    return np.round(picture @ np.array(_GREY))[..., None].astype("uint8")
