"""The loop of a beam search: what it carries, a step, when it stops, and reading the hypotheses back."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from keras_seqcv.decoding.beam_arguments import BeamOptions, StepShapes
from keras_seqcv.decoding.beam_choice import BeamChoice, Chosen
from keras_seqcv.decoding.beam_penalties import best_coverage, coverage_penalties, length_penalties
from keras_seqcv.decoding.likely_words import NEVER


class Live(NamedTuple):
    """The hypotheses that go on. S = B G searches, K' = K / G beams each."""

    tokens: tf.Tensor  # (B K,), the last one
    scores: tf.Tensor  # (S, K'), log p; -inf where there is none
    states: object  # (B K, ...)
    covered: tf.Tensor | tuple  # (B K, L), weights summed over time
    history: tf.Tensor | tuple  # (B K, T - 1), tokens, the last one first, -1 where there is none


class Ended(NamedTuple):
    """The best finished hypotheses, best first, N of each search."""

    scores: tf.Tensor  # (S, N); -inf where there is none
    log_probabilities: tf.Tensor  # (S, N)
    places: tf.Tensor  # (S, N), t K + slot: the step that ended it, and the beam it came from


class Written(NamedTuple):
    """What every beam did at every step: hypotheses are read from it backwards, and need not be copied at each step."""

    codes: tf.Tensor  # (T, B, K), word K + slot: the word chosen, and the beam it was added to
    weights: tf.Tensor | tuple  # (T, B K, L), where the beam looked before it chose


