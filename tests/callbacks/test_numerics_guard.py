"""`NumericsGuard`: a broken batch is named, and what is left behind is what a `fit` without the batch leaves."""

import json
import subprocess
import sys
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from keras_seqcv.layers.stream_state import stream_states
from tests.models import tiny_captioner
from tests.models.language_model_oracles import fast, repetitive

BATCH, PLACE = 4, 2  # rows of a batch, and which of them is broken


@pytest.fixture(autouse=True)
def loops_that_are_soon_there():
    """What XLA makes of recurrent loops is no subject here, and takes seconds a model."""
    with ks.layers.jit_scope(False):
        yield


def numbers(count=20):
    rng = np.random.default_rng(0)
    return rng.standard_normal((count, 5)).astype("float32"), rng.standard_normal((count, 1)).astype("float32")


def with_broken_batch(x, y):
    """The same rows with a batch more, whose targets are NaN in its second row."""
    rows = np.arange(BATCH * PLACE)
    order = np.concatenate([rows, rows[:BATCH], np.arange(BATCH * PLACE, len(x))])
    x, y = x[order], y[order]
    y[BATCH * PLACE + 1] = np.nan
    return x, y


def network(optimizer=None, layers=(), **options):
    keras.utils.set_random_seed(0)
    parts = [keras.layers.Dense(6, "tanh", name="first"), *layers, keras.layers.BatchNormalization(name="norm")]
    model = keras.Sequential([keras.Input((5,)), *parts, keras.layers.Dropout(0.3), keras.layers.Dense(1, name="last")])
    model.compile(optimizer or keras.optimizers.Adam(1e-2), "mse", metrics=["mae"], **options)
    return model


def fitted(model, x, y, guard=None, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        options = {"batch_size": BATCH, "shuffle": False, "verbose": 0, **options}
        return model.fit(x, y, callbacks=[guard] if guard else [], **options).history


def assert_same_state(one, other):
    for a, b in zip([*one.variables, *one.optimizer.variables], [*other.variables, *other.optimizer.variables]):
        np.testing.assert_array_equal(a, b, err_msg=a.path)


OPTIMIZERS = {
    "clipped, accumulated": lambda: keras.optimizers.Adam(1e-2, clipnorm=0.1, gradient_accumulation_steps=2),
    "scaled loss": lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(1e-2)),
}


@pytest.mark.parametrize("options", [{}, {"jit_compile": True}, {"steps_per_execution": 3}, *OPTIMIZERS])
def test_a_skipped_batch_leaves_nothing_behind(options):
    x, y = numbers()
    kind = {"optimizer": OPTIMIZERS[options]()} if isinstance(options, str) else options
    again = {"optimizer": OPTIMIZERS[options]()} if isinstance(options, str) else options
    guard, model, clean = ks.callbacks.NumericsGuard("skip"), network(**kind), network(**again)
    # XLA adds in another order where it compiles another program: there the guard stands in both.
    beside = ks.callbacks.NumericsGuard("skip") if "jit_compile" in kind else None
    history = fitted(model, *with_broken_batch(x, y), guard, epochs=2)
    assert history == fitted(clean, x, y, beside, epochs=2)
    assert_same_state(model, clean)
    assert [(r.epoch, r.batch, r.step, r.kind, r.data) for r in guard.reports] == [
        (1, 3, 3, "data", {"y": (1,)}),
        (2, 3, 9, "data", {"y": (1,)}),
    ]
    if not options:
        fitted(model, *with_broken_batch(x, y))  # without it nothing is watched any more
        assert len(guard.reports) == 2 and not np.isfinite(model.get_weights()[0]).all()


