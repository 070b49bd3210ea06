"""What the model computes, and what it is made of."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_seqcv.data import Bytes, Characters, Words
from keras_seqcv.layers import SimpleRNN
from keras_seqcv.models import LanguageModel
from tests.models.language_model_oracles import LETTERS, logits_of, small

FORMS = [
    {"cell": "simple_rnn"},
    {"cell": "simple_rnn", "layers": 2, "embedding_dim": 5, "residual": True},
    {"cell": "lstm", "layers": 2, "embedding_dim": 3},
    {"cell": "lstm", "layers": 3, "residual": True},
    {"cell": "gru", "embedding_dim": 4},
    {"cell": "gru", "layers": 2, "residual": True},
]
TOKENS = np.random.default_rng(0).integers(0, len(LETTERS), (3, 9))


def zero_streams(model):
    for layer in model.recurrent_layers:
        layer.reset_states()


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_forward_equals_numpy(form):
    model = small(**form)
    logits = model(TOKENS)
    assert logits.dtype == tf.float32 and logits.shape == (3, 9, len(LETTERS))
    expected = logits_of(model, TOKENS)
    np.testing.assert_allclose(logits, expected, atol=2e-5 * np.abs(expected).max())


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_steps_equal_the_sequence(form):
    model = small(**form, stateful=False)
    states, whole = model.initial_states(3), model(TOKENS).numpy()
    for t in range(TOKENS.shape[1]):
        logits, states = model.step(tf.constant(TOKENS[:, t], tf.int32), states)
        np.testing.assert_allclose(logits, whole[:, t], atol=1e-4)
    read, after = model.read(tf.constant(TOKENS[:, :4]))
    rest, after = model.read(tf.constant(TOKENS[:, 4:]), after)
    np.testing.assert_allclose(tf.concat([read, rest], 1), whole, atol=1e-4)
    for one, other in zip(tf.nest.flatten(after), tf.nest.flatten(states), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("parts", [2, 5])  # the small model's units can be halved, and not be cut in five
def test_units_in_parts_give_the_same(form, parts):
    model = small(**form, stateful=False)
    step, states, whole = model.stepper(parts), model.initial_states(3), model(TOKENS).numpy()
    for t in range(TOKENS.shape[1]):
        logits, states = step(tf.constant(TOKENS[:, t], tf.int32), states)
        np.testing.assert_allclose(logits, whole[:, t], atol=1e-4)


def test_a_context_has_no_single_step():
    layer = SimpleRNN(4)
    layer(np.ones((2, 3, 5), "float32"), context=np.ones((2, 2), "float32"))
    with pytest.raises(ValueError, match="built with a context"):
        layer.stepper()


@pytest.mark.parametrize("cell", ["simple_rnn", "lstm", "gru"])
def test_states_go_on_from_call_to_call(cell):
    model = small(cell=cell, layers=2)
    chunks = [model(TOKENS[:, t : t + 3]).numpy() for t in (0, 3, 6)]
    np.testing.assert_allclose(np.concatenate(chunks, 1), logits_of(model, TOKENS), atol=1e-4)
    zero_streams(model)
    np.testing.assert_allclose(model(TOKENS[:, :3]), chunks[0], atol=1e-6)
    fresh = small(cell=cell, layers=2, stateful=False)
    np.testing.assert_allclose(fresh(TOKENS[:, :3]), fresh(TOKENS[:, :3]), atol=0)


@pytest.mark.parametrize("stateful", [True, False])
def test_reset_per_step_and_per_row(stateful):
    model = small(cell="lstm", layers=2, stateful=stateful)
    reset = np.random.default_rng(1).random(TOKENS.shape) < 0.3
    logits = model({"tokens": TOKENS, "reset": reset})
    np.testing.assert_allclose(logits, logits_of(model, TOKENS, reset), atol=1e-4)
    if not stateful:
        return
    zero_streams(model)
    whole = logits_of(model, TOKENS)
    model(TOKENS[:, :5])
    rows = np.array([True, False, True])
    rest = model({"tokens": TOKENS[:, 5:], "reset": rows}).numpy()
    np.testing.assert_allclose(rest[1], whole[1, 5:], atol=1e-4)
    np.testing.assert_allclose(rest[rows], logits_of(model, TOKENS[rows, 5:]), atol=1e-4)
    zero_streams(model)
    np.testing.assert_allclose(model({"tokens": TOKENS}), whole, atol=1e-4)


def test_dropout_is_for_training_only():
    model = small(dropout=0.5, stateful=False)
    once, again = (model(TOKENS, training=True).numpy() for _ in range(2))
    assert np.abs(once - again).max() > 0.1
    np.testing.assert_allclose(model(TOKENS), logits_of(model, TOKENS), atol=1e-4)


def test_summary_and_shapes():
    model = small(layers=2, embedding_dim=3)
    assert model.compute_output_shape((4, 7)) == (4, 7, len(LETTERS))
    assert model.compute_output_shape({"tokens": (4, 7), "reset": (4,)}) == (4, 7, len(LETTERS))
    words, units = len(LETTERS), 8
    lstm = 4 * units * (3 + units + 1) + 4 * units * (units + units + 1)
    assert model.count_params() == words * 3 + lstm + units * words + words
    assert len(model.trainable_variables) == len(model.weights) == 1 + 3 + 3 + 2


CONFIG = {
    "cell": "gru",
    "layers": 2,
    "units": 5,
    "embedding_dim": 3,
    "dropout": 0.25,
    "residual": True,
    "stateful": False,
    "name": "writer",
    "dtype": "mixed_bfloat16",
}


@pytest.mark.parametrize(
    "vocabulary",
    [Characters("añ😀", unknown="?"), Bytes(), Words("to be or not", lowercase=True)],
    ids=lambda v: type(v).__name__,
)
def test_config_is_complete(vocabulary):
    model = LanguageModel(vocabulary, **CONFIG)
    config = model.get_config()
    assert all(config[name] == value for name, value in CONFIG.items() if name != "dtype")
    for copy in (LanguageModel.from_config(config), keras.models.clone_model(model)):
        assert copy.get_config() == config
        assert copy.vocabulary == vocabulary and copy.dtype_policy.name == "mixed_bfloat16"
        assert [layer.units for layer in copy.recurrent_layers] == [5, 5] and not copy.recurrent_layers[0].stateful
    assert keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(model)).get_config() == config


def test_a_copy_with_the_same_weights_says_the_same():
    model = small(cell="lstm", layers=2, embedding_dim=3)
    copy = LanguageModel.from_config(model.get_config())
    assert copy.generate("abc", seed=1) != model.generate("abc", seed=1)
    copy.set_weights(model.get_weights())
    assert copy.generate("abc", seed=1) == model.generate("abc", seed=1)
    assert copy.name == model.name
