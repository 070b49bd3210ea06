"""Questions about pictures, from whatever people have to what `model.fit` takes."""

import logging
import os
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_seqcv.data.caption_files import CaptionSet
from keras_seqcv.data.caption_sources import captioned
from keras_seqcv.data.picture_datasets import Part, encoded_pictures, text_dataset
from keras_seqcv.data.picture_texts import checked_store, cut_texts, encoded_texts, label_dataset
from keras_seqcv.data.question_batches import QuestionBatches
from keras_seqcv.data.question_files import QuestionSet, read_questions
from keras_seqcv.data.question_targets import question_targets
from keras_seqcv.data.reader_arguments import check_choices, check_integers, checked_model
from keras_seqcv.image_files import checked_size

_logger = logging.getLogger("keras_seqcv")


def questions(
    images: str | os.PathLike | np.ndarray | Sequence[str | os.PathLike],
    questions: str | os.PathLike | QuestionSet | Sequence[Sequence[tuple]] | None = None,
    image_size: int | tuple[int, int] = 224,
    batch_size: int = 32,
    *,
    model=None,
    vocabulary=None,
    answers: Sequence[str] | None = None,
    scores=None,
    train: str | os.PathLike | Sequence[str] | None = None,
    valid: str | os.PathLike | Sequence[str] | None = None,
    validation: float = 0.1,
    max_length: int | None = None,
    questions_per_image: int | None = None,
    unknown: str = "raise",
    cache: str | os.PathLike | None = None,
    augment: bool = False,
    missing: str = "raise",
    shuffle: bool = True,
    seed: int = 0,
    verbose: int = 1,
) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
    """Reads pictures with questions and answers, as datasets for training and validation.

    Pictures are read, kept, cached, mirrored and split as by `ks.data.captions`.

    Args:
        images: a folder; a list of N paths; (N, H, W, 3) uint8.
        questions: of a folder: a file or folder as `read_questions` reads it, a `QuestionSet`, or None for text files
            beside the pictures. Of a list or an array: for each picture a list of (question, answer), or of
            `ks.data.Question`.
        image_size: (H, W), or int for both, to which pictures are resized.
        batch_size: B, questions at a time, or pictures with `questions_per_image`.
        model: a `VisualQuestionAnswerer`, whose vocabulary, answers and encoder are used.
        vocabulary, answers: if there is no model.
        scores: None: the target is the number of the answer that most people gave. A function from the answers that
            people gave to a question, list of str, to a dict of scores, such as `ks.metrics.vqa_scores`: the target
            is the score of every answer.
        train, valid, validation: which pictures are for training, and which for validation; see `captions`.
        max_length: of a question, in words; longer ones are cut. None: all as long as they are.
        questions_per_image: N: a row is a picture with N of its questions, others every epoch. None: a row is a
            question.
        unknown: what happens with questions whose answer is none of `answers`: "raise" | "skip". In validation a
            question that is skipped counts for nothing.
        cache, augment, missing, shuffle, seed, verbose: see `captions`. "Left" and "right" in questions and answers are
            wrong half of the time with `augment`.

    Returns:
        (train, valid), or one dataset if `validation` is 0 and `valid` None. Elements: ({"image": (B, H, W, 3) uint8 or
        "features": (B, L, D) or (B, D) float32, "tokens": (B, T) int32, "item": (B,) int32}, targets (B,) int32 or
        (B, A) float32, sample_weight (B,) float32), with "item" the number of the picture in `names`; with
        `questions_per_image` (B, N, T), (B, N), (B, N, A) and (B, N). Attributes: `vocabulary`; `names`, list of str;
        `questions`, for each name a list of (question, list of answers); `answers`; `skipped`, names of pictures that
        were skipped; `unknown`, how many questions were; `batches`, how many; `images`, as of `captions`.

    Raises:
        TypeError, ValueError: for an argument that is not as above; for a file that cannot be read, naming file and
            line; for missing and damaged pictures, all at once; for answers that are none of `answers`.

    Example:
        >>> scenes = ks.data.scenes(20)
        >>> words = ks.data.Words(q.question for some in scenes.questions for q in some)
        >>> options = {"vocabulary": words, "answers": scenes.answers, "questions_per_image": 5, "verbose": 0}
        >>> train, valid = ks.data.questions(scenes.images(), scenes.questions, image_size=64, batch_size=6, **options)
        >>> inputs, targets, weights = next(iter(train))
        >>> inputs["tokens"].shape[:2], targets.shape, len(valid.names)
        (TensorShape([6, 5]), TensorShape([6, 5]), 2)
    """
    size = checked_size(image_size, "image_size")
    if size is None:
        raise TypeError("`image_size` must be an int or (height, width), received None")
    check_integers(batch_size=batch_size, max_length=max_length, questions_per_image=questions_per_image)
    check_choices(validation, augment, missing, shuffle, seed, verbose)
    if unknown not in ("raise", "skip"):
        raise ValueError(f'`unknown` must be "raise" or "skip", received {unknown!r}')
    vocabulary, encoder = checked_model(model, vocabulary, cache, marks=("pad_id", "unknown_id"))
    answers = checked_answers(model, answers)
    asked = question_set(images, questions)
    texts = CaptionSet(asked.names, asked.questions) if isinstance(images, (str, os.PathLike)) else asked.questions
    data = captioned(images, texts, train, valid, validation, seed)
    targets = question_targets(data.names, asked, sorted({*data.train, *data.valid}), answers, scores, unknown)
    parts = [("train", data.train)] + ([("valid", data.valid)] if data.valid else [])
    parts = [(name, with_questions(name, numbers, targets)) for name, numbers in parts]
    wanted = sorted(number for _, numbers in parts for number in numbers)
    encoded = encoded_texts(data, wanted, vocabulary, "question")
    store, wanted = checked_store(data, wanted, parts, size, missing, verbose, "questions")
    encoded = cut_texts(encoded, wanted, max_length, "questions")
    if encoder is not None:
        store = encoded_pictures(encoder, store, cache, augment, verbose)
    datasets = []
    for name, numbers in parts:
        left, training = [number for number in numbers if number in encoded], name == "train"
        kept = [[encoded[number][n] for n in targets[number].kept] for number in left]
        batches = QuestionBatches(
            kept,
            [targets[number].values for number in left],
            vocabulary.pad_id,
            int(batch_size),
            questions_per_image,
            shuffle=shuffle and training,
            mirror=augment and training,
            seed=int(seed),
        )
        part = Part(store, np.searchsorted(wanted, left), batches)
        dataset = text_dataset(part)
        label_dataset(dataset, part, data, numbers, left)
        dataset.vocabulary, dataset.answers = vocabulary, list(answers)
        dataset.questions = [
            [(asked.questions[number][n], asked.answers[number][n]) for n in targets[number].kept] for number in left
        ]
        dataset.unknown = sum(len(asked.questions[number]) - len(targets[number].kept) for number in left)
        count = sum(len(some) for some in dataset.questions)
        _logger.info("questions: %s: %d pictures, %d questions, %d batches", name, len(left), count, batches.batches)
        datasets.append(dataset)
    return tuple(datasets) if len(datasets) > 1 else datasets[0]


