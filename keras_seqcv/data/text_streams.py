"""Text as parallel streams of chunks, for truncated back-propagation through time."""

import logging
import math
import weakref
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_seqcv.data.characters import Characters
from keras_seqcv.data.documents import Document, named_documents
from keras_seqcv.data.planned_dataset import finished
from keras_seqcv.data.token_store import TokenStore, store_documents
from keras_seqcv.data.vocabulary_base import Vocabulary

_logger = logging.getLogger("keras_seqcv")


def text_streams(
    text: Document | Sequence[Document],
    batch_size: int,
    steps: int,
    validation: float = 0.0,
    vocabulary: Vocabulary | None = None,
) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
    """Cuts text into `batch_size` parallel streams, and these into chunks of `steps` tokens.

    With N tokens there are n = (N - 1) // (B T) batches. Stream i is the piece of the text from i n T to (i + 1) n T:

        tokens[k, i, t]  = text[i n T + k T + t]
        targets[k, i, t] = text[i n T + k T + t + 1]

    Row i of batch k + 1 thus continues row i of batch k. At most B T - 1 tokens at the end of the text are left out.

    Args:
        text: the text as str or bytes, or a file as `pathlib.Path`, or a list of these: documents. Files are encoded in
            blocks to a temporary file and read from there, so they may be larger than memory; the temporary file is
            removed with the datasets.
        batch_size: B, number of streams.
        steps: T, tokens per chunk.
        validation: fraction of the text, in [0, 1), taken from its end. Of documents it takes the last ones whole if
            that comes within half of what was asked for, else it cuts one.
        vocabulary: what encodes the text. None: `Characters` of the whole text.

    Returns:
        A `tf.data.Dataset`, or (train, valid) if `validation` is above 0. Each is one pass over its text, can be
        iterated any number of times, and has the attributes `batches`, `dropped` (tokens left out) and `vocabulary`.
        Elements: (tokens (B, T) int32, targets (B, T) int32). Of a list of documents: ({"tokens": (B, T) int32,
        "reset": (B, T) bool}, targets (B, T) int32, sample_weight (B, T) float32), where `reset` is true at the first
        token of each document, and the weight is 0 where the target is the first token of another document.

    Raises:
        TypeError: an argument of a wrong type.
        ValueError: empty text, text or validation part shorter than one chunk, `batch_size` or `steps` below 1,
            `validation` outside [0, 1), invalid UTF-8, characters that `vocabulary` does not have.

    Example:
        >>> from keras_seqcv.data import text_streams
        >>> streams = text_streams("abcdefghijklm", batch_size=2, steps=3)
        >>> for tokens, targets in streams:
        ...     print([streams.vocabulary.decode(row) for row in tokens], streams.vocabulary.decode(targets[0]))
        ['abc', 'ghi'] bcd
        ['def', 'jkl'] efg
        >>> streams.batches, streams.dropped
        (2, 0)
    """
    check_stream_arguments(text, batch_size, steps, validation)
    documents = named_documents(text, "text")
    if vocabulary is None:
        vocabulary = Characters(text)
    store = store_documents(documents, vocabulary)
    total = len(store.tokens)
    chunk = int(batch_size) * int(steps)
    parts = [("text", 0, total)]
    if validation:
        border = validation_border(store.starts, total, validation, chunk)
        parts = [("training part of the text", 0, border), ("validation part of the text", border, total)]
    for name, first, last in parts:
        if last - first < chunk + 1:
            raise ValueError(
                f"the {name} has {last - first} tokens, too few for one chunk: `batch_size` * `steps` + 1 = "
                f"{batch_size} * {steps} + 1 = {chunk + 1} are needed"
            )
    several = not isinstance(text, Document)
    streams = tuple(stream_dataset(_Chunks(store, first, last, batch_size, steps), several) for _, first, last in parts)
    for (name, first, last), stream in zip(parts, streams, strict=True):
        stream.vocabulary = vocabulary
        _logger.info(
            "text_streams: %s: %d tokens, %d batches of (%d, %d), %d tokens dropped at the end",
            *(name, last - first, stream.batches, batch_size, steps, stream.dropped),
        )
    return streams if validation else streams[0]


