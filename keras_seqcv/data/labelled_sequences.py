"""Labelled sequences of features, as datasets for `model.fit`."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_seqcv.data.label_batches import LabelBatches
from keras_seqcv.data.reader_arguments import check_choices, check_integers
from keras_seqcv.data.shares import random_shares


def labelled_sequences(
    sequences: Sequence[np.ndarray],
    labels: Sequence,
    batch_size: int = 32,
    *,
    names: Sequence[str],
    validation: float = 0.1,
    shuffle: bool = True,
    seed: int = 0,
) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
    """Makes batches of sequences of features of different length, as datasets for training and validation.

    Args:
        sequences: list of N arrays (T_i, D) of finite numbers, T_i >= 1.
        labels: a list of N str; or of N lists of T_i str, a label for each step.
        batch_size: B.
        names: labels, in the order of their numbers: the `labels` of a `SequenceClassifier`.
        validation: share for validation, in [0, 1).
        shuffle: whether training has a new order every epoch.
        seed: of split and order, int >= 0.

    Returns:
        (train, valid), or one dataset if `validation` is 0. Elements: ({"features": (B, T, D) float32, "lengths": (B,)
        int32}, labels (B,) int32), or (..., labels (B, T), weights (B, T) float32, 0 behind the end). T as in
        `labelled_texts`. Attributes: `names`; `batches`, how many.

    Raises:
        TypeError, ValueError: for an argument that is not as above; a sequence that is wrong is named by its number.

    Example:
        >>> waves = [np.sin(np.arange(n) / speed)[:, None] for n, speed in ((9, 1), (12, 3), (7, 1), (8, 3))]
        >>> train = ks.data.labelled_sequences(
        ...     waves, ["fast", "slow", "fast", "slow"], 2, names=["fast", "slow"], validation=0, shuffle=False
        ... )
        >>> inputs, numbers = next(iter(train))
        >>> inputs["features"].shape, inputs["lengths"].numpy().tolist(), numbers.numpy().tolist()
        (TensorShape([2, 8, 1]), [7, 8], [0, 1])
    """
    check_integers(batch_size=batch_size)
    check_choices(validation, False, "raise", shuffle, seed, 0)
    arrays = _checked(sequences, labels)
    numbers_of = {name: k for k, name in enumerate(names)}
    numbers = [_numbers(label, len(a), numbers_of, f"labels[{k}]") for k, (a, label) in enumerate(zip(arrays, labels))]
    if len({np.ndim(some) for some in numbers}) > 1:
        raise ValueError("`labels` must all be str, or all be lists of str, received both")
    parts, datasets = random_shares(len(arrays), validation, seed, "sequence"), []
    for name, part in zip(("train", "valid"), parts):
        if part:
            some = [arrays[k] for k in part], [numbers[k] for k in part]
            datasets.append(LabelBatches(*some, int(batch_size), shuffle and name == "train", int(seed)).dataset())
            datasets[-1].names = tuple(names)
    return tuple(datasets) if len(datasets) > 1 else datasets[0]


def _checked(sequences, labels) -> list[np.ndarray]:
    for name, value in (("sequences", sequences), ("labels", labels)):
        if isinstance(value, (str, bytes, dict)) or not hasattr(value, "__len__"):
            raise TypeError(f"`{name}` must be a list, received {type(value).__name__}")
    if not len(sequences) or len(sequences) != len(labels):
        raise ValueError(f"`labels` must be one for each sequence, received {len(labels)} for {len(sequences)}")
    arrays = [np.asarray(sequence) for sequence in sequences]
    width = arrays[0].shape[-1] if arrays[0].ndim else 0
    for k, array in enumerate(arrays):
        if array.ndim != 2 or not len(array) or array.shape[1] != width or array.dtype.kind not in "iuf":
            received = f"received {array.dtype} of shape {array.shape}"
            raise ValueError(f"`sequences[{k}]` must be numbers (T, {width}), T >= 1, {received}")
        if not np.isfinite(array).all():
            raise ValueError(f"`sequences[{k}]` must be finite, received NaN or infinity")
    return [array.astype("float32") for array in arrays]


def _numbers(label, length: int, numbers_of: dict, where: str):
    steps = [label] if isinstance(label, str) else list(label)
    if not isinstance(label, str) and len(steps) != length:
        raise ValueError(f"`{where}` must be a str or {length} of them, one for each step, received {len(steps)}")
    unknown = next((one for one in steps if one not in numbers_of), None)
    if unknown is not None:
        raise ValueError(f"`{where}`: expected labels of {list(numbers_of)}, received {unknown!r}")
    numbers = [numbers_of[one] for one in steps]
    return numbers[0] if isinstance(label, str) else np.array(numbers, "int32")
