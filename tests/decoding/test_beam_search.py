import itertools

import numpy as np
import pytest
import tensorflow as tf

from keras_seqcv.decoding import BeamResult, beam_search, ensemble, write
from keras_seqcv.decoding.beam_arguments import BeamOptions
from keras_seqcv.decoding.likely_words import largest, likely_words
from tests.decoding.beam_oracle import Markov, Recurrent, enumerated, log_probability, searched

INF = float("inf")
NAMES = {"length_penalty": "alpha", "coverage_penalty": "beta", "memory_mask": "mask", "no_repeat_ngram": "ngram"}


def arrays(result):
    return BeamResult(*(None if part is None else part.numpy() for part in result))


def search(*arguments, **options):
    """`beam_search` run eagerly, as arrays."""
    return arrays(beam_search(*arguments, **options))


def protocol(model, rows):
    """A model of the oracle as (step, states, fixed) for these rows; the states are a nest, with a scalar in it."""
    if isinstance(model, Markov):
        table = tf.constant(model.table)

        def step(tokens, states, fixed):
            return tf.gather_nd(table, tf.stack([fixed, tokens], axis=1)), states

        return step, (), tf.constant(rows)

    def step(tokens, states, fixed):
        (h,), (bias, memory) = states["h"], fixed
        h = tf.tanh(tf.gather(model.embedding, tokens) + h @ model.recurrent + bias)
        weights = tf.nn.softmax(h @ model.attention + memory)
        return h @ model.output, {"h": [h], "count": states["count"] + 1}, weights

    states = {"h": [tf.zeros((len(rows), model.units))], "count": tf.constant(0)}
    return step, states, (tf.gather(model.bias, rows), tf.gather(model.memory, rows))


def found(model, starts, rows=None, compiled=None, **options):
    """`beam_search` of the model for the rows; `compiled`: None for eager, or what `jit_compile` is to be."""
    step, states, fixed = protocol(model, list(range(len(starts))) if rows is None else rows)
    starts = tf.constant(starts)

    def run(states, starts, fixed):
        return beam_search(step, states, starts, fixed=fixed, **options)

    if compiled is not None:
        run = tf.function(run, jit_compile=compiled, autograph=False)
    return arrays(run(states, starts, fixed))


def check(result, row, expected, pad=0, weights=True):
    """A row of the result is the list of hypotheses that an oracle gives."""
    for k, (ids, score, log_p, looked) in enumerate(expected):
        count = int(result.lengths[row, k])
        assert result.ids[row, k].tolist() == ids + [pad] * (result.ids.shape[2] - len(ids)), (row, k)
        assert count == len(ids)
        assert result.scores[row, k] == pytest.approx(score, abs=2e-5, rel=1e-5)
        assert result.log_probabilities[row, k] == pytest.approx(log_p, abs=2e-5, rel=1e-5)
        if weights:
            np.testing.assert_allclose(result.weights[row, k, :count], looked, atol=1e-5)
            assert not np.any(result.weights[row, k, count:])
    for k in range(len(expected), result.ids.shape[1]):  # nothing else was possible
        assert result.scores[row, k] == result.log_probabilities[row, k] == -INF
        assert result.lengths[row, k] == 0 and set(result.ids[row, k]) == {pad}


def of_oracle(options):
    left_out = ("memory_mask", "pad")
    return {NAMES.get(name, name): value for name, value in options.items() if name not in left_out}


EXHAUSTIVE = [
    {},
    {"length_penalty": 0.7},
    {"length_penalty": 3.0, "min_length": 2},
    {"coverage_penalty": 0.3},
    {"coverage_penalty": 1.0, "length_penalty": 1.0, "memory_mask": [1, 1, 0, 1]},
    {"min_length": 3},
    {"min_length": 4, "length_penalty": 0.5},
    {"forbidden": (2,)},
    {"no_repeat_ngram": 1},
    {"no_repeat_ngram": 2, "length_penalty": 1.5},
    {"no_repeat_ngram": 3},
    {"no_repeat_ngram": 2, "forbidden": (1,), "min_length": 3, "length_penalty": 0.4, "coverage_penalty": 0.2},
]


@pytest.mark.parametrize("words, max_length, end", [(4, 5, 0), (5, 4, 3)])
@pytest.mark.parametrize("options", EXHAUSTIVE, ids=str)
def test_a_wide_beam_finds_the_best_of_all(options, words, max_length, end):
    """As many beams as there are hypotheses: the 9 best of all that can be enumerated, in order, with their scores."""
    model, starts = Recurrent(words, seed=words), [1, 2, 1]
    choices = words - 1 - len(options.get("forbidden", ()))
    least = options.get("min_length", 1)
    beams = sum(choices ** (n - 1) for n in range(least, max_length + 1)) + choices**max_length
    common = {"max_length": max_length, "returned": 9}
    mask = options.get("memory_mask")
    given = options if mask is None else {**options, "memory_mask": np.array([mask] * 3, bool)}
    result = found(model, starts, end_token=end, beams=beams, **common, **given)
    for row, start in enumerate(starts):
        check(result, row, enumerated(model, row, start, end, mask=mask, **common, **of_oracle(options)))


