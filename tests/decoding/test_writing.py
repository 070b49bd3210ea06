import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_seqcv.decoding import write
from tests.decoding.choice_oracle import Stream, choice

WORDS = 7
TABLE = np.random.default_rng(0).normal(0, 2, (WORDS, WORDS)).astype("float32")
DRIFT = np.random.default_rng(1).normal(0, 1, (WORDS,)).astype("float32")


def step(tokens, states):
    """A model with a memory: how often it was called, and the sum of what it read, in a nested structure."""
    count, (total,) = states["count"], states["sum"]
    total = (total + tokens) % 5
    logits = tf.gather(TABLE, tokens) + tf.cast(total, tf.float32)[:, None] * DRIFT * 0.3
    return logits, {"count": count + 1, "sum": [total]}


def start(batch):
    return {"count": tf.zeros((), tf.int32), "sum": [tf.zeros((batch,), tf.int32)]}


def oracle(prompts, length, seed, rows=None, **options):
    """The texts by a Python loop, row by row; None from where rounding may decide."""
    texts = []
    for row, prompt in enumerate(prompts):
        stream, total, text = Stream(seed, row), 0, []
        for position in range(len(prompt) + length - 1):
            token = (list(prompt) + text)[position]
            total = (total + token) % 5
            if position >= len(prompt) - 1:
                logits = TABLE[token].astype("float64") + np.float32(total) * DRIFT * np.float32(0.3)
                token, near = choice(logits, next(stream), **options)
                assert near > 1e-6, "choose another seed: rounding would decide"
                text.append(token)
        texts.append(text)
    return texts


def padded(prompts, width=None, fill=0):
    ids = np.full((len(prompts), width or max(map(len, prompts))), fill, "int32")
    for row, prompt in zip(ids, prompts, strict=True):
        row[: len(prompt)] = prompt
    return tf.constant(ids), tf.constant([len(p) for p in prompts])


def written(prompts, length, seed, width=None, fill=0, **options):
    if options.pop("greedy", False):
        options["temperature"] = 0.0
    return write(step, start(len(prompts)), *padded(prompts, width, fill), length, seed, **options).numpy().tolist()


PROMPTS = [[3], [1, 2, 6, 0, 5], [4, 4], [0, 0, 0]]


@pytest.mark.parametrize(
    "options",
    [{}, {"temperature": 0.6}, {"greedy": True}, {"top_k": 3}, {"top_p": 0.7}, {"top_k": 4, "top_p": 0.8}],
    ids=str,
)
def test_equals_a_python_loop(options):
    assert written(PROMPTS, 30, 11, **options) == oracle(PROMPTS, 30, 11, **options)


@settings(max_examples=25, deadline=None)
@given(
    prompts=st.lists(st.lists(st.integers(0, WORDS - 1), min_size=1, max_size=6), min_size=1, max_size=4),
    length=st.integers(0, 8),
    extra=st.integers(0, 3),
    fill=st.integers(0, WORDS - 1),
)
def test_any_prompts(prompts, length, extra, fill):
    width = max(map(len, prompts)) + extra  # what is in the padding does not matter
    result = written(prompts, length, 5, width, fill, greedy=True)
    assert result == oracle(prompts, length, 5, greedy=True)


def test_scripted_model():
    """It says 5 3 1 4 whatever it reads; the text is the script from the prompt's last token on."""
    script = tf.one_hot([5, 3, 1, 4, 2, 2, 6], WORDS) * 100.0

    def say(tokens, t):
        return tf.repeat(script[t][None], tf.shape(tokens)[0], axis=0), t + 1

    prompts, lengths = padded([[0], [0, 0, 0]])
    for options in ({"temperature": 0.0}, {"temperature": 1.0}, {"top_k": 1}, {"top_p": 0.5}):
        texts = write(say, tf.constant(0), prompts, lengths, 3, seed=1, **options)
        assert texts.numpy().tolist() == [[5, 3, 1], [1, 4, 2]]


def test_rows_do_not_depend_on_one_another():
    together = written(PROMPTS, 20, 7)
    assert written(PROMPTS[:1], 20, 7) == together[:1]
    assert written(PROMPTS[:3], 20, 7) == together[:3]
    others = [PROMPTS[0], [6, 6, 6, 6], PROMPTS[2], [2]]
    assert [written(others, 20, 7)[row] for row in (0, 2)] == [together[row] for row in (0, 2)]
    assert written(PROMPTS, 20, 7, width=9, fill=3) == together


