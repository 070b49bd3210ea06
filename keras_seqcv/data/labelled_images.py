"""Labelled pictures, from memory to what `model.fit` takes."""

from collections.abc import Callable

import tensorflow as tf

from keras_seqcv.data.image_batches import LABELS, ImageBatches
from keras_seqcv.data.image_sets import LabelledImages
from keras_seqcv.data.reader_arguments import check_choices, check_integers
from keras_seqcv.data.shares import random_shares


def labelled_images(
    images: LabelledImages,
    batch_size: int = 128,
    *,
    model=None,
    labels: str | None = "target",
    validation: float | LabelledImages = 0.1,
    augment: Callable | None = None,
    binarize: bool = False,
    shuffle: bool = True,
    seed: int = 0,
) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
    """Makes batches of pictures, as datasets for training and validation.

    Args:
        images: `LabelledImages`, one picture at least.
        batch_size: B. The last batch may be smaller.
        model: None, or what the pictures are for: if it has `image_shape` and `labels`, as a `GlimpseClassifier` and a
            `DRAW` have, size and names are compared.
        labels: where they go: "target", behind the pictures; "input", beside them; or None, nowhere.
        validation: share for validation, in [0, 1); or the `LabelledImages` for it.
        augment: None, or what is done to pictures for training: a function (pictures (B, H, W, C) uint8,
            `np.random.Generator`) -> pictures of the same shape, such as `ks.data.PictureShifts(2)`.
        binarize: whether each pixel becomes 255 with its brightness as probability, else 0; in training anew each time,
            in validation once and for all.
        shuffle: whether training has a new order every epoch.
        seed: of split, order and changes, int >= 0.

    Returns:
        (train, valid), or one dataset if `validation` is 0. Elements: (pictures (B, H, W, C) uint8, labels (B,) or
        (B, S) int32); or {"image", "label"}, those; or the pictures. Attribute: `batches`, how many.

    Raises:
        TypeError, ValueError: for an argument that is not as above, pictures of another size than the model's, or other
            names.

    Example:
        >>> digits = ks.data.drawn_digits(100)
        >>> train, valid = ks.data.labelled_images(digits, batch_size=16)
        >>> pictures, labels = next(iter(train))
        >>> pictures.shape, labels.shape, valid.batches
        (TensorShape([16, 28, 28, 1]), TensorShape([16]), 1)
    """
    check_integers(batch_size=batch_size)
    share = 0.0 if isinstance(validation, LabelledImages) else validation
    check_choices(share, binarize, "raise", shuffle, seed, 0)
    if labels not in LABELS:
        raise ValueError(f"`labels` must be one of {list(LABELS)}, received {labels!r}")
    if augment is not None and not callable(augment):
        raise TypeError(f"`augment` must be a function or None, received {type(augment).__name__}")
    datasets = []
    for training, some in zip((True, False), _parts(images, validation, seed)):
        _check_fits(some, model, "images" if training else "validation", labels is not None)
        change = augment if training else None
        batches = ImageBatches(some, int(batch_size), training and shuffle, int(seed), change, binarize, training)
        datasets.append(batches.dataset(labels))
    return tuple(datasets) if len(datasets) > 1 else datasets[0]


def _parts(images, validation, seed) -> list[LabelledImages]:
    if not isinstance(images, LabelledImages):
        raise TypeError(f"`images` must be ks.data.LabelledImages, received {type(images).__name__}")
    if isinstance(validation, LabelledImages):
        return [images, validation]
    if not validation:
        return [images]
    return [images[part] for part in random_shares(len(images), validation, seed, "picture")]


def _check_fits(some: LabelledImages, model, argument: str, labelled: bool) -> None:
    if not len(some):
        raise ValueError(f"`{argument}` must hold a picture at least, received {some}")
    expected = getattr(model, "image_shape", None)
    if expected is not None and tuple(expected) != some.image_shape:
        raise ValueError(
            f"`{argument}` must be pictures {tuple(expected)}, as the model's, received {some.image_shape}"
        )
    names = getattr(model, "labels", None)
    if labelled and names is not None and tuple(names) != tuple(some.names):
        raise ValueError(f"`{argument}` must have the labels of the model, {tuple(names)}, received {some.names}")
