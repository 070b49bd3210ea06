"""`ensemble` against the mean of probabilities by hand."""

import numpy as np
import pytest
import tensorflow as tf

from keras_seqcv.decoding import ensemble
from tests.decoding.beam_oracle import Recurrent, enumerated
from tests.decoding.beam_runs import INF, check, protocol, search


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
