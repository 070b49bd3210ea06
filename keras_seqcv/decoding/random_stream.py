"""Uniform random numbers from int32 arithmetic: the same in TensorFlow, under XLA and in LiteRT.

`tf.random.stateless_uniform` has no built-in LiteRT operator, and `tf.random.categorical` (`MULTINOMIAL` there) cannot
be repeated. The stream here needs `FLOOR_DIV`, `FLOOR_MOD`, `MUL`, `ADD` and `SUB` on int32 only, so that a seed writes
the same text on a workstation and on a phone. It is meant for sampling, not for cryptography.
"""

import math

import tensorflow as tf

# The two prime-modulus generators of L'Ecuyer: s <- a s mod m, with m = a q + r (Schrage's decomposition, r < q).
MODULI = (2147483563, 2147483399)
MULTIPLIERS = (40014, 40692)
QUOTIENTS = (53668, 52774)
REMAINDERS = (12211, 3791)

# The mixing of (seed, row): rounds of a Feistel network over four words of 16 bits.
ROUNDS = 16
ROUND_MULTIPLIERS = (31153, 27073)  # odd and < 2**15: times a 16-bit word they stay below 2**31
ROUND_KEYS = (40503, 24727)
HALF = 65536


def initial(seed: tf.Tensor | int, rows: tf.Tensor | int, first: tf.Tensor | int = 0) -> tf.Tensor:
    """First state of `rows` independent streams.

    `(seed, row)` goes through a Feistel network, a one-to-one map of 64 bits: neighbouring seeds and neighbouring rows
    get unrelated states, and row `i` does not depend on how many rows there are. (Warming the generators up would not
    do: they are linear, so that the streams of seed 1, 2, 3 ... would stay at a fixed distance for ever.)

    Args:
        seed: int32 scalar, any value.
        rows: number of rows B, int32 scalar, may be a tensor.
        first: the number of the first row, int32 scalar.

    Returns:
        int32 states (B, 2), each word in [1, modulus - 1].

    Example:
        >>> from keras_seqcv.decoding.random_stream import initial
        >>> initial(seed=1, rows=3).shape
        TensorShape([3, 2])
    """
    seed = tf.cast(seed, tf.int32)
    row = tf.range(tf.cast(rows, tf.int32)) + first  # (B,)
    seed = tf.zeros_like(row) + seed
    # Round function needs words below 2**16: floor division and modulus split negative numbers rightly as well.
    left = tf.stack([_high(seed), _high(row)], axis=1)  # (B, 2)
    right = tf.stack([tf.math.floormod(seed, HALF), tf.math.floormod(row, HALF)], axis=1)  # (B, 2)

    def mix(turn, left, right):
        product = left * tf.constant(ROUND_MULTIPLIERS) + turn * tf.constant(ROUND_KEYS)
        # Bits 9 to 24 of the product: the middle, on which both ends of the word have an influence.
        mixed = tf.math.floormod(right + tf.math.floordiv(product, 512), HALF)
        return turn + 1, mixed, tf.reverse(left, axis=[1])

    turn = tf.constant(1)
    _, left, right = tf.while_loop(lambda turn, *_: turn <= ROUNDS, mix, [turn, left, right], parallel_iterations=1)
    word = left * (HALF // 2) + tf.math.floordiv(right, 2)  # 31 bits
    return tf.math.floormod(word, tf.constant(MODULI) - 1) + 1


def next_uniform(state: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """One uniform number per row, and the state after it.

    L'Ecuyer's combination of two multiplicative generators, period about 2.3e18. With Schrage's method no product
    leaves int32: `a s mod m = a (s mod q) - r (s div q)`, plus `m` when negative. The upper 23 bits are kept and
    centred, so that every value is exact in float32, never 0 and never 1.

    Args:
        state: int32 (B, 2) from `initial` or from an earlier call.

    Returns:
        float32 uniform numbers (B,), strictly between 0 and 1, and the next state (B, 2).

    Example:
        >>> from keras_seqcv.decoding.random_stream import initial, next_uniform
        >>> uniform, state = next_uniform(initial(seed=1, rows=2))
        >>> bool(tf.reduce_all((uniform > 0) & (uniform < 1)))
        True

    Reference:
        L'Ecuyer, P. (1988). Efficient and portable combined random number generators. CACM 31(6).
    """
    quotient = tf.math.floordiv(state, tf.constant(QUOTIENTS))
    remainder = tf.math.floormod(state, tf.constant(QUOTIENTS))
    step = tf.constant(MULTIPLIERS) * remainder - tf.constant(REMAINDERS) * quotient
    state = tf.math.floormod(step, tf.constant(MODULI))  # (B, 2)
    combined = tf.math.floormod(state[:, 0] - state[:, 1], MODULI[0] - 1)
    uniform = (tf.cast(tf.math.floordiv(combined, 256), tf.float32) + 0.5) * (1.0 / 8388608.0)
    return uniform, state  # (B,), (B, 2)


def normals(seed: tf.Tensor | int, count: tf.Tensor | int, first: tf.Tensor | int = 0) -> tf.Tensor:
    """Normally distributed numbers of mean 0 and variance 1: the k-th depends on `seed` and k alone.

    Args:
        seed: int32 scalar, any value.
        count: N, int32 scalar, may be a tensor.
        first: k of the first of them, int32 scalar.

    Returns:
        float32 (N,), by the method of Box and Muller: -5.8 to 5.8.

    Example:
        >>> from keras_seqcv.decoding.random_stream import normals
        >>> bool(tf.reduce_all(normals(1, 5, first=2) == normals(1, 9)[2:7]))
        True
    """
    radius, state = next_uniform(initial(seed, count, first))
    angle, _ = next_uniform(state)
    return tf.sqrt(-2.0 * tf.math.log(radius)) * tf.cos((2.0 * math.pi) * angle)


def _high(word: tf.Tensor) -> tf.Tensor:
    """Upper 16 bits of an int32 word as a number in [0, 65535]."""
    return tf.math.floormod(tf.math.floordiv(word, HALF), HALF)