def test_a_wide_beam_finds_the_best_of_all_of_a_markov_model():
    model, starts = Markov(5, seed=3, sharpness=1.0), [0, 4]
    result = found(model, starts, end_token=2, beams=300, max_length=4, returned=20, length_penalty=1.0, pad=-7)
    assert result.weights is None
    for row, start in enumerate(starts):
        expected = enumerated(model, row, start, 2, 4, 20, alpha=1.0)
        check(result, row, expected, pad=-7, weights=False)


NARROW = [
    {"beams": 1},
    {"beams": 2, "returned": 2},
    {"beams": 3, "returned": 1, "length_penalty": 1.0},
    {"beams": 4, "returned": 4, "length_penalty": 2.0, "min_length": 3},
    {"beams": 3, "returned": 3, "coverage_penalty": 0.5},
    {"beams": 3, "returned": 2, "coverage_penalty": 0.1, "length_penalty": 0.6},
    {"beams": 3, "returned": 3, "no_repeat_ngram": 1},
    {"beams": 3, "returned": 3, "no_repeat_ngram": 2, "forbidden": (4, 1)},
    {"beams": 2, "returned": 1, "no_repeat_ngram": 3, "min_length": 6},
    {"beams": 2, "returned": 2, "groups": 2, "diversity": 0.5},
    {"beams": 6, "returned": 4, "groups": 3, "diversity": 1.0},
    {"beams": 6, "returned": 6, "groups": 2, "diversity": 20.0, "length_penalty": 1.0},
    {"beams": 4, "returned": 3, "groups": 2, "diversity": 0.7, "no_repeat_ngram": 2, "coverage_penalty": 0.2},
    {"beams": 4, "returned": 1, "groups": 4, "diversity": 2.0, "min_length": 3, "forbidden": (5,)},
]


@pytest.mark.parametrize("options", NARROW, ids=str)
@pytest.mark.parametrize("seed", range(2))
def test_equals_a_search_with_lists(options, seed):
    """The lists are searched to the last step: stopping early may not change what is found."""
    model, starts = Recurrent(6, seed=seed, sharpness=1.0), [3, 2]
    options = {"returned": 1, **options}
    result = found(model, starts, end_token=0, max_length=7, **options)
    for row, start in enumerate(starts):
        check(result, row, searched(model, row, start, 0, 7, **of_oracle(options)))


@pytest.mark.parametrize("options", [NARROW[2], NARROW[5], NARROW[7], NARROW[8], NARROW[-2]], ids=str)
@pytest.mark.parametrize("compiled", [False, True], ids=["graph", "xla"])
def test_graph_and_xla(options, compiled):
    model, starts = Recurrent(6, seed=5), [3, 2, 1]
    options = {"end_token": 0, "max_length": 7, "returned": 1, **options}
    eager, other = found(model, starts, **options), found(model, starts, compiled=compiled, **options)
    np.testing.assert_array_equal(eager.ids, other.ids)
    np.testing.assert_array_equal(eager.lengths, other.lengths)
    for name in ("scores", "log_probabilities", "weights"):
        np.testing.assert_allclose(getattr(eager, name), getattr(other, name), atol=1e-5, rtol=1e-5)


def test_scores_are_the_log_probabilities_of_the_model():
    """Many words, of which few can be looked at; hypotheses of several lengths."""
    model, starts = Recurrent(300, seed=2, units=12), [5, 6, 7]
    model.output[:, 1] = np.abs(model.output).max(1) * np.sign(model.bias[0])  # an end that is often likely
    forbidden = range(20, 90)
    result = found(model, starts, end_token=1, beams=8, max_length=12, returned=8, min_length=3, forbidden=forbidden)
    assert len(np.unique(result.lengths)) > 2
    for row, k in itertools.product(range(3), range(8)):
        ids = result.ids[row, k, : result.lengths[row, k]].tolist()
        log_p, weights = log_probability(model, row, starts[row], ids)
        assert result.log_probabilities[row, k] == result.scores[row, k] == pytest.approx(log_p, rel=1e-5)
        np.testing.assert_allclose(result.weights[row, k, : len(ids)], weights, atol=1e-5)
        assert len(ids) >= 3 and 1 not in ids[:-1] and (ids[-1] == 1 or len(ids) == 12)
        assert not set(ids) & set(forbidden)
    assert np.all(np.diff(result.scores, axis=1) <= 0)


