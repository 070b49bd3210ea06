"""Many clips that are read when they are needed, or kept if they fit into memory."""

from collections.abc import Callable, Sequence

import numpy as np

from keras_seqcv.data.augmenting import augmented
from keras_seqcv.data.image_store import MEMORY_BYTES
from keras_seqcv.data.video_files import decoded_video


class ClipStore(Sequence):
    """Clips by number, all of one size.

    Args:
        clips: list of what `load_video` takes.
        places: list of str, for error messages.
        size: (H, W). None: as they are.
        frames: how many of each are kept, evenly spaced. None: all.

    Example:
        >>> from keras_seqcv.data.clip_store import ClipStore
        >>> store = ClipStore([np.zeros((5, 8, 8, 3), "uint8")], ["a"], (4, 4), 2)
        >>> len(store), store[0].shape
        (1, (2, 4, 4, 3))
    """

    def __init__(self, clips: Sequence, places: Sequence[str], size: tuple[int, int] | None, frames: int | None = None):
        self._clips, self._places, self._size, self._frames = list(clips), list(places), size, frames
        self._kept = [None] * len(self._clips)

    def __len__(self) -> int:
        return len(self._clips)

    def __getitem__(self, number: int) -> np.ndarray:
        """Frames (T, H, W, 3) uint8."""
        kept = self._kept[number]
        return self._read(number)[0] if kept is None else kept

    def check(self, keep: bool = True) -> tuple[dict[int, int], dict[int, str]]:
        """Reads every clip, and keeps them all if they fit into memory.

        Args:
            keep: False: none is kept.

        Returns:
            dict from the number of each clip to how many frames it has; and from that of each that cannot be read to
            what is wrong.
        """
        lengths, wrong, kept, taken = {}, {}, {}, 0 if keep else MEMORY_BYTES
        for number in range(len(self)):
            try:
                clip, whole = self._read(number)
            except ValueError as error:
                wrong[number] = str(error)
                continue
            lengths[number], taken = whole, taken + clip.nbytes
            if taken <= MEMORY_BYTES:
                kept[number] = clip
        if taken <= MEMORY_BYTES:
            self._kept = [kept.get(number) for number in range(len(self))]
        return lengths, wrong

    def chosen(self, numbers: Sequence[int]) -> "ClipStore":
        """Those of these numbers."""
        clips, places = ([some[k] for k in numbers] for some in (self._clips, self._places))
        store = ClipStore(clips, places, self._size, self._frames)
        store._kept = [self._kept[k] for k in numbers]
        return store

    def _read(self, number: int) -> tuple[np.ndarray, int]:
        return decoded_video(self._clips[number], self._places[number], self._size, self._frames)


class ClipFeatures(Sequence):
    """What a frozen encoder makes of each clip, computed once and kept on disk.

    Args:
        encoder: has `cached_features`.
        store: `ClipStore`.
        lengths: of its clips.
        folder: where the file is, or will be.
    """

    def __init__(self, encoder, store: ClipStore, lengths: Sequence[int], folder):
        import tensorflow as tf

        self._ends = np.cumsum(lengths)
        shape = (None, *store[0].shape[1:])
        frames = tf.data.Dataset.from_generator(lambda: iter(store), output_signature=tf.TensorSpec(shape, tf.uint8))
        self._features = encoder.cached_features(frames.unbatch().batch(32), folder, verbose=0)

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, number: int) -> np.ndarray:
        """(T, L, D) or (T, D) float32."""
        if not 0 <= number < len(self):
            raise IndexError(number)
        return np.array(self._features[(self._ends[number - 1] if number else 0) : self._ends[number]])


def changes(window: int | None, random: bool, augment: Callable | None) -> Callable | None:
    """What is done to a clip each time it is read: a window of its frames, then what `augment` does; None: nothing."""
    if window is None and augment is None:
        return None

    def change(frames, labels, chance):
        if window is not None and len(frames) > window:
            spare = len(frames) - window
            start = int(chance.integers(spare + 1)) if random else spare // 2
            frames = frames[start : start + window]
            labels = labels[start : start + window] if np.ndim(labels) else labels
        return (frames if augment is None else augmented(augment, frames, chance)), labels

    return change
