import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_seqcv.decoding import choose
from keras_seqcv.layers.export_scope import export_scope
from tests.decoding.choice_oracle import choice, distribution

LOGITS = np.array([0.3, -1.0, 2.0, 1.4, -np.inf, 0.3, 1.9, -3.0], "float32")
OPTIONS = [
    {},
    {"temperature": 0.5},
    {"temperature": 3.0},
    {"top_k": 1},
    {"top_k": 3},
    {"top_k": 8},
    {"top_p": 0.6},
    {"top_p": 1.0},
    {"top_p": 1e-6},
    {"temperature": 2.0, "top_k": 5, "top_p": 0.8},
    {"temperature": 0.7, "top_k": 2, "top_p": 0.99},
]


def chosen(logits, uniform, temperature=1.0, top_k=None, top_p=None):
    logits = np.broadcast_to(np.asarray(logits, "float32"), (len(uniform), np.shape(logits)[-1]))
    tokens = choose(tf.constant(logits), tf.constant(uniform, tf.float32), temperature, top_k, top_p)
    assert tokens.dtype == tf.int32 and tokens.shape == (len(uniform),)
    return tokens.numpy()


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_distribution(options):
    """Chi-square against the oracle: above the limit once in 10,000 for a right distribution."""
    uniform = np.random.default_rng(4).random(40_000).astype("float32")
    tokens = chosen(LOGITS, uniform, **options)
    p, _ = distribution(LOGITS, **options)
    counts = np.bincount(tokens, minlength=len(p))
    assert counts[p == 0].sum() == 0
    expected = p[p > 0] * len(uniform)
    statistic = ((counts[p > 0] - expected) ** 2 / expected).sum()
    assert statistic < [0, 15.2, 18.5, 21.2, 23.6, 25.8, 27.9, 29.9][len(expected) - 1] + 1e-9


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_uniform_number_gives_the_token_of_the_oracle(options):
    uniform = (np.arange(2000) + 0.5) / 2000
    tokens = chosen(LOGITS, uniform, **options)
    for u, token in zip(uniform, tokens, strict=True):
        wanted, near = choice(LOGITS, u, **options)
        assert token == wanted or near < 1e-6


# Below the least normal number TensorFlow computes with zero.
LOGIT = st.floats(-30, 30, width=32).map(lambda x: x if abs(x) > 1e-30 else 0.0)
ROWS = st.integers(1, 12).flatmap(
    lambda size: st.lists(
        st.lists(LOGIT | st.integers(-2, 2), min_size=size, max_size=size),
        min_size=1,
        max_size=4,
    )
)


