"""Beam search with any model that offers `step(tokens, states) -> (logits, states)`."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from keras_seqcv.decoding.beam_arguments import BeamOptions, step_shapes
from keras_seqcv.decoding.beam_loop import BeamLoop


class BeamResult(NamedTuple):
    """The best hypotheses of `beam_search`, n of each row, best first.

    Where fewer than n hypotheses are possible the rest has score and log-probability -inf and length 0.

    Args:
        ids: (B, n, T) int32, the end token included where it was reached, `pad` behind it.
        lengths: (B, n) int32, how many tokens, the end token included.
        scores: (B, n) float32, what the hypotheses are ordered by.
        log_probabilities: (B, n) float32, log p of the model summed over the tokens, the end token included.
        weights: (B, n, T, L) float32, where each token looked, zero behind the end; None if the step gives no weights.

    Example:

    >>> step = lambda tokens, states: (tf.math.log(tf.repeat([[0.3, 0.7]], tf.shape(tokens)[0], axis=0)), states)
    >>> result = ks.decoding.beam_search(step, (), tf.constant([1]), end_token=0, beams=2, max_length=3, returned=2)
    >>> result.ids.numpy().tolist(), result.lengths.numpy().tolist()
    ([[[1, 1, 1], [0, 0, 0]]], [[3, 1]])
    >>> np.exp(result.scores).round(3)
    array([[0.343, 0.3  ]], dtype=float32)
    """

    ids: tf.Tensor
    lengths: tf.Tensor
    scores: tf.Tensor
    log_probabilities: tf.Tensor
    weights: tf.Tensor | None


def beam_search(
    step: Callable,
    states,
    start_tokens,
    end_token: int,
    beams: int,
    max_length: int,
    *,
    fixed=None,
    returned: int = 1,
    pad: int = 0,
    forbidden=(),
    min_length: int = 0,
    no_repeat_ngram: int = 0,
    length_penalty: float = 0.0,
    coverage_penalty: float = 0.0,
    memory_mask=None,
    places=None,
    groups: int = 1,
    diversity: float = 0.0,
) -> BeamResult:
    """Search for the likeliest sequences, in the graph, with buffers of fixed size.

    s(y)  = log p(y) / lp(y) + beta cp(y)
    lp(y) = ((5 + |y|) / 6)^alpha
    cp(y) = sum_l log min(sum_t a_{t,l}, 1)

    y a hypothesis, |y| its length; p(y) the product of the model's probabilities of its tokens; alpha the length
    penalty, beta the coverage penalty; a_{t,l} the weight of place l at token t, a distribution over the places. A sum
    over t counts as 1e-6 at least. Every length counts the end token: `max_length`, `min_length`, |y|, `lengths`.

    At each step the live hypotheses and all words make candidates, ordered by log p. Those among the K best that end
    are finished; of those that go on the K best stay alive. Finished hypotheses are ordered by s, and kept apart. A row
    is done when none of its live hypotheses can come to a better s any more; hypotheses that are still alive at
    `max_length` compete with the finished ones as they are. What a row gives does not depend on the other rows. One
    beam without penalties is greedy choice.

    Nothing is normalised again: a forbidden word, an end that is too early, a repeated n-gram have no probability, and
    the others keep theirs.

    With G groups, K / G beams each, the groups choose one after the other. A group orders its candidates by
    log p - lambda n, n how many beams of the groups before it have just chosen the same word, lambda the `diversity`;
    the end costs nothing. This changes what is looked for, not s: the result is the best of what all groups found,
    ordered by s, and may hold a hypothesis twice that two groups found.

    Args:
        step: function (tokens (B K,) int32, states) -> (logits (B K, V), states) or (logits, states, weights
            (B K, L)), K beams of a row one after the other; (tokens, states, fixed) with `fixed`. It is traced once
            more than it is run, to learn V and L. Computation is in float32 whatever the type of the logits.
        states: the states before the first token, any nested structure of tensors (B, ...). They follow their
            hypotheses. A scalar is the same for all rows and is handed on as it is.
        start_tokens: (B,) int32, what the first step reads. They are not part of the result.
        end_token: int in [0, V).
        beams: K, int >= 1, and not more than there are hypotheses.
        max_length: T, int >= 1.
        fixed: what a step needs and never changes, such as a memory and its keys: any nested structure of tensors
            (B, ...) and scalars, or None. A step gets it with each row K times, (B K, ...).
        returned: n, int in [1, K].
        pad: int, behind the end.
        forbidden: ints in [0, V) other than `end_token`, never written.
        min_length: int in [0, T]; shorter hypotheses do not end.
        no_repeat_ngram: int >= 0; if not 0 no hypothesis has the same so many tokens in succession twice.
        length_penalty: alpha, float >= 0. The larger it is, the better are long hypotheses.
        coverage_penalty: beta, float >= 0; needs a step that gives weights.
        memory_mask: (B, L) bool or None, for the coverage: False where there is no place.
        places: L, int or () int32, needed where it is not known before the graph runs.
        groups: G, a divisor of K.
        diversity: lambda, float > 0 with more than one group, otherwise 0.

    Returns:
        A `BeamResult`.

    Raises:
        ValueError: for an argument that is not as above, or a step that does not keep to its form.

    Example:

    >>> table = tf.math.log([[0.0, 0.6, 0.4], [0.5, 0.3, 0.2], [0.9, 0.0, 0.1]])  # of what comes after 0, 1, 2
    >>> step = lambda tokens, states: (tf.gather(table, tokens), states)
    >>> result = ks.decoding.beam_search(step, (), tf.constant([0]), end_token=0, beams=2, max_length=4, returned=2)
    >>> result.ids.numpy().tolist()  # greedy would begin with 1
    [[[2, 0, 0, 0], [1, 0, 0, 0]]]
    >>> np.exp(result.scores).round(2)
    array([[0.36, 0.3 ]], dtype=float32)

    Reference:
        Wu et al.: Google's Neural Machine Translation System (penalties). arXiv 1609.08144, 2016. Vijayakumar et al.:
        Diverse Beam Search. arXiv 1610.02424, 2016. Paulus, Xiong, Socher (no n-gram twice): arXiv 1705.04304, 2017.
    """
    options = BeamOptions(
        end_token,
        beams,
        max_length,
        returned,
        pad,
        tuple(dict.fromkeys(forbidden)),
        min_length,
        no_repeat_ngram,
        length_penalty,
        coverage_penalty,
        groups,
        diversity,
    )
    start_tokens = tf.convert_to_tensor(start_tokens, tf.int32)
    if start_tokens.shape.rank != 1:
        raise ValueError(f"start_tokens: expected shape (B,), received {start_tokens.shape}")
    tokens = _repeated("start_tokens", start_tokens, start_tokens, beams)
    states = _repeated("states", states, start_tokens, beams)
    fixed = None if fixed is None else _repeated("fixed", fixed, start_tokens, beams)
    shapes = step_shapes(step, tokens, states, fixed, places)
    options.check_words(shapes.words)
    mask = _checked_mask(memory_mask, options, shapes.places, start_tokens)
    batch = tf.shape(start_tokens)[0] if start_tokens.shape[0] is None else start_tokens.shape[0]
    loop = BeamLoop(_bound(step, fixed), mask, options, shapes, batch)
    start = loop.start(tokens, states)
    _, live, ended, written = tf.while_loop(loop.goes_on, loop.advance, start, parallel_iterations=1)
    return BeamResult(*loop.result(live, ended, written))


def _bound(step, fixed):
    return step if fixed is None else lambda tokens, states: step(tokens, states, fixed)


def _repeated(name, structure, start_tokens, beams):
    """Each row of all tensors `beams` times, (B, ...) -> (B K, ...)."""

    def repeated(a):
        a = tf.convert_to_tensor(a)
        if a.shape.rank == 0:
            return a
        if not a.shape[:1].is_compatible_with(start_tokens.shape):
            raise ValueError(
                f"{name}: expected scalars and tensors of {start_tokens.shape[0]} rows, as start_tokens, received "
                f"{a.shape}"
            )
        rows = start_tokens.shape[0]
        copies = tf.repeat(a, beams, axis=0)
        copies.set_shape((None if rows is None else rows * beams, *a.shape[1:]))
        return copies

    return tf.nest.map_structure(repeated, structure)


def _checked_mask(memory_mask, options, places, start_tokens):
    """The mask as (B K, L) float32, or None."""
    if options.coverage_penalty > 0 and places is None:
        raise ValueError("coverage_penalty: expected a step that gives (logits, states, weights), received no weights")
    if memory_mask is None:
        return None
    mask = tf.cast(memory_mask, tf.float32)
    places = None if tf.is_tensor(places) else places
    if mask.shape.rank != 2 or not mask.shape.is_compatible_with((start_tokens.shape[0], places)):
        raise ValueError(f"memory_mask: expected shape ({start_tokens.shape[0]}, {places}), received {mask.shape}")
    return _repeated("memory_mask", mask, start_tokens, options.beams)
