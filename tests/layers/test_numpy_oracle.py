"""The layers in float64 against NumPy loops: outputs and states against the loop, gradients against its differences."""

import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from tests.layers import oracles
from tests.layers.samples import KINDS, MASKS, MODES, in_mode, make_layer, make_sample, ordered_weights, randomise

TOLERANCE = 1e-12


def built(sample, rng, **options):
    """A layer for a sample, and its weights."""
    layer = make_layer(
        sample.kind,
        4,
        return_sequences=True,
        return_state=True,
        go_backwards=sample.backwards,
        zero_output_for_mask=sample.zero_output_for_mask,
        **options,
    )
    shapes = {} if sample.context is None else {"context_shape": sample.context.shape}
    layer.build(sample.x.shape, **shapes)
    return layer, randomise(layer, rng)


def call(layer, sample, x, initial, context, training=False):
    more = {} if context is None else {"context": context}
    return layer(x, initial_state=initial, mask=sample.mask, reset=sample.reset, training=training, **more)


def expected(sample, x, weights, initial, context):
    return oracles.run(
        sample.kind,
        x,
        weights,
        initial,
        sample.mask,
        sample.reset,
        sample.backwards,
        context,
        sample.zero_output_for_mask,
    )


def check_forward(sample, rng, mode, training=False, **options):
    layer, weights = built(sample, rng, **options)
    tensors = [sample.x, sample.initial, sample.context]
    function = in_mode(mode, lambda x, initial, context: call(layer, sample, x, initial, context, training))
    outputs, *finals = function(*tf.nest.map_structure(lambda a: None if a is None else tf.constant(a), tensors))
    wanted, wanted_finals = expected(sample, sample.x, weights, sample.initial, sample.context)
    assert outputs.dtype == tf.float64
    np.testing.assert_allclose(outputs, wanted, atol=TOLERANCE)
    assert len(finals) == len(wanted_finals)
    for final, wanted_final in zip(finals, wanted_finals):
        np.testing.assert_allclose(final, wanted_final, atol=TOLERANCE)


@pytest.mark.parametrize("initial", [True, False])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_outputs_and_states(kind, backwards, initial):
    rng = np.random.default_rng(1)
    for mode in ("eager", "graph"):
        check_forward(make_sample(kind, rng, initial=initial, backwards=backwards), rng, mode)


@pytest.mark.parametrize("pattern", MASKS)
@pytest.mark.parametrize("kind", KINDS)
def test_masks(kind, pattern):
    rng = np.random.default_rng(2)
    for backwards in (False, True):
        for zero in (False, True):
            sample = make_sample(kind, rng, pattern, backwards=backwards, zero_output_for_mask=zero)
            check_forward(sample, rng, "eager")
            if zero == backwards:
                check_forward(sample, rng, "graph")


@pytest.mark.parametrize("reset", ["row", "step"])
@pytest.mark.parametrize("kind", KINDS)
def test_resets(kind, reset):
    rng = np.random.default_rng(3)
    for backwards in (False, True):
        for pattern in (None, "holes"):
            check_forward(make_sample(kind, rng, pattern, reset, backwards=backwards), rng, "eager")
    check_forward(make_sample(kind, rng, "holes", reset), rng, "graph")


@pytest.mark.parametrize(
    "kind, options",
    [(kind, {"unroll": True}) for kind in KINDS]
    + [(kind, {"recurrent_dropout": 0.5}) for kind in KINDS]
    + [(kind, {"implementation": 1}) for kind in KINDS[2:]],
)
def test_the_loop_around_the_keras_cell(kind, options):
    """Options that the engine does not know take another loop. Without training no dropout acts."""
    rng = np.random.default_rng(4)
    for backwards in (False, True):
        check_forward(make_sample(kind, rng, "holes", "step", backwards=backwards), rng, "eager", **options)
    check_forward(make_sample(kind, rng, "left", "row", zero_output_for_mask=True), rng, "graph", **options)


@pytest.mark.parametrize("mode", ["loop", "xla"])
@pytest.mark.parametrize("kind", KINDS)
def test_compiled(kind, mode):
    """Twenty rows: enough for the engine to cut the batch into groups."""
    rng = np.random.default_rng(5)
    check_forward(make_sample(kind, rng, batch=20, steps=7), rng, mode)
    check_forward(make_sample(kind, rng, "holes", "step", batch=20, steps=7, backwards=True), rng, mode, training=True)


