"""Captioned pictures of `tensorflow_datasets`, by name."""

import pathlib
import shutil
import tempfile
import weakref

import tensorflow as tf

from keras_seqcv.data.caption_files import CaptionSet
from keras_seqcv.data.documents import decode_utf8
from keras_seqcv.data.tfds_sets import prepared_set


class SpooledFile:
    """The bytes of one picture in a temporary file; `stamp` says which picture it is."""

    def __init__(self, spool: "_Spool", start: int, length: int, stamp: str):
        self._spool, self._start, self._length, self.stamp = spool, start, length, stamp

    def read(self) -> bytes:
        with self._spool.path.open("rb") as file:
            file.seek(self._start)
            return file.read(self._length)


class _Spool:
    """A temporary file that goes with this object."""

    def __init__(self):
        folder = tempfile.mkdtemp(prefix="keras_seqcv_")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.path = pathlib.Path(folder) / "pictures"


def captions_builder(name: str, data_dir=None):
    """The builder of a captioned set, which is downloaded if it is not there.

    Args:
        name: of the set: "coco_captions".
        data_dir: folder of the sets. None: that of `tensorflow_datasets`.

    Raises:
        ImportError: `tensorflow_datasets` is not installed.
        ValueError: the set has no picture or no captions.
    """
    expected = 'a set with the features "image" and "captions"'
    return prepared_set(name, _has_captions, expected, data_dir)


def _has_captions(builder) -> bool:
    import tensorflow_datasets as tfds

    return isinstance(dict(builder.info.features).get("image"), tfds.features.Image) and bool(_captions_key(builder))


def load_tfds_captions(builder, split: str) -> tuple[CaptionSet, list[SpooledFile]]:
    """Captions of a set, and its pictures as they are encoded, in a temporary file that goes when nobody has them.

    Args:
        builder: that of `captions_builder`.
        split: which part: "train", "val[:10%]" ...

    Returns:
        A `CaptionSet` and for each of its names a `SpooledFile`. Names are those of the set, or else the numbers of the
        examples.

    Raises:
        ValueError: no such split, no examples, a picture without caption, or a name that comes twice.

    Example:
        >>> from keras_seqcv.data.tfds_captions import captions_builder, load_tfds_captions
        >>> builder = captions_builder("coco_captions")  # doctest: +SKIP
        >>> captions, pictures = load_tfds_captions(builder, "val[:1%]")  # doctest: +SKIP
    """
    import tensorflow_datasets as tfds

    decoders = {"image": tfds.decode.SkipDecoding()}
    dataset = builder.as_dataset(split=split, decoders=decoders, shuffle_files=False)
    return _spooled(dataset, f"{builder.info.full_name}, {split}", _captions_key(builder))


def _captions_key(builder) -> str | None:
    return next((key for key in ("captions", "caption") if key in builder.info.features), None)


def _spooled(dataset: tf.data.Dataset, where: str, key: str) -> tuple[CaptionSet, list[SpooledFile]]:
    spool, names, captions, files, end = _Spool(), [], [], [], 0
    with spool.path.open("wb") as file:
        for number, example in enumerate(dataset):
            data = example["image"].numpy()
            name = example["image/filename"].numpy().decode() if "image/filename" in example else str(number)
            file.write(data)
            files.append(SpooledFile(spool, end, len(data), f"{where} {len(data)}"))
            end += len(data)
            names.append(name)
            captions.append(_texts(example[key], f"{where}, example {number}"))
    if not names:
        raise ValueError(f"{where} has no examples")
    if len(set(names)) < len(names):
        raise ValueError(f"{where}: expected pictures of different names, {len(names) - len(set(names))} come again")
    return CaptionSet(names, captions), files


def _texts(feature, where: str) -> list[str]:
    """The captions of one example: strings, or under "text"."""
    if isinstance(feature, dict):
        feature = feature["text"]
    texts = [decode_utf8(text, where).strip() for text in tf.reshape(feature, (-1,)).numpy().tolist()]
    if not texts or not all(texts):
        raise ValueError(f"{where}: expected captions, received {texts}")
    return texts
