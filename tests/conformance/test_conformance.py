"""Every public layer through every check."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from tests.conformance.table import BATCH, TABLE
from tests.layers.samples import in_mode

pytestmark = pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
EPSILON = {"mixed_bfloat16": 7.9e-3, "mixed_float16": 9.8e-4}


def called(row, layer, data, **more):
    """The outputs of the layer, a list, called as its row says: the first input by place, the others by name."""
    first, *others = row.inputs
    return keras.tree.flatten(layer(data[first], **{name: data[name] for name in others}, **more))


def assert_same(received, wanted, **tolerance):
    for a, b in zip(received, wanted, strict=True):
        compare = np.testing.assert_allclose if tolerance else np.testing.assert_array_equal
        compare(tf.cast(a, "float64"), tf.cast(b, "float64"), **tolerance)


def differ(received, wanted):
    return any(not np.allclose(a, b) for a, b in zip(received, wanted, strict=True))


def model_of(row, layer=None, batch=None):
    inputs = {name: keras.Input(shape, batch_size=batch, name=name) for name, shape in row.inputs.items()}
    outputs = called(row, layer or row.make(), inputs)
    return keras.Model(inputs, outputs if len(outputs) > 1 else outputs[0])


def built(row, **options):
    layer = row.make(**options)
    called(row, layer, row.data())
    return layer


def test_shapes(row):
    """What comes out, what `compute_output_shape` says, and what a KerasTensor promises."""
    layer, data = row.make(), row.data()
    outputs = called(row, layer, data)
    wanted = [(BATCH, *shape) for shape in row.outputs]
    assert [tuple(output.shape) for output in outputs] == wanted
    promised = layer.compute_output_shape(*[(BATCH, *shape) for shape in row.inputs.values()])
    assert [tuple(shape) for shape in (promised if len(wanted) > 1 else [promised])] == wanted
    assert [output.shape[1:] for output in model_of(row, layer).outputs] == row.outputs
    assert all(output.dtype == "float32" and np.isfinite(output).all() for output in outputs)
    data, other = row.data(batch=20), row.data(batch=20, seed=1)
    outputs = called(row, layer, data)
    for name in row.inputs:
        assert differ(called(row, layer, {**data, name: other[name]}), outputs), f"{name} does nothing"


def test_any_batch_size(row):
    """Rows do not look at each other."""
    layer, data = row.make(), row.data(batch=20)
    whole = called(row, layer, data)
    for rows in (slice(0, 1), slice(3, 20)):
        part = called(row, layer, {name: value[rows] for name, value in data.items()})
        assert_same(part, [output[rows] for output in whole], atol=1e-6)


def test_mask(row):
    """What is masked changes nothing elsewhere, and the mask goes on with the output, or ends where it should."""
    if row.masked is None:
        pytest.skip("has nothing that a mask could belong to")
    layer, data = row.make(), row.data()
    mask = np.ones((BATCH, row.inputs[row.masked][0]), bool)
    mask[0, 3:] = mask[1, 1] = mask[2, :2] = False
    changed = {**data, row.masked: np.where(mask[..., None], data[row.masked], 7.0).astype("float32")}
    assert_same(called(row, layer, data, mask=mask), called(row, layer, changed, mask=mask))
    assert differ(called(row, layer, data, mask=mask), called(row, layer, data))
    assert layer.supports_masking
    marked = np.where(mask[..., None], data[row.masked], np.float32(99.0))
    outputs = called(row, layer, {**data, row.masked: keras.layers.Masking(99.0)(marked)})
    assert_same(outputs, called(row, layer, data, mask=mask))
    for output in outputs:
        received = getattr(output, "_keras_mask", None)
        assert (received is not None) == row.output_mask
        if row.output_mask:
            np.testing.assert_array_equal(received, mask)


def test_config(row):
    """`get_config` names every argument of the constructor, and is all that it takes to make the layer again."""
    layer = row.make(name="mine")
    config = layer.get_config()
    base = next(b for b in type(layer).__mro__ if "__init__" in vars(b) and issubclass(b, keras.layers.Layer))
    arguments = [] if base is keras.layers.Layer else inspect.signature(base).parameters.values()
    named = {a.name for a in arguments if a.kind in (a.POSITIONAL_OR_KEYWORD, a.KEYWORD_ONLY)}
    assert named <= set(config), named - set(config)
    again = type(layer).from_config(config)
    assert again.get_config() == config
    called(row, again, row.data())
    called(row, layer, row.data())
    again.set_weights(layer.get_weights())
    assert_same(called(row, again, row.data()), called(row, layer, row.data()))
    assert keras.saving.get_registered_name(type(layer)).startswith("keras_seqcv>")


def test_keras_file(row, tmp_path):
    model, data = model_of(row), row.data()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_same(keras.tree.flatten(loaded(data)), keras.tree.flatten(model(data)))
    assert [w.path for w in loaded.weights] == [w.path for w in model.weights]


@pytest.mark.parametrize("policy", EPSILON)
def test_mixed_precision(row, policy):
    exact, mixed = built(row), built(row, dtype=policy)
    assert all(w.dtype == "float32" for w in mixed.weights)
    mixed.set_weights(exact.get_weights())
    outputs = called(row, mixed, row.data())
    assert all(output.dtype == mixed.compute_dtype for output in outputs)
    wanted = called(row, exact, row.data())
    assert_same(outputs, wanted, atol=8 * EPSILON[policy])
    assert any(not np.array_equal(tf.cast(a, "float32"), b) for a, b in zip(outputs, wanted))


def test_eager_graph_and_xla_agree(row):
    """Outputs and gradients of weights and inputs."""
    layer, data = built(row), {name: tf.constant(value) for name, value in row.data().items()}
    weights = [w.value for w in layer.trainable_weights]
    # A layer that does not learn by the loss draws at random in training.
    training = {"training": True} if row.by_loss and layer._call_has_training_arg else {}

    def run(data):
        with tf.GradientTape() as tape:
            tape.watch(data)
            outputs = called(row, layer, data, **training)
            loss = tf.add_n([tf.reduce_mean(tf.square(output)) for output in outputs])
        return [*outputs, *tape.gradient(loss, [*weights, *data.values()] if row.by_loss else [data[row.masked]])]

    wanted = run(data)
    assert all(a is not None for a in wanted)
    for mode in ("graph", "loop", "xla"):
        for a, b in zip(in_mode(mode, run)(data), wanted):
            np.testing.assert_allclose(a, b, atol=2e-6, err_msg=mode)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_one_step_of_fit(row, jit_compile):
    """Every weight moves, none becomes NaN, and a step in the same place costs less than before."""
    model, data = model_of(row), row.data()
    if not (row.by_loss and model.trainable_weights):
        pytest.skip("has no weights, or learns in another way: see the tests of the layer")
    model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=jit_compile)
    targets = [np.full((BATCH, *shape), 0.5, "float32") for shape in row.outputs]
    target = targets if len(targets) > 1 else targets[0]
    before = model.get_weights()
    with ks.layers.jit_scope(jit_compile):
        losses = model.fit(data, target, epochs=4, batch_size=BATCH, verbose=0).history["loss"]
    for weight, old in zip(model.weights, before):
        assert np.isfinite(weight).all() and not np.array_equal(weight, old), weight.path
    assert np.isfinite(losses).all() and losses[-1] < losses[0]


def test_saved_model(row, tmp_path):
    """The exported file says what the Keras model says, to new inputs and another batch size too."""
    model = model_of(row)
    report = ks.export.saved_model(model, tmp_path / "saved", verbose=False)
    assert report.difference < 1e-5
    data = row.data(batch=2, seed=5)
    function = tf.saved_model.load(str(report.path)).signatures["serving_default"]
    received = function(**{name: tf.constant(value) for name, value in data.items()})
    assert_same([received[k] for k in sorted(received)], keras.tree.flatten(model(data)), atol=1e-5)


def test_litert(row, tmp_path):
    model = model_of(row)
    report = ks.export.tflite(model, tmp_path / "model.tflite", verbose=False)
    assert report.difference < 1e-5
    if row.fused:
        assert report.operators[row.fused] == 1
    data = row.data(batch=1, seed=5)
    received = ks.export.load_tflite(report.path).run("serving_default", **data)
    assert_same([received[k] for k in sorted(received)], keras.tree.flatten(model(data)), atol=1e-5)