def with_questions(name: str, numbers: list[int], targets) -> list[int]:
    left = [number for number in numbers if targets[number].kept]
    if not left:
        raise ValueError(f"none of the {len(numbers)} pictures of `{name}` has a question whose answer is known")
    return left


def question_set(images, questions) -> QuestionSet:
    if isinstance(images, (str, os.PathLike)):
        if questions is None or isinstance(questions, (str, os.PathLike)):
            questions = read_questions(images if questions is None else questions)
        if not isinstance(questions, QuestionSet):
            expected = "a file, a folder, a QuestionSet or None for text files beside the pictures"
            raise TypeError(f"`questions` of a folder must be {expected}, received {type(questions).__name__}")
        return questions
    expected = "for each picture a list of (question, answer)"
    if isinstance(questions, (str, bytes, dict)) or not isinstance(questions, Sequence):
        raise TypeError(f"`questions` must hold {expected}, received {type(questions).__name__}")
    for k, some in enumerate(questions):
        if not isinstance(some, (list, tuple)):
            raise TypeError(f"`questions[{k}]` must be a list of (question, answer), received {type(some).__name__}")
        for n, pair in enumerate(some):
            if not isinstance(pair, tuple) or not all(isinstance(text, str) for text in pair[:2]) or len(pair) < 2:
                raise TypeError(f"`questions[{k}][{n}]` must be (question, answer), both str, received {pair!r:.60}")
            if not pair[1].strip():
                raise ValueError(f"`questions[{k}][{n}]` has an empty answer")
    texts = [[pair[0] for pair in some] for some in questions]
    return QuestionSet([str(k) for k in range(len(texts))], texts, [[[pair[1]] for pair in some] for some in questions])


def checked_answers(model, answers) -> list[str]:
    if (model is None) == (answers is None):
        raise ValueError(
            f"questions takes either `model` or `answers`, received {'neither' if model is None else 'both'}"
        )
    answers = model.answers if answers is None else answers
    if isinstance(answers, str) or not all(isinstance(answer, str) for answer in answers) or len(answers) < 2:
        raise TypeError(f"`answers` must be two or more str, received {answers!r:.60}")
    return list(answers)
