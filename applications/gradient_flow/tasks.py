"""Two problems that are easy but for their length: numbers to be added, and symbols to be kept."""

import math

import numpy as np
import tensorflow as tf

SYMBOLS, COPIED = 8, 10  # of the copying problem: kinds of symbols, and how many are to be kept


def adding(count: int, length: int, rng) -> tuple:
    """Which two numbers are marked, and what is their sum?

    Returns:
        x (count, length, 2): numbers in [0, 1), and a mark at one of the first half and at one of the second; y
        (count, 1), the sum of the marked numbers.
    """
    numbers, marks = rng.uniform(0, 1, (count, length)), np.zeros((count, length))
    rows, half = np.arange(count), length // 2
    places = rng.integers(0, half, count), rng.integers(half, length, count)
    for place in places:
        marks[rows, place] = 1
    x = np.stack([numbers, marks], axis=2).astype("float32")
    return x, (numbers * marks).sum(1, keepdims=True).astype("float32")


def copying(count: int, length: int, rng) -> tuple:
    """Ten symbols come first; after `length` blanks, and a mark, they are to be said again.

    Returns:
        x (count, length + 20, 10), one-hot: eight kinds of symbols, blank, mark; y (count, length + 20) int, blank
        until the last ten.
    """
    blank, mark = SYMBOLS, SYMBOLS + 1
    symbols = rng.integers(0, SYMBOLS, (count, COPIED))
    x = np.full((count, length + 2 * COPIED), blank)
    x[:, :COPIED], x[:, -COPIED - 1] = symbols, mark
    y = np.full_like(x, blank)
    y[:, -COPIED:] = symbols
    return np.eye(SYMBOLS + 2, dtype="float32")[x], y.astype("int32")


TASKS = {"adding": adding, "copying": copying}


def baseline(task: str, y) -> float:
    """The loss of who knows the problem and has forgotten the sequence: always 1; all symbols alike in the last ten.

    By adding about 1/6, the variance of a sum; by copying 10 ln 8 / (length + 20).
    """
    return float(np.mean((y - 1) ** 2)) if task == "adding" else COPIED * math.log(SYMBOLS) / y.shape[1]


def batches(task: str, length: int, batch_size: int, seed: int):
    """An endless `tf.data.Dataset` of fresh (x, y)."""
    rng = np.random.default_rng(seed)

    def generate():
        while True:
            yield TASKS[task](batch_size, length, rng)

    like = TASKS[task](batch_size, length, np.random.default_rng(0))
    specs = tuple(tf.TensorSpec(a.shape, a.dtype) for a in like)
    return tf.data.Dataset.from_generator(generate, output_signature=specs).prefetch(4)
