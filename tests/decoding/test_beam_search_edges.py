"""When a search stops, what is impossible, precision, states of any kind, unknown sizes."""

import numpy as np
import pytest
import tensorflow as tf

from keras_seqcv.decoding import beam_search
from tests.decoding.beam_oracle import Recurrent
from tests.decoding.beam_runs import INF, arrays, found, looking, protocol, scripted, search


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


def test_places_may_be_known_only_when_the_graph_runs():
    """One graph for memories of any number of places, with coverage and without a mask."""
    logits = tf.math.log([[0.2, 0.5, 0.3], [0.3, 0.3, 0.4], [0.5, 0.2, 0.3]])
    open_memory = [tf.TensorSpec((None, None))]

    def step(tokens, states, memory):
        return tf.gather(logits, tokens), states, tf.nn.softmax(memory * tf.cast(tokens[:, None] + 1, tf.float32))

    def run(memory, places=None):
        options = {"fixed": memory, "coverage_penalty": 0.4, "returned": 3, "places": places}
        return beam_search(step, (), tf.zeros_like(memory[:, 0], tf.int32), 0, 3, 5, **options)

    traced = tf.function(lambda memory: run(memory, tf.shape(memory)[1]), open_memory, autograph=False)
    for count in (1, 4):
        memory = tf.constant(np.random.default_rng(count).standard_normal((2, count)), tf.float32)
        wanted, result = arrays(run(memory)), arrays(traced(memory))
        np.testing.assert_array_equal(result.ids, wanted.ids)
        np.testing.assert_allclose(result.scores, wanted.scores, rtol=1e-5)
        np.testing.assert_allclose(result.weights, wanted.weights, rtol=1e-5)
        assert result.weights.shape == (2, 3, 5, count)
    with pytest.raises(ValueError, match="weights .* of known width"):
        tf.function(run, open_memory, autograph=False)(memory)
