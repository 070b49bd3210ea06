"""Captioned pictures as shards: how they are written, and how they are read."""

import numpy as np
import tensorflow as tf

from keras_seqcv.data.caption_sources import captioned
from keras_seqcv.data.image_store import READERS
from keras_seqcv.data.picture_datasets import picture_dataset
from keras_seqcv.data.picture_texts import checked_store, encoded_texts
from keras_seqcv.data.reader_arguments import check_choices, check_integers, checked_model
from keras_seqcv.data.shard_examples import packed
from keras_seqcv.data.shard_writer import ShardWriter
from keras_seqcv.data.sharded_part import FromShards, OpenShards, Reading, sharded_dataset
from keras_seqcv.data.sharded_pictures import (
    UNKEPT,
    PictureShards,
    checked_image_size,
    encoded_picture,
    shards_vocabulary,
)
from keras_seqcv.data.token_rows import TokenRows
from keras_seqcv.data.words import Words

_FEATURES = {
    "name": ["bytes", [1]],
    "image": ["bytes", [1]],
    "texts": ["bytes", [None]],
    "ids": ["int64", [None]],
    "counts": ["int64", [None]],
}


def write_captions(
    writer: ShardWriter,
    images,
    captions=None,
    *,
    vocabulary=None,
    train=None,
    valid=None,
    validation: float = 0.1,
    missing: str = "raise",
    seed: int = 0,
    verbose: int = 1,
) -> None:
    """Writes captioned pictures: a record is a picture, as its file is, with all its captions.

    Args:
        writer: `ShardWriter`.
        vocabulary: None: `ks.data.Words` of the captions for training.
        others: see `captions`.
    """
    check_choices(validation, False, missing, True, seed, verbose)
    data = captioned(images, captions, train, valid, validation, seed)
    if vocabulary is None:
        vocabulary = Words(text for number in data.train for text in data.captions[number])
    checked_model(None, vocabulary, None)
    parts = [("train", data.train)] + ([("valid", data.valid)] if data.valid else [])
    wanted = sorted({*data.train, *data.valid})
    _, left = checked_store(data, wanted, parts, UNKEPT, missing, verbose, "captions")
    left = set(left)
    for name, numbers in parts:
        numbers = [number for number in numbers if number in left]

        def examples(numbers=numbers):
            for number in numbers:
                ids = encoded_texts(data, [number], vocabulary, "caption")[number]
                counts = np.array([len(some) for some in ids])
                yield (
                    packed(
                        name=data.names[number],
                        image=encoded_picture(data.sources[number]),
                        texts=data.captions[number],
                        ids=np.concatenate(ids),
                        counts=counts,
                    ),
                    counts[:, None],
                )

        writer.write(name, examples(), ["length"], len(numbers))
    writer.finish("captions", {"vocabulary": vocabulary.to_json()}, _FEATURES)


def read_captions(
    shards: OpenShards,
    reading: Reading,
    *,
    model=None,
    image_size: int | tuple[int, int] = 224,
    max_length: int | None = None,
    captions_per_image: int | None = None,
    augment: bool = False,
) -> tf.data.Dataset:
    """The dataset of one part; the options are those of `captions`."""
    check_integers(max_length=max_length, captions_per_image=captions_per_image)
    check_choices(0, augment, "raise", True, 0, 0)
    size = checked_image_size(image_size)
    vocabulary = shards_vocabulary(shards, model)
    mirror = augment and shards.name == "train"
    part = _Captions(shards, reading, size, captions_per_image, max_length, 1, mirror)
    part.marks = vocabulary.start_id, vocabulary.end_id, vocabulary.pad_id
    several = (captions_per_image,) if captions_per_image else ()
    kinds = ("int32", "int32", "float32")
    signature = [tf.TensorSpec((None, *part.pictures.shape), tf.uint8)]
    signature += [tf.TensorSpec((None, *several, None), kind) for kind in kinds] + [tf.TensorSpec((None,), tf.int32)]

    def arranged(image, tokens, targets, weights, item):
        return {"image": image, "tokens": tokens, "item": item}, targets, weights

    dataset = sharded_dataset(part, signature, arranged, reading, READERS)
    dataset.vocabulary, dataset.names = vocabulary, FromShards(shards, lambda record: record.text("name"))
    dataset.references = FromShards(shards, lambda record: record.texts("texts"))
    dataset.images = picture_dataset(part.pictures, reading.batch_size)
    return dataset


class _Captions(PictureShards):
    """Batches of captions."""

    def batch(self, rows: np.ndarray, seed: int) -> tuple[np.ndarray, ...]:
        """Pictures, tokens, targets (B, T) int32 and weights (B, T) float32, or (B, N, T), and items (B,) int32."""
        chosen, records, pictures, items, steps = self.drawn(rows, seed)
        texts, places = [], np.full((len(rows), self.per_picture or 1), -1)
        for row, (item, own) in enumerate(zip(items, chosen)):
            ids = records[int(item)].rows("ids", "counts")
            places[row, : len(own)] = len(texts) + np.arange(len(own))
            texts += [ids[n][: self.most] for n in own]
        arrays = [a.reshape(*places.shape, steps) for a in TokenRows(texts).shifted(places.ravel(), steps, self.marks)]
        return (pictures, *(arrays if self.per_picture else [a[:, 0] for a in arrays]), items)
