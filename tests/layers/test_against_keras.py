"""More than 500 random configurations in float32: forward and all gradients are those of the Keras layer."""

import collections
import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from tests.layers.keras_configurations import ACTIVATIONS, CLASSES, GATES, compare, draw
from tests.layers.samples import MASKS

TOLERANCE = 1e-5
GROUPS = 25


def group(seed):
    """Most step by step, three as graphs: with known shapes, with unknown ones, with loops that XLA compiles; and every
    fourth group has one that is compiled by XLA as a whole."""
    rng = np.random.default_rng(seed)
    several = {
        "batch": (17, 24),
        "steps": (4, 5),
        "features": (3,),
        "units": (4,),
    }  # the engine works in groups of rows
    configurations = [draw(rng, "eager") for _ in range(18)]
    configurations += [draw(rng, "graph"), draw(rng, "graph", dynamic=True)]
    configurations += [draw(rng, "loop", dynamic=True) if seed % 2 else draw(rng, "loop", sizes=several)]
    if seed % 4 == 0:
        configurations += [draw(rng, "xla", sizes=several, name=CLASSES[seed // 4 % 3])]
    return configurations


# All of them take almost two minutes.
@pytest.mark.parametrize(
    "seed", [pytest.param(k, marks=[pytest.mark.long] if k > GROUPS // 2 else []) for k in range(GROUPS)]
)
def test_random_configurations(seed, largest_differences):
    failures = []
    for configuration in group(seed):
        try:
            forward, gradients = compare(configuration)
        except Exception as error:
            failures.append(f"{type(error).__name__}: {error} in {configuration}")
            continue
        for quantity, difference in (("forward", forward), ("gradients", gradients)):
            largest, where, count = largest_differences.get(quantity, (0.0, "", 0))
            if difference > largest:
                largest, where = difference, configuration.name + ", " + configuration.mode
            largest_differences[quantity] = (largest, where, count + 1)
            if difference > TOLERANCE:
                failures.append(f"{quantity} differ by {difference:.1e} in {configuration}")
    assert not failures, f"{len(failures)} of the group:\n" + "\n".join(failures)


def test_the_configurations_cover_every_option():
    """Guards the test above: at least 500, no two alike, and each value of each option occurs."""
    configurations = [c for seed in range(GROUPS) for c in group(seed)]
    assert len(configurations) >= 500
    assert len({c.seed for c in configurations}) == len(configurations)
    counts = collections.Counter()
    for c in configurations:
        fields = dataclasses.asdict(c)
        options = fields.pop("options")
        counts.update((c.name, key, value) for key, value in {**fields, **options}.items() if key != "name")
    for name in CLASSES:
        wanted = [("mask", m) for m in (None, *MASKS)] + [("mode", m) for m in ("eager", "graph", "loop", "xla")]
        wanted += [("initial_state", b) for b in (True, False)] + [("training", b) for b in (True, False)]
        wanted += [("batch", 1), ("steps", 1), ("features", 1), ("units", 1), ("dynamic", True)]
        wanted += [(key, True) for key in ("return_sequences", "return_state", "go_backwards", "zero_output_for_mask")]
        wanted += [("use_bias", False), ("unroll", True), ("dropout", 0.5), ("recurrent_dropout", 0.3)]
        wanted += [("kernel_regularizer", "l2"), ("recurrent_regularizer", "l1"), ("activity_regularizer", "l2")]
        if name != "SimpleRNN":
            wanted += [("implementation", 1), *(("recurrent_activation", gate) for gate in GATES)]
        wanted += {"LSTM": [("unit_forget_bias", False)], "GRU": [("reset_after", False), ("reset_after", True)]}.get(
            name, [("activation", a) for a in ACTIVATIONS]
        )
        missing = [pair for pair in wanted if not counts[name, *pair]]
        assert not missing, (name, missing)


@pytest.mark.parametrize("mode", ["graph", "loop"])
@pytest.mark.parametrize("name", CLASSES)
def test_one_graph_for_many_shapes(name, mode):
    """Traced once with unknown batch and time, then called with many: one row, one step, more rows than units, ...

    The loop that XLA compiles is padded to a few lengths, so its final states are what must be looked at.
    """
    options = {"return_sequences": True, "return_state": True}
    ours, theirs = getattr(ks.layers, name)(3, **options), getattr(keras.layers, name)(3, **options)
    rng = np.random.default_rng(0)
    ours.build((None, None, 2))
    theirs.build((None, None, 2))
    theirs.set_weights(ours.get_weights())

    def results_and_gradients(layer, x, mask):
        with tf.GradientTape() as tape:
            results = layer(x, mask=mask if mode == "graph" else None, training=True)
            loss = tf.add_n([tf.reduce_mean(tf.square(a)) for a in results])
        return [*results, *tape.gradient(loss, [w.value for w in layer.trainable_weights])]

    @tf.function(input_signature=[tf.TensorSpec((None, None, 2)), tf.TensorSpec((None, None), tf.bool)])
    def run(x, mask):
        return results_and_gradients(ours, x, mask)

    # XLA compiles for each: fewer of them there.
    shapes = [(1, 1), (18, 9)] if mode == "loop" else [(1, 1), (4, 3), (1, 9), (18, 1), (33, 13)]
    for batch, steps in shapes:
        x = tf.constant(rng.standard_normal((batch, steps, 2)), "float32")
        mask = tf.constant(rng.random((batch, steps)) < 0.7)
        with ks.layers.jit_scope(mode == "loop"):
            received = run(x, mask)
        for a, b in zip(received, results_and_gradients(theirs, x, mask), strict=True):
            np.testing.assert_allclose(a, b, atol=TOLERANCE)
    assert run.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("name", CLASSES)
def test_defaults_names_and_initial_values(name):
    """Weights have Keras's names, order and shapes, and the same seed gives the same first values."""
    keras.utils.set_random_seed(3)
    theirs = getattr(keras.layers, name)(4)
    theirs.build((None, None, 3))
    keras.utils.set_random_seed(3)
    ours = getattr(ks.layers, name)(4)
    ours.build((None, None, 3))
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    for a, b in zip(ours.get_weights(), theirs.get_weights()):
        np.testing.assert_array_equal(a, b)
    mine, yours = ours.get_config(), theirs.get_config()
    # Ours is complete: it holds arguments that Keras leaves out, such as `use_cudnn`.
    assert {k: mine[k] for k in yours if k != "name"} == {k: v for k, v in yours.items() if k != "name"}
    assert isinstance(ours, getattr(keras.layers, name))