def test_one_beam_is_greedy():
    model, starts = Recurrent(40, seed=4, sharpness=4.0), [3, 2, 1]
    step, states, fixed = protocol(model, [0, 1, 2])
    copies = {"h": states["h"], "count": states["count"]}
    greedy = write(
        lambda tokens, s: step(tokens, s, fixed)[:2],
        copies,
        tf.constant(starts)[:, None],
        tf.ones(3, tf.int32),
        20,
        0,
        0.0,
    ).numpy()
    for end in greedy[0, 4], greedy[2, 9]:
        result = found(model, starts, end_token=int(end), beams=1, max_length=20)
        for ids, row in zip(result.ids[:, 0], greedy):
            stop = list(row).index(end) + 1 if end in row else 20
            assert ids.tolist() == list(row[:stop]) + [0] * (20 - stop)


def test_rows_do_not_depend_on_one_another():
    model, starts = Recurrent(30, seed=1, rows=5, sharpness=1.5), [4, 5, 6, 7, 8]
    options = {"end_token": 0, "beams": 4, "returned": 3, "max_length": 15, "length_penalty": 1.0}
    options |= {"no_repeat_ngram": 2, "coverage_penalty": 0.1}
    together = found(model, starts, **options)
    assert len(np.unique(together.lengths[:, 0])) > 1  # rows end at different steps
    for row, start in enumerate(starts):
        alone = found(model, [start], rows=[row], **options)
        np.testing.assert_array_equal(alone.ids[0], together.ids[row])
        np.testing.assert_allclose(alone.scores[0], together.scores[row], rtol=1e-5)
        np.testing.assert_allclose(alone.weights[0], together.weights[row], atol=1e-6)
    order = [3, 0, 4]
    others = found(model, [starts[row] for row in order], rows=order, **options)
    np.testing.assert_array_equal(others.ids, together.ids[order])


def scripted(probabilities):
    """A model that says the same whatever it reads: probabilities (T, V), the last row from then on."""
    table = tf.math.log(tf.constant(probabilities, tf.float32))

    def step(tokens, t):
        logits = tf.gather(table, tf.minimum(t, table.shape[0] - 1))
        return tf.repeat(logits[None], tf.shape(tokens)[0], axis=0), t + 1

    return step, tf.constant(0)


def test_scripted_garden_path():
    """Greedily 1 is likeliest, and then nothing is: 2 is the better beginning, and its best path is known."""
    after = np.full((6, 6), 1 / 6)
    after[0] = [0, 0.5, 0.4, 0.1, 0, 0]
    after[1] = [0.2] * 5 + [0]
    after[2], after[4] = [0, 0, 0, 0.1, 0.9, 0], [0.05, 0, 0, 0, 0, 0.95]
    after[5] = [1, 0, 0, 0, 0, 0]
    table = tf.math.log(tf.constant(after, tf.float32))

    def step(tokens, states):
        return tf.gather(table, tokens), states

    result = search(step, (), [0, 0], end_token=0, beams=3, max_length=10, returned=2)
    assert result.ids[0, 0].tolist() == result.ids[1, 0].tolist() == [2, 4, 5, 0, 0, 0, 0, 0, 0, 0]
    np.testing.assert_allclose(np.exp(result.scores[:, 0]), 0.4 * 0.9 * 0.95, rtol=1e-5)
    assert result.lengths.tolist() == [[4, 2]] * 2  # then "1 0", 0.5 * 0.2
    np.testing.assert_allclose(np.exp(result.scores[:, 1]), 0.1, rtol=1e-5)
    greedy = search(step, (), [0], end_token=0, beams=1, max_length=10)
    assert greedy.ids[0, 0, 0] == 1
    again = search(step, (), [0], end_token=0, beams=3, max_length=10, forbidden=[4])
    assert again.ids[0, 0, :2].tolist() == [1, 0]
    long = search(step, (), [0], end_token=0, beams=3, max_length=10, min_length=6)
    assert 6 <= int(long.lengths[0, 0])


def test_length_penalty_prefers_long_hypotheses():
    step, states = scripted([[0.3, 0.7]])
    for alpha, length in ((0.0, 1), (1.0, 6)):
        result = search(step, states, [0], end_token=0, beams=2, max_length=6, length_penalty=alpha)
        assert int(result.lengths[0, 0]) == length
    log_p = 6 * np.log(0.7)
    assert result.scores[0, 0] == pytest.approx(log_p / (11 / 6), rel=1e-6)
    assert result.log_probabilities[0, 0] == pytest.approx(log_p, rel=1e-6)


def looking(tokens, t):
    """Two beginnings, 1 and 2, of which the less likely one looks at both places and the other at the first one."""
    first = tf.math.log([[0.0, 0.6, 0.4]])
    logits = tf.where(tf.equal(t, 0), first, tf.math.log([[1.0, 0.0, 0.0]]))
    there = tf.where(tf.equal(tokens, 2) & (t > 0), 1.0, 0.0)
    weights = tf.stack([1.0 - there, there, tf.zeros_like(there)], axis=1)
    return tf.repeat(logits, tf.shape(tokens)[0], axis=0), t + 1, weights


