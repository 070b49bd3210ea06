"""Many pictures that are read when they are needed, or kept if they fit into memory."""

import concurrent.futures
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np

from keras_seqcv.image_files import check_image, decoded

MEMORY_BYTES = 1 << 30  # pictures that take no more are kept, decoded
READERS = min(os.cpu_count() or 1, 16)  # Pillow decodes outside of Python's lock
_MOST_NAMED = 20


class ImageStore:
    """Pictures by number, all of one size.

    Args:
        names: list of str, for error messages.
        sources: for each name a path, an array (H, W, 3) uint8, or an object whose `read()` gives the bytes of a file.
        size: (H, W).

    Example:
        >>> from keras_seqcv.data.image_store import ImageStore
        >>> store = ImageStore(["a", "b"], [np.zeros((8, 8, 3), "uint8"), np.ones((6, 4, 3), "uint8")], (2, 3))
        >>> store.batch([1, 0, 1])[:, 0, 0, 0].tolist(), store.shape
        ([1, 0, 1], (2, 3, 3))
    """

    dtype = "uint8"

    def __init__(self, names: Sequence[str], sources: Sequence, size: tuple[int, int]):
        self.names, self.sources, self.size = list(names), list(sources), size
        self.shape = (*size, 3)
        self._kept = None

    def batch(self, items: Sequence[int], mirrored: Sequence[bool] | None = None) -> np.ndarray:
        """Returns pictures (B, H, W, 3) uint8; those that are `mirrored` (B,) with left and right exchanged.

        Raises:
            ValueError: a file that has been removed or damaged since; it is named.
        """
        pictures = np.empty((len(items), *self.shape), "uint8")
        back = np.arange(self.shape[1])[::-1]
        for row, item in enumerate(items):
            picture = self._kept[item] if self._kept is not None else self._read(item)
            if mirrored is not None and mirrored[row]:
                np.take(picture, back, axis=1, out=pictures[row], mode="clip")  # twice as fast as [:, ::-1]
            else:
                pictures[row] = picture
        return pictures

    def check(self, verbose: int = 0) -> dict[int, str]:
        """Reads every picture, and keeps them all if they fit into memory.

        Args:
            verbose: 1 for a progress bar, 0 for none.

        Returns:
            dict from the number of each picture that cannot be read to what is wrong with it.
        """
        # An array in memory is a picture already; a gap is found sooner than the first damaged picture.
        items = [k for k, source in enumerate(self.sources) if not isinstance(source, np.ndarray)]
        wrong = {k: f"{self.names[k]}: there is no such file" for k in items if _is_gone(self.sources[k])}
        items = [k for k in items if k not in wrong]
        keeps = len(items) == len(self.sources) and len(items) * int(np.prod(self.shape)) <= MEMORY_BYTES
        kept = np.empty((len(items), *self.shape), "uint8") if keeps else None

        def look(item):
            try:
                if kept is None:
                    check_image(self._source(item), self._name(item))
                else:
                    kept[item] = self._read(item)
            except ValueError as error:
                return item, str(error)
            return item, None

        wrong |= {item: error for item, error in _progressing(look, items, verbose) if error}
        if not wrong:
            self._kept = kept
        return wrong

    def without(self, items) -> "ImageStore":
        """Another store that lacks these pictures."""
        left = [k for k in range(len(self.names)) if k not in items]
        return ImageStore([self.names[k] for k in left], [self.sources[k] for k in left], self.size)

    def identity(self) -> list[str] | None:
        """Names, lengths and times of the files; None if one is an array, which says for itself what it is."""
        if any(isinstance(source, np.ndarray) for source in self.sources):
            return None
        return [f"{name} {_stamp(source)}" for name, source in zip(self.names, self.sources)]

    def _source(self, item: int):
        source = self.sources[item]
        return source.read() if hasattr(source, "read") else source

    def _name(self, item: int) -> str:
        source = self.sources[item]
        return str(source) if isinstance(source, Path) else self.names[item]

    def _read(self, item: int) -> np.ndarray:
        source = self.sources[item]
        if isinstance(source, np.ndarray) and source.shape == self.shape:
            return source
        return decoded(self._source(item), self._name(item), self.size)


def listed(wrong: dict[int, str]) -> str:
    """What is wrong with some pictures, in lines: the first 20."""
    lines = [wrong[item] for item in sorted(wrong)]
    more = [f"and {len(lines) - _MOST_NAMED} more"] if len(lines) > _MOST_NAMED else []
    return "\n  ".join(["", *lines[:_MOST_NAMED], *more])


def _is_gone(source) -> bool:
    return isinstance(source, Path) and not source.exists()


def _stamp(source) -> str:
    if hasattr(source, "read"):
        return source.stamp
    status = source.stat()
    return f"{status.st_size} {status.st_mtime_ns}"


def _progressing(function: Callable, items: list, verbose: int) -> list:
    """What the function returns for each item, in threads; with a progress bar."""
    if not items:
        return []
    bar = keras.utils.Progbar(len(items), verbose=verbose, unit_name="image")
    results, shown = [], max(len(items) // 100, 1)
    with concurrent.futures.ThreadPoolExecutor(READERS) as pool:
        try:
            for result in pool.map(function, items):
                results.append(result)
                if len(results) % shown == 0 or len(results) == len(items):
                    bar.update(len(results), finalize=len(results) == len(items))
        except BaseException:  # whoever stops this does not want to wait for the rest
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return results