def check_stream_arguments(text, batch_size, steps, validation) -> None:
    for name, value in (("batch_size", batch_size), ("steps", steps)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise TypeError(f"`{name}` must be an int, received {type(value).__name__}")
        if value < 1:
            raise ValueError(f"`{name}` must be at least 1, received {value}")
    if isinstance(validation, bool) or not isinstance(validation, (int, float, np.number)):
        raise TypeError(f"`validation` must be a float, received {type(validation).__name__}")
    if math.isnan(validation) or not 0 <= validation < 1:
        raise ValueError(f"`validation` must lie in [0, 1), received {validation}")
    if not isinstance(text, (Document, Sequence)):
        raise TypeError(
            f"`text` must be a str, bytes, a pathlib.Path or a sequence of these, received {type(text).__name__}"
        )


def validation_border(starts: np.ndarray, total: int, validation: float, chunk: int) -> int:
    """Where the validation part begins: at a document if one begins near enough."""
    asked = round(total * validation)
    border = total - asked
    nearest = int(starts[np.argmin(np.abs(starts - border))])
    near = abs(nearest - border) <= asked / 2
    return nearest if near and min(nearest, total - nearest) > chunk else border


class _Chunks:
    """Batches of one part of a `TokenStore`, by number."""

    def __init__(self, store: TokenStore, first: int, last: int, batch_size: int, steps: int):
        self.store = store  # Its temporary folder lives as long as this object.
        self.shape = (batch_size, steps)
        self.batches = (last - first - 1) // (batch_size * steps)
        self.length = self.batches * steps  # Tokens of a stream.
        used = batch_size * self.length
        self.dropped = last - first - used - 1
        self.tokens = store.tokens[first : first + used].reshape(batch_size, self.length)
        self.targets = store.tokens[first + 1 : first + 1 + used].reshape(batch_size, self.length)
        starts = store.starts[(store.starts > first) & (store.starts < last)] - first
        self.starts = np.concatenate([[0], starts])  # The part begins something new, even where it cuts a document.

    def chunk(self, k):
        """Returns tokens and targets (B, T) of batch k."""
        columns = slice(k * self.shape[1], (k + 1) * self.shape[1])
        return self.tokens[:, columns].astype("int32"), self.targets[:, columns].astype("int32")

    def borders(self, k):
        """Returns reset and sample_weight (B, T) of batch k."""
        batch_size, steps = self.shape
        place = np.arange(batch_size)[:, None] * self.length + k * steps + np.arange(steps + 1)  # (B, T + 1)
        begins = self.starts[np.searchsorted(self.starts, place, side="right") - 1] == place
        return begins[:, :-1], (~begins[:, 1:]).astype("float32")


def stream_dataset(part, several: bool) -> tf.data.Dataset:
    """The batches of streams as `text_streams` describes them.

    Args:
        part: has `batches`, `dropped`, `shape` (B, T), `chunk(k)` and, where there are several documents, `borders(k)`.
            It lives as long as the dataset, or what is made of it.
        several: whether there are.
    """
    # TensorFlow never lets go of a Python function that was used in a graph. It must not hold the tokens.
    weak, shape = weakref.ref(part), part.shape

    def chunk(k):
        return weak().chunk(int(k))

    def borders(k):
        return weak().borders(int(k))

    @tf.autograph.experimental.do_not_convert
    def element(k):
        x, y = tf.numpy_function(chunk, [k], (tf.int32, tf.int32), stateful=False)
        x, y = tf.ensure_shape(x, shape), tf.ensure_shape(y, shape)
        if not several:
            return x, y
        reset, weight = tf.numpy_function(borders, [k], (tf.bool, tf.float32), stateful=False)
        return {"tokens": x, "reset": tf.ensure_shape(reset, shape)}, y, tf.ensure_shape(weight, shape)

    dataset = finished(tf.data.Dataset.range(part.batches).map(element), part)
    dataset.batches, dataset.dropped = part.batches, part.dropped
    return dataset
