"""Arguments of `beam_search`: numbers of NumPy are taken, wrong ones are named."""

import numpy as np
import pytest
import tensorflow as tf

from keras_seqcv.decoding import beam_search
from keras_seqcv.decoding.beam_arguments import BeamOptions
from tests.decoding.beam_oracle import Markov, Recurrent, enumerated
from tests.decoding.beam_runs import INF, found, protocol, scripted, search


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
    others = ("step", "states", "start_tokens", "fixed", "memory_mask", "places")
    assert tuple(n for n in names if n not in others) == tuple(BeamOptions.__dataclass_fields__)
