"""Writing sequences step by step with any model that offers `step(tokens, states) -> (logits, states)`."""

from collections.abc import Callable

import tensorflow as tf

from keras_seqcv.decoding import random_stream
from keras_seqcv.decoding.sampling import choose
from keras_seqcv.layers.loops import row_groups


def write(
    step: Callable,
    states,
    prompts,
    prompt_lengths,
    length,
    seed,
    temperature=1.0,
    top_k=None,
    top_p=None,
    places: int | None = None,
    groups: int = 1,
):
    """Read prompts and write `length` tokens behind each, in the graph, with buffers of fixed size.

    Row i draws its random numbers from stream (seed, i), one a token: what a row writes does not depend on the other
    rows nor on how prompts are padded.

    Args:
        step: function (tokens (B,) int32, states) -> (logits (B, V), states).
        states: the states before the first token, any nested structure of tensors.
        prompts: (B, P) int32, padded on the right; P >= 1.
        prompt_lengths: (B,) int32, each in [1, P].
        length: () int32 >= 0, how many tokens to write.
        seed: () int32.
        temperature, top_k, top_p: see `choose`. A temperature of 0 is greedy.
        places: int, the size of the result; needed where `length` is a tensor. Default: `length`.
        groups: int >= 1, into how many groups the rows are cut, which do not wait for each other: a loop that XLA
            compiles then keeps as many cores busy. The states need the batch as their first axis if it is not 1. The
            result is the same.

    Returns:
        (B, places) int32: the tokens written, zero behind the first `length`.

    Raises:
        ValueError: if `places` is missing, or `groups` is below 1.

    Example:

    >>> count = lambda tokens, states: (tf.one_hot((tokens + 1) % 5, 5), states)
    >>> prompts, lengths = tf.constant([[0, 1], [3, 0]]), tf.constant([2, 1])
    >>> ks.decoding.write(count, (), prompts, lengths, 4, seed=0, temperature=0.0).numpy().tolist()
    [[2, 3, 4, 0], [4, 0, 1, 2]]
    """
    if groups < 1:
        raise ValueError(f"groups: expected an int >= 1, received {groups!r}")
    if places is None:
        if tf.is_tensor(length):
            raise ValueError("places: expected an int where length is a tensor, received None")
        places = length
    batch, width = tf.shape(prompts)[0], tf.shape(prompts)[1]
    total = tf.reduce_max(prompt_lengths) + length - 1
    rows = row_groups(prompts, groups)

    def advance(t, r, last, random, states, written):
        lengths = prompt_lengths[r]
        given = tf.gather(prompts[r], tf.minimum(t, width - 1), axis=1)
        logits, states = step(tf.where(t < lengths, given, last), states)
        place = t + 1 - lengths  # where this step's choice belongs; negative while the prompt is being read
        uniform, advanced = random_stream.next_uniform(random)
        last = choose(logits, uniform, temperature, top_k, top_p)
        random = tf.where((place >= 0)[:, None], advanced, random)
        here = tf.range(places)[:, None] == tf.where(place < length, place, -1)[None, :]
        return last, random, states, tf.where(here, last[None, :], written)

    def body(t, parts):
        return t + 1, [advance(t, r, *part) for r, part in zip(rows, parts, strict=True)]

    last, random = tf.zeros_like(prompt_lengths), random_stream.initial(seed, batch)
    start = []
    for r in rows:
        states_of_rows = tf.nest.map_structure(lambda s, r=r: s[r], states) if groups > 1 else states
        written = tf.zeros((places, tf.shape(last[r])[0]), tf.int32)  # (places, B')
        start.append((last[r], random[r], states_of_rows, written))
    _, parts = tf.while_loop(lambda t, _: t < total, body, (tf.constant(0), start), parallel_iterations=1)
    return tf.concat([tf.transpose(written) for *_, written in parts], axis=0)