def test_coverage_penalty_prefers_what_looks_everywhere():
    options = {"end_token": 0, "beams": 2, "max_length": 4, "memory_mask": [[True, True, False]]}
    for beta, word in ((0.0, 1), (0.5, 2)):
        result = search(looking, tf.constant(0), [0], coverage_penalty=beta, **options)
        assert result.ids[0, 0].tolist() == [word, 0, 0, 0]
    assert result.scores[0, 0] == pytest.approx(np.log(0.4), rel=1e-6)  # covered: nothing to pay
    assert result.weights[0, 0, :2].tolist() == [[1, 0, 0], [0, 1, 0]]
    result = search(looking, tf.constant(0), [0], coverage_penalty=0.5, **{**options, "memory_mask": None})
    assert result.scores[0, 0] == pytest.approx(np.log(0.4) + 0.5 * np.log(1e-6), rel=1e-5)


def test_coverage_that_is_still_to_come_is_not_given_up():
    """1 ends after two steps and has seen some of both places; 2 is less likely, and sees all, but at last."""

    def step(tokens, t):
        rows = tf.shape(tokens)[0]
        first = tf.repeat(tf.math.log([[0.0, 0.6, 0.4]]), rows, axis=0)
        goes_on = (tokens == 2) & (t == 1)
        after = tf.where(goes_on[:, None], tf.math.log([[0.0, 0.0, 1.0]]), tf.math.log([[1.0, 0.0, 0.0]]))
        second = tf.where(tokens == 1, 0.3, tf.where(t == 1, 0.2, 1.0)) * tf.cast(t > 0, tf.float32)
        return tf.where(t == 0, first, after), t + 1, tf.stack([1 - second, second], axis=1)

    result = search(step, tf.constant(0), [0], 0, 2, 9, coverage_penalty=1.0)
    assert result.ids[0, 0, :3].tolist() == [2, 2, 0]
    assert result.scores[0, 0] == pytest.approx(np.log(0.4), rel=1e-5)


def test_beams_that_do_not_exist_say_nothing():
    """The first group begins with 1, which ends, and 2, after which all is forbidden: it keeps nobody from any word."""
    end, five = [1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1]
    p = np.array([[0, 0.5, 0.3, 0.1, 0.1, 0], end, five, [0, 0.4, 0.35, 0, 0.25, 0], end, end])  # after 0, 1, ..., 5
    model = Markov(6, rows=1)
    with np.errstate(divide="ignore"):
        model.table = np.log(p)[None].astype("float32")
    options = {"beams": 4, "returned": 4, "groups": 2, "diversity": 5.0, "forbidden": (5,)}
    result = found(model, [0], end_token=0, max_length=2, **options)
    check(result, 0, searched(model, 0, 0, 0, 2, **options), weights=False)
    assert [3, 1] in result.ids[0].tolist()


def test_groups_say_different_things():
    model, starts = Recurrent(50, seed=8, sharpness=1.0), [1, 2, 3]
    options = {"end_token": 0, "beams": 4, "returned": 4, "max_length": 8, "min_length": 8}
    plain, diverse = found(model, starts, **options), found(model, starts, groups=4, diversity=100.0, **options)
    for row in range(3):
        firsts, words = set(plain.ids[row, :, 0]), diverse.ids[row]
        assert len(firsts) < 4
        assert all(len(set(words[:, t])) == 4 for t in range(7))  # no word is said by two groups at the same time
        best = found(model, [starts[row]], rows=[row], **{**options, "beams": 1, "returned": 1})
        assert best.ids[0, 0].tolist() in words.tolist()  # the first group searches alone


def counted(step):
    """The step, and how many steps were made (run eagerly; one more is traced to learn the shapes)."""
    calls = []

    def counting(*arguments):
        calls.append(None)
        return step(*arguments)

    return counting, lambda: len(calls) - 1


@pytest.mark.parametrize(
    "options, most",
    [
        ({"beams": 1}, 4),
        ({"beams": 2}, 5),
        ({"beams": 3, "length_penalty": 1.0}, 8),
        ({"beams": 3, "returned": 3}, 8),
    ],
    ids=str,
)
def test_stops_when_nothing_better_can_come(options, most):
    going = [0.0, 0.9, 0.1]
    step, states = scripted([going, going, going, [0.999, 0.0005, 0.0005]])
    step, steps = counted(step)
    result = search(step, states, [0], end_token=0, max_length=50, **options)
    assert 4 <= steps() <= most
    assert result.ids[0, 0, :4].tolist() == [1, 1, 1, 0]
    assert np.all(np.isfinite(result.scores))


def test_stops_early_with_coverage():
    step, steps = counted(looking)
    search(step, tf.constant(0), [0], end_token=0, beams=2, max_length=50, coverage_penalty=0.5)
    assert steps() == 2  # every live hypothesis is impossible


def test_stops_when_all_have_ended():
    step, states = scripted([[0.0, 0.5, 0.5], [1.0, 0.0, 0.0]])
    step, steps = counted(step)
    result = search(step, states, [0], end_token=0, beams=4, max_length=50, returned=4, length_penalty=2.0)
    assert steps() == 2
    assert sorted(result.ids[0, :, 0].tolist()) == [0, 0, 1, 2]
    assert result.lengths.tolist() == [[2, 2, 0, 0]]
    assert result.scores[0, 2:].tolist() == [-INF, -INF]


