"""Sentence pairs, from whatever people have to what `model.fit` takes."""

import logging
import os
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_seqcv.data.parallel_texts import TextPairs
from keras_seqcv.data.planned_dataset import planned_dataset
from keras_seqcv.data.reader_arguments import check_choices, check_integers
from keras_seqcv.data.translation_batches import TranslationBatches
from keras_seqcv.data.translation_sources import translation_parts

_SIDES = ("source", "target")
_logger = logging.getLogger("keras_seqcv")


def translations(
    source: str | os.PathLike | Sequence[str],
    target: str | os.PathLike | Sequence[str] | None = None,
    batch_size: int = 64,
    *,
    model=None,
    vocabularies: tuple | None = None,
    valid: tuple | str | None = None,
    validation: float = 0.1,
    max_length: int | None = None,
    buckets: int = 4,
    languages: tuple[str, str] | None = None,
    shuffle: bool = True,
    seed: int = 0,
) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
    """Reads parallel texts, as datasets for training and validation.

    A source becomes its ids. A translation w1 ... wn becomes tokens = start, w1 ... wn and targets = w1 ... wn, end,
    filled up with `pad_id`, with weights 1 where there is a target. A batch holds pairs of about one length: there are
    at most `buckets` shapes (B, S), (B, T), chosen so that little is padded, and one more for validation where those of
    training are too small. For training, every pair comes once an epoch, with others each time; one batch is smaller
    than the others if they do not come out even. For validation the order is fixed.

    Args:
        source, target: two files that go together line by line, plain or `.gz`, or two lists of str; see
            `read_translations`. Or source "tfds:ted_hrlr_translate/pt_to_en", a set of `tensorflow_datasets`, which is
            downloaded at its first use, and target None.
        batch_size: B.
        model: has a `source_vocabulary` and a `target_vocabulary`.
        vocabularies: these two, if there is no model.
        valid: which pairs are for validation: (source, target), as above; of a set: its split. None: a share of those
            for training; of a set: "validation" or "val".
        validation: that share, in [0, 1), if `valid` is None.
        max_length: pairs with more ids than that on one side are left out of the batches (the log says how many). None:
            all pairs.
        buckets: how many shapes of batches there are at most, at least 1.
        languages: of a set: from which to which. None: as the set has them.
        shuffle: whether training has a new order every epoch.
        seed: of split and order, int >= 0.

    Returns:
        (train, valid), or one dataset if `validation` is 0 and `valid` None. Elements: ({"source": (B, S) int32,
        "tokens": (B, T) int32}, targets (B, T) int32, sample_weight (B, T) float32). Attributes: `source_vocabulary`,
        `target_vocabulary`; `texts` and `references`, lists of str, all sentences of both sides in order; `batches`,
        how many; `left_out`, how many pairs are too long.

    Raises:
        TypeError, ValueError: for an argument that is not as above; for a file that cannot be read, naming file and
            line; for a sentence in which a vocabulary finds no words.
        ImportError: a set is wanted and `tensorflow_datasets` is not installed.

    Example:
        >>> pairs = ks.data.number_sentences(50)
        >>> words = ks.data.Words(pairs.sources), ks.data.Words(pairs.targets)
        >>> train, valid = ks.data.translations(pairs.sources, pairs.targets, batch_size=15, vocabularies=words)
        >>> inputs, targets, weights = next(iter(train))
        >>> inputs["source"].shape[0], bool(tf.reduce_all(inputs["tokens"][:, 1:] == targets[:, :-1]))
        (15, False)
        >>> train.batches, len(valid.texts), valid.texts[0] in pairs.sources
        (3, 5, True)
    """
    check_integers(batch_size=batch_size, max_length=max_length, buckets=buckets)
    if buckets is None:
        raise TypeError("`buckets` must be an int, received NoneType")
    check_choices(validation, False, "raise", shuffle, seed, 0)
    words = checked_vocabularies(model, vocabularies)
    parts = translation_parts(source, target, valid, validation, languages, seed)
    settings = dict(batch_size=int(batch_size), buckets=int(buckets), shapes=None, seed=int(seed))
    datasets = []
    for name, pairs in parts:
        own = {**settings, "shuffle": shuffle and name == "train"}
        datasets.append(_dataset(name, pairs, words, max_length, own))
        settings["shapes"] = datasets[0]._part.shapes  # those of training serve for validation too
    return tuple(datasets) if len(datasets) > 1 else datasets[0]


def checked_vocabularies(model, vocabularies) -> tuple:
    if (model is None) == (vocabularies is None):
        received = "neither" if model is None else "both"
        raise ValueError(f"translations takes either `model` or `vocabularies`, received {received}")
    if model is not None:
        vocabularies = tuple(getattr(model, f"{side}_vocabulary", None) for side in _SIDES)
    if not isinstance(vocabularies, (tuple, list)) or len(vocabularies) != 2:
        raise TypeError(f"`vocabularies` must be those of source and target, received {type(vocabularies).__name__}")
    for side, words, marks in zip(_SIDES, vocabularies, (["pad_id"], ["pad_id", "start_id", "end_id"])):
        lacking = [mark for mark in marks if not isinstance(getattr(words, mark, None), (int, np.integer))]
        if lacking or not hasattr(words, "encode"):
            raise TypeError(
                f"the vocabulary of the {side} must have encode, {', '.join(marks)}, such as ks.data.Words; received "
                f"{type(words).__name__}"
            )
    return tuple(vocabularies)


def _dataset(name: str, pairs: TextPairs, words: tuple, max_length: int | None, settings: dict) -> tf.data.Dataset:
    ids = [encoded_sentences(texts, *side) for texts, side in zip((pairs.sources, pairs.targets), zip(words, _SIDES))]
    fits = [k for k, both in enumerate(zip(*ids)) if max_length is None or max(map(len, both)) <= max_length]
    left_out = len(pairs) - len(fits)
    if not fits:
        raise ValueError(f"`max_length`={max_length} leaves none of {len(pairs)} pairs of the {name} part")
    if left_out:
        told = name, left_out, len(pairs), max_length
        _logger.warning("translations: %s: %d of %d pairs have more than %d ids (`max_length`) and are left out", *told)
    part = TranslationBatches(*([side[k] for k in fits] for side in ids), *words, **settings)

    def arranged(source, tokens, targets, weights):
        return {"source": source, "tokens": tokens}, targets, weights

    dataset = planned_dataset(part, part.batches, part.batch_size, part.specs, arranged)
    dataset.source_vocabulary, dataset.target_vocabulary = words
    dataset.texts, dataset.references = list(pairs.sources), list(pairs.targets)
    dataset.batches, dataset.left_out = part.batches, left_out
    shapes = ", ".join(f"{places} x {steps}" for places, steps in part.shapes)
    _logger.info("translations: %s: %d pairs, %d batches, lengths %s", name, len(fits), part.batches, shapes)
    return dataset


def encoded_sentences(texts: Sequence[str], words, side: str) -> list[np.ndarray]:
    encoded = []
    for k, text in enumerate(texts):
        ids = words.encode(text)
        if not len(ids):
            raise ValueError(f"{side} sentence {k}: the vocabulary finds no words in {text[:60]!r}")
        encoded.append(ids)
    return encoded
