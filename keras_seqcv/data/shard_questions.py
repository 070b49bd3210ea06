"""Questions about pictures as shards: how they are written, and how they are read."""

import numpy as np
import tensorflow as tf

from keras_seqcv.data.caption_files import CaptionSet
from keras_seqcv.data.caption_sources import captioned
from keras_seqcv.data.image_store import READERS
from keras_seqcv.data.picture_datasets import picture_dataset
from keras_seqcv.data.picture_texts import checked_store, encoded_texts
from keras_seqcv.data.question_targets import question_targets
from keras_seqcv.data.questions import checked_answers, question_set, with_questions
from keras_seqcv.data.reader_arguments import check_choices, check_integers, checked_model
from keras_seqcv.data.shard_examples import Record, packed
from keras_seqcv.data.shard_writer import ShardWriter
from keras_seqcv.data.sharded_part import FromShards, OpenShards, Reading, sharded_dataset
from keras_seqcv.data.sharded_pictures import (
    UNKEPT,
    PictureShards,
    checked_image_size,
    encoded_picture,
    shards_vocabulary,
)
from keras_seqcv.data.words import Words

_FEATURES = {
    "name": ["bytes", [1]],
    "image": ["bytes", [1]],
    "texts": ["bytes", [None]],
    "ids": ["int64", [None]],
    "counts": ["int64", [None]],
    "given": ["bytes", [None]],
    "given_counts": ["int64", [None]],
    "targets": ["int64", [None]],
    "target_counts": ["int64", [None]],
    "scores": ["float", [None]],
}


def write_questions(
    writer: ShardWriter,
    images,
    questions=None,
    *,
    answers,
    vocabulary=None,
    scores=None,
    train=None,
    valid=None,
    validation: float = 0.1,
    unknown: str = "raise",
    missing: str = "raise",
    seed: int = 0,
    verbose: int = 1,
) -> None:
    """Writes pictures with questions: a record is a picture, as its file is, with all its questions and answers.

    Args:
        writer: `ShardWriter`.
        vocabulary: None: `ks.data.Words` of the questions for training.
        others: see `questions`.
    """
    check_choices(validation, False, missing, True, seed, verbose)
    if unknown not in ("raise", "skip"):
        raise ValueError(f'`unknown` must be "raise" or "skip", received {unknown!r}')
    answers = checked_answers(None, answers)
    asked = question_set(images, questions)
    folder = not isinstance(images, (list, tuple, np.ndarray))
    data = captioned(
        images, CaptionSet(asked.names, asked.questions) if folder else asked.questions, train, valid, validation, seed
    )
    if vocabulary is None:
        vocabulary = Words(text for number in data.train for text in data.captions[number])
    checked_model(None, vocabulary, None, marks=("pad_id", "unknown_id"))
    everything = sorted({*data.train, *data.valid})
    targets = question_targets(data.names, asked, everything, answers, scores, unknown)
    parts = [("train", data.train)] + ([("valid", data.valid)] if data.valid else [])
    parts = [(name, with_questions(name, numbers, targets)) for name, numbers in parts]
    wanted = sorted(number for _, numbers in parts for number in numbers)
    left = set(checked_store(data, wanted, parts, UNKEPT, missing, verbose, "questions")[1])
    for name, numbers in parts:
        numbers = [number for number in numbers if number in left]
        examples = (_example(data, asked, number, vocabulary, targets[number]) for number in numbers)
        writer.write(name, examples, ["length"], len(numbers))
    about = {"vocabulary": vocabulary.to_json(), "answers": answers, "scored": scores is not None}
    writer.finish("questions", about, _FEATURES)


def _example(data, asked, number: int, vocabulary, targets) -> tuple[bytes, np.ndarray]:
    kept, scored = targets.kept, targets.values.ndim == 2
    encoded = encoded_texts(data, [number], vocabulary, "question")[number]
    ids = [encoded[n] for n in kept]
    counts = np.array([len(some) for some in ids])
    given = [asked.answers[number][n] for n in kept]
    # Of thousands of answers a few have a score.
    places = [np.flatnonzero(row) for row in targets.values] if scored else [[k] for k in targets.values]
    scores = [row[some] for row, some in zip(targets.values, places)] if scored else [np.empty(0, "float32")]
    data = packed(
        name=data.names[number],
        image=encoded_picture(data.sources[number]),
        texts=[asked.questions[number][n] for n in kept],
        ids=np.concatenate(ids),
        counts=counts,
        given=[answer for some in given for answer in some],
        given_counts=[len(some) for some in given],
        targets=np.concatenate(places),
        target_counts=[len(some) for some in places],
        scores=np.concatenate(scores),
    )
    return data, counts[:, None]


