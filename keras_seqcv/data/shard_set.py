"""`write_shards`: a set as shards, for reading that needs no more memory than a batch."""

import inspect
import os

from keras_seqcv.data.shard_kinds import KINDS
from keras_seqcv.data.shard_writer import shard_writer


def write_shards(
    out: str | os.PathLike,
    kind: str,
    *data,
    shards: int = 16,
    file_format: str = "tfrecord",
    verbose: int = 1,
    **options,
) -> None:
    """Writes a set as shards, files of records that `ks.data.sharded` reads.

    `python -m keras_seqcv.data.shard` does the same from the command line. Pictures and clips are copied as their files
    are, one at a time, and texts are encoded. The folder has `train-00000-of-00016.tfrecord` and so on, records as
    `tf.train.Example`; for each part a table of where each record is, with its CRC-32, and one of lengths; and
    `index.json`, with the vocabulary, what records have, how many there are, and the SHA-256 of each file.

    Args:
        out: a new folder. It is there when all is written, and not at all if something goes wrong.
        kind: "captions" | "questions" | "images" | "videos" | "texts" | "translations" | "text", which are read as by
            `captions`, `questions`, `labelled_images`, `labelled_videos`, `labelled_texts`, `translations`,
            `text_streams`.
        data: the first arguments of that reader, the data.
        shards: how many files each part has; a multiple of the number of workers.
        file_format: "tfrecord" | "array_record" (needs `pip install "keras_seqcv[shards]"`).
        verbose: 1 for progress bars, 0 for none.
        options: arguments of that reader which concern the data: `vocabulary` (`vocabularies`, None: words of the
            texts for training), `valid`, `validation`, `seed` ...; those of batches are given when the shards are read.

    Raises:
        TypeError, ValueError: as the reader; `out` is there and not empty; fewer records than shards.
        OSError: naming `out`, if it cannot be written.
        ImportError: ArrayRecord files are wanted without `array_record`, a progress bar without `tqdm`.

    Example:
        >>> import os
        >>> digits = ks.data.drawn_digits(50)
        >>> ks.data.write_shards("digits", "images", digits, validation=0.2, shards=2, verbose=0)
        >>> sorted(os.listdir("digits"))[:4]
        ['index.json', 'train-00000-of-00002.tfrecord', 'train-00001-of-00002.tfrecord', 'train.places']
        >>> train, valid = ks.data.sharded("digits", batch_size=8)
        >>> next(iter(train))[0].shape, valid.batches
        (TensorShape([8, 28, 28, 1]), 2)
    """
    if kind not in KINDS:
        raise ValueError(f"`kind` must be one of {list(KINDS)}, received {kind!r}")
    write = KINDS[kind].write
    known = [name for name, some in inspect.signature(write).parameters.items() if some.kind is some.KEYWORD_ONLY]
    known.remove("verbose")
    if strange := sorted(set(options) - set(known)):
        raise TypeError(f"shards of {kind} are written with the options {known}, received {strange}")
    with shard_writer(out, shards, file_format, verbose) as writer:
        write(writer, *data, verbose=verbose, **options)
