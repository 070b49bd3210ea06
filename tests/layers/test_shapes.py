"""Whatever the options and sizes: shapes and types are those that were promised, and nothing is NaN."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import keras_seqcv as ks

pytestmark = pytest.mark.usefixtures("without_xla")
SIZE = st.integers(1, 9)
LAYERS = st.sampled_from(["SimpleRNN", "LSTM", "GRU"])
FLAGS = st.fixed_dictionaries(
    {name: st.booleans() for name in ("return_sequences", "return_state", "go_backwards", "stateful", "use_bias")}
)
quick = settings(deadline=None, max_examples=25, derandomize=True)


def expected_shapes(name, batch, steps, units, flags):
    shapes = [(batch, steps, units) if flags["return_sequences"] else (batch, units)]
    return shapes + [(batch, units)] * ((2 if name == "LSTM" else 1) * flags["return_state"])


@quick
@given(LAYERS, SIZE, SIZE, SIZE, SIZE, FLAGS, st.booleans(), st.sampled_from(["float32", "float64", "mixed_bfloat16"]))
def test_a_call(name, batch, steps, features, units, flags, masked, dtype):
    layer = getattr(ks.layers, name)(units, dtype=dtype, **flags)
    rng = np.random.default_rng(batch + 10 * steps)
    x = 3 * rng.standard_normal((batch, steps, features))
    mask = rng.random((batch, steps)) < 0.5 if masked else None
    results = tf.nest.flatten(layer(x, mask=mask))
    wanted = expected_shapes(name, batch, steps, units, flags)
    assert [tuple(a.shape) for a in results] == wanted
    promised = layer.compute_output_shape(x.shape)
    assert (list(promised) if flags["return_state"] else [promised]) == wanted
    for a in results:
        assert a.dtype == layer.compute_dtype
        assert np.isfinite(tf.cast(a, "float64")).all() and np.abs(tf.cast(a, "float64")).max() <= 1.0 + 50 * (
            name == "LSTM"
        )
    if flags["stateful"]:
        states = layer.get_states()
        assert [s.shape for s in states] == [(batch, units)] * len(layer.state_size)
        if flags["return_state"]:
            for state, final in zip(states, results[1:]):
                np.testing.assert_array_equal(state, final)


@settings(quick, max_examples=8)
@given(LAYERS, SIZE, SIZE, SIZE, FLAGS, st.booleans())
def test_a_functional_model_of_unknown_sizes(name, batch, steps, units, flags, known_steps):
    """The shapes that a KerasTensor promises are those that come out."""
    x = keras.Input((steps if known_steps else None, 3))
    outputs = tf.nest.flatten(getattr(ks.layers, name)(units, **flags)(x))
    model = keras.Model(x, outputs)
    results = tf.nest.flatten(model.predict(np.ones((batch, steps, 3)), verbose=0))
    wanted = expected_shapes(name, batch, steps, units, flags)
    assert [a.shape for a in results] == wanted
    for symbolic, shape in zip(outputs, wanted):
        assert len(symbolic.shape) == len(shape)
        assert all(a in (None, b) for a, b in zip(symbolic.shape, shape)), (symbolic.shape, shape)
        assert symbolic.shape[-1] == units


@settings(quick, max_examples=8)
@given(st.integers(1, 12), st.lists(st.integers(1, 6), min_size=1, max_size=4), LAYERS)
def test_any_cut_into_chunks_is_one_sequence(batch, lengths, name):
    layer = getattr(ks.layers, name)(3, stateful=True, return_sequences=True, dtype="float64")
    x = np.random.default_rng(batch).standard_normal((batch, sum(lengths), 2))
    chunks = [layer(part) for part in np.split(x, np.cumsum(lengths)[:-1], axis=1)]
    layer.reset_states()
    np.testing.assert_allclose(np.concatenate(chunks, axis=1), layer(x), atol=1e-13)