def read_questions(
    shards: OpenShards,
    reading: Reading,
    *,
    model=None,
    image_size: int | tuple[int, int] = 224,
    max_length: int | None = None,
    questions_per_image: int | None = None,
    augment: bool = False,
) -> tf.data.Dataset:
    """The dataset of one part; the options are those of `questions`."""
    check_integers(max_length=max_length, questions_per_image=questions_per_image)
    check_choices(0, augment, "raise", True, 0, 0)
    vocabulary, about = shards_vocabulary(shards, model), shards.index.about
    if model is not None and list(model.answers) != about["answers"]:
        raise ValueError(
            f"`model` must have the answers of the shards, {len(about['answers'])}, received {len(model.answers)}, "
            "others or in another order"
        )
    part = _Questions(
        shards,
        reading,
        checked_image_size(image_size),
        questions_per_image,
        max_length,
        0,
        augment and shards.name == "train",
    )
    part.pad_id, part.answers = vocabulary.pad_id, len(about["answers"]) if about["scored"] else None
    rows = (None, questions_per_image) if questions_per_image else (None,)
    target = ((*rows, part.answers), tf.float32) if part.answers else (rows, tf.int32)
    signature = [
        tf.TensorSpec((None, *part.pictures.shape), tf.uint8),
        tf.TensorSpec((*rows, None), tf.int32),
        tf.TensorSpec(*target),
        tf.TensorSpec(rows, tf.float32),
        tf.TensorSpec((None,), tf.int32),
    ]

    def arranged(image, tokens, targets, weights, item):
        return {"image": image, "tokens": tokens, "item": item}, targets, weights

    dataset = sharded_dataset(part, signature, arranged, reading, READERS)
    dataset.vocabulary, dataset.answers = vocabulary, about["answers"]
    dataset.names = FromShards(shards, lambda record: record.text("name"))
    dataset.questions = FromShards(shards, _asked)
    dataset.images = picture_dataset(part.pictures, reading.batch_size)
    return dataset


def _asked(record: Record) -> list[tuple[str, list[str]]]:
    given, ends = record.texts("given"), np.cumsum(record.numbers("given_counts"))
    return [(text, given[a:b]) for text, a, b in zip(record.texts("texts"), [0, *ends[:-1]], ends)]


class _Questions(PictureShards):
    """Batches of questions."""

    def batch(self, rows: np.ndarray, seed: int) -> tuple[np.ndarray, ...]:
        """Pictures, tokens (B, T), targets (B, ...) and weights (B,), or (B, N, ...), and items (B,) int32.

        Where a picture has fewer than N questions its first one comes again, with weight 0.
        """
        chosen, records, pictures, items, steps = self.drawn(rows, seed)
        several = self.per_picture or 1
        tokens = np.full((len(rows), several, steps), self.pad_id, "int32")
        targets = np.zeros((len(rows), several, *([self.answers] if self.answers else [])), "float32")
        weights = np.zeros((len(rows), several), "float32")
        for row, (item, own) in enumerate(zip(items, chosen)):
            record = records[int(item)]
            ids, values = record.rows("ids", "counts"), self._targets(record)
            weights[row, : len(own)] = 1
            for place, n in enumerate([*own, *[own[0]] * (several - len(own))]):
                cut = ids[n][: self.most]
                tokens[row, place, : len(cut)], targets[row, place] = cut, values[n]
        targets = targets if self.answers else targets.astype("int32")
        arrays = tokens, targets, weights
        return (pictures, *(arrays if self.per_picture else [a[:, 0] for a in arrays]), items)

    def _targets(self, record: Record) -> np.ndarray:
        """Numbers of answers (n,), or scores of all (n, A)."""
        places = record.numbers("targets")
        if not self.answers:
            return places
        counts = record.numbers("target_counts")
        values = np.zeros((len(counts), self.answers), "float32")
        values[np.repeat(np.arange(len(counts)), counts), places] = record.floats("scores")
        return values