def test_rows_and_seeds_differ():
    same = [[1, 2]] * 6
    rows = written(same, 20, 7)
    assert len({tuple(row) for row in rows}) == 6
    assert rows == written(same, 20, 7) and not set(map(tuple, rows)) & set(map(tuple, written(same, 20, 8)))
    assert len({tuple(row) for row in written(same, 20, 7, greedy=True)}) == 1


def test_frequencies():
    """One step of 4,000 rows: chi-square with 6 degrees of freedom, above 27.9 once in 10,000."""
    tokens = np.array(written([[2]] * 4000, 1, 3))[:, 0]
    logits = TABLE[2].astype("float64") + 2 * DRIFT * 0.3
    p = np.exp(logits) / np.exp(logits).sum()
    assert ((np.bincount(tokens, minlength=WORDS) - 4000 * p) ** 2 / (4000 * p)).sum() < 27.9


def test_length_as_tensor_and_places():
    whole = written(PROMPTS, 12, 7)
    for length in (0, 1, 5, 12):
        ids = written(PROMPTS, tf.constant(length), 7, places=12)
        assert ids == [row[:length] + [0] * (12 - length) for row in whole]
        assert written(PROMPTS, length, 7) == [row[:length] for row in whole]
    with pytest.raises(ValueError, match="places"):
        written(PROMPTS, tf.constant(3), 7)


def graph(jit_compile):
    @tf.function(jit_compile=jit_compile)
    def run(prompts, lengths, length, seed, temperature, top_k, top_p):
        states = start(prompts.shape[0])
        return write(step, states, prompts, lengths, length, seed, temperature, top_k, top_p, places=32)

    return run


@pytest.mark.parametrize("jit_compile", [False, True])
def test_graph_and_xla(jit_compile):
    scalars = tf.constant(9), tf.constant(0.9), tf.constant(5), tf.constant(0.9)
    run = graph(jit_compile)
    ids = run(*padded(PROMPTS), tf.constant(30), *scalars).numpy()
    assert ids[:, :30].tolist() == oracle(PROMPTS, 30, 9, temperature=0.9, top_k=5, top_p=0.9)
    assert not ids[:, 30:].any()


def test_buffers_are_plain_tensors():
    specs = tf.TensorSpec((2, 3), tf.int32), tf.TensorSpec((2,), tf.int32), *[tf.TensorSpec((), tf.int32)] * 2
    concrete = graph(False).get_concrete_function(
        *specs, tf.TensorSpec((), tf.float32), tf.TensorSpec((), tf.int32), tf.TensorSpec((), tf.float32)
    )
    library = concrete.graph.as_graph_def().library.function
    operators = {node.op for function in library for node in function.node_def}
    assert "GatherV2" in operators  # the body of the loop was looked at
    assert not [name for name in operators if name.startswith("Tensor")]


@pytest.mark.parametrize("jit_compile", [False, True])
def test_groups_of_rows_write_the_same(jit_compile):
    """States that depend on what was written, seven rows in three groups, prompts of different lengths."""
    rng = np.random.default_rng(0)
    table = tf.constant(rng.standard_normal((6, 6)), "float32")

    def step(tokens, states):
        states = 0.5 * states + tf.gather(table, tokens)
        return states, states

    prompts, lengths = rng.integers(0, 6, (7, 4)), rng.integers(1, 5, 7)

    @tf.function(jit_compile=jit_compile)
    def written(groups):
        return write(
            step,
            tf.zeros((7, 6)),
            tf.constant(prompts, tf.int32),
            tf.constant(lengths, tf.int32),
            9,
            seed=3,
            temperature=0.8,
            groups=groups,
        )

    whole = written(1)
    assert len({tuple(row) for row in whole.numpy()}) > 3
    np.testing.assert_array_equal(written(3), whole)


def test_groups_below_one_are_refused():
    with pytest.raises(ValueError, match="groups: expected an int >= 1, received 0"):
        write(step, (), tf.zeros((1, 1), tf.int32), tf.ones(1, tf.int32), 1, seed=0, groups=0)
