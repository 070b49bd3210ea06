"""Strings in, strings out: prompts, options and compiled loops for a model that offers the decoding protocol."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tensorflow as tf

from keras_seqcv.decoding import choose, random_stream, write

_SCORE_STEPS = 512
_LEAST_PLACES = 64


class Choice:
    """How the next token is chosen, checked; see `LanguageModel.generate`."""

    def __init__(self, temperature=1.0, top_k=None, top_p=None, greedy=False, seed=None):
        if not temperature > 0 or not np.isfinite(temperature):
            raise ValueError(f"temperature: expected a number > 0 (or greedy=True), received {temperature!r}")
        if top_p is not None and not 0 < top_p <= 1:
            raise ValueError(f"top_p: expected a number in (0, 1], received {top_p!r}")
        if top_k is not None and not top_k >= 1:
            raise ValueError(f"top_k: expected an int >= 1, received {top_k!r}")
        if seed is None:
            seed = int(np.random.default_rng().integers(2**31))
        if not isinstance(seed, (int, np.integer)) or not -(2**31) <= seed < 2**31:
            raise ValueError(f"seed: expected an int in [-2**31, 2**31), received {seed!r}")
        self.seed = tf.constant(seed, tf.int32)
        self.top_k = top_k
        self.options = {"temperature": tf.constant(0.0 if greedy else temperature, tf.float32)}
        if top_k is not None:
            self.options["top_k"] = tf.constant(top_k, tf.int32)
        if top_p is not None:
            self.options["top_p"] = tf.constant(top_p, tf.float32)


class TextWriter:
    """Writes and scores text with a model that has `vocabulary`, `initial_states`, `step`, `read`, `log_probabilities`.

    It keeps the compiled loops, one for each set of options in use.
    """

    def __init__(self, model):
        self._model = model
        self._functions = {}

    def generate(self, prompt, length: int, choice: Choice, stop):
        vocabulary = self._model.vocabulary
        prompts = [prompt] if isinstance(prompt, str) else list(prompt)
        stops = _checked_stops(stop)
        ids, lengths = self._encode(prompts)
        self._check(length, choice)
        if length == 0:
            written = np.zeros((len(prompts), 0), np.int32)
        else:
            written = self._write_function(length, choice)(
                ids, lengths, tf.constant(length), choice.seed, **choice.options
            ).numpy()
        texts = [p + _cut(vocabulary.decode(w[:length]), stops) for p, w in zip(prompts, written, strict=True)]
        return texts[0] if isinstance(prompt, str) else texts

    def stream(self, prompt: str, length: int, choice: Choice, stop) -> Iterator[str]:
        if not isinstance(prompt, str):
            raise TypeError(f"prompt: stream takes one str, received {type(prompt).__name__}")
        stops = _checked_stops(stop)
        ids, _ = self._encode([prompt])
        self._check(length, choice)
        return self._pieces(ids, length, choice, stops)

    def _pieces(self, ids, length, choice, stops) -> Iterator[str]:
        advance = self._advance_function(choice)
        random = random_stream.initial(choice.seed, 1)
        logits, states = self._function("prefill", self._prefill)(ids, self._model.initial_states(1))
        # What may yet turn out to be the beginning of a stop string is held back.
        held = max((len(s) for s in stops), default=1) - 1
        tokens, shown = [], 0
        for n in range(length):
            token, logits, states, random = advance(logits, states, random, **choice.options)
            tokens.append(int(token[0]))
            whole = self._model.vocabulary.decode(np.array(tokens, np.int32))
            text = _cut(whole, stops)
            last = n == length - 1 or len(text) < len(whole)
            if not last:
                text = text.rstrip("\ufffd")  # bytes of a character that is not complete yet
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

    def _check(self, length, choice):
        if not isinstance(length, (int, np.integer)) or isinstance(length, bool) or length < 0:
            raise ValueError(f"length: expected an int >= 0, received {length!r}")
        words = len(self._model.vocabulary)
        if choice.top_k is not None and choice.top_k > words:
            raise ValueError(f"top_k: expected an int in [1, {words}], received {choice.top_k!r}")

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
                raise ValueError(f"prompt {prompt!r}: {error}") from error
            if len(rows[-1]) == 0:
                raise ValueError(f"prompt: expected at least one token, received {prompt!r} at place {k}")
        lengths = np.array([len(r) for r in rows], np.int32)
        ids = np.zeros((len(rows), lengths.max()), np.int32)
        for padded, row in zip(ids, rows, strict=True):
            padded[: len(row)] = row
        return tf.constant(ids), tf.constant(lengths)

    def _write_function(self, length, choice):
        # The buffer's size is part of the graph: powers of two keep the number of graphs small.
        places = max(_LEAST_PLACES, 1 << (length - 1).bit_length())

        def run(ids, lengths, length, seed, **options):
            states = self._model.initial_states(tf.shape(ids)[0])
            return write(self._model.step, states, ids, lengths, length, seed, places=places, **options)

        return self._function(("write", places, *choice.options), run)

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

    def _function(self, key, function: Callable):
        if key not in self._functions:
            self._functions[key] = tf.function(function, reduce_retracing=True, autograph=False)
        return self._functions[key]


def _checked_stops(stop) -> list[str]:
    stops = [stop] if isinstance(stop, str) else list(stop or [])
    if not all(isinstance(s, str) and s for s in stops):
        raise ValueError(f"stop: expected strings of at least one character, received {stop!r}")
    return stops


def _cut(text: str, stops: Sequence[str]) -> str:
    """The text before the first stop string."""
    return text[: min((text.index(s) for s in stops if s in text), default=len(text))]
