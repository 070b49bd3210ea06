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
    """The layer called as its row says: the first input by place, the others by name."""
    first, *others = row.inputs
    return layer(data[first], **{name: data[name] for name in others}, **more)


def model_of(row, layer=None, batch=None):
    inputs = {name: keras.Input(shape, batch_size=batch, name=name) for name, shape in row.inputs.items()}
    return keras.Model(inputs, called(row, layer or row.make(), inputs))


def built(row, **options):
    layer = row.make(**options)
    called(row, layer, row.data())
    return layer


def test_shapes(row):
    """What comes out, what `compute_output_shape` says, and what a KerasTensor promises."""
    layer, data = row.make(), row.data()
    output = called(row, layer, data)
    assert tuple(output.shape) == (BATCH, *row.output)
    assert tuple(layer.compute_output_shape((BATCH, *next(iter(row.inputs.values()))))) == (BATCH, *row.output)
    assert model_of(row, layer).output.shape == (None, *row.output)
    assert output.dtype == "float32" and np.isfinite(output).all()
    other = row.data(seed=1)
    for name in row.inputs:
        assert not np.allclose(called(row, layer, {**data, name: other[name]}), output), f"{name} does nothing"


def test_any_batch_size(row):
    """Rows do not look at each other."""
    layer, data = row.make(), row.data(batch=20)
    whole = called(row, layer, data)
    for rows in (slice(0, 1), slice(3, 20)):
        part = called(row, layer, {name: value[rows] for name, value in data.items()})
        np.testing.assert_allclose(part, whole[rows], atol=1e-6)


def test_mask(row):
    """What is masked changes nothing elsewhere, and the mask goes on with the output."""
    layer, data = row.make(), row.data()
    first = next(iter(row.inputs))
    mask = np.ones((BATCH, row.inputs[first][0]), bool)
    mask[0, 3:] = mask[1, 1] = mask[2, :2] = False
    changed = {**data, first: np.where(mask[..., None], data[first], 7.0).astype("float32")}
    np.testing.assert_array_equal(called(row, layer, data, mask=mask), called(row, layer, changed, mask=mask))
    assert not np.allclose(called(row, layer, data, mask=mask), called(row, layer, data))
    assert layer.supports_masking
    marked = np.where(mask[..., None], data[first], np.float32(99.0))
    output = called(row, layer, {**data, first: keras.layers.Masking(99.0)(marked)})
    np.testing.assert_array_equal(output, called(row, layer, data, mask=mask))
    received = getattr(output, "_keras_mask", None)
    assert (received is not None) == row.output_mask
    if row.output_mask:
        np.testing.assert_array_equal(received, mask)


def test_config(row):
    """`get_config` names every argument of the constructor, and is all that it takes to make the layer again."""
    layer = row.make(name="mine")
    config = layer.get_config()
    for base in type(layer).__mro__:
        if "__init__" in vars(base) and issubclass(base, keras.layers.RNN):
            arguments = inspect.signature(base).parameters.values()
            break
    named = {a.name for a in arguments if a.kind in (a.POSITIONAL_OR_KEYWORD, a.KEYWORD_ONLY)}
    assert named <= set(config), named - set(config)
    again = type(layer).from_config(config)
    assert again.get_config() == config
    called(row, again, row.data())
    called(row, layer, row.data())
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(called(row, again, row.data()), called(row, layer, row.data()))
    assert keras.saving.get_registered_name(type(layer)).startswith("keras_seqcv>")


def test_keras_file(row, tmp_path):
    model, data = model_of(row), row.data()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(data), model(data))
    assert [w.path for w in loaded.weights] == [w.path for w in model.weights]


@pytest.mark.parametrize("policy", EPSILON)
def test_mixed_precision(row, policy):
    exact, mixed = built(row), built(row, dtype=policy)
    assert all(w.dtype == "float32" for w in mixed.weights)
    mixed.set_weights(exact.get_weights())
    output = called(row, mixed, row.data())
    assert output.dtype == mixed.compute_dtype
    wanted = called(row, exact, row.data()).numpy()
    np.testing.assert_allclose(tf.cast(output, "float32"), wanted, atol=8 * EPSILON[policy])
    assert not np.array_equal(tf.cast(output, "float32"), wanted)


def test_eager_graph_and_xla_agree(row):
    """Outputs and gradients of weights and inputs."""
    layer, data = built(row), {name: tf.constant(value) for name, value in row.data().items()}
    weights = [w.value for w in layer.trainable_weights]

    def run(data):
        with tf.GradientTape() as tape:
            tape.watch(data)
            output = called(row, layer, data, training=True)
            loss = tf.reduce_mean(tf.square(output))
        return [output, *tape.gradient(loss, [*weights, *data.values()])]

    wanted = run(data)
    assert all(a is not None for a in wanted)
    for mode in ("graph", "loop", "xla"):
        for a, b in zip(in_mode(mode, run)(data), wanted):
            np.testing.assert_allclose(a, b, atol=2e-6, err_msg=mode)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_one_step_of_fit(row, jit_compile):
    """Every weight moves, none becomes NaN, and a step in the same place costs less than before."""
    model, data = model_of(row), row.data()
    model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=jit_compile)
    target = np.full((BATCH, *row.output), 0.5, "float32")
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
    received = function(**{name: tf.constant(value) for name, value in data.items()})["output_0"]
    np.testing.assert_allclose(received, model(data), atol=1e-5)


def test_litert(row, tmp_path):
    model = model_of(row)
    report = ks.export.tflite(model, tmp_path / "model.tflite", verbose=False)
    assert report.difference < 1e-5
    if row.fused:
        assert report.operators[row.fused] == 1
    data = row.data(batch=1, seed=5)
    received = ks.export.load_tflite(report.path).run("serving_default", **data)["output_0"]
    np.testing.assert_allclose(received, model(data), atol=1e-5)
