"""Drawn scenes for the answerer: data, a small network for them, accuracy by kind of question, and baselines."""

import collections

import numpy as np

import keras_seqcv as ks

SIZE = 64
SEEDS = {"train": 1, "valid": 2}
QUESTIONS = 10  # of each scene; of five kinds in turn


def scene_sets(count, held_out):
    """Scenes for training, and others that training never sees."""
    return tuple(
        ks.data.scenes(n, SEEDS[name], SIZE, captions=0, questions=QUESTIONS)
        for name, n in (("train", count), ("valid", held_out))
    )


def encoder(trainable=True):
    """A convolutional network with 8 x 8 places; it is trained with the answerer."""
    network = ks.models.small_image_network(SIZE)
    return ks.models.ImageEncoder(network, trainable=trainable, freeze_batch_norm=False)


def predicted(model, scenes):
    """The model's answers to all questions of all scenes: for each scene a list of str."""
    pairs = [(scene.image, q.question) for scene in scenes for q in scene.questions]
    texts = iter(a.text for a in model.answer([image for image, _ in pairs], [text for _, text in pairs], top=1))
    return [[next(texts) for _ in some] for some in scenes.questions]


def score(answers, scenes):
    """The share of right answers by kind of question, and of all."""
    right = collections.defaultdict(list)
    for given, some in zip(answers, scenes.questions, strict=True):
        for text, question in zip(given, some, strict=True):
            right[question.kind].append(text == question.answer)
    found = {kind: float(np.mean(values)) for kind, values in sorted(right.items())}
    return found | {"all": float(np.mean(np.concatenate(list(right.values()))))}


def most_common(train, scenes):
    """What to answer if one knows nothing but the kind of the question: its most frequent answer in training."""
    counts = collections.defaultdict(collections.Counter)
    for question in (q for some in train.questions for q in some):
        counts[question.kind][question.answer] += 1
    return [[counts[q.kind].most_common(1)[0][0] for q in some] for some in scenes.questions]
