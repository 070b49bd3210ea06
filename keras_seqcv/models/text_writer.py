"""Strings in, strings out: prompts, options and compiled loops for a model that offers the decoding protocol."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import tensorflow as tf

from keras_seqcv.continuation import checked_stops, continuation, cut
from keras_seqcv.decoding import choose, random_stream, write
from keras_seqcv.layers.loops import group_count
from keras_seqcv.scalars import scalar

_SCORE_STEPS = 512
_LEAST_PLACES = 64
_PROMPT_PLACES = 16
# From so many tokens a call on the loop that writes is compiled by XLA: that makes it half as fast again and takes
# most of a second for every new shape.
_JIT_TOKENS = 8192
_FEW_ROWS = 64


class Choice:
    """How the next token is chosen, checked; see `LanguageModel.generate`."""

    def __init__(self, temperature=1.0, top_k=None, top_p=None, greedy=False, seed=None):
        if not _is_number(temperature) or not temperature > 0 or not np.isfinite(temperature):
            raise ValueError(f"temperature: expected a number > 0 (or greedy=True), received {temperature!r}")
        if top_p is not None and not (_is_number(top_p) and 0 < top_p <= 1):
            raise ValueError(f"top_p: expected a number in (0, 1], received {top_p!r}")
        if top_k is not None and not (_is_int(top_k) and top_k >= 1):
            raise ValueError(f"top_k: expected an int >= 1, received {top_k!r}")
        if seed is None:
            seed = int(np.random.randint(2**31, dtype="int64"))  # what `keras.utils.set_random_seed` decides
        if not _is_int(seed) or not -(2**31) <= seed < 2**31:
            raise ValueError(f"seed: expected an int in [-2**31, 2**31), received {seed!r}")
        self.seed = scalar(seed, "int32")
        self.top_k = top_k
        self.options = {"temperature": scalar(0.0 if greedy else temperature, "float32")}
        if top_k is not None:
            self.options["top_k"] = scalar(top_k, "int32")
        if top_p is not None:
            self.options["top_p"] = scalar(top_p, "float32")


class TextWriter:
    """Writes and scores text with a model that has `vocabulary`, `initial_states`, `step`, `read`, `log_probabilities`.

    It keeps the compiled loops, one for each set of options in use.
    """

    def __init__(self, model):
        self._model = model
        self._functions = {}

    def generate(self, prompt, length: int, choice: Choice, stop):
        prompts = [prompt] if isinstance(prompt, str) else _listed(prompt)
        stops = checked_stops(stop)
        ids, lengths = self._encode(prompts)
        length = self._checked_length(length, choice)
        if length == 0:
            written = np.zeros((len(prompts), 0), np.int32)
        else:
            run = self._write_function(length, choice, jit=len(prompts) * length >= _JIT_TOKENS)
            written = run(ids, lengths, scalar(length, "int32"), choice.seed, **choice.options).numpy()
        last = tf.gather(ids, lengths - 1, batch_dims=1).numpy()
        texts = [
            p + cut(continuation(self._model.vocabulary, p, i, w[:length]), stops)
            for p, i, w in zip(prompts, last, written, strict=True)
        ]
        return texts[0] if isinstance(prompt, str) else texts

    def stream(self, prompt: str, length: int, choice: Choice, stop) -> Iterator[str]:
        if not isinstance(prompt, str):
            raise TypeError(f"prompt: stream takes one str, received {type(prompt).__name__}")
        stops = checked_stops(stop)
        ids, lengths = self._encode([prompt])
        ids = ids[:, : int(lengths[0])]
        length = self._checked_length(length, choice)
        return self._pieces(prompt, ids, length, choice, stops)

    def _pieces(self, prompt, ids, length, choice, stops) -> Iterator[str]:
        advance = self._advance_function(choice)
        random = random_stream.initial(choice.seed, 1)
        logits, states = self._function("prefill", self._prefill)(ids, self._model.initial_states(1))
        # What may yet turn out to be the beginning of a stop string is held back.
        held = max((len(s) for s in stops), default=1) - 1
        tokens, shown, last_id = [], 0, int(ids[0, -1])
        for n in range(length):
            token, logits, states, random = advance(logits, states, random, **choice.options)
            tokens.append(int(token[0]))
            whole = continuation(self._model.vocabulary, prompt, last_id, tokens)
            if n < length - 1:
                whole = whole.rstrip("\ufffd")  # bytes of a character that is not complete yet
            text = cut(whole, stops)
            last = n == length - 1 or len(text) < len(whole)
            if not last:
                text = text[: max(shown, len(text) - held)]
            if len(text) > shown:
                yield text[shown:]
                shown = len(text)
            if last:
                return

    def score(self, text) -> np.ndarray:
        ids = self._model.vocabulary.encode(text)
        if len(ids) < 2:
            raise ValueError(f"text: scoring needs at least two tokens, received {len(ids)}")
        function = self._function("score", self._model.log_probabilities)
        states, scores = self._model.initial_states(1), []
        for start in range(0, len(ids) - 1, _SCORE_STEPS):
            part, states = function(tf.constant(ids[None, start : start + _SCORE_STEPS + 1]), states)
            scores.append(part.numpy()[0])
        return np.concatenate(scores)

    def _checked_length(self, length, choice) -> int:
        if not _is_int(length) or not 0 <= length < 2**31:
            raise ValueError(f"length: expected an int >= 0 (and < 2**31), received {length!r}")
        words = len(self._model.vocabulary)
        if choice.top_k is not None and choice.top_k > words:
            raise ValueError(f"top_k: expected an int in [1, {words}], received {choice.top_k!r}")
        return int(length)

    def _encode(self, prompts: Sequence[str]):
        """Prompts as ids (B, P), padded on the right, and lengths (B,)."""
        if not prompts:
            raise ValueError("prompt: expected a str or a list of at least one, received an empty list")
        rows = []
        for k, prompt in enumerate(prompts):
            if not isinstance(prompt, str):
                raise TypeError(f"prompt: expected str, received {type(prompt).__name__} at place {k}")
            try:
                rows.append(self._model.vocabulary.encode(prompt))
            except ValueError as error:
                raise ValueError(f"prompt {_shown(prompt)} at place {k}: {error}") from error
            if len(rows[-1]) == 0:
                raise ValueError(f"prompt: expected at least one token, received {_shown(prompt)} at place {k}")
        lengths = np.array([len(r) for r in rows], np.int32)
        places = -(-lengths.max() // _PROMPT_PLACES) * _PROMPT_PLACES  # few widths, few compilations
        ids = np.zeros((len(rows), places), np.int32)
        for padded, row in zip(ids, rows, strict=True):
            padded[: len(row)] = row
        return tf.constant(ids), tf.constant(lengths)

    def _write_function(self, length, choice, jit):
        # The buffer's size is part of the graph: powers of two keep the number of graphs small.
        places = max(_LEAST_PLACES, 1 << (length - 1).bit_length())

        def run(ids, lengths, length, seed, **options):
            states = self._model.initial_states(tf.shape(ids)[0])
            # Compiled by XLA, a step is cut for the cores: many rows by rows, few by units.
            cores, few = group_count(None), (ids.shape[0] or 0) <= _FEW_ROWS
            parts = 2 * cores if jit and few else 1
            groups = group_count(ids.shape[0]) if jit and not few else 1
            step = self._model.stepper(parts)
            return write(step, states, ids, lengths, length, seed, places=places, groups=groups, **options)

        return self._function(("write", places, jit, *choice.options), run, jit)

    def _advance_function(self, choice):
        def advance(logits, states, random, **options):
            uniform, random = random_stream.next_uniform(random)
            token = choose(logits, uniform, **options)
            logits, states = self._model.step(token, states)
            return token, logits, states, random

        return self._function(("advance", *choice.options), advance)

    def _prefill(self, ids, states):
        logits, states = self._model.read(ids, states)
        return logits[:, -1], states

    def _function(self, key, function: Callable, jit: bool | None = None):
        if key not in self._functions:
            options = {"reduce_retracing": True, "autograph": False, "jit_compile": jit or None}
            self._functions[key] = tf.function(function, **options)
        return self._functions[key]


def _listed(prompts) -> list:
    if isinstance(prompts, (bytes, dict)) or not isinstance(prompts, (Iterable, np.ndarray)):
        raise TypeError(f"prompt: expected str or a list of str, received {type(prompts).__name__}")
    return list(prompts)


def _shown(text: str) -> str:
    """A prompt as an error message shows it."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _is_int(value) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _is_number(value) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
