"""Writing sequences step by step with any model that offers `step(tokens, states) -> (logits, states)`."""

from collections.abc import Callable

import tensorflow as tf

from keras_seqcv.decoding import random_stream
from keras_seqcv.decoding.sampling import choose


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

    Returns:
        (B, places) int32: the tokens written, zero behind the first `length`.

    Raises:
        ValueError: if `places` is missing.

    Example:

    >>> count = lambda tokens, states: (tf.one_hot((tokens + 1) % 5, 5), states)
    >>> prompts, lengths = tf.constant([[0, 1], [3, 0]]), tf.constant([2, 1])
    >>> ks.decoding.write(count, (), prompts, lengths, 4, seed=0, temperature=0.0).numpy().tolist()
    [[2, 3, 4, 0], [4, 0, 1, 2]]
    """
    if places is None:
        if tf.is_tensor(length):
            raise ValueError("places: expected an int where length is a tensor, received None")
        places = length
    batch, width = tf.shape(prompts)[0], tf.shape(prompts)[1]
    total = tf.reduce_max(prompt_lengths) + length - 1

    def body(t, last, random, states, written):
        given = tf.gather(prompts, tf.minimum(t, width - 1), axis=1)
        logits, states = step(tf.where(t < prompt_lengths, given, last), states)
        place = t + 1 - prompt_lengths  # where this step's choice belongs; negative while the prompt is being read
        uniform, advanced = random_stream.next_uniform(random)
        last = choose(logits, uniform, temperature, top_k, top_p)
        random = tf.where((place >= 0)[:, None], advanced, random)
        here = tf.range(places)[:, None] == tf.where(place < length, place, -1)[None, :]
        return t + 1, last, random, states, tf.where(here, last[None, :], written)

    start = (
        tf.constant(0),
        tf.zeros_like(prompt_lengths),
        random_stream.initial(seed, batch),
        states,
        tf.zeros((places, batch), tf.int32),  # (places, B)
    )
    *_, written = tf.while_loop(lambda t, *_: t < total, body, start, parallel_iterations=1)
    return tf.transpose(written)
