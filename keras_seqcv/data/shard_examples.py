"""Records as `tf.train.Example`, which every reader of TFRecord files knows."""

import numpy as np
import tensorflow as tf


def packed(**features) -> bytes:
    """The bytes of a `tf.train.Example`; the same features always give the same bytes.

    Args:
        features: each a str, bytes, or a list of these, or integers or floating point numbers, of any shape.

    Example:
        >>> from keras_seqcv.data.shard_examples import packed, unpacked
        >>> record = unpacked(packed(name="a.jpg", ids=np.array([5, 6]), text=["x y", "z"]), "the record")
        >>> record.text("name"), record.numbers("ids").tolist(), record.texts("text")
        ('a.jpg', [5, 6], ['x y', 'z'])
    """
    feature = {name: _feature(value) for name, value in features.items()}
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString(deterministic=True)


def _feature(value) -> tf.train.Feature:
    values = [value] if isinstance(value, (str, bytes)) else value
    if len(values) and isinstance(values[0], (str, bytes)):
        data = [one.encode("utf-8") if isinstance(one, str) else one for one in values]
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=data))
    numbers = np.asarray(values).ravel()
    if numbers.dtype.kind == "f" and numbers.size:
        return tf.train.Feature(float_list=tf.train.FloatList(value=numbers))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=numbers.astype("int64")))


class Record:
    """The features of a record, by name."""

    def __init__(self, features, place: str):
        self._features, self._place = features, place

    def _one(self, name: str):
        if name not in self._features:
            raise ValueError(f"{self._place}: expected a record with {name!r}, it has {sorted(self._features)}")
        return self._features[name]

    def data(self, name: str) -> list[bytes]:
        return list(self._one(name).bytes_list.value)

    def texts(self, name: str) -> list[str]:
        return [data.decode("utf-8") for data in self.data(name)]

    def text(self, name: str) -> str:
        return self.texts(name)[0]

    def numbers(self, name: str) -> np.ndarray:
        """Integers (n,) int32."""
        return np.array(self._one(name).int64_list.value, "int32")

    def floats(self, name: str) -> np.ndarray:
        return np.array(self._one(name).float_list.value, "float32")

    def rows(self, name: str, counts: str) -> list[np.ndarray]:
        """Integers of several rows, which stand one behind the other; `counts`: name of how many there are of each."""
        return np.split(self.numbers(name), np.cumsum(self.numbers(counts))[:-1])


def unpacked(data: bytes, place: str) -> Record:
    """The features of a record; `place` names it in errors."""
    try:
        example = tf.train.Example.FromString(data)
    except Exception as error:  # protobuf has an exception of its own, which is not public in TensorFlow
        raise ValueError(f"{place}: expected a tf.train.Example: {error}") from error
    return Record(example.features.feature, place)
