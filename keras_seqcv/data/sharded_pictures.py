"""Pictures with texts about them, captions or questions: what their records have, and how rows of them are read."""

import io

import numpy as np
from PIL import Image

from keras_seqcv.data.picture_rows import STEP
from keras_seqcv.data.sharded_part import OpenShards, Reading, planned
from keras_seqcv.data.vocabulary import vocabulary_from_json
from keras_seqcv.image_files import checked_size, decoded

# Pictures of this size are never kept in memory when they are all looked at: one takes more than `MEMORY_BYTES`.
UNKEPT = (1 << 15, 1 << 15)


def encoded_picture(source) -> bytes:
    """The bytes of a picture's file as they are; an array becomes PNG, which loses nothing."""
    if isinstance(source, np.ndarray):
        file = io.BytesIO()
        Image.fromarray(source[..., 0] if source.shape[-1] == 1 else source).save(file, "png")
        return file.getvalue()
    return source.read() if hasattr(source, "read") else source.read_bytes()


def checked_image_size(image_size) -> tuple[int, int]:
    size = checked_size(image_size, "image_size")
    if size is None:
        raise TypeError("`image_size` must be an int or (height, width), received None")
    return size


def shards_vocabulary(shards: OpenShards, model):
    """The vocabulary of shards, which is that of the model, if one is given."""
    vocabulary = vocabulary_from_json(shards.index.about["vocabulary"])
    if model is not None and getattr(model, "vocabulary", None) != vocabulary:
        received = f"that of `model` is {getattr(model, 'vocabulary', None)!r}, or has other tokens"
        raise ValueError(f"`model` must have the vocabulary of the shards, {vocabulary!r}; {received}")
    return vocabulary


class AllPictures:
    """The pictures of a part by number, as `picture_dataset` reads them.

    Args:
        shards: `OpenShards`.
        size: (H, W).
    """

    dtype = "uint8"

    def __init__(self, shards: OpenShards, size: tuple[int, int]):
        self._shards, self.shape, self.places, self.pictures = shards, (*size, 3), range(shards.count), self

    def batch(self, items, mirrored=None) -> np.ndarray:
        """Returns pictures (B, H, W, 3) uint8; those that are `mirrored` (B,) with left and right exchanged."""
        records = {int(item): self._shards.record(int(item)) for item in items}
        return self.of(records, items, [False] * len(items) if mirrored is None else mirrored)

    def of(self, records: dict, items, mirrored) -> np.ndarray:
        """Likewise, of records that have been read."""
        found = {
            item: decoded(record.data("image")[0], record.text("name"), self.shape[:2])
            for item, record in records.items()
        }
        return np.stack([found[int(k)][:, :: -1 if back else 1] for k, back in zip(items, mirrored)])


class PictureShards:
    """Rows of pictures with texts.

    Rows are texts, or pictures with N texts each; see `PictureRows`, which knows all of them at once.

    Args:
        shards: `OpenShards`, whose rows have a length.
        reading: of a worker.
        size: (H, W).
        per_picture: None: a row is a text. N: a row is a picture with N of its texts.
        max_length: of a text. None: all as long as they are.
        mark: how many marks stand before or behind a text.
        mirror: whether half of the pictures, by chance, are mirrored.
    """

    def __init__(self, shards: OpenShards, reading: Reading, size, per_picture, max_length, mark: int, mirror: bool):
        self.shards, self.per_picture = shards, per_picture
        self.most, self._mark, self._mirror = max_length, mark, mirror
        self._shuffle = reading.shuffle and shards.name == "train"
        rows_of = shards.records_of if per_picture else None
        self.pictures = AllPictures(shards, size)
        self.plan = planned(shards, reading, self._row_steps, rows_of)

    def _row_steps(self, rows: np.ndarray) -> np.ndarray:
        return np.zeros(len(rows), int) if self.per_picture else self.steps(rows)

    def steps(self, texts) -> np.ndarray:
        """The padded length of each of these texts, numbers of rows of the shards."""
        lengths = self.shards.lengths[texts, 0]
        return -(-(np.minimum(lengths, self.most or lengths) + self._mark) // STEP) * STEP

    def drawn(self, rows: np.ndarray, seed: int) -> tuple:
        """Returns of one batch: of each row its texts, (row's record, numbers of texts in it); records by number;
        pictures (B, H, W, 3) uint8; items (B,) int32; and T, the padded length of the longest text.
        """
        chance = np.random.default_rng(seed)
        items = rows if self.per_picture else self.shards.record_of(rows)
        if self.per_picture:
            chosen = [self._choice(int(count), chance) for count in self.shards.counts(items)]
        else:
            chosen = list((rows - self.shards.first(items))[:, None])
        mirrored = chance.random(len(rows)) < 0.5 if self._mirror else np.zeros(len(rows), bool)
        records = {int(item): self.shards.record(int(item)) for item in np.unique(items)}
        steps = max(int(self.steps(first + own).max()) for first, own in zip(self.shards.first(items), chosen))
        return chosen, records, self.pictures.of(records, items, mirrored), items.astype("int32"), steps

    def _choice(self, count: int, chance: np.random.Generator) -> np.ndarray:
        own = np.arange(count)
        if count <= self.per_picture:
            return own
        return chance.choice(own, self.per_picture, replace=False) if self._shuffle else own[: self.per_picture]
