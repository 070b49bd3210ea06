"""Which words a beam search adds at a step: the best candidates of each group that go on, and those that end."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_seqcv.decoding.beam_arguments import BeamOptions
from keras_seqcv.decoding.beam_penalties import hamming, ngram_enders
from keras_seqcv.decoding.likely_words import NEVER, likely_words


class Chosen(NamedTuple):
    """K' hypotheses of each of the S = B G searches, best first; those that are impossible have log p = -inf."""

    log_probabilities: tf.Tensor  # (S, K')
    codes: tf.Tensor  # (S, K'), word K + slot: the word, and the beam of the row that it is added to


class BeamChoice:
    """Orders the candidates of a step, all words after each beam; see `beam_search`.

    The K' V words of a search are ranked once, for its M likeliest ones. M is large enough that 2 K' are left if all
    that other groups say is set back; the rest is work on (S, M).

    Args:
        options: the options of the search.
        words: V.
        batch: B, int or int32 scalar.
    """

    def __init__(self, options: BeamOptions, words: int, batch):
        self.options = o = options
        self.words = words
        self.batch = batch
        self.remembers = 0 < o.no_repeat_ngram < o.max_length  # a shorter hypothesis cannot hold an n-gram twice
        self.forbidden = tf.constant(np.where(np.isin(np.arange(words), o.forbidden), NEVER, 0.0), tf.float32)  # (V,)
        said = (o.groups - 1) * o.width  # words by the other groups, which each beam may want to say
        self.count = min(2 * o.width + said * o.width, o.width * words)

    def __call__(self, t, logits, scores, history) -> tuple[Chosen, Chosen]:
        """What goes on, and what ends, at step t.

        Args:
            t: () int32, how many tokens each hypothesis has.
            logits: (B K, V).
            scores: (S, K') float32, log p of the hypotheses.
            history: (B K, T - 1) int32, see `ngram_enders`; only looked at if `remembers`.
        """
        o = self.options
        log_p, beams, words = likely_words(logits, scores, self.count, self._struck(t, history))  # (S, M)
        if o.groups == 1:
            return self._parted(log_p, log_p, words * o.beams + beams)
        shape = (-1, o.groups, self.count)
        first = tf.range(o.groups)[:, None] * o.width
        codes = tf.reshape(words * o.beams + beams, shape) + first
        return self._groups(tf.reshape(log_p, shape), codes)

    def _struck(self, t, history):
        """-inf for the words that may not be written now, 0 for the others, (V,) or (B K, V); None if all may."""
        o = self.options
        struck = self.forbidden if o.forbidden else None
        if o.min_length > 1:
            early = tf.equal(tf.range(self.words), o.end_token) & (t + 1 < o.min_length)
            struck = tf.where(early, NEVER, self.forbidden)
        if self.remembers:
            repeats = self._repeats(ngram_enders(history, o.no_repeat_ngram))
            struck = repeats if struck is None else repeats + struck
        return struck

    def _repeats(self, enders):
        """-inf for each of the enders (B K, P) of a beam, which are -1 where there is none, and 0 for the rest."""
        rows = tf.range(self.batch * self.options.beams)[:, None]
        places = tf.reshape(rows * self.words + tf.maximum(enders, 0), (-1, 1))
        values = tf.reshape(tf.where(enders >= 0, NEVER, 0.0), (-1,))
        size = self.batch * self.options.beams * self.words
        return tf.reshape(tf.scatter_nd(places, values, (size,)), (-1, self.words))  # several at a place: their sum

    def _groups(self, log_p, codes):
        """Candidates (B, G, M): one group after the other; each is kept from what the groups before it say."""
        o = self.options
        going, ending, said = [], [], tf.zeros((self.batch, 0), tf.int32)
        for g in range(o.groups):
            ranked, own, code = log_p[:, g], log_p[:, g], codes[:, g]
            if g > 0:
                ranked = own - o.diversity * hamming(tf.math.floordiv(code, o.beams), said)
            ranked, best = tf.math.top_k(ranked, min(2 * o.width, self.count))
            own, code = tf.gather(own, best, batch_dims=1), tf.gather(code, best, batch_dims=1)
            on, end = self._parted(ranked, own, code)
            says = tf.where(on.log_probabilities > NEVER, tf.math.floordiv(on.codes, o.beams), -1)
            said = tf.concat([said, says], axis=1)  # never the end, which therefore costs nothing
            going.append(on)
            ending.append(end)

        def joined(parts):
            return Chosen(*(tf.reshape(tf.stack(part, axis=1), (-1, o.width)) for part in zip(*parts)))

        return joined(going), joined(ending)

    def _parted(self, ranked, log_p, codes):
        """The best 2 K' candidates of each search, (S, 2 K') in the order of `ranked`, into what goes on and what ends.

        Each beam can end in one way: K' of them go on.
        """
        o = self.options
        ends = tf.equal(tf.math.floordiv(codes, o.beams), o.end_token)
        ending = Chosen(tf.where(ends, log_p, NEVER)[:, : o.width], codes[:, : o.width])
        going, best = tf.math.top_k(tf.where(ends, NEVER, ranked), o.width)
        if ranked is not log_p:
            going = tf.gather(tf.where(ends, NEVER, log_p), best, batch_dims=1)
        return Chosen(going, tf.gather(codes, best, batch_dims=1)), ending
