"""Pictures in memory as batches, in a new order every epoch, changed anew each time if that is wanted."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from keras_seqcv.data.augmenting import augmented
from keras_seqcv.data.image_sets import LabelledImages
from keras_seqcv.data.planned_dataset import planned_dataset

LABELS = ("target", "input", None)


class ImageBatches:
    """Which pictures come together, and what becomes of them.

    Args:
        some: `LabelledImages`, one at least.
        batch_size: B.
        shuffle: whether every epoch has a new order.
        seed: of order and changes.
        augment: None, or a function (pictures (B, H, W, C) uint8, random numbers) -> the same.
        binarize: whether each pixel becomes 0 or 255, by chance.
        anew: whether changes are others each time; if not, a picture always becomes the same.

    Example:
        >>> from keras_seqcv.data.image_batches import ImageBatches
        >>> some = ks.data.LabelledImages(np.zeros((3, 2, 2), "uint8"), [0, 1, 0])
        >>> batches = ImageBatches(some, 2, shuffle=False)
        >>> [batches.batch(rows, seed)[1].tolist() for rows, seed in zip(*batches.plan())]
        [[0, 1], [0]]
    """

    def __init__(
        self,
        some: LabelledImages,
        batch_size: int,
        shuffle: bool = True,
        seed: int = 0,
        augment: Callable | None = None,
        binarize: bool = False,
        anew: bool = True,
    ):
        self._some, self._augment, self._binarize = some, augment, binarize
        self._shuffle, self._anew = shuffle, anew
        self.batches, self.batch_size = -(-len(some) // batch_size), batch_size
        self._seed = seed

    def plan(self, number: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Rows (batches, B) int32 of an epoch, -1 where the last batch is short, and seeds (batches,) int64."""
        chance = np.random.default_rng([self._seed, int(number)])
        rows = np.full(self.batches * self.batch_size, -1, "int32")
        rows[: len(self._some)] = chance.permutation(len(self._some)) if self._shuffle else range(len(self._some))
        seeds = chance.integers(2**62, size=self.batches) if self._anew else np.arange(self.batches)
        return rows.reshape(self.batches, self.batch_size), seeds

    def batch(self, rows: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Pictures (B, H, W, C) uint8 and labels (B,) or (B, S) int32."""
        rows = rows[rows >= 0]
        chance = np.random.default_rng((self._seed, int(seed)))
        images = self._some.images[rows]
        if self._augment is not None:
            images = augmented(self._augment, images, chance)
        if self._binarize:
            images = binarized(images, chance)
        return images, self._some.labels[rows]

    def dataset(self, labels: str | None) -> tf.data.Dataset:
        """The batches as `data.labelled_images` describes them."""
        specs = [
            tf.TensorSpec((None, *self._some.image_shape), tf.uint8),
            tf.TensorSpec((None, *self._some.labels.shape[1:]), tf.int32),
        ]

        def arranged(images, numbers):
            if labels is None:
                return images
            return {"image": images, "label": numbers} if labels == "input" else (images, numbers)

        dataset = planned_dataset(self, self.batches, self.batch_size, specs, arranged, readers=2)
        dataset.batches = self.batches
        return dataset


def binarized(images: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """Each pixel 255 with its brightness as probability, else 0.

    Example:
        >>> from keras_seqcv.data.image_batches import binarized
        >>> binarized(np.array([0, 255], "uint8"), np.random.default_rng(0)).tolist()
        [0, 255]
    """
    # A whole number below 255 is below the brightness v with probability v / 255, and never below 0.
    drawn = chance.integers(0, 255, images.shape, "uint8")
    return np.where(drawn < images, np.uint8(255), np.uint8(0))