def test_dead_ends():
    """Every word once, the end too early: nothing can be written, and this is said without NaN."""
    step, states = scripted([[0.2, 0.4, 0.4]])
    result = search(
        step, states, [0, 1], end_token=0, beams=2, max_length=6, returned=2, no_repeat_ngram=1, min_length=5, pad=9
    )
    assert np.all(result.ids == 9) and np.all(result.lengths == 0)
    assert np.all(result.scores == -INF) and np.all(result.log_probabilities == -INF)
    result = search(step, states, [0], end_token=0, beams=2, max_length=6, returned=2, no_repeat_ngram=1)
    assert not np.any(np.isnan(result.scores)) and int(result.lengths[0, 0]) in (1, 2, 3)


def test_impossible_words_and_rows():
    """Logits of -inf, for some words or for all of a row: never written, never NaN."""
    first = np.array([[0.0, -INF, 1.0], [-INF] * 3], "float32")

    def step(tokens, fixed_logits):
        return fixed_logits, fixed_logits

    for compiled in (False, True):
        run = tf.function(
            lambda logits: beam_search(step, logits, [0, 0], end_token=0, beams=3, max_length=3, returned=3),
            jit_compile=compiled,
            autograph=False,
        )
        result = arrays(run(tf.constant(first)))
        assert 1 not in result.ids[0] and not np.any(np.isnan(result.scores))
        assert np.all(result.scores[1] == -INF) and np.all(result.lengths[1] == 0)
        assert np.exp(result.scores[0, 0]) == pytest.approx(0.731**3, abs=1e-3)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_logits(dtype):
    """The sums are those of the rounded logits in float32, even where float16 would overflow."""
    table = tf.cast(tf.random.stateless_normal((30, 30), (1, 2)) * 3 + 6e4 * (dtype == "float16"), dtype)

    def step(tokens, states):
        return tf.gather(table, tokens), states

    half = search(step, (), [1, 2], end_token=0, beams=3, max_length=10, returned=3)
    table = tf.cast(table, tf.float32)
    whole = search(step, (), [1, 2], end_token=0, beams=3, max_length=10, returned=3)
    assert half.scores.dtype == np.float32 and np.all(np.isfinite(half.scores))
    np.testing.assert_array_equal(half.ids, whole.ids)
    np.testing.assert_array_equal(half.scores, whole.scores)


def test_large_logits():
    step, states = scripted([[0.5, 0.5]])
    huge = lambda tokens, s: (step(tokens, s)[0] * 1e4 + 1e30, s)  # noqa: E731
    assert np.all(np.isfinite(search(huge, states, [0], end_token=0, beams=2, max_length=4).scores))
    # A forbidden word may be much likelier than all others.
    steep = lambda tokens, s: (tf.repeat([[0.0, 1.0, 500.0]], tf.shape(tokens)[0], axis=0), s)  # noqa: E731
    for forbidden in ([2], range(2, 30)):
        wide = lambda tokens, s: (tf.pad(steep(tokens, s)[0], [[0, 0], [0, 27]]), s)  # noqa: E731
        result = search(wide, (), [0], end_token=0, beams=1, max_length=2, forbidden=forbidden)
        assert result.ids[0, 0].tolist() == [1, 1]
        assert result.scores[0, 0] == pytest.approx(-998.0, rel=1e-5)


@pytest.mark.parametrize("kind", [bool, "int32", "float16", "float32"])
def test_states_of_any_type_follow_their_hypotheses(kind):
    """What a hypothesis has read is in its state; the step can read it from there only."""
    table = tf.constant(np.random.default_rng(0).normal(0, 1, (8, 8)), tf.float32)
    bits = tf.cast([[(w >> b) & 1 for b in range(3)] for w in range(8)], kind)

    def reads_state(tokens, states):
        words, before = states
        last = tf.reduce_sum(tf.cast(before, tf.int32) * [1, 2, 4], axis=1)
        return tf.gather(table, (tokens + last) % 8), (tf.concat([words[:, 1:], tokens[:, None]], 1), bits_of(tokens))

    def bits_of(tokens):
        return tf.gather(bits, tokens)

    start = tf.zeros((1, 4), tf.int32), tf.zeros((1, 3), kind)
    result = search(reads_state, start, [5], end_token=0, beams=5, max_length=6, returned=5)
    for ids, count, log_p in zip(result.ids[0], result.lengths[0], result.log_probabilities[0]):
        total, before, token = 0.0, 0, 5
        for following in ids[:count]:
            logits = table.numpy()[(token + before) % 8].astype("float64")
            total += logits[following] - np.log(np.exp(logits).sum())
            before, token = token, following
        assert log_p == pytest.approx(total, abs=1e-4)


