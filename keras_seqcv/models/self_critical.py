"""Self-critical sequence training: captions that are drawn are rewarded against others of the same picture."""

import inspect

import keras
import numpy as np
import tensorflow as tf

from keras_seqcv.decoding import write
from keras_seqcv.distribution import share, total
from keras_seqcv.distribution.replicas import own_seed
from keras_seqcv.metrics import CiderD
from keras_seqcv.models.image_inputs import pictures_of
from keras_seqcv.models.replica_step import measure_loss, rows_of

_END_WORD = "endofcaption"
_MAX_LENGTH = 20


class CiderReward:
    """CIDEr-D as a reward, with the end as a word of its own.

    Without it a caption that stops in the middle of a phrase ("a dog runs in a") is rewarded as much as one that does
    not, and training finds that out.

    Args:
        references: list, for each picture, of list of str.

    Raises:
        TypeError, ValueError: as `metrics.CiderD`.

    Example:

    >>> reward = ks.models.CiderReward([["a dog runs"], ["two men talk"]])
    >>> whole, cut = reward.score(["a dog runs", "a dog runs"], [0, 0], ended=[True, False])
    >>> bool(whole > cut)
    True

    Reference:
        Rennie et al.: Self-critical Sequence Training for Image Captioning. arXiv 1612.00563, 2016.
    """

    def __init__(self, references):
        self._cider = CiderD([[f"{text} {_END_WORD}" for text in texts] for texts in references])

    def score(self, captions, items, ended=None) -> np.ndarray:
        """The reward of captions.

        Args:
            captions: list of N str.
            items: (N,) int, the picture that each is about, by its place in `references`.
            ended: (N,) bool, which have an end; None: all.

        Returns:
            (N,) float64, from 0 to 10.

        Raises:
            TypeError, ValueError: as `metrics.CiderD.score`.
        """
        ended = [True] * len(captions) if ended is None else ended
        marked = [f"{text} {_END_WORD}" if end else text for text, end in zip(captions, ended, strict=True)]
        return self._cider.score(marked, items)


class Reward:
    """A reward, and how many captions are drawn to be rewarded; see `ImageCaptioner.compile`.

    Args:
        scorer: object with `score(captions, items)` or `score(captions, items, ended)`.
        samples: int >= 1.
        vocabulary: to read what was drawn.
    """

    def __init__(self, scorer, samples, vocabulary):
        if not callable(getattr(scorer, "score", None)):
            raise ValueError(f"reward: expected an object with score(captions, items), received {scorer!r}")
        if isinstance(samples, bool) or not isinstance(samples, int) or samples < 1:
            raise ValueError(f"samples: expected an int >= 1, received {samples!r}")
        self.samples = samples
        self._scorer, self._vocabulary = scorer, vocabulary
        self._takes_ended = "ended" in inspect.signature(scorer.score).parameters
        self.tracker = keras.metrics.Mean(name="reward")

    def of(self, words, lengths, items):
        """In the graph: words (N, T), lengths (N,) without the end, items (N,) -> reward (N,) float32."""
        ended = lengths < tf.shape(words)[1]
        reward = tf.numpy_function(self._score, [words, lengths, ended, items], tf.float32)
        reward.set_shape(lengths.shape)
        return reward

    def _score(self, words, lengths, ended, items):
        texts = [self._vocabulary.decode(row[:n]) for row, n in zip(words, lengths, strict=True)]
        extra = {"ended": ended} if self._takes_ended else {}
        return np.asarray(self._scorer.score(texts, items, **extra), "float32")


def train_step(model, reward: Reward, data):
    """A step of `fit`: draw, reward, and make likelier what was better than the rest.

    L = - 1/W sum_n (r_n - b_n) sum_t log p(w_{n,t}),   b_n the mean reward of the picture's other captions, W words
    """
    x, *_ = keras.utils.unpack_x_y_sample_weight(data)
    if "item" not in x:
        raise ValueError(f'x: self-critical training needs "item", the number of each picture; received {sorted(x)}')
    pictures, items = pictures_of(x), tf.cast(x["item"], tf.int32)
    memory = model.memory(pictures)
    words, lengths = _drawn(model, memory, reward.samples, greedy=False)  # (B N, T)
    rewards = reward.of(words, lengths, tf.repeat(items, reward.samples))
    advantages = rewards - _baseline(model, reward, memory, rewards, items)
    tokens = tf.pad(words[:, :-1], [[0, 0], [1, 0]], constant_values=model.vocabulary.start_id)
    read = tf.minimum(lengths + 1, tf.shape(words)[1])  # the end counts as a word
    weights = tf.sequence_mask(read, tf.shape(words)[1], tf.float32) * advantages[:, None]
    counted = tf.cast(tf.reduce_sum(read), tf.float32)
    by_picture = tf.reshape(tokens, (-1, reward.samples, _MAX_LENGTH))  # (B, N, T)
    with tf.GradientTape() as tape:
        # Not in training mode: the captions were drawn from the whole model, and its distribution is what is to change.
        logits = model({**pictures, "tokens": by_picture})
        logits = tf.reshape(logits, (-1, _MAX_LENGTH, len(model.vocabulary)))  # (B N, T, V)
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(words, logits)
        loss = tf.reduce_sum(nats * weights) / total(counted) + share(rows_of(x)) * tf.add_n([0.0, *model.losses])
        scaled = model.optimizer.scale_loss(loss)
    variables = model.trainable_variables
    model.optimizer.apply_gradients(zip(tape.gradient(scaled, variables), variables, strict=True))
    measure_loss(model, loss, rows_of(x))
    reward.tracker.update_state(rewards)
    return model.compute_metrics(x, words, logits, tf.sequence_mask(read, tf.shape(words)[1], tf.float32))


def _drawn(model, memory, samples, greedy):
    """Captions of each picture, `samples` one after the other: words (B N, T), the end and pads too; lengths (B N,)."""
    memory = tf.repeat(memory, samples, axis=0)
    step, fixed = model.stepper(), model.fixed(memory)
    batch, vocabulary = tf.shape(memory)[0], model.vocabulary
    words = write(
        lambda tokens, states: step(tokens, states, fixed)[:2],
        model.initial_states(memory),
        tf.fill((batch, 1), vocabulary.start_id),
        tf.ones((batch,), tf.int32),
        _MAX_LENGTH,
        own_seed(keras.random.randint((), 0, 2**31 - 1, seed=model.decoder.seed_generator)),
        temperature=0.0 if greedy else 1.0,
    )
    before_end = tf.cumsum(tf.cast(words == vocabulary.end_id, tf.int32), axis=1) == 0
    lengths = tf.reduce_sum(tf.cast(before_end, tf.int32), axis=1)
    kept = tf.sequence_mask(lengths + 1, _MAX_LENGTH)
    return tf.where(kept, words, vocabulary.pad_id), lengths


def _baseline(model, reward, memory, rewards, items):
    """What each caption's reward is held against, (B N,): the mean of the others, or the greedy caption's."""
    if reward.samples > 1:
        own = tf.reshape(rewards, (-1, reward.samples))
        others = (tf.reduce_sum(own, axis=1, keepdims=True) - own) / (reward.samples - 1)
        return tf.reshape(others, (-1,))
    return reward.of(*_drawn(model, memory, 1, greedy=True), items)
