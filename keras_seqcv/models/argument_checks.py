"""Checks of arguments that the application models have in common; each raises an error that names the argument."""

import numbers

import tensorflow as tf

from keras_seqcv import data

# What is made one by one: a file that asks for a billion would take for ever before anything is wrong with it.
_ONE_BY_ONE, _MOST = ("layers", "glimpses", "scales"), 1000
RESERVED = ("pad_id", "start_id", "end_id", "unknown_id")


def check_choice(name, value, allowed) -> None:
    """One of a few values."""
    if isinstance(value, (list, dict, set)) or value not in allowed:
        raise ValueError(f"{name}: expected one of {list(allowed)}, received {value!r}")


def check_width(name, value, least=1) -> None:
    """A whole number, a count or a width."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name}: expected an int >= {least}, received {value!r}")
    if name.endswith(_ONE_BY_ONE) and value > _MOST:
        raise ValueError(f"{name}: expected an int <= {_MOST}, received {value!r}")


def check_rate(name, value) -> None:
    """Of dropout and the like."""
    if not is_number(value) or not 0 <= value < 1:
        raise ValueError(f"{name}: expected a number in [0, 1), received {value!r}")


def check_flag(name, value) -> None:
    if not isinstance(value, bool):
        raise TypeError(f"{name}: expected a bool, received {value!r}")


def check_options(options: dict, choices=None, widths=(), rates=(), flags=()) -> None:
    """The arguments of a model by name: `choices` is a dict of what is allowed, the others are lists of names."""
    for name, allowed in (choices or {}).items():
        check_choice(name, options[name], allowed)
    for names, check in ((widths, check_width), (rates, check_rate), (flags, check_flag)):
        for name in names:
            check(name, options[name])


def check_words(name, vocabulary, reserved=RESERVED) -> None:
    """A vocabulary that has these reserved words."""
    if not isinstance(vocabulary, data.Vocabulary):
        kind = "ks.data.Words" if reserved else "ks.data vocabulary"
        raise TypeError(f"{name}: expected a {kind}, received {type(vocabulary).__name__}")
    missing = [mark for mark in reserved if getattr(vocabulary, mark, None) is None]
    if missing:
        raise ValueError(f"{name}: expected one with {', '.join(missing)} (ks.data.Words), received {vocabulary!r}")


def checked_texts(name, texts) -> tuple:
    """Different texts, two at least: answers or labels."""
    if isinstance(texts, (str, bytes)) or not hasattr(texts, "__iter__"):
        raise TypeError(f"{name}: expected a sequence of str, received {type(texts).__name__}")
    texts, places = tuple(texts), {}
    for k, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"{name}: expected a sequence of str, received {type(text).__name__} at place {k}")
        if not text.strip():
            raise ValueError(f"{name}: expected texts, received an empty one at place {k}")
        if places.setdefault(text, k) != k:
            raise ValueError(f"{name}: {text!r} is there twice, at places {places[text]} and {k}")
    if len(texts) < 2:
        raise ValueError(f"{name}: expected two or more, received {len(texts)}")
    return texts


def is_number(value) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def checked_lengths(lengths, sequence):
    """Lengths (B,) of a sequence (B, T, ...) as its mask (B, T)."""
    lengths = tf.convert_to_tensor(lengths)
    if lengths.shape.rank != 1 or not lengths.dtype.is_integer:
        raise ValueError(f"lengths: expected integers (B,), received {lengths.dtype.name} {tuple(lengths.shape)}")
    return tf.sequence_mask(lengths, tf.shape(sequence)[1])