def test_unknown_batch_size():
    model = Recurrent(20, seed=3)

    @tf.function(autograph=False)
    def run(starts, bias, memory, mask):
        step, *_ = protocol(model, [0])
        states = {"h": [tf.zeros((tf.shape(starts)[0], model.units))], "count": tf.constant(0)}
        options = {"length_penalty": 1.0, "coverage_penalty": 0.2, "no_repeat_ngram": 2, "memory_mask": mask}
        options |= {"groups": 2, "diversity": 0.5}
        return beam_search(step, states, starts, 0, 4, 9, fixed=(bias, memory), returned=3, **options)

    specs = [tf.TensorSpec((None,), tf.int32), tf.TensorSpec((None, model.units)), tf.TensorSpec((None, 4))]
    run = run.get_concrete_function(*specs, tf.TensorSpec((None, 4), tf.bool))
    options = {"length_penalty": 1.0, "coverage_penalty": 0.2, "no_repeat_ngram": 2, "groups": 2, "diversity": 0.5}
    for batch in (1, 3):
        starts = list(range(1, batch + 1))
        result = arrays(
            run(tf.constant(starts), model.bias[:batch], model.memory[:batch], tf.ones((batch, 4), tf.bool))
        )
        expected = found(model, starts, end_token=0, beams=4, max_length=9, returned=3, **options)
        np.testing.assert_array_equal(result.ids, expected.ids)
        np.testing.assert_allclose(result.weights, expected.weights, atol=1e-5)


def test_buffers_are_plain_tensors():
    step, states, fixed = protocol(Recurrent(20), [0, 1])
    run = tf.function(
        lambda: beam_search(step, states, [1, 2], 0, 3, 5, fixed=fixed, no_repeat_ngram=2), autograph=False
    )
    library = run.get_concrete_function().graph.as_graph_def().library.function
    operators = {node.op for function in library for node in function.node_def}
    assert "TopKV2" in operators  # the body of the loop was looked at
    assert not [name for name in operators if name.startswith("Tensor")]


def test_ensemble_multiplies_out():
    """The best of all by enumeration, of the mean of two models' probabilities; weights of one of them, and of both."""
    models, starts = [Recurrent(4, seed=1), Recurrent(4, seed=2)], [1, 2]

    class Mean:
        words = 4

        def start(self, row):
            return [m.start(row) for m in models]

        def step(self, row, token, states):
            steps = [m.step(row, token, s) for m, s in zip(models, states)]
            p, weights = (np.mean([f(s[i]) for s in steps], axis=0) for i, f in ((0, np.exp), (1, np.array)))
            return np.log(p), weights, [s[2] for s in steps]

    steps, states, fixed = zip(*(protocol(m, [0, 1]) for m in models))
    options = {"end_token": 0, "beams": 364, "max_length": 5, "returned": 5, "coverage_penalty": 0.3}
    result = search(ensemble(steps), list(states), starts, fixed=list(fixed), **options)
    for row, start in enumerate(starts):
        check(result, row, enumerated(Mean(), row, start, 0, 5, 5, beta=0.3))

    bound = lambda tokens, s: steps[1](tokens, s, fixed[1])[:2]  # noqa: E731
    joined = ensemble([steps[0], bound])
    _, _, weights = joined(tf.constant(starts), list(states), [fixed[0], None])
    np.testing.assert_array_equal(weights, steps[0](tf.constant(starts), states[0], fixed[0])[2])


def test_ensemble_of_unlikely_words():
    """Probabilities below the range of float32, and words that only one or none of the models knows."""
    one = lambda tokens, s: (tf.constant([[0.0, -300.0, -200.0, -INF]]), s)  # noqa: E731
    two = lambda tokens, s: (tf.constant([[0.0, -310.0, -INF, -INF]]), s)  # noqa: E731
    logits, _ = ensemble([one, two])(tf.constant([0]), [(), ()])
    expected = [0.0, -300 + np.log((1 + np.exp(-10)) / 2), -200 - np.log(2), -INF]
    np.testing.assert_allclose(logits[0], expected, rtol=1e-6)
    with pytest.raises(ValueError, match="steps: expected at least one step"):
        ensemble([])
    with pytest.raises(ValueError, match="states: expected a list of 2.*received \\[1\\]"):
        ensemble([one, two])(tf.constant([0]), [1])
    with pytest.raises(ValueError, match="fixed: expected a list of 2"):
        ensemble([one, two])(tf.constant([0]), [(), ()], [None] * 3)
    with pytest.raises(ValueError, match=r"steps: .* equally many words, received \[4, 2\]"):
        ensemble([one, lambda tokens, s: (tf.zeros((1, 2)), s)])(tf.constant([0]), [(), ()])


