import numpy as np
import pytest
import tensorflow as tf

from keras_seqcv.decoding import random_stream


def numpy_initial(seed, rows):
    """The mixing in Python integers of any size."""
    states = []
    for row in range(rows):
        left = [(seed >> 16) & 0xFFFF, (row >> 16) & 0xFFFF]
        right = [seed & 0xFFFF, row & 0xFFFF]
        for turn in range(1, 17):
            a = left[0] * 31153 + turn * 40503
            b = left[1] * 27073 + turn * 24727
            assert max(a, b) < 2**31
            mixed = [(right[0] + (a >> 9)) % 65536, (right[1] + (b >> 9)) % 65536]
            left, right = mixed, left[::-1]
        words = [left[i] * 32768 + right[i] // 2 for i in range(2)]
        states.append([words[0] % 2147483562 + 1, words[1] % 2147483398 + 1])
    return np.array(states, np.int64)


def numpy_next(state):
    """L'Ecuyer's generator in int64, where the products need no decomposition."""
    first = 40014 * state[:, 0] % 2147483563
    second = 40692 * state[:, 1] % 2147483399
    combined = (first - second) % 2147483562
    uniform = (combined // 256 + 0.5) / 2**23
    return uniform, np.stack([first, second], axis=1)


@tf.function(input_signature=[tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.int32)])
def draw(seed, rows, count):
    """`count` numbers for each row, and the last state."""

    def body(i, state, values):
        uniform, state = random_stream.next_uniform(state)
        here = tf.cast(tf.equal(tf.range(count), i), tf.float32)
        return i + 1, state, values + here * uniform[:, None]

    loop = [0, random_stream.initial(seed, rows), tf.zeros([rows, count])]
    shapes = [tf.TensorShape([]), tf.TensorShape([None, 2]), tf.TensorShape([None, None])]
    _, state, values = tf.while_loop(lambda i, *_: i < count, body, loop, shape_invariants=shapes)
    return {"values": values, "state": state}


@pytest.mark.parametrize("seed", [0, 1, -1, 12345, 2**31 - 1, -(2**31)])
def test_equals_integer_oracle(seed):
    state = random_stream.initial(seed, 5)
    oracle = numpy_initial(seed, 5)
    np.testing.assert_array_equal(state, oracle)
    for _ in range(50):
        uniform, state = random_stream.next_uniform(state)
        expected, oracle = numpy_next(oracle)
        np.testing.assert_array_equal(state, oracle)
        np.testing.assert_array_equal(uniform, expected)  # exact: 24 bits fit float32


def test_extreme_states_do_not_overflow():
    words = np.array([1, 2, 53667, 53668, 53669, 52774, 2147483398 - 1, 2147483398], np.int64)
    state = np.stack(np.meshgrid(words, words), axis=-1).reshape(-1, 2)
    uniform, after = random_stream.next_uniform(tf.constant(state, tf.int32))
    expected, oracle = numpy_next(state)
    np.testing.assert_array_equal(after, oracle)
    np.testing.assert_array_equal(uniform, expected)
    assert uniform.numpy().min() > 0 and uniform.numpy().max() < 1


def test_row_does_not_depend_on_number_of_rows():
    np.testing.assert_array_equal(random_stream.initial(7, 3), random_stream.initial(7, 9)[:3])


def chi_square(values, bins=100):
    """Standardised chi-square statistic of uniformity: about normal (0, 1) for a good stream."""
    counts, _ = np.histogram(values, bins=bins, range=(0, 1))
    expected = values.size / bins
    statistic = ((counts - expected) ** 2 / expected).sum()
    return (statistic - (bins - 1)) / np.sqrt(2 * (bins - 1))


def kolmogorov_smirnov(values):
    """sqrt(n) D: above 1.95 once in a thousand."""
    values = np.sort(values.ravel())
    grid = np.arange(values.size + 1) / values.size
    return np.sqrt(values.size) * max(np.abs(grid[1:] - values).max(), np.abs(grid[:-1] - values).max())


first_state = tf.function(lambda seed: random_stream.initial(seed, 1), reduce_retracing=True)


def streams_over_seeds(count=4000, draws=4):
    """First `draws` numbers of seeds 0, 1, 2 ...: (count, draws)."""
    states = tf.concat([first_state(tf.constant(seed)) for seed in range(count)], axis=0)
    values = []
    for _ in range(draws):
        uniform, states = random_stream.next_uniform(states)
        values.append(uniform.numpy())
    return np.stack(values, axis=1)


@pytest.mark.parametrize("source", ["one stream", "rows", "seeds"])
def test_uniform_and_uncorrelated(source):
    if source == "one stream":
        values = draw(3, 2, 3000)["values"].numpy()  # along time
        values = values.reshape(-1, 4)
    elif source == "rows":
        values = draw(3, 4000, 4)["values"].numpy()  # neighbouring rows
    else:
        values = streams_over_seeds()  # neighbouring seeds
    assert abs(chi_square(values)) < 4
    assert kolmogorov_smirnov(values) < 1.95
    for column in values.T:
        assert kolmogorov_smirnov(column) < 1.95
        assert abs(np.corrcoef(column[:-1], column[1:])[0, 1]) < 4 / np.sqrt(len(column))
        # A fixed stride between neighbours (a linear mixing) would put all these differences in one place.
        assert abs(chi_square(np.diff(column) % 1.0, bins=20)) < 5
    between = np.corrcoef(values.T) - np.eye(values.shape[1])
    assert np.abs(between).max() < 4.5 / np.sqrt(len(values))


def test_pairs_fill_the_square():
    values = streams_over_seeds(draws=2)
    counts, _, _ = np.histogram2d(values[:, 0], values[:, 1], bins=10, range=[[0, 1], [0, 1]])
    statistic = ((counts - 40) ** 2 / 40).sum()
    assert 99 - 4 * np.sqrt(198) < statistic < 99 + 4 * np.sqrt(198)


def test_no_two_streams_alike():
    states = np.concatenate([random_stream.initial(seed, 200).numpy() for seed in range(-10, 10)])
    assert len(np.unique(states, axis=0)) == len(states)


def test_xla_gives_the_same_numbers():
    def few(seed):
        state = random_stream.initial(seed, 4)
        first, state = random_stream.next_uniform(state)
        second, state = random_stream.next_uniform(state)
        return first, second, state

    for ours, theirs in zip(few(tf.constant(9)), tf.function(few, jit_compile=True)(tf.constant(9)), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_litert_gives_the_same_numbers():
    interpreter_module = pytest.importorskip("ai_edge_litert.interpreter")
    holder = tf.Module()
    holder.draw = draw
    converter = tf.lite.TFLiteConverter.from_concrete_functions([draw.get_concrete_function()], holder)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    interpreter = interpreter_module.Interpreter(model_content=converter.convert(), num_threads=1)
    runner = interpreter.get_signature_runner()
    for seed in (0, 1, -5, 2**31 - 1):
        scalars = {"seed": seed, "rows": 3, "count": 100}
        lite = runner(**{name: np.array(value, np.int32) for name, value in scalars.items()})
        live = draw(**{name: tf.constant(value, tf.int32) for name, value in scalars.items()})
        np.testing.assert_array_equal(lite["values"], live["values"])
        np.testing.assert_array_equal(lite["state"], live["state"])