def test_stop_and_raise_leave_the_weights_of_the_step_before():
    x, y = numbers()
    before = network()
    fitted(before, x[: BATCH * PLACE], y[: BATCH * PLACE])
    stopped, raised = network(steps_per_execution=4), network()
    guard = ks.callbacks.NumericsGuard("stop")
    with pytest.warns(UserWarning, match=r"^Epoch 1, batch 3 \(step 3\): .* y in row 1.* The training ends\.$"):
        stopped.fit(*with_broken_batch(x, y), BATCH, 3, shuffle=False, verbose=0, callbacks=[guard])
    assert len(guard.reports) == 1
    with pytest.raises(FloatingPointError, match="the data are not finite: y in row 1"):
        fitted(raised, *with_broken_batch(x, y), ks.callbacks.NumericsGuard())
    for model in (stopped, raised):
        assert_same_state(before, model)
        assert not {"train_step", "make_train_function"} & set(vars(model)) and "apply" not in vars(model.optimizer)


class Root(keras.layers.Layer):
    """A square root of what may be negative, or zero, where its slope is infinite."""

    def __init__(self, shift):
        super().__init__(name="root")
        self.shift = shift

    def call(self, inputs):
        return tf.sqrt(tf.abs(inputs) * 0.0 + self.shift)


def infinite(y, y_pred):
    return tf.reduce_mean((y - y_pred) ** 2) / tf.reduce_sum(0.0 * y)


@pytest.mark.parametrize(
    ("layers", "loss", "kind", "layer", "began", "text"),
    [
        ([Root(-1.0)], "mse", "loss", "root", "output", "the loss is nan. Gradients that are not finite: "),
        ([Root(0.0)], "mse", "gradient", "root", "gradient", "first/bias', with a loss of .* until it goes through"),
        ([], infinite, "loss", None, None, "the loss is inf.* it began behind them, in the loss"),
    ],
)
def test_the_layer_where_it_began(layers, loss, kind, layer, began, text):
    x, y = numbers(8)
    model, guard = network(layers=layers), ks.callbacks.NumericsGuard("skip", max_skipped=1)
    model.compile("adam", loss)
    with pytest.raises(FloatingPointError, match=text):
        fitted(model, x, y, guard)
    for report in guard.reports:
        assert (report.kind, report.began, report.data, report.weights) == (kind, began, {}, ())
        assert report.layer == layer or report.layer.endswith(f"/{layer}")
        assert np.isfinite(report.loss) == (kind == "gradient") and report.gradients
    for own, other in zip(model.get_weights(), network(layers=layers).get_weights(), strict=True):
        np.testing.assert_array_equal(own, other)


def test_more_than_so_many_in_a_row_are_an_error():
    x, y = numbers()
    y[BATCH:] = np.nan  # four batches behind the first
    guard = ks.callbacks.NumericsGuard("skip", max_skipped=4)
    fitted(network(), x, y, guard, epochs=2)  # the next epoch's first is whole
    assert [r.batch for r in guard.reports] == 2 * [2, 3, 4, 5]
    with pytest.raises(FloatingPointError, match=r"batch 5 \(step 5\).* More than 3 batches in a row were left out"):
        fitted(network(), x, y, ks.callbacks.NumericsGuard("skip", max_skipped=3))


def test_weights_that_were_broken_before_are_named():
    x, y = numbers()
    model, guard = network(keras.optimizers.SGD(1e38)), ks.callbacks.NumericsGuard("stop", check_data=False)
    fitted(model, 1e3 * x, 1e3 * y, guard)
    assert guard.reports[0].weights and "weights were broken already: " in str(guard.reports[0])