@pytest.mark.parametrize("size", [1, 2, 63, 64, 257, 4000, 10007])
@pytest.mark.parametrize("count", [1, 2, 10, 31])
def test_largest_is_top_k(size, count):
    """With many equal numbers, and with -inf, the same places in the same order."""
    rng = np.random.default_rng(size)
    count = min(count, size)
    for values in (
        rng.normal(0, 1, (5, size)),
        rng.integers(0, 4, (5, size)),
        np.where(rng.random((5, size)) < 0.01, 1, -INF),
    ):
        a = tf.constant(values, tf.float32)
        for result, expected in zip(largest(a, count), tf.math.top_k(a, count)):
            np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("offset", [0.0, -3000.0])
def test_likely_words_beside_those_struck_out(offset):
    """Three beams, one of which does not exist; the order does not suffer from scores that are far from zero."""
    rng = np.random.default_rng(0)
    logits, scores = rng.normal(0, 5, (6, 900)).astype("float32"), rng.normal(offset, 1, (2, 3)).astype("float32")
    scores[0, 1] = -INF
    struck = np.where(rng.random((6, 900)) < 0.5, -INF, 0.0).astype("float32")
    log_p, beams, words = likely_words(tf.constant(logits), tf.constant(scores), 20, struck)
    exact = logits.astype("float64")
    exact = exact - np.log(np.exp(exact).sum(1, keepdims=True)) + struck + scores.reshape(6, 1)
    exact = exact.reshape(2, 2700)
    order = np.argsort(-exact, axis=1)[:, :20]
    np.testing.assert_array_equal(beams, order // 900)
    np.testing.assert_array_equal(words, order % 900)
    np.testing.assert_allclose(log_p, np.take_along_axis(exact, order, 1), rtol=1e-6, atol=1e-5)


def test_likely_words_of_impossible_beams():
    """After one beam nothing can be said, another does not exist: they come last, with -inf and without NaN."""
    logits = np.array([[-INF] * 3, [0.0, -INF, 0.0], [1.0, 2.0, 3.0]], "float32")
    log_p, beams, words = likely_words(tf.constant(logits), tf.constant([[-1.0, -2.0, -INF]]), 9)
    np.testing.assert_allclose(log_p[0], [-2 - np.log(2)] * 2 + [-INF] * 7, rtol=1e-6)
    assert list(zip(beams[0].numpy(), words[0].numpy()))[:5] == [(1, 0), (1, 2), (0, 0), (0, 1), (0, 2)]


def test_likely_words_of_a_very_unlikely_beam():
    """In float32 -30000 and -30000.0001 are the same; the likelier word is the likelier one all the same."""
    _, _, words = likely_words(tf.constant([[1.0, 1.0001, 1.0002]]), tf.constant([[-30000.0]]), 3)
    assert words.numpy().tolist() == [[2, 1, 0]]


def test_numpy_numbers_and_arrays_are_taken():
    step, states = scripted([[0.4, 0.3, 0.3]])
    options = {"end_token": np.int64(0), "beams": np.int64(3), "max_length": np.int32(4), "forbidden": np.array([2])}
    result = search(step, states, np.array([1, 1]), length_penalty=np.float32(0.5), returned=np.int64(2), **options)
    plain = search(step, states, [1, 1], 0, 3, 4, forbidden=[2], length_penalty=0.5, returned=2)
    np.testing.assert_array_equal(result.ids, plain.ids)
    assert 2 not in result.ids


GOOD = {"end_token": 0, "beams": 4, "max_length": 5}


@pytest.mark.parametrize(
    "options, message",
    [
        ({"beams": 0}, "beams: expected an int >= 1, received 0"),
        ({"beams": 2.0}, "beams: expected an int >= 1, received 2.0"),
        ({"beams": True}, "beams: expected an int >= 1, received True"),
        (
            {"beams": 342, "max_length": 4},
            r"beams: expected an int in \[1, 341\], so many hypotheses exist; received 342",
        ),
        ({"beams": 6, "max_length": 4, "forbidden": (1, 2, 3)}, r"beams: expected an int in \[1, 5\]"),
        ({"max_length": 0}, "max_length: expected an int >= 1, received 0"),
        ({"returned": 0}, "returned: expected an int >= 1, received 0"),
        ({"returned": 5}, r"returned: expected an int in \[1, beams=4\], received 5"),
        ({"min_length": 6}, r"min_length: expected an int in \[0, max_length=5\], received 6"),
        ({"min_length": -1}, "min_length: expected an int >= 0, received -1"),
        ({"no_repeat_ngram": -1}, "no_repeat_ngram: expected an int >= 0, received -1"),
        ({"groups": 3, "diversity": 1.0}, "groups: expected a divisor of beams=4, received 3"),
        ({"groups": 0}, "groups: expected an int >= 1, received 0"),
        ({"groups": 2}, "diversity: expected a number > 0 with groups > 1 .* received 0.0 with groups = 2"),
        ({"diversity": 0.5}, "diversity: .* received 0.5 with groups = 1"),
        ({"diversity": -0.5, "groups": 2}, "diversity: expected a finite number >= 0, received -0.5"),
        ({"length_penalty": -1.0}, "length_penalty: expected a finite number >= 0, received -1.0"),
        ({"length_penalty": INF}, "length_penalty: expected a finite number >= 0, received inf"),
        ({"length_penalty": float("nan")}, "length_penalty: expected a finite number >= 0, received nan"),
        ({"coverage_penalty": -1}, "coverage_penalty: expected a finite number >= 0, received -1"),
        ({"coverage_penalty": 1.0}, "coverage_penalty: expected a step that gives .*weights.*, received no weights"),
        ({"forbidden": (1, 5)}, r"forbidden: expected an int in \[0, 5\), for as many logits, received 5"),
        ({"forbidden": (-1,)}, "forbidden: expected ints >= 0, received -1"),
        ({"forbidden": ("a",)}, "forbidden: expected ints >= 0, received 'a'"),
        ({"forbidden": (0,)}, "forbidden: expected tokens other than end_token, received 0"),
        ({"end_token": 5}, r"end_token: expected an int in \[0, 5\), for as many logits, received 5"),
        ({"end_token": -1}, "end_token: expected an int >= 0, received -1"),
        ({"pad": 0.5}, "pad: expected an int, received 0.5"),
        ({"start_tokens": [[1]]}, r"start_tokens: expected shape \(B,\), received \(1, 1\)"),
        ({"states": tf.zeros((3, 2))}, r"states: expected scalars and tensors of 1 rows.*received \(3, 2\)"),
        ({"fixed": [tf.zeros((2, 2))]}, r"fixed: expected scalars and tensors of 1 rows.*received \(2, 2\)"),
    ],
    ids=str,
)
def test_bad_arguments(options, message):
    arguments = {"states": (), "start_tokens": [1], **GOOD, **options}
    step = lambda tokens, states, fixed=None: (tf.zeros((tf.shape(tokens)[0], 5)), states)  # noqa: E731
    with pytest.raises(ValueError, match=message):
        search(step, **arguments)


@pytest.mark.parametrize("shape", [(1, 2), (2, 3), (2,)])
def test_bad_memory_mask(shape):
    step, states, fixed = protocol(Recurrent(5, places=2), [0, 1])
    with pytest.raises(ValueError, match=r"memory_mask: expected shape \(2, 2\), received"):
        search(step, states, [1, 2], **GOOD, fixed=fixed, coverage_penalty=1.0, memory_mask=tf.ones(shape, tf.bool))


@pytest.mark.parametrize(
    "result, message",
    [
        (lambda n, s: tf.zeros((n, 5)), "step: expected a tuple .*received .*Tensor"),
        (lambda n, s: (tf.zeros((n, 5)),), "step: expected a tuple .*received tuple of 1"),
        (
            lambda n, s: (tf.zeros((n, 1, 5)), s),
            r"step: expected float logits \(rows, V\) for 4 tokens, received float32",
        ),
        (lambda n, s: (tf.zeros((n + 1, 5)), s), r"step: expected float logits \(rows, V\) for 4 tokens"),
        (lambda n, s: (tf.zeros((n, 5), tf.int32), s), "step: expected float logits .*received int32"),
        (lambda n, s: (None, s), "step: expected float logits .*received NoneType"),
        (lambda n, s: (tf.zeros((n, 5)), s, tf.zeros((n, 2, 2))), "step: expected float weights"),
        (lambda n, s: (tf.zeros((n, 5)), [s, s]), "step: expected states of the structure it was given"),
        (lambda n, s: (tf.zeros((n, 5)), s[:, :1]), r"step: expected state 0 to stay float32 \(4, 2\), received"),
        (
            lambda n, s: (tf.zeros((n, 5)), tf.cast(s, tf.int32)),
            "step: expected state 0 to stay float32.*received int32",
        ),
    ],
)
def test_bad_steps(result, message):
    with pytest.raises(ValueError, match=message):
        search(lambda tokens, s: result(tokens.shape[0], s), tf.zeros((1, 2)), [1], **GOOD)


def test_number_of_hypotheses():
    """As counted by enumeration: no beam may be wider, one as wide is taken."""
    for words, length, least in ((3, 3, 0), (4, 2, 2), (2, 5, 3), (1, 4, 0), (1, 4, 2)):
        model = Markov(words)
        count = len(enumerated(model, 0, 0, 0, length, None, min_length=least))
        arguments = {"end_token": 0, "max_length": length, "min_length": least}
        if count:
            result = found(model, [0], beams=count, returned=count, **arguments)
            assert np.all(np.isfinite(result.scores))
        with pytest.raises(ValueError, match=rf"beams: expected an int in \[1, {count}\]"):
            found(model, [0], beams=count + 1, **arguments)


def test_options_are_complete():
    """Every option of `beam_search` is one of `BeamOptions`, in the same order."""
    code = beam_search.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    others = ("step", "states", "start_tokens", "fixed", "memory_mask")
    assert tuple(n for n in names if n not in others) == tuple(BeamOptions.__dataclass_fields__)
