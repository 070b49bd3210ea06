"""Pictures read by glimpses by a LiteRT file, as the Keras model reads them."""

import json

import numpy as np

from keras_seqcv.reading import Reading, check_draws, reading_of

LABELS = "labels.json"


def reads(lite) -> bool:
    """Whether a file reads pictures by glimpses."""
    names = lite.signatures["classify"]["inputs"] if "classify" in lite.signatures else {}
    return {"image", "samples"} <= names.keys()


def classify(lite, images, samples: int | None = None, seed: int = 0) -> Reading | list[Reading]:
    """Read a picture, or several one after the other.

    Args:
        lite: `LiteRTModel`.
        images: (H, W, C) uint8, or (H, W) in grey; or (B, H, W, C), or a list.
        samples: how many draws are averaged, int >= 0. None: what the model was made with.
        seed: int in [-2**31, 2**31).

    Returns:
        A `Reading`, or a list.

    Raises:
        TypeError, ValueError: the file has no labels, or an argument is not as above.
    """
    if LABELS not in lite.files:
        raise ValueError(f"{lite!r} has no labels: run('classify', image=..., seed=..., samples=...) gives numbers")
    content = json.loads(lite.files[LABELS])
    samples = content["samples"] if samples is None else samples
    check_draws(samples, seed)
    if isinstance(images, (str, bytes, dict)) or not hasattr(images, "__len__"):
        raise TypeError(f"images: expected a picture (H, W, C) or a list of them, received {type(images).__name__}")
    scalars = {"samples": int(samples), "seed": int(seed)}
    if getattr(images, "ndim", 4) < 4:
        return _read(lite, images, scalars, content["labels"], "images")
    return [_read(lite, image, scalars, content["labels"], f"images[{k}]") for k, image in enumerate(images)]


def _read(lite, image, scalars: dict, labels, where: str) -> Reading:
    shape = lite.signatures["classify"]["inputs"]["image"][0][1:]
    picture = np.asarray(image)
    picture = picture[..., None] if picture.ndim == 2 and shape[2] == 1 else picture
    if picture.shape != shape or picture.dtype != np.uint8:
        raise ValueError(f"{where}: expected uint8 {shape}, received {picture.dtype} of shape {np.shape(image)}")
    found = lite.run("classify", image=picture[None], **scalars)
    return reading_of(labels, found["probabilities"][0], found["path"][0])