def check_gradients(sample, rng, mode, training=True, **options):
    """The tape's gradients of weights, inputs, initial states and context against differences of the NumPy loop."""
    layer, weights = built(sample, rng, **options)
    shape = (*sample.x.shape[:2], 4)
    variables = [w.value for w in ordered_weights(layer)]
    factors = [rng.standard_normal(shape), *(rng.standard_normal(s.shape) for s in sample.initial)]

    def total(outputs, finals, multiply):
        return sum(multiply(f, a) for f, a in zip(factors, [outputs, *finals]))

    def gradients(x, initial, context):
        sources = [x, *initial] + ([] if context is None else [context])
        with tf.GradientTape() as tape:
            tape.watch(sources)
            outputs, *finals = call(layer, sample, x, initial, context, training)
            loss = total(outputs, finals, lambda f, a: tf.reduce_sum(f * a))
        return tape.gradient(loss, variables + sources)

    arrays = [sample.x, *sample.initial] + ([] if sample.context is None else [sample.context])
    tensors = [tf.constant(a) for a in arrays]
    states = len(sample.initial)
    received = in_mode(mode, gradients)(
        tensors[0], tensors[1 : 1 + states], None if sample.context is None else tensors[-1]
    )

    def loss(arrays):
        given, others = arrays[: len(weights)], arrays[len(weights) :]
        context = None if sample.context is None else others[-1]
        outputs, finals = expected(sample, others[0], given, others[1 : 1 + states], context)
        return total(outputs, finals, lambda f, a: float(np.sum(f * a)))

    wanted = oracles.finite_differences(loss, [*weights, *arrays])
    names = [w.name for w in ordered_weights(layer)] + ["x"] + ["state"] * states + ["context"]
    for name, given, difference in zip(names, received, wanted):
        assert given is not None, f"no gradient reaches {name}"
        np.testing.assert_allclose(given, difference, atol=2e-7, err_msg=name)


@pytest.mark.parametrize("pattern, reset", [(None, None), ("right", None), ("holes", "step"), ("full_row", "row")])
@pytest.mark.parametrize("kind", KINDS)
def test_gradients(kind, pattern, reset):
    rng = np.random.default_rng(6)
    sample = make_sample(kind, rng, pattern, reset, backwards=pattern == "right")
    check_gradients(sample, rng, "eager")
    check_gradients(sample, rng, "eager", training=False)  # nothing was kept for the gradient: it runs forward again


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_in_a_graph(kind):
    rng = np.random.default_rng(7)
    sample = make_sample(kind, rng, "holes", "step", zero_output_for_mask=True)
    for training in (True, False):
        check_gradients(sample, rng, "graph", training)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_the_loop_around_the_keras_cell(kind):
    rng = np.random.default_rng(8)
    sample = make_sample(kind, rng, "holes", "step", steps=4)
    check_gradients(sample, rng, "graph", unroll=True)
    check_gradients(sample, rng, "graph", training=False, recurrent_dropout=0.5)


@pytest.mark.parametrize("mode", ["loop", "xla"])
@pytest.mark.parametrize("kind", KINDS)
def test_compiled_gradients(kind, mode):
    rng = np.random.default_rng(9)
    check_gradients(make_sample(kind, rng, "holes", "step", batch=18, steps=3), rng, mode)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu", "linear"])
def test_gradients_of_every_activation_of_simple_rnn(activation, monkeypatch):
    functions = {"tanh": np.tanh, "sigmoid": oracles.sigmoid, "relu": lambda x: np.maximum(x, 0), "linear": lambda x: x}

    def step(x, states, weights, context=None):
        kernel, recurrent, bias = weights
        return [functions[activation](x @ kernel + states[0] @ recurrent + bias)]

    monkeypatch.setitem(oracles.STEPS, "simple_rnn", step)
    rng = np.random.default_rng(10)
    check_gradients(make_sample("simple_rnn", rng, "holes", "step"), rng, "eager", activation=activation)


def test_only_the_used_gradient():
    """Where a loss uses the final state alone, or one output alone, the others' gradients are zero, not missing."""
    rng = np.random.default_rng(11)
    sample = make_sample("lstm", rng)
    layer, weights = built(sample, rng)
    for used in range(3):
        with tf.GradientTape() as tape:
            result = call(layer, sample, tf.constant(sample.x), [tf.constant(s) for s in sample.initial], None)
            loss = tf.reduce_sum(result[used])

        def of_loop(arrays, used=used):
            outputs, finals = expected(sample, sample.x, arrays, sample.initial, None)
            return float(np.sum([outputs, *finals][used]))

        received = tape.gradient(loss, [w.value for w in ordered_weights(layer)])
        for given, wanted in zip(received, oracles.finite_differences(of_loop, weights)):
            np.testing.assert_allclose(given, wanted, atol=2e-7)


def test_modes_are_what_they_say():
    """Guards the tests above: "graph" must not compile the loop, "loop" must."""

    def functions_of(mode):
        layer = ks.layers.LSTM(2)
        layer.build((2, 3, 2))
        function = tf.function(lambda x: layer(x))
        with ks.layers.jit_scope(mode != "graph"):
            graph = function.get_concrete_function(tf.zeros((2, 3, 2))).graph.as_graph_def()
        compiled = [f for f in graph.library.function if f.attr["_XlaMustCompile"].b]
        return len(compiled)

    assert functions_of("graph") == 0 and functions_of("loop") > 0
    assert set(MODES) == {"eager", "graph", "loop", "xla"}
