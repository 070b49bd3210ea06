"""Captioned pictures that tell which they are, and what an epoch holds, read from its tensors."""

import numpy as np

from keras_seqcv.data import Words, captions

WORDS = Words("a b c d e f g h", lowercase=True)
LETTERS = "abcdefgh"


def texts(count, seed=0, least=1, most=5, longest=11):
    """For each picture some captions of different lengths, all different."""
    chance, seen, found = np.random.default_rng(seed), set(), []
    for _ in range(count):
        found.append([])
        for _ in range(chance.integers(least, most + 1)):
            text = None
            while text is None or text in seen:
                text = " ".join(chance.choice(list(LETTERS), chance.integers(1, longest + 1)))
            seen.add(text)
            found[-1].append(text)
    return found


def pictures(count, side=6):
    """Picture k is of colour k on its left, 255 - k on its right."""
    images = np.empty((count, side, side, 3), "uint8")
    images[:, :, : side // 2] = np.arange(count)[:, None, None, None]
    images[:, :, side // 2 :] = 255 - np.arange(count)[:, None, None, None]
    return images


def dataset(count=40, validation=0, batch_size=8, some=None, **options):
    options = {"vocabulary": WORDS, "verbose": 0, "image_size": 6} | options
    return captions(pictures(count), some or texts(count), batch_size=batch_size, validation=validation, **options)


def rows(data):
    """(picture's name, caption) of each row of an epoch, read from tokens, targets and weights."""
    found = []
    for inputs, targets, weights in data:
        for item, tokens, target, weight in zip(inputs["item"].numpy(), inputs["tokens"].numpy(), targets, weights):
            n = int(np.sum(weight))
            target = target.numpy()
            assert weight.numpy().tolist() == [1] * n + [0] * (len(weight) - n)
            assert tokens[0] == WORDS.start_id and target[n - 1] == WORDS.end_id
            assert (tokens[1:n] == target[: n - 1]).all()
            assert (tokens[n:] == WORDS.pad_id).all() and (target[n:] == WORDS.pad_id).all()
            found.append((data.names[item], WORDS.decode(tokens[1:n])))
    return found


def all_rows(data):
    return [(name, caption) for name, some in zip(data.names, data.references) for caption in some]
