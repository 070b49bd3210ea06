"""What `beam_search` accepts: options, and what a step gives; checked before anything is searched."""

import dataclasses
from collections.abc import Callable

import numpy as np
import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class BeamOptions:
    """The options of `beam_search`, under the same names."""

    end_token: int
    beams: int
    max_length: int
    returned: int
    pad: int
    forbidden: tuple[int, ...]
    min_length: int
    no_repeat_ngram: int
    length_penalty: float
    coverage_penalty: float
    groups: int
    diversity: float

    def __post_init__(self):
        for name, least in (("beams", 1), ("max_length", 1), ("returned", 1), ("groups", 1)):
            self._int(name, least)
        for name in ("end_token", "min_length", "no_repeat_ngram"):
            self._int(name, 0)
        self._int("pad", None)
        if self.returned > self.beams:
            raise ValueError(f"returned: expected an int in [1, beams={self.beams}], received {self.returned}")
        if self.min_length > self.max_length:
            raise ValueError(
                f"min_length: expected an int in [0, max_length={self.max_length}], received {self.min_length}"
            )
        if self.beams % self.groups:
            raise ValueError(f"groups: expected a divisor of beams={self.beams}, received {self.groups}")
        for name in ("length_penalty", "coverage_penalty", "diversity"):
            value = getattr(self, name)
            number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
            if not number or not 0 <= value < float("inf"):
                raise ValueError(f"{name}: expected a finite number >= 0, received {value!r}")
        if (self.groups > 1) != (self.diversity > 0):
            raise ValueError(
                "diversity: expected a number > 0 with groups > 1 (equal groups would find the same) and 0 with "
                f"groups = 1, received {self.diversity} with groups = {self.groups}"
            )
        for token in self.forbidden:
            if not _is_int(token) or token < 0:
                raise ValueError(f"forbidden: expected ints >= 0, received {token!r}")
        if self.end_token in self.forbidden:
            raise ValueError(f"forbidden: expected tokens other than end_token, received {self.end_token}")

    def _int(self, name, least):
        value = getattr(self, name)
        if not _is_int(value) or (least is not None and value < least):
            wanted = "an int" if least is None else f"an int >= {least}"
            raise ValueError(f"{name}: expected {wanted}, received {value!r}")
        object.__setattr__(self, name, int(value))  # of NumPy's ints TensorFlow would make int64

    @property
    def width(self) -> int:
        """Beams of a group, K' = K / G."""
        return self.beams // self.groups

    @property
    def kept(self) -> int:
        """Finished hypotheses that a group keeps: no more of them can ever be returned."""
        return min(self.returned, self.width)

    def check_words(self, words: int) -> None:
        """Raises ValueError where options do not fit a vocabulary of `words`."""
        for name, tokens in (("end_token", [self.end_token]), ("forbidden", self.forbidden)):
            for token in tokens:
                if token >= words:
                    raise ValueError(f"{name}: expected an int in [0, {words}), for as many logits, received {token}")
        count = self._hypotheses(words - 1 - len(self.forbidden))
        if self.beams > count:
            raise ValueError(f"beams: expected an int in [1, {count}], so many hypotheses exist; received {self.beams}")

    def _hypotheses(self, choices: int) -> int:
        """How many hypotheses there are, with so many tokens that go on; counted no further than `beams`."""
        total, live = 0, 1
        for length in range(1, self.max_length + 1):
            total += live if length >= self.min_length else 0
            live *= choices
            if total > self.beams:
                return total
        return total + live


@dataclasses.dataclass(frozen=True)
class StepShapes:
    """What a step gives: V words, and weights over L places or None."""

    words: int
    places: int | tf.Tensor | None


def step_shapes(step: Callable, tokens, states, fixed, places=None) -> StepShapes:
    """Traces a step once, apart, to know what it gives.

    Raises:
        ValueError: it does not keep to `step(tokens, states) -> (logits, states)` or `(logits, states, weights)`.
    """
    given = []

    def look(*arguments):
        given.append(step(*arguments))
        return 0

    specs = tf.nest.map_structure(_spec, (tokens, states) if fixed is None else (tokens, states, fixed))
    tf.function(look, autograph=False).get_concrete_function(*specs)
    result = given[-1]
    if not isinstance(result, tuple) or len(result) not in (2, 3):
        size = f" of {len(result)}" if isinstance(result, tuple) else ""
        raise ValueError(
            "step: expected a tuple (logits, states) or (logits, states, weights), received "
            f"{type(result).__name__}{size}"
        )
    rows = tokens.shape[0]
    words = _matrix("logits (rows, V)", result[0], rows)
    _check_states(states, result[1])
    return StepShapes(words, _matrix("weights (rows, L)", result[2], rows, places) if len(result) == 3 else None)


def _matrix(name, a, rows, width=None) -> int | tf.Tensor:
    """The width of a float matrix of so many rows; `width` where the matrix does not say it."""
    if not tf.is_tensor(a) or not a.dtype.is_floating or not a.shape.is_compatible_with([rows, None]):
        received = f"{a.dtype.name} {a.shape}" if tf.is_tensor(a) else type(a).__name__
        raise ValueError(f"step: expected float {name} for {rows} tokens, received {received}")
    if width is not None and a.shape[1] is None:
        return width
    if a.shape.rank is None or a.shape[1] is None:
        raise ValueError(f"step: expected {name} of known width, received {a.shape}")
    return a.shape[1]


def _check_states(before, after) -> None:
    try:
        tf.nest.assert_same_structure(before, after)
    except (TypeError, ValueError) as error:
        raise ValueError(f"step: expected states of the structure it was given: {error}") from error
    for k, (old, new) in enumerate(zip(tf.nest.flatten(before), tf.nest.flatten(after))):
        new = tf.convert_to_tensor(new)
        if old.dtype != new.dtype or not old.shape.is_compatible_with(new.shape):
            raise ValueError(
                f"step: expected state {k} to stay {old.dtype.name} {old.shape}, received {new.dtype.name} {new.shape}"
            )


def _spec(a):
    return tf.TensorSpec(a.shape, a.dtype)


def _is_int(value) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