@settings(max_examples=150, deadline=None)
@given(
    rows=ROWS,
    temperature=st.floats(0.05, 10.0),
    k=st.none() | st.integers(1, 12),
    top_p=st.none() | st.floats(0.01, 1.0),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_logits(rows, temperature, k, top_p, seed):
    logits = np.array(rows, "float32")
    top_k = None if k is None else min(k, logits.shape[1])
    uniform = np.random.default_rng(seed).random(len(rows)).astype("float32")
    tokens = choose(tf.constant(logits), tf.constant(uniform), temperature, top_k, top_p).numpy()
    greedy = choose(tf.constant(logits), tf.constant(uniform), 0.0, top_k, top_p).numpy()
    for row, u, token, likeliest in zip(logits, uniform, tokens, greedy, strict=True):
        wanted, near = choice(row, u, temperature, top_k, top_p)
        assert token == wanted or near < 1e-5
        assert likeliest == np.argmax(row)
        assert 0 <= token < len(row)


def test_ties():
    """Of equal logits the first ones stay, and never more than k."""
    uniform = (np.arange(100) + 0.5) / 100
    tied = [1.0, 2.0, 2.0, 1.0, 2.0]
    assert set(chosen(tied, uniform, top_k=1)) == {1}
    assert set(chosen(tied, uniform, top_k=2)) == {1, 2}
    assert set(chosen(tied, uniform, top_k=4)) == {0, 1, 2, 4}
    assert set(chosen(np.zeros(5), uniform, top_p=0.5)) == {0, 1, 2}  # 0.2, 0.4, 0.6: just reaches 0.5
    assert set(chosen(np.zeros(5), uniform, top_k=3, top_p=0.5)) == {0, 1}
    assert set(chosen(tied, uniform, temperature=0.0)) == {1}


def test_minus_infinity_is_never_chosen():
    uniform = np.array([0.0, 2**-24, 0.5, 1 - 2**-24], "float32")
    logits = [-np.inf, 0.0, -np.inf, 0.0, -np.inf]
    for options in ({}, {"top_k": 4}, {"top_p": 1.0}, {"top_k": 5, "top_p": 0.99}):
        assert chosen(logits, uniform, **options).tolist() == [1, 1, 3, 3]
    # Rounding in a long sum must not run over to a forbidden token at the end.
    for size in (65, 201, 256, 257, 5001):
        many = np.random.default_rng(size).normal(size=(64, size))
        many[:, -5:] = -np.inf
        assert set(chosen(many, [1 - 2**-24] * 64)) == {size - 6}


@pytest.mark.parametrize("temperature", [1e-3, 1e-8, 1e-19, 1e-30, 1e-38, 0.0])
@pytest.mark.parametrize("options", [{}, {"top_k": 2}, {"top_p": 0.9}], ids=str)
def test_cold_is_greedy_for_logits_of_any_size(temperature, options):
    """Logits that are all far below zero once lost against the number that stood for a forbidden token."""
    uniform = (np.arange(50) + 0.5) / 50
    for logits in ([-300.0, -20.0, -21.0], [5.0, 1.0, 300.0], [-3000.0, -2000.0, -2500.0]):
        assert set(chosen(logits, uniform, temperature=temperature, **options)) == {int(np.argmax(logits))}


def test_hot_is_uniform():
    tokens = chosen([-5.0, 0.0, 5.0, 1.0], (np.arange(400) + 0.5) / 400, temperature=1e6)
    assert np.bincount(tokens).tolist() == [100, 100, 100, 100]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_types_of_logits(dtype):
    logits = tf.cast([[0.0, 4.0, 1.0]] * 3, dtype)
    assert choose(logits, tf.constant([0.01, 0.5, 0.99]), 1.0).numpy().tolist() == [0, 1, 2]


@pytest.mark.parametrize("jit_compile", [False, True])
def test_graph_and_xla(jit_compile):
    logits = np.random.default_rng(0).normal(0, 3, (64, 11)).astype("float32")
    uniform = np.random.default_rng(1).random(64).astype("float32")

    @tf.function(jit_compile=jit_compile)
    def graph(logits, uniform, temperature, top_k, top_p):
        return choose(logits, uniform, temperature, top_k, top_p)

    scalars = tf.constant(0.8), tf.constant(6), tf.constant(0.9)
    np.testing.assert_array_equal(graph(logits, uniform, *scalars), choose(logits, uniform, *scalars))


@pytest.mark.parametrize("size", [5, 64, 200, 300])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_the_exported_sum_chooses_as_the_live_one(size, jit_compile):
    """A live graph sums by a product, an exported one by `cumsum`; forbidden tokens are forbidden in both."""
    logits = np.random.default_rng(size).normal(0, 3, (500, size)).astype("float32")
    logits[np.random.default_rng(1).random(logits.shape) < 0.5] = -np.inf
    logits[:, size // 2] = 0.0
    uniform = tf.constant(np.random.default_rng(2).random(500), tf.float32)
    live = tf.function(choose, jit_compile=jit_compile)(logits, uniform, tf.constant(1.0)).numpy()
    with export_scope("litert"):
        exported = tf.function(choose)(logits, uniform, tf.constant(1.0)).numpy()
    assert np.isfinite(logits[np.arange(500), live]).all()
    assert (live == exported).mean() > 0.995
