"""Sentence pairs as shards: how they are written, and how they are read."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_seqcv.data.parallel_texts import each_pair
from keras_seqcv.data.reader_arguments import check_choices, check_integers
from keras_seqcv.data.shard_examples import packed
from keras_seqcv.data.shard_writer import ShardWriter
from keras_seqcv.data.sharded_part import FromShards, OpenShards, Reading, planned, sharded_dataset
from keras_seqcv.data.shares import random_shares
from keras_seqcv.data.token_rows import TokenRows
from keras_seqcv.data.translation_batches import pair_shapes, shapes_with_longest
from keras_seqcv.data.translation_sources import translation_parts
from keras_seqcv.data.translations import checked_vocabularies
from keras_seqcv.data.vocabulary import vocabulary_from_json
from keras_seqcv.data.words import Words

_logger = logging.getLogger("keras_seqcv")
_FEATURES = {
    "source": ["bytes", [1]],
    "target": ["bytes", [1]],
    "source_ids": ["int64", [None]],
    "target_ids": ["int64", [None]],
}


def write_translations(
    writer: ShardWriter,
    source,
    target=None,
    *,
    vocabularies: tuple | None = None,
    valid=None,
    validation: float = 0.1,
    languages: tuple[str, str] | None = None,
    seed: int = 0,
    verbose: int = 1,
) -> None:
    """Writes sentence pairs: a record is a pair with its ids. Files are gone through line by line.

    Args:
        writer: `ShardWriter`.
        vocabularies: of source and target. None: `ks.data.Words` of the sentences for training, all of which are in
            memory while these are made.
        others: see `translations`.
    """
    check_choices(validation, False, "raise", True, seed, verbose)
    parts = _parts(source, target, valid, validation, languages, seed)
    if vocabularies is None:
        training = list(parts[0][2]())
        vocabularies = tuple(Words([pair[side] for pair in training]) for side in (0, 1))
        del training
    words = checked_vocabularies(None, vocabularies)
    for name, count, pairs in parts:
        examples = (_example(pair, words, f"{name} pair {k}") for k, pair in enumerate(pairs()))
        writer.write(name, examples, ["source", "target"], count)
    about = dict(zip(("source_vocabulary", "target_vocabulary"), (some.to_json() for some in words)))
    writer.finish("translations", about, _FEATURES)


def _parts(source, target, valid, validation, languages, seed) -> list[tuple]:
    """Name, number of pairs, and what goes through the pairs, of each part."""
    if not _are_files(source, target) or isinstance(valid, str):
        found = translation_parts(source, target, valid, validation, languages, seed)
        return [(name, len(some), lambda some=some: zip(some.sources, some.targets)) for name, some in found]
    if languages is not None:
        raise ValueError("`languages` are those of a set of tensorflow_datasets; expected None for files")
    count = sum(1 for _ in each_pair(Path(source), Path(target)))
    if valid is not None:
        if not isinstance(valid, (tuple, list)) or len(valid) != 2 or not _are_files(*valid):
            raise TypeError(f"`valid` of files must be two files, (source, target), received {valid!r:.80}")
        others = sum(1 for _ in each_pair(*map(Path, valid)))
        return [
            ("train", count, lambda: each_pair(Path(source), Path(target))),
            ("valid", others, lambda: each_pair(*map(Path, valid))),
        ]
    chosen = np.zeros(count, bool)  # which of them are for validation
    chosen[random_shares(count, validation, seed, "pair")[1]] = True

    def pairs(wanted: bool) -> Iterator[tuple[str, str]]:
        return (pair for pair, its in zip(each_pair(Path(source), Path(target)), chosen, strict=True) if its == wanted)

    parts = [("train", count - chosen.sum(), lambda: pairs(False)), ("valid", chosen.sum(), lambda: pairs(True))]
    return [(name, int(size), some) for name, size, some in parts if size]


def _are_files(source, target) -> bool:
    paths = all(isinstance(side, (str, os.PathLike)) for side in (source, target))
    return paths and not str(source).startswith("tfds:")


def _example(pair: tuple[str, str], words: tuple, where: str) -> tuple[bytes, np.ndarray]:
    ids = [some.encode(text) for some, text in zip(words, pair)]
    for side, some, text in zip(("source", "target"), ids, pair):
        if not len(some):
            raise ValueError(f"{where}: the vocabulary of the {side} finds no words in {text[:60]!r}")
    data = packed(source=pair[0], target=pair[1], source_ids=ids[0], target_ids=ids[1])
    return data, np.array([[len(some) for some in ids]])


def read_translations(
    shards: OpenShards, reading: Reading, *, model=None, max_length: int | None = None, buckets: int = 4
) -> tf.data.Dataset:
    """The dataset of one part; the options are those of `translations`."""
    check_integers(max_length=max_length, buckets=buckets)
    if buckets is None:
        raise TypeError("`buckets` must be an int, received NoneType")
    words = []
    for side in ("source_vocabulary", "target_vocabulary"):
        words.append(vocabulary_from_json(shards.index.about[side]))
        if model is not None and getattr(model, side, None) != words[-1]:
            received = f"{getattr(model, side, None)!r}, or other tokens"
            raise ValueError(f"`model` must have the {side} of the shards, {words[-1]!r}; received {received}")
    part = _Translations(shards, reading, words, max_length, int(buckets))
    signature = [tf.TensorSpec((None, None), kind) for kind in ("int32", "int32", "int32", "float32")]

    def arranged(source, tokens, targets, weights):
        return {"source": source, "tokens": tokens}, targets, weights

    dataset = sharded_dataset(part, signature, arranged, reading, 1)
    dataset.source_vocabulary, dataset.target_vocabulary = words
    dataset.texts = FromShards(shards, lambda record: record.text("source"))
    dataset.references = FromShards(shards, lambda record: record.text("target"))
    dataset.left_out = part.left_out
    return dataset


class _Translations:
    """Batches of sentence pairs."""

    def __init__(self, shards: OpenShards, reading: Reading, words, max_length: int | None, buckets: int):
        self._shards, self._source_pad = shards, words[0].pad_id
        self._marks = words[1].start_id, words[1].end_id, words[1].pad_id
        fits = _fitting(shards, np.arange(shards.rows), max_length)
        self.left_out = shards.rows - len(fits)
        if not len(fits):
            raise ValueError(f"`max_length`={max_length} leaves none of {shards.rows} pairs of the {shards.name} part")
        if self.left_out:
            told = shards.name, self.left_out, shards.rows, max_length
            _logger.warning("translations: %s: %d of %d pairs have more than %d ids and are left out", *told)
        # The shapes are those of all workers. Those of training serve for validation too.
        if shards.training is None:
            self.shapes = pair_shapes(_sizes(shards, fits), buckets)
        else:
            others = _fitting(shards.training, np.arange(shards.training.rows), max_length)
            training = pair_shapes(_sizes(shards.training, others), buckets)
            self.shapes = shapes_with_longest(training, _sizes(shards, fits))
        self.plan = planned(
            shards, reading, self._group, lambda shard: _fitting(shards, shards.rows_of(shard), max_length)
        )

    def _group(self, rows: np.ndarray) -> np.ndarray:
        """The first shape that holds each of these pairs."""
        return np.argmax(np.all(_sizes(self._shards, rows)[:, None] <= self.shapes, axis=2), axis=1)

    def batch(self, rows: np.ndarray, seed: int) -> tuple[np.ndarray, ...]:
        """Source (B, S), tokens (B, T) and targets (B, T) int32, and weights (B, T) float32."""
        records = [self._shards.record(int(row)) for row in rows]
        places, steps = self.shapes[self._group(rows).max()]
        sources, targets = (TokenRows([r.numbers(f"{side}_ids") for r in records]) for side in ("source", "target"))
        every = range(len(rows))
        return sources.padded(every, places, self._source_pad), *targets.shifted(every, steps, self._marks)


def _fitting(shards: OpenShards, rows: np.ndarray, most: int | None) -> np.ndarray:
    """Those of these pairs that have no more ids than that on either side."""
    return rows if most is None else rows[np.all(shards.lengths[rows] <= most, axis=1)]


def _sizes(shards: OpenShards, rows: np.ndarray) -> np.ndarray:
    """S and T that these pairs need, (N, 2)."""
    return shards.lengths[rows] + np.array([0, 1])