def test_data_with_nan_on_purpose():
    """Behind a mask it does no harm, and is not looked at where that is said."""
    x, y = np.full((8, 6, 2), np.nan, "float32"), np.ones((8, 1), "float32")
    x[:, :4] = 1.0
    zeroed = keras.layers.Lambda(lambda a: tf.where(tf.math.is_nan(a), 0.0, a))
    model = keras.Sequential([keras.Input((6, 2)), zeroed, ks.layers.GRU(3), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    guard = ks.callbacks.NumericsGuard(check_data=False)
    assert np.isfinite(fitted(model, x, y, guard)["loss"]).all() and not guard.reports
    with pytest.raises(FloatingPointError, match="x in rows 0, 1, 2, 3"):
        fitted(model, x, y, ks.callbacks.NumericsGuard())


def test_an_overflow_under_a_loss_scale_is_not_reported():
    """A scale of 2^127 makes every gradient infinite, and Keras halves it until one fits."""
    x, y = numbers(400)
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(1e-3), initial_scale=2.0**127)
    model, guard = network(optimizer), ks.callbacks.NumericsGuard()
    fitted(model, 10 * x, 10 * y, guard)
    steps = int(optimizer.iterations)
    assert not guard.reports and 0 < steps < 100 and float(optimizer.dynamic_scale) == 2.0 ** (127 - (100 - steps))
    optimizer.dynamic_scale.assign(1.0)
    model = network(optimizer := keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(), 1.0), [Root(0.0)])
    with pytest.raises(FloatingPointError, match="gradients are not finite"):
        fitted(model, x, y, ks.callbacks.NumericsGuard())
    assert float(optimizer.dynamic_scale) == 1.0


def test_a_monitor_beside_it_sees_the_step_that_is_left_out():
    x, y = with_broken_batch(*numbers())
    monitor, guard = ks.callbacks.GradientMonitor(), ks.callbacks.NumericsGuard("skip")
    for callbacks in ([monitor, guard], [guard, monitor]):
        model = network()
        with pytest.warns(UserWarning, match="The batch is left out"):
            model.fit(x, y, BATCH, shuffle=False, verbose=0, callbacks=callbacks)
        assert monitor.history[-1]["steps"] == 6 and monitor.history[-1]["broken"] == pytest.approx(1 / 6)
        assert len(guard.reports) == 1 and "apply" not in vars(model.optimizer)
    with pytest.raises(ValueError, match="expected one GuardedStep, received a second"):
        fitted(network(), x, y, keras.callbacks.CallbackList([guard, ks.callbacks.NumericsGuard()]))


def test_an_error_of_others_does_not_keep_it():
    def ends(batch, logs):
        raise RuntimeError("mine")

    model, guard = network(), ks.callbacks.NumericsGuard()
    with pytest.raises(RuntimeError, match="mine"):
        other = keras.callbacks.LambdaCallback(on_train_batch_end=ends)
        model.fit(*numbers(), BATCH, verbose=0, callbacks=[guard, other])
    fitted(model, *numbers(), guard)
    assert not guard.reports and "train_step" not in vars(model)


