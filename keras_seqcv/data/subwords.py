"""A vocabulary of pieces of words, learned by sentencepiece."""

import base64
import io
from collections.abc import Iterable, Iterator

import keras
import numpy as np
import tensorflow as tf

from keras_seqcv.data.characters import code_points
from keras_seqcv.data.documents import decode_utf8, document_blocks, named_documents
from keras_seqcv.data.tokenizer import lower
from keras_seqcv.data.vocabulary_base import Vocabulary, checked_text
from keras_seqcv.data.words import RESERVED, check_integer

ALGORITHMS = ("bpe", "unigram")
_SPACE = "\u2581"  # what sentencepiece writes for the space before a word
_LONGEST_LINE = 1 << 16  # bytes; sentencepiece leaves longer ones out


@keras.saving.register_keras_serializable(package="keras_seqcv")
class Subwords(Vocabulary):
    """Pieces of words: frequent words are one piece, rare ones several, so that few texts have unknown parts.

    Ids 0 to 3 are "<pad>", "<start>", "<end>" and "<unk>" (`pad_id`, `start_id`, `end_id`, `unknown_id`), as `Words`
    has them. A piece that begins a word begins with a low line (U+2581). The model of sentencepiece is part of the
    config: a `.keras` file and an export are whole. There is no `encode_tensor`, for cutting needs sentencepiece: a
    SavedModel takes ids.

    Args:
        texts: a str, bytes or `pathlib.Path` (UTF-8 file), or an iterable of these, from which the pieces are learned.
            For one vocabulary of two languages: the texts of both.
        size: how many pieces, reserved ones included.
        model: what sentencepiece has learned before, bytes or base64 str, instead of `texts` and `size`.
        algorithm: "bpe" | "unigram".
        lowercase: turn text to lower case, character by character.

    Raises:
        TypeError, ValueError: for an argument that is not as above, text without words, a size that the texts do not
            give, a model that is none or that has other reserved ids.
        ImportError: sentencepiece is not installed.

    Example:
        >>> vocabulary = ks.data.Subwords(["low lower lowest new newer newest"] * 9, size=20)
        >>> vocabulary.decode(vocabulary.encode("lower newest"))
        'lower newest'
        >>> "".join(vocabulary.split("slow")), len(vocabulary)
        ('▁slow', 20)

    Reference:
        Sennrich, Haddow, Birch: Neural Machine Translation of Rare Words with Subword Units. arXiv 1508.07909, 2015.
        Kudo: Subword Regularization (unigram). arXiv 1804.10959, 2018.
    """

    unit = "word"
    pad_id, start_id, end_id, unknown_id = range(4)
    encodes_in_graph = False

    def __init__(self, texts=None, *, size=None, model=None, algorithm="bpe", lowercase=False):
        if (texts is None) == (model is None):
            received = "neither" if texts is None else "both"
            raise ValueError(f"Subwords takes either `texts` or `model`, received {received}")
        if not isinstance(lowercase, bool):
            raise TypeError(f"`lowercase` must be a bool, received {type(lowercase).__name__}")
        if algorithm not in ALGORITHMS:
            raise ValueError(f"`algorithm` must be one of {list(ALGORITHMS)}, received {algorithm!r}")
        if model is None:
            check_integer(size, "size", len(RESERVED) + 1)
            model = _learned(texts, int(size), algorithm, lowercase)
        self._model = base64.b64decode(model) if isinstance(model, str) else bytes(model)
        self._processor = _processor(self._model)
        super().__init__([self._processor.id_to_piece(k) for k in range(self._processor.get_piece_size())])
        if tuple(self._tokens[: len(RESERVED)]) != RESERVED:
            raise ValueError(f"`model` must have the reserved pieces {list(RESERVED)}, received {self._tokens[:4]}")
        self.algorithm, self.lowercase = algorithm, lowercase

    def encode(self, text: str | bytes) -> np.ndarray:
        """Returns the ids of a text, int32 (T,), without start and end."""
        return np.array(self._processor.encode(self._prepared(text)), "int32")

    def split(self, text: str) -> list[str]:
        """Returns the pieces of a text, one for each id of `encode`; unknown ones too."""
        return self._processor.encode(self._prepared(text), out_type=str)

    def decode(self, ids) -> str:
        """Returns the text of ids (T,); text of fewer ids is always the beginning of the text of more."""
        pieces = self._pieces()
        text = b"".join(pieces[index] for index in self._checked_ids(ids).tolist()).decode("utf-8")
        return text.removeprefix(" ")

    def encode_tensor(self, strings):
        """There is none.

        Raises:
            ValueError: always.
        """
        raise ValueError(
            "Subwords cannot cut text inside a graph, which has no sentencepiece: encode it before, "
            "`vocabulary.encode(text)`, and give ids to the graph"
        )

    def decode_tensor(self, ids, lengths):
        """Returns the strings (B,) of the first `lengths` (B,) ids of each row of `ids` (B, T)."""
        return tf.strings.regex_replace(super().decode_tensor(ids, lengths), "^ ", "")

    def get_config(self) -> dict:
        model = base64.b64encode(self._model).decode("ascii")
        return {"model": model, "algorithm": self.algorithm, "lowercase": self.lowercase}

    def _prepared(self, text) -> str:
        text = checked_text(text, "text")
        text = decode_utf8(text, "`text`") if isinstance(text, bytes) else text
        code_points(text, "`text`")
        return lower(text) if self.lowercase else text

    def _pieces(self) -> list[bytes]:
        kept = (piece.replace(_SPACE, " ") for piece in self._tokens[len(RESERVED) :])
        return [b"", b"", b"", f" {RESERVED[3]}".encode(), *(piece.encode("utf-8") for piece in kept)]


def _sentencepiece():
    try:
        import sentencepiece
    except ImportError as error:
        raise ImportError('Subwords needs sentencepiece: pip install "keras_seqcv[subwords]"') from error
    return sentencepiece


def _processor(model: bytes):
    sentencepiece = _sentencepiece()
    try:
        return sentencepiece.SentencePieceProcessor(model_proto=model)
    except RuntimeError as error:
        raise ValueError(f"`model` is no model of sentencepiece ({len(model)} bytes): {error}") from error


def _learned(texts, size: int, algorithm: str, lowercase: bool) -> bytes:
    """What sentencepiece learns from texts."""
    sentencepiece, model = _sentencepiece(), io.BytesIO()
    lines = iter(_lines(texts, lowercase))
    first = next(lines, None)
    if first is None:
        raise ValueError("`texts` holds no words")
    marks = {f"{name}_id": k for k, name in enumerate(("pad", "bos", "eos", "unk"))}
    marks |= {f"{name}_piece": mark for name, mark in zip(("pad", "bos", "eos", "unk"), RESERVED, strict=True)}
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=_chained(first, lines),
            model_writer=model,
            vocab_size=size,
            model_type=algorithm,
            character_coverage=1.0,
            max_sentence_length=_LONGEST_LINE,
            minloglevel=2,
            num_threads=1,  # the same texts give the same pieces
            **marks,
        )
    except RuntimeError as error:
        raise ValueError(f"`size`={size} does not suit the texts: {error}") from error
    return model.getvalue()


def _chained(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _lines(texts, lowercase: bool) -> Iterable[str]:
    for name, document in named_documents(texts, "texts"):
        for block in document_blocks(name, document, "word"):
            code_points(block, name)
            for line in (lower(block) if lowercase else block).split("\n"):
                if line.strip():
                    yield line
