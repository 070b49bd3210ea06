"""`beam_search` against enumeration, a search with lists, and the model's own probabilities; penalties and groups."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from keras_seqcv.decoding import write
from tests.decoding.beam_oracle import Markov, Recurrent, enumerated, log_probability, searched
from tests.decoding.beam_runs import check, found, looking, of_oracle, protocol, scripted, search

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