@pytest.mark.parametrize("kind", ["text", "ragged", "sparse"])
def test_inputs_of_other_kinds(kind):
    values = tf.constant([1.0, np.nan, 2.0, 3.0])
    if kind == "text":
        first, x = keras.layers.TextVectorization(output_sequence_length=2, vocabulary=["a"]), tf.constant(["a", "b"])
        layers = [first, keras.layers.Embedding(3, 2), keras.layers.Flatten()]
        inputs = keras.Input((), dtype="string")
    else:
        x = tf.RaggedTensor.from_row_lengths(values, [1, 3])
        x, inputs = (x, None) if kind == "ragged" else (x.to_sparse(), None)
        layers = [Sums()]
    y = tf.constant([[1.0], [np.nan]]) if kind == "text" else tf.constant([[1.0], [2.0]])
    model = keras.Sequential([*([inputs] if inputs is not None else []), *layers, keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    guard = ks.callbacks.NumericsGuard("skip")
    fitted(model, tf.data.Dataset.from_tensors((x, y)), None, guard, batch_size=None)
    assert [r.data for r in guard.reports] == [{"y" if kind == "text" else "x": (1,)}]


class Sums(keras.layers.Layer):
    """Rows of a ragged or sparse matrix -> their sums (B, 1)."""

    def call(self, inputs):
        sums = tf.sparse.reduce_sum(inputs, 1) if isinstance(inputs, tf.SparseTensor) else tf.reduce_sum(inputs, 1)
        return tf.reshape(sums, (2, 1))

    def compute_output_shape(self, shape):
        return (2, 1)


def test_a_stream_goes_on_as_if_the_chunk_were_not_there():
    text = repetitive()
    vocabulary = ks.data.Characters(text)
    streams = ks.data.text_streams(text, batch_size=4, steps=10, vocabulary=vocabulary)
    chunks = [(x, y, np.ones(y.shape, "float32")) for x, y in streams.take(6)]
    broken = [*chunks[:3], (*chunks[0][:2], np.full(chunks[0][1].shape, np.nan, "float32")), *chunks[3:]]
    models, guard = [], ks.callbacks.NumericsGuard("skip")
    for batches, callbacks in ((chunks, []), (broken, [guard])):
        keras.utils.set_random_seed(0)
        model = fast(ks.models.LanguageModel(vocabulary, cell="lstm", layers=2, units=8, dropout=0.3))
        stacked = tf.nest.map_structure(lambda *a: np.stack(a), *batches)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(tf.data.Dataset.from_tensor_slices(stacked), epochs=2, verbose=0, callbacks=callbacks)
        models.append(model)
    assert [(r.epoch, r.batch, r.kind) for r in guard.reports] == [(1, 4, "data"), (2, 4, "data")]
    assert_same_state(*models)
    for one, other in zip(*map(stream_states, models), strict=True):
        for mine, theirs in zip(one.get("training"), other.get("training"), strict=True):
            assert mine.any() and np.array_equal(mine, theirs)


def test_captions_without_the_broken_batch():
    texts = ["red dog runs", "blue cat sits", "cat runs", "red blue dog sits"]
    models, guard = [], ks.callbacks.NumericsGuard("skip")
    for broken in (False, True):
        model = tiny_captioner.captioner(scale=0.3, attention="hard", dropout=0.2)
        tokens = np.zeros((4, 8), "int32")
        for row, text in zip(tokens, texts, strict=True):
            ids = model.vocabulary.encode(text)
            row[: len(ids) + 1] = [1, *ids]
        targets, weights = tiny_captioner.targets_of(tokens)
        features = np.random.default_rng(0).standard_normal((4, 4, 5)).astype("float32")
        model.compile(keras.optimizers.Adam(1e-2, global_clipnorm=5.0), run_eagerly=True)  # sooner done than traced
        rows = np.array([0, 1, *([0, 1] if broken else []), 2, 3])
        features = features[rows]
        if broken:
            features[3, 2, 1] = np.inf
        inputs = {"features": features, "tokens": tokens[rows]}
        options = {"sample_weight": weights[rows], "batch_size": 2, "epochs": 2}
        fitted(model, inputs, targets[rows], guard if broken else None, **options)
        models.append(model)
    assert [(r.epoch, r.batch, r.data) for r in guard.reports] == [(e, 2, {"x['features']": (1,)}) for e in (1, 2)]
    assert_same_state(*models)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"action": "ignore"}, "action: expected one of .*received 'ignore'"),
        ({"max_skipped": 0}, "max_skipped: expected an int >= 1, received 0"),
        ({"max_skipped": True}, "max_skipped: .* received True"),
        ({"check_data": 1}, "check_data: expected True or False, received 1"),
    ],
)
def test_bad_arguments(options, text):
    with pytest.raises(ValueError, match=text):
        ks.callbacks.NumericsGuard(**options)


@pytest.mark.slow
def test_of_two_replicas_one_has_a_broken_row():
    command = [sys.executable, "-m", "tests.callbacks.guarded_replicas"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.pop("compared") > 20
    assert found == {"batch": 3, "data": {"y of replica 1": [1]}, "same": True}
