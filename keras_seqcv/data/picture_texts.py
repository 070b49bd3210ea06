"""Pictures with texts about them, captions or questions: what their readers have in common."""

import logging

import numpy as np

from keras_seqcv.data.image_store import ImageStore, listed
from keras_seqcv.data.picture_datasets import picture_dataset

_logger = logging.getLogger("keras_seqcv")


def encoded_texts(data, wanted: list[int], vocabulary, kind: str) -> dict[int, list[np.ndarray]]:
    """Ids of the texts of each picture.

    Args:
        data: `Captioned`, whose `captions` are the texts.
        wanted: numbers of pictures.
        kind: what error messages call a text.

    Raises:
        ValueError: naming the picture, and the number of the text, that the vocabulary cannot encode.
    """
    encoded = {}
    for number in wanted:
        encoded[number] = rows = []
        for n, text in enumerate(data.captions[number]):
            try:
                rows.append(vocabulary.encode(" ".join(text.split())))  # a text has one line
            except ValueError as error:
                raise ValueError(f"{kind} {n} of {data.names[number]}: {error}") from error
    return encoded


def cut_texts(encoded, wanted: list[int], max_length: int | None, kinds: str) -> dict[int, list[np.ndarray]]:
    """Ids of the texts of these pictures, none longer than that; says how many were."""
    cut = sum(len(ids) > max_length for k in wanted for ids in encoded[k]) if max_length else 0
    if cut:
        _logger.warning("%s: %d %s are longer than `max_length`=%d and were cut", kinds, cut, kinds, max_length)
    return {k: [ids[:max_length] for ids in encoded[k]] for k in wanted}


def checked_store(
    data, wanted: list[int], parts, size, missing: str, verbose: int, reader: str
) -> tuple[ImageStore, list[int]]:
    """The pictures of these numbers, all of them read once, and the numbers of those that can be read.

    Args:
        parts: list of (name, numbers of pictures): none of them may lose all its pictures.
        missing: "raise" | "skip".
        reader: what the log calls the reader.

    Raises:
        ValueError: naming all pictures that are missing or damaged.
    """
    store = ImageStore([data.names[k] for k in wanted], [data.sources[k] for k in wanted], size)
    wrong = {wanted[k]: reason for k, reason in store.check(verbose).items()}
    if wrong:
        _report(wrong, len(wanted), parts, missing, reader)
        store = store.without({k for k, number in enumerate(wanted) if number in wrong})
        wanted = [number for number in wanted if number not in wrong]
    return store, wanted


def _report(wrong: dict[int, str], count: int, parts, missing: str, reader: str) -> None:
    if missing == "raise":
        hint = 'leave them out with `missing`="skip"'
        raise ValueError(f"{len(wrong)} of {count} pictures cannot be read ({hint}):{listed(wrong)}")
    for name, numbers in parts:
        if all(number in wrong for number in numbers):
            raise ValueError(f"none of the {len(numbers)} pictures of `{name}` can be read:{listed(wrong)}")
    _logger.warning("%s: %d of %d pictures cannot be read and are skipped:%s", reader, len(wrong), count, listed(wrong))


def label_dataset(dataset, part, data, numbers: list[int], left: list[int]) -> None:
    """Give a dataset the attributes that readers of pictures promise.

    Args:
        part: of the dataset.
        numbers, left: of the pictures that were wanted, and of those that are there.
    """
    dataset.batches = part.batches.batches
    dataset.names = [data.names[number] for number in left]
    dataset.skipped = [data.names[number] for number in numbers if number not in set(left)]
    dataset.images = picture_dataset(part, part.batches.batch_size)
