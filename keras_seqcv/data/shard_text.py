"""Running text as shards, and parallel streams of it for truncated back-propagation through time."""

import collections
import threading
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_seqcv.data.characters import Characters
from keras_seqcv.data.documents import Document, named_documents
from keras_seqcv.data.reader_arguments import check_integers
from keras_seqcv.data.shard_examples import packed, unpacked
from keras_seqcv.data.shard_writer import ShardWriter
from keras_seqcv.data.sharded_part import OpenShards, Reading
from keras_seqcv.data.sharded_pictures import shards_vocabulary
from keras_seqcv.data.text_streams import check_stream_arguments, stream_dataset, validation_border
from keras_seqcv.data.token_store import TokenStore, store_documents
from keras_seqcv.data.vocabulary_base import Vocabulary

_FEATURES = {"tokens": ["bytes", [1]]}
_BLOCK = 1 << 16


def write_text(
    writer: ShardWriter,
    text: Document | Sequence[Document],
    *,
    vocabulary: Vocabulary | None = None,
    block: int = _BLOCK,
    verbose: int = 1,
) -> None:
    """Writes running text: a record is a block of tokens, as unsigned integers, the lowest byte first.

    Files are encoded to a temporary file first, and are never in memory whole.

    Args:
        writer: `ShardWriter`.
        text, vocabulary: see `text_streams`.
        block: tokens of a record.
    """
    check_integers(block=block)
    documents = named_documents(text, "text")
    vocabulary = Characters(text) if vocabulary is None else vocabulary
    store = store_documents(documents, vocabulary)
    kind = store.tokens.dtype.newbyteorder("<")
    count = -(-len(store.tokens) // block)
    examples = (_example(store, k * block, block, kind) for k in range(count))
    writer.write("text", examples, ["start"], count, lambda k: k * writer.shards // count)
    about = {
        "vocabulary": vocabulary.to_json(),
        "dtype": kind.str,
        "block": int(block),
        "tokens": len(store.tokens),
        "documents": None if isinstance(text, Document) else len(documents),
    }
    writer.finish("text", about, _FEATURES)


def _example(store: TokenStore, first: int, block: int, kind: np.dtype) -> tuple[bytes, np.ndarray]:
    """A block of tokens, and where in it documents start, (n, 1)."""
    starts = store.starts[np.searchsorted(store.starts, first) : np.searchsorted(store.starts, first + block)] - first
    return packed(tokens=store.tokens[first : first + block].astype(kind).tobytes()), starts[:, None]


def read_text(
    shards: OpenShards, reading: Reading, *, model=None, steps: int, validation: float = 0.0
) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
    """The streams of one worker; the options are those of `text_streams`.

    Row i of the B rows of worker w is row w B + i of those that `text_streams` has with W B rows.
    """
    check_stream_arguments("", reading.batch_size, steps, validation)
    if reading.buffer is not None:
        raise ValueError(
            f"`buffer` must be None for streams of text, whose order is that of the text; received {reading.buffer}"
        )
    vocabulary, total = shards_vocabulary(shards, model), shards.index.about["tokens"]
    tokens = _Tokens(shards, 2 * reading.batch_size + 2)
    chunk = reading.num_workers * reading.batch_size * steps
    parts = [("text", 0, total)]
    if validation:
        border = validation_border(tokens.starts(0, total), total, validation, chunk)
        parts = [("training part of the text", 0, border), ("validation part of the text", border, total)]
    streams = []
    for name, first, last in parts:
        if last - first < chunk + 1:
            raise ValueError(
                f"the {name} has {last - first} tokens, too few for one chunk: `num_workers` * `batch_size` * `steps` "
                f"+ 1 = {chunk + 1} are needed"
            )
        part = _Streams(tokens, first, last, reading, steps)
        streams.append(stream_dataset(part, shards.index.about["documents"] is not None))
        streams[-1].vocabulary = vocabulary
    return tuple(streams) if validation else streams[0]


class _Tokens:
    """The tokens of a text, a few blocks of which are in memory.

    Args:
        shards: `OpenShards`.
        kept: how many blocks.
    """

    def __init__(self, shards: OpenShards, kept: int):
        about = shards.index.about
        self._shards, self._block, self._dtype = shards, about["block"], np.dtype(about["dtype"])
        self._blocks, self._kept, self._lock = collections.OrderedDict(), kept, threading.Lock()

    def read(self, first: int, last: int) -> np.ndarray:
        """Tokens `first` to `last` - 1, int32."""
        pieces = []
        for k in range(first // self._block, (last - 1) // self._block + 1):
            begin = k * self._block
            pieces.append(self._of_block(k)[max(first - begin, 0) : last - begin])
        return np.concatenate(pieces).astype("int32")

    def _of_block(self, k: int) -> np.ndarray:
        with self._lock:
            if k in self._blocks:
                self._blocks.move_to_end(k)
                return self._blocks[k]
        shard = k * self._shards.num_shards // self._shards.count
        data = unpacked(self._shards.data(k, shard), f"block {k} of the text").data("tokens")[0]
        tokens = np.frombuffer(data, self._dtype)
        with self._lock:
            self._blocks[k] = tokens
            while len(self._blocks) > self._kept:
                self._blocks.popitem(last=False)
        return tokens

    def starts(self, first: int, last: int) -> np.ndarray:
        """The places in [first, last) at which documents start, int64."""
        blocks = np.arange(first // self._block, (last - 1) // self._block + 1)
        counts = self._shards.counts(blocks)
        begin = int(self._shards.first(blocks[:1])[0])
        starts = self._shards.lengths[begin : begin + counts.sum(), 0] + np.repeat(blocks * self._block, counts)
        return starts[(starts >= first) & (starts < last)]


class _Streams:
    """Batches of one worker and one part of the text, by number."""

    def __init__(self, tokens: _Tokens, first: int, last: int, reading: Reading, steps: int):
        everyone = reading.num_workers * reading.batch_size
        self.batches = (last - first - 1) // (everyone * steps)
        self.dropped = last - first - 1 - self.batches * everyone * steps
        self.shape = reading.batch_size, steps
        rows = reading.worker * reading.batch_size + np.arange(reading.batch_size)
        self._tokens, self._first, self._begins = tokens, first, first + rows * self.batches * steps

    def chunk(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Tokens and targets (B, T) of batch k."""
        begins = (self._begins + k * self.shape[1]).tolist()
        both = np.stack([self._tokens.read(begin, begin + self.shape[1] + 1) for begin in begins])
        return both[:, :-1], both[:, 1:]

    def borders(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Reset and sample_weight (B, T) of batch k."""
        begins = np.zeros((self.shape[0], self.shape[1] + 1), bool)
        for row, begin in zip(begins, (self._begins + k * self.shape[1]).tolist()):
            row[self._tokens.starts(begin, begin + len(row)) - begin] = True
            row[0] |= begin == self._first  # the part begins something new, even where it cuts a document
        return begins[:, :-1], (~begins[:, 1:]).astype("float32")
