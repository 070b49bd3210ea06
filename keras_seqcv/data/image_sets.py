"""`LabelledImages`: pictures of one size in memory, each with a label, or with several in order."""

import dataclasses
from collections.abc import Sequence

import numpy as np


@dataclasses.dataclass(frozen=True, repr=False)
class LabelledImages(Sequence):
    """Pictures with their labels. It has a length, and can be indexed, cut and gone through.

    Args:
        images: (N, H, W, C) uint8, C 1 or 3; or (N, H, W), which becomes (N, H, W, 1).
        labels: (N,) ints, numbers of `names`; or (N, S), the labels of each picture in order, with -1 behind the last.
        names: C' different str. None: "0", "1", ... up to the largest label, at least two.

    Raises:
        TypeError, ValueError: for an argument that is not as above.

    Example:
        >>> images = np.zeros((3, 8, 8), "uint8")
        >>> some = ks.data.LabelledImages(images, [0, 2, 1])
        >>> some, some.names, some[1:].images.shape
        (<3 pictures 8 x 8 x 1, 3 labels>, ('0', '1', '2'), (2, 8, 8, 1))
        >>> ks.data.LabelledImages(images, [[1, -1], [0, 2], [-1, -1]]).most
        2
    """

    images: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...] | None = None

    def __post_init__(self):
        images = checked_images(self.images)
        labels = _checked_labels(self.labels, len(images))
        if self.names is None:
            names = tuple(str(k) for k in range(max(2, int(labels.max(initial=0)) + 1)))
        else:
            names = _checked_names(self.names)
        if labels.size and labels.max() >= len(names):
            raise ValueError(f"`labels` must be below {len(names)}, the number of names, received {labels.max()}")
        for name, value in (("images", images), ("labels", labels), ("names", names)):
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index):
        """A picture (H, W, C) and its label; or of a slice, or an array of numbers, another set."""
        if isinstance(index, (slice, list, np.ndarray)):
            return LabelledImages(self.images[index], self.labels[index], self.names)
        return self.images[index], self.labels[index]

    def __repr__(self) -> str:
        size = " x ".join(str(n) for n in self.image_shape)
        several = f" in rows of up to {self.most}" if self.most else ""
        return f"<{len(self)} pictures {size}, {len(self.names)} labels{several}>"

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, C)."""
        return self.images.shape[1:]

    @property
    def most(self) -> int | None:
        """S, how many labels a picture has at most; None where each has one."""
        return self.labels.shape[1] if self.labels.ndim == 2 else None


def checked_images(images, name: str = "images") -> np.ndarray:
    """Pictures as (N, H, W, C) uint8.

    Raises:
        TypeError, ValueError: naming the argument, for other types and shapes.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8:
        raise TypeError(f"`{name}` must be uint8 from 0 to 255, received {images.dtype}")
    images = images[..., None] if images.ndim == 3 else images
    if images.ndim != 4 or images.shape[3] not in (1, 3) or 0 in images.shape[1:]:
        raise ValueError(f"`{name}` must be (N, H, W, 1), (N, H, W, 3) or (N, H, W), received {images.shape}")
    return images


def _checked_labels(labels, count: int) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu" and labels.size:
        raise TypeError(f"`labels` must be ints, numbers of names, received {labels.dtype}")
    if labels.ndim not in (1, 2) or len(labels) != count or 0 in labels.shape[1:]:
        raise ValueError(f"`labels` must be ({count},) or ({count}, S), one row a picture, received {labels.shape}")
    labels = labels.astype("int32")
    if labels.ndim == 1 and (labels < 0).any():
        raise ValueError(f"`labels` must be at least 0, received {labels.min()} for picture {labels.argmin()}")
    if labels.ndim == 2:
        behind = (labels[:, 1:] >= 0) & (labels[:, :-1] < 0)
        wrong = np.flatnonzero((labels < -1).any(axis=1) | behind.any(axis=1))
        if len(wrong):
            row = labels[wrong[0]].tolist()
            raise ValueError(
                f"`labels` must have -1 behind the last label alone, received {row} for picture {wrong[0]}"
            )
    return labels


def _checked_names(names) -> tuple[str, ...]:
    if isinstance(names, (str, bytes)) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"`names` must be a sequence of str, received {names!r:.80}")
    names = tuple(names)
    if len(set(names)) != len(names) or len(names) < 2:
        raise ValueError(f"`names` must be two different ones at least, received {names!r:.80}")
    return names
