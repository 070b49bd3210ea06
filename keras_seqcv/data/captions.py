"""Captioned pictures, from whatever people have to what `model.fit` takes."""

import logging
import os
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_seqcv.data.caption_batches import CaptionBatches
from keras_seqcv.data.caption_files import CaptionSet
from keras_seqcv.data.caption_sources import Captioned, captioned
from keras_seqcv.data.picture_datasets import Part, encoded_pictures, text_dataset
from keras_seqcv.data.picture_texts import checked_store, cut_texts, encoded_texts, label_dataset
from keras_seqcv.data.reader_arguments import check_choices, check_integers, checked_model
from keras_seqcv.image_files import checked_size

_logger = logging.getLogger("keras_seqcv")


def captions(
    images: str | os.PathLike | np.ndarray | Sequence[str | os.PathLike],
    captions: str | os.PathLike | CaptionSet | Sequence[Sequence[str]] | None = None,
    image_size: int | tuple[int, int] = 224,
    batch_size: int = 32,
    *,
    model=None,
    vocabulary=None,
    train: str | os.PathLike | Sequence[str] | None = None,
    valid: str | os.PathLike | Sequence[str] | None = None,
    validation: float = 0.1,
    max_length: int | None = None,
    captions_per_image: int | None = None,
    cache: str | os.PathLike | None = None,
    augment: bool = False,
    missing: str = "raise",
    shuffle: bool = True,
    seed: int = 0,
    verbose: int = 1,
) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
    """Reads captioned pictures, as datasets for training and validation.

    Each caption w1 ... wn becomes tokens = start, w1 ... wn and targets = w1 ... wn, end, filled up with `pad_id`, with
    weights 1 where there is a target. A batch holds captions of about one length: T is the longest n + 1, rounded up to
    a multiple of 4. For training, every caption comes once an epoch, with others each time; one batch is smaller than
    the others if they do not come out even. For validation the order is fixed.

    All pictures are read at the beginning, to find those that are damaged. If they fit into 1 GB they stay in memory;
    if not, they are read again whenever they are needed.

    Args:
        images: a folder; a list of N paths; (N, H, W, 3) uint8; or "tfds:coco_captions", a set of
            `tensorflow_datasets`, which is downloaded at its first use; its encoded pictures are kept in a
            temporary file.
        captions: of a folder: a file or folder as `read_captions` reads it, a `CaptionSet`, or None for text files
            beside the pictures. Of a list or an array: a list of N lists of str. Of a set: None.
        image_size: (H, W), or int for both, to which pictures are resized.
        batch_size: B, captions at a time, or pictures with `captions_per_image`.
        model: has a `vocabulary`, and an `encoder` such as `ks.models.ImageEncoder`, which resizes what it is given.
        vocabulary: `ks.data.Words`, if there is no model.
        train: which pictures are for training: a file with a name on each line, or a list of names (those of a list
            are its paths, of an array "0", "1" ...); of a set: its split. None: all but those of `valid`; of a set:
            "train".
        valid: which are for validation. None: a share of those for training; of a set: "validation" or "val".
        validation: that share of the pictures, in [0, 1).
        max_length: of a caption, in words; longer ones are cut. None: all as long as they are.
        captions_per_image: N: a row is a picture with N of its captions, others every epoch. None: a row is a caption.
        cache: folder for the features of a frozen encoder. They are computed once for these files, this size and this
            encoder (`ImageEncoder.cached_features`), and rows hold "features" instead of "image".
        augment: whether half of the pictures for training are mirrored, others every epoch. "Left" and "right" in a
            caption are then wrong half of the time. With `cache` there are two sets of features.
        missing: what happens with pictures that are not there, or damaged: "raise" | "skip".
        shuffle: whether training has a new order every epoch.
        seed: of split, order, choice and mirroring, int >= 0.
        verbose: 1 for progress bars, 0 for none.

    Returns:
        (train, valid), or one dataset if `validation` is 0 and `valid` None. Elements: ({"image": (B, H, W, 3) uint8 or
        "features": (B, L, D) or (B, D) float32, "tokens": (B, T) int32, "item": (B,) int32}, targets (B, T) int32,
        sample_weight (B, T) float32), with "item" the number of the picture in `names`; with `captions_per_image`
        (B, N, T) for (B, T), and where a picture has fewer captions rows that have no word, of weight 0. Attributes:
        `vocabulary`; `names`, list of str; `references`, for each name its captions, list of str; `skipped`, names of
        pictures that were skipped; `batches`, how many; `images`, a `tf.data.Dataset` of the pictures or features in
        the order of `names`, (b, H, W, 3) uint8 or (b, L, D) float32. A functional `keras.Model` needs an input for
        every key, "item" too.

    Raises:
        TypeError, ValueError: for an argument that is not as above; for a file that cannot be read, naming file and
            line; for missing and damaged pictures, all at once.
        ImportError: a set is wanted and `tensorflow_datasets` is not installed.
        tf.errors.InvalidArgumentError: while the dataset is read: naming a picture that has been damaged since.

    Example:
        >>> scenes = ks.data.scenes(20)
        >>> words = ks.data.Words(caption for some in scenes.captions for caption in some)
        >>> train, valid = ks.data.captions(
        ...     scenes.images(), scenes.captions, image_size=64, batch_size=8, vocabulary=words, verbose=0
        ... )
        >>> len(train.names), len(valid.names), train.batches
        (18, 2, 12)
        >>> inputs, targets, weights = next(iter(train))
        >>> inputs["image"].shape, targets.shape[0], bool(tf.reduce_all(inputs["tokens"][:, 1:] == targets[:, :-1]))
        (TensorShape([8, 64, 64, 3]), 8, False)
        >>> valid.references[0] == scenes.captions[int(valid.names[0])]
        True
    """
    size = checked_size(image_size, "image_size")
    if size is None:
        raise TypeError("`image_size` must be an int or (height, width), received None")
    check_integers(batch_size=batch_size, max_length=max_length, captions_per_image=captions_per_image)
    check_choices(validation, augment, missing, shuffle, seed, verbose)
    vocabulary, encoder = checked_model(model, vocabulary, cache)
    data = captioned(images, captions, train, valid, validation, seed)
    parts = [("train", data.train)] + ([("valid", data.valid)] if data.valid else [])
    wanted = sorted({*data.train, *data.valid})
    encoded = encoded_texts(data, wanted, vocabulary, "caption")
    store, wanted = checked_store(data, wanted, parts, size, missing, verbose, "captions")
    encoded = cut_texts(encoded, wanted, max_length, "captions")
    if encoder is not None:
        store = encoded_pictures(encoder, store, cache, augment, verbose)
    settings = dict(vocabulary=vocabulary, batch_size=int(batch_size), per_picture=captions_per_image, seed=int(seed))
    datasets = []
    for name, numbers in parts:
        training = name == "train"
        some = dict(settings, shuffle=shuffle and training, mirror=augment and training)
        datasets.append(_dataset(name, numbers, data, wanted, encoded, store, some))
    return tuple(datasets) if len(datasets) > 1 else datasets[0]


def _dataset(name: str, numbers, data: Captioned, wanted, encoded, store, settings) -> tf.data.Dataset:
    left = [number for number in numbers if number in encoded]
    batches = CaptionBatches([encoded[number] for number in left], **settings)
    part = Part(store, np.searchsorted(wanted, left), batches)
    dataset = text_dataset(part)
    label_dataset(dataset, part, data, numbers, left)
    dataset.vocabulary = settings["vocabulary"]
    dataset.references = [data.captions[number] for number in left]
    count = sum(len(some) for some in dataset.references)
    _logger.info("captions: %s: %d pictures, %d captions, %d batches", name, len(left), count, batches.batches)
    return dataset