class BeamLoop:
    """The parts of the loop of `beam_search`.

    Args:
        step: function (tokens, states) -> (logits, states) or (logits, states, weights).
        mask: (B K, L) float32, 0 where there is no place, or None.
        options: the options of the search.
        shapes: what the step gives.
        batch: B, int or int32 scalar.
    """

    def __init__(self, step: Callable, mask, options: BeamOptions, shapes: StepShapes, batch):
        self.step = step
        self.mask = mask
        self.options = options
        self.places = shapes.places
        self.batch = batch
        self.covers = options.coverage_penalty > 0
        self.choice = BeamChoice(options, shapes.words, batch)
        self.length_penalties = tf.constant(length_penalties(options.length_penalty, options.max_length))
        self.first_rows = tf.range(batch)[:, None] * options.beams  # (B, 1)

    def start(self, tokens, states):
        """What the loop begins with, for tokens (B K,) and states (B K, ...)."""
        o = self.options
        rows, searches = self.batch * o.beams, self.batch * o.groups
        first = tf.one_hot(tf.zeros((searches,), tf.int32), o.width, 0.0, NEVER)  # all beams are the same: one counts
        covered = tf.zeros((rows, self.places)) if self.covers else ()
        history = tf.fill((rows, o.max_length - 1), -1) if self.choice.remembers else ()
        never = tf.fill((searches, o.kept), NEVER)
        ended = Ended(never, never, tf.zeros((searches, o.kept), tf.int32))
        weights = () if self.places is None else tf.zeros((o.max_length, rows, self.places))
        written = Written(tf.zeros((o.max_length, self.batch, o.beams), tf.int32), weights)
        return tf.constant(0), Live(tokens, first, states, covered, history), ended, written

    def goes_on(self, t, live: Live, ended: Ended, written: Written):
        """Whether a live hypothesis may become better than the worst that its search would return."""
        o = self.options
        # log p only falls: a score is best if all that follows is certain, and as long as possible.
        best = live.scores / self.length_penalties[-1]
        if self.covers:
            coverage = best_coverage(live.covered, self.mask, o.max_length - t)
            best += o.coverage_penalty * tf.reshape(coverage, tf.shape(best))
        return (t < o.max_length) & tf.reduce_any(tf.reduce_max(best, axis=1) > ended.scores[:, -1])

    def advance(self, t, live: Live, ended: Ended, written: Written):
        """One step, t tokens having been written before it."""
        o = self.options
        logits, states, *weights = self.step(live.tokens, live.states)
        going, ending = self.choice(t, logits, live.scores, live.history)
        covered, looked = live.covered, written.weights
        if weights:
            seen = tf.cast(weights[0], tf.float32)
            covered = covered + seen if self.covers else covered
            looked = _put(looked, t, seen)
        ended = self._with(ended, t, ending, covered)
        codes = tf.reshape(going.codes, (-1, o.beams))  # (B, K)
        parents = tf.reshape(tf.math.floormod(codes, o.beams) + self.first_rows, (-1,))
        tokens = tf.reshape(tf.math.floordiv(codes, o.beams), (-1,))
        states, covered, history = _follow(parents, (states, covered, live.history), live[2:])
        if self.choice.remembers:
            history = tf.concat([tokens[:, None], history[:, :-1]], axis=1)
        live = Live(tokens, going.log_probabilities, states, covered, history)
        return t + 1, live, ended, Written(_put(written.codes, t, codes), looked)

    def _with(self, ended: Ended, t, ending: Chosen, covered) -> Ended:
        """The best of those that have ended and those that end now."""
        o = self.options
        slots = tf.math.floormod(ending.codes, o.beams)  # (S, K')
        scores = ending.log_probabilities / self.length_penalties[t]
        if self.covers:
            penalties = tf.reshape(coverage_penalties(covered, self.mask), (-1, o.beams))
            penalties = tf.gather(penalties, tf.reshape(slots, (-1, o.beams)), batch_dims=1)
            scores += o.coverage_penalty * tf.reshape(penalties, (-1, o.width))
        now = Ended(scores, ending.log_probabilities, t * o.beams + slots)
        return Ended(*_best([tf.concat(pair, axis=1) for pair in zip(ended, now)], o.kept))

    def result(self, live: Live, ended: Ended, written: Written):
        """ids (B, n, T), lengths, scores, log-probabilities (B, n), and weights (B, n, T, L) or None."""
        o = self.options
        # Hypotheses that are still alive compete as they are. If the loop stopped before the last step they lose: this
        # is the score that `goes_on` found too low, or lower.
        scores = live.scores / self.length_penalties[-1]
        if self.covers:
            penalties = coverage_penalties(live.covered, self.mask)
            scores += o.coverage_penalty * tf.reshape(penalties, tf.shape(scores))
        codes = tf.reshape(written.codes[-1], (-1, o.width))  # (S, K')
        lengths = tf.math.floordiv(ended.places, o.beams) + 1
        last = tf.math.floormod(ended.places, o.beams) + o.end_token * o.beams
        parts = [
            tf.concat([ended.scores, scores], axis=1),
            tf.concat([ended.log_probabilities, live.scores], axis=1),
            tf.concat([lengths, tf.fill(tf.shape(codes), o.max_length)], axis=1),
            tf.concat([last, codes], axis=1),
        ]
        parts = _best(parts, o.kept)
        if o.groups > 1:
            parts = _best([tf.reshape(part, (-1, o.groups * o.kept)) for part in parts], o.returned)
        scores, log_p, lengths, last = parts  # (B, n)
        found = scores > NEVER
        lengths = tf.where(found, lengths, 0)
        ids, weights = self._read_back(written, lengths, last)
        return ids, lengths, scores, tf.where(found, log_p, NEVER), weights

    def _read_back(self, written: Written, lengths, last):
        """The hypotheses of these lengths (B, n) and last codes (B, n) -> ids (B, n, T), weights (B, n, T, L)."""
        o = self.options
        shape = (o.max_length, self.batch, o.returned)

        def back(t, slots, ids, rows):
            codes = tf.gather(written.codes[t], slots, batch_dims=1)  # (B, n)
            codes = tf.where(tf.equal(t + 1, lengths), last, codes)
            here = t < lengths
            slots = tf.where(here, tf.math.floormod(codes, o.beams), slots)
            ids = _put(ids, t, tf.where(here, tf.math.floordiv(codes, o.beams), o.pad))
            return t - 1, slots, ids, _put(rows, t, slots + self.first_rows)

        start = tf.constant(o.max_length - 1), tf.zeros_like(lengths), tf.fill(shape, o.pad), tf.zeros(shape, tf.int32)
        _, _, ids, rows = tf.while_loop(lambda t, *_: t >= 0, back, start, parallel_iterations=1)
        ids = tf.transpose(ids, (1, 2, 0))
        if self.places is None:
            return ids, None
        times = tf.range(o.max_length)[:, None, None]
        rows += times * self.batch * o.beams  # of (T B K, L)
        weights = tf.gather(tf.reshape(written.weights, (-1, self.places)), rows)  # (T, B, n, L)
        weights = tf.where((times < lengths)[..., None], weights, 0.0)
        return ids, tf.transpose(weights, (1, 2, 0, 3))


def _put(buffer, t, values):
    """The buffer (T, ...) with values (...) at place t."""
    here = tf.equal(tf.range(buffer.shape[0]), t)
    return tf.where(tf.reshape(here, (-1, *[1] * (buffer.shape.rank - 1))), values, buffer)


def _best(parts, count):
    """Of each of the parts (N, M) the columns where the first part is largest, (N, count), in falling order."""
    best, which = tf.math.top_k(parts[0], count)
    return [best, *(tf.gather(part, which, batch_dims=1) for part in parts[1:])]


def _follow(parents, after, before):
    """What belongs to beams (B K, ...), taken from those that the new beams come from; `parents` (B K,)."""

    def follow(new, old):
        new = tf.convert_to_tensor(new)
        if old.shape.rank > 0:
            new = tf.gather(new, parents)
        new.set_shape(old.shape)
        return new

    return tf.nest.map_structure(follow, after, before)
