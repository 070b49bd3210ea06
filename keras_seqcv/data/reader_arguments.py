"""Checks of what the readers are given."""

import math
import os

import numpy as np


def checked_model(model, vocabulary, cache, marks=("start_id", "end_id", "pad_id", "unknown_id")):
    """(vocabulary, encoder for the cache or None); `marks` are the reserved words that the vocabulary must have."""
    if (model is None) == (vocabulary is None):
        received = "neither" if model is None else "both"
        raise ValueError(f"one of `model` and `vocabulary` is needed, received {received}")
    if model is not None:
        if not hasattr(model, "vocabulary") or not hasattr(model, "encoder"):
            raise TypeError(f"`model` must have a vocabulary and an encoder, received {type(model).__name__}")
        vocabulary = model.vocabulary
    lacking = [mark for mark in marks if not isinstance(getattr(vocabulary, mark, None), (int, np.integer))]
    if lacking or not hasattr(vocabulary, "encode"):
        received = f"{type(vocabulary).__name__}, which lacks {', '.join(lacking or ['encode'])}"
        raise ValueError(f"the vocabulary must have {', '.join(marks)}, such as ks.data.Words; received {received}")
    if cache is None:
        return vocabulary, None
    if not isinstance(cache, (str, os.PathLike)):
        raise TypeError(f"`cache` must be None or a folder, received {type(cache).__name__}")
    if model is None:
        raise ValueError("`cache` holds features of the encoder of `model`, received no model")
    if model.encoder.trainable:
        reason = f"received an encoder with trainable={model.encoder.trainable!r}, whose features change"
        raise ValueError(f"`cache` holds features of a frozen encoder, {reason}")
    return vocabulary, model.encoder


def check_integers(**values) -> None:
    for name, value in values.items():
        if value is None and name != "batch_size":
            continue
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise TypeError(f"`{name}` must be an int, received {type(value).__name__}")
        if value < 1:
            raise ValueError(f"`{name}` must be at least 1, received {value}")


def check_choices(validation, augment, missing, shuffle, seed, verbose) -> None:
    if isinstance(validation, bool) or not isinstance(validation, (int, float, np.number)):
        raise TypeError(f"`validation` must be a float, received {type(validation).__name__}")
    if math.isnan(validation) or not 0 <= validation < 1:
        raise ValueError(f"`validation` must lie in [0, 1), received {validation}")
    for name, value in (("augment", augment), ("shuffle", shuffle)):
        if not isinstance(value, bool):
            raise TypeError(f"`{name}` must be a bool, received {type(value).__name__}")
    if missing not in ("raise", "skip"):
        raise ValueError(f'`missing` must be "raise" or "skip", received {missing!r}')
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise TypeError(f"`seed` must be an int, received {type(seed).__name__}")
    if seed < 0:
        raise ValueError(f"`seed` must be at least 0, received {seed}")
    if verbose not in (0, 1):
        raise ValueError(f"`verbose` must be 0 or 1, received {verbose!r}")
