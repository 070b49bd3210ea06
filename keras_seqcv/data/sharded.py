"""Sets larger than memory, from shards to what `model.fit` takes."""

import inspect
import os
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_seqcv.data.reader_arguments import check_choices, check_integers
from keras_seqcv.data.shard_index import INDEX, read_index
from keras_seqcv.data.shard_kinds import KINDS
from keras_seqcv.data.sharded_part import OpenShards, Reading


def sharded(
    folder: str | os.PathLike,
    batch_size: int = 32,
    *,
    worker: int = 0,
    num_workers: int = 1,
    buffer: int | None = None,
    shuffle: bool = True,
    seed: int = 0,
    verify: bool = False,
    **options,
) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
    """Reads a folder of shards that `python -m keras_seqcv.data.shard` wrote.

    Elements are those of the reader that the shards were written for, `ks.data.captions` for example, with the same
    arguments. Nothing but a few numbers for each row stays in memory; records are read, and pictures decoded, when they
    are needed, and a record whose checksum is wrong is told by the name of its file.

    Args:
        folder: where `index.json` is.
        batch_size: B, of each worker.
        worker, num_workers: which of how many. Worker w reads shards w, w + W, w + 2 W ...: no row is read by two of
            them, and every row by one. All have the same number of batches. Of a `tf.distribute.InputContext` these
            are `input_pipeline_id` and `num_input_pipelines`. Of token streams worker w has rows w B to (w + 1) B - 1
            of W B.
        buffer: None: order is by chance in the whole set, and rows of one length from anywhere come together, which
            takes some 50 bytes of memory a row. A multiple of B: shards come in a new order, and chance and lengths
            are within so many rows that follow one another: files are read nearly from end to end, and memory does not
            grow with the set.
        shuffle: whether training has a new order every epoch.
        seed: of all chance, int >= 0. Epochs differ, and come again with the same seed.
        verify: whether all bytes of the worker's shards are compared with their SHA-256 first.
        options: `model` (its vocabulary, answers or labels have to be those of the shards), and of what kind the shards
            are, as of the reader of this name: captions: `image_size`, `max_length`, `captions_per_image`, `augment`;
            questions: `image_size`, `max_length`, `questions_per_image`, `augment`; images: `labels`, `augment`,
            `binarize`; videos: `image_size`, `frames`, `window`, `augment`; texts: `max_length`, `keep`; translations:
            `max_length`, `buckets`; text: `steps`.

    Returns:
        (train, valid), or one dataset if the shards have one part. Elements and attributes are those of the reader,
        but what has an entry for each record, such as `names` and `references`, reads it when it is asked for. The
        iterator can be saved in the middle of an epoch, by `tf.train.Checkpoint(iterator=iter(dataset))`.

    Raises:
        TypeError, ValueError: for an argument that is not as above; for a file that is missing, damaged or of another
            set, naming it.
        ImportError: ArrayRecord files are read without `array_record`.
        tf.errors.InvalidArgumentError: while the dataset is read: naming a file with a damaged record.

    Example:
        >>> pairs = ks.data.number_sentences(50)
        >>> ks.data.write_shards(
        ...     "pairs", "translations", pairs.sources, pairs.targets, validation=0, shards=4, verbose=0
        ... )
        >>> train = ks.data.sharded("pairs", batch_size=10, worker=1, num_workers=2)
        >>> inputs, targets, weights = next(iter(train))
        >>> inputs["source"].shape[0], train.batches
        (10, 3)
    """
    if not isinstance(folder, (str, os.PathLike)):
        raise TypeError(f"`folder` must be a path, received {type(folder).__name__}")
    check_integers(batch_size=batch_size, num_workers=num_workers, buffer=buffer)
    check_choices(0, False, "raise", shuffle, seed, 0)
    if not isinstance(verify, bool):
        raise TypeError(f"`verify` must be a bool, received {type(verify).__name__}")
    if isinstance(worker, bool) or not isinstance(worker, (int, np.integer)):
        raise TypeError(f"`worker` must be an int, received {type(worker).__name__}")
    if num_workers is None or not 0 <= worker < num_workers:
        raise ValueError(f"`worker` must lie in [0, `num_workers`), received {worker} of {num_workers}")
    if buffer is not None and buffer % batch_size:
        raise ValueError(f"`buffer` must be a multiple of `batch_size`={batch_size}, received {buffer}")
    if seed > np.iinfo("int64").max:
        raise ValueError(f"`seed` must fit into 64 bits, received {seed}")
    folder = Path(folder)
    index = read_index(folder)
    if index.kind not in KINDS:
        raise ValueError(f"{folder}: expected shards of one of {list(KINDS)}, received {index.kind!r}")
    read, all_shards = KINDS[index.kind].read, KINDS[index.kind].all_shards
    known = [name for name, some in inspect.signature(read).parameters.items() if some.kind is some.KEYWORD_ONLY]
    if strange := sorted(set(options) - set(known)):
        raise TypeError(f"shards of {index.kind} are read with the options {known}, received {strange}")
    reading = Reading(int(batch_size), int(worker), int(num_workers), buffer, shuffle, int(seed), verify)
    found, training = [], None
    for name in index.parts:
        shards = OpenShards(folder, name, index, reading, training, all_shards)
        try:
            found.append(read(shards, reading, **options))
        except KeyError as error:
            raise ValueError(f"{folder / INDEX}: damaged: what it says about {index.kind} lacks {error}") from error
        training = shards
    return tuple(found) if len(found) > 1 else found[0]
