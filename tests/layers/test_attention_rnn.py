"""`AttentionRNN` against a NumPy loop in float64, finite differences, Keras's layers, and bad input."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from tests.layers import attention_rnn_oracle as oracle
from tests.layers.samples import in_mode

BATCH, STEPS, FEATURES, PLACES, DEPTH, UNITS, KEYS = 4, 5, 3, 6, 4, 4, 5
CELLS = {
    "simple_rnn": lambda **options: keras.layers.SimpleRNNCell(UNITS, **options),
    "lstm": lambda **options: keras.layers.LSTMCell(UNITS, **options),
    "gru": lambda **options: keras.layers.GRUCell(UNITS, **options),
    "textbook_gru": lambda **options: keras.layers.GRUCell(UNITS, reset_after=False, **options),
}
ATTENTIONS = {
    "additive": lambda **options: ks.layers.AdditiveAttention(KEYS, **options),
    "dot": lambda **options: ks.layers.DotProductAttention("dot", **options),
    "general": lambda **options: ks.layers.DotProductAttention("general", **options),
    "scaled": lambda **options: ks.layers.DotProductAttention("scaled", **options),
}
FORMS = [
    (["lstm"], "additive", {"gate": True, "start": "memory"}),  # Show, Attend and Tell
    (["gru"], "additive", {}),  # Bahdanau
    (["lstm", "lstm"], "general", {"attend": "after"}),  # Luong
    (["textbook_gru"], "dot", {"coverage": True}),
    (["simple_rnn"], "scaled", {"attend": "after", "feed": False, "gate": True}),
    (["lstm", "textbook_gru", "simple_rnn"], "additive", {"attend": "after", "units": 7, "coverage": True}),
    (["simple_rnn", "lstm"], "additive", {"coverage": True, "start": "memory"}),
]
NAMES = ["-".join([*kinds, attention, *options]) for kinds, attention, options in FORMS]
forms = pytest.mark.parametrize("form", FORMS, ids=NAMES)


def made(form, dtype="float64", seed=0, own_code=False, **options):
    """The layer with random weights, built."""
    kinds, attention, of_cell = form
    cells = [CELLS[k](dtype=dtype) for k in kinds]
    if own_code:
        for c in cells:
            c.__class__ = type(f"My{type(c).__name__}", (type(c),), {})  # a class that the engine does not know
    attention = ATTENTIONS[attention](dtype=dtype)
    cell = ks.layers.AttentionRNNCell(cells if len(cells) > 1 else cells[0], attention, **of_cell, dtype=dtype)
    layer = ks.layers.AttentionRNN(cell, return_state=True, dtype=dtype, **options)
    layer.build((BATCH, STEPS, FEATURES), (BATCH, PLACES, DEPTH))
    rng = np.random.default_rng(seed)
    for variable in layer.trainable_weights:
        variable.assign(0.6 * rng.standard_normal(variable.shape))
    return layer


def sample(seed=1, batch=BATCH, steps=STEPS):
    """Sequences, memory, and masks with holes; the last row of the memory's is all masked."""
    rng = np.random.default_rng(seed)
    mask, memory_mask = rng.random((batch, steps)) < 0.7, rng.random((batch, PLACES)) < 0.7
    memory_mask[-1] = False
    x, memory = rng.standard_normal((batch, steps, FEATURES)), rng.standard_normal((batch, PLACES, DEPTH))
    return x, memory, {"mask": mask, "memory_mask": memory_mask}


def assert_close(received, wanted, **tolerance):
    for a, b in zip(keras.tree.flatten(received), keras.tree.flatten(wanted), strict=True):
        np.testing.assert_allclose(a, b, **tolerance)


@pytest.mark.parametrize("masked", [False, True])
@forms
def test_is_the_loop(form, masked):
    layer = made(form)
    x, memory, masks = sample()
    masks = masks if masked else {}
    wanted = oracle.run(layer.cell, form[0], oracle.named(layer.cell), x, memory, **masks)
    assert_close(layer(x, memory, **masks), wanted, atol=1e-12)
    # One step of the cell is one step of the layer.
    states = layer.cell.initial_states(memory, masks.get("memory_mask"))
    (features, weights), _ = layer.cell(x[:, 0], states, memory, memory_mask=masks.get("memory_mask"))
    there = masks["mask"][:, :1] if masked else np.ones((BATCH, 1), bool)
    assert_close([np.where(there, a, 0) for a in (features, weights)], [w[:, 0] for w in wanted[:2]], atol=1e-12)


@forms
def test_gradients_are_finite_differences(form):
    layer = made(form)
    x, memory, masks = sample(batch=2, steps=3)
    masks["memory_mask"][-1, 0] = True
    variables = layer.trainable_weights
    rng = np.random.default_rng(2)
    directions = [rng.standard_normal(a.shape) for a in keras.tree.flatten(layer(x, memory, **masks))]

    def loss(arrays):
        for variable, value in zip(variables, arrays[2:]):
            variable.assign(value)
        weights = oracle.named(layer.cell)
        outputs = oracle.run(layer.cell, form[0], weights, arrays[0], arrays[1], **masks)
        return sum(np.sum(a * d) for a, d in zip(keras.tree.flatten(outputs), directions, strict=True))

    inputs = [tf.constant(x), tf.constant(memory), *[v.value for v in variables]]
    with tf.GradientTape() as tape:
        tape.watch(inputs[:2])
        outputs = keras.tree.flatten(layer(*inputs[:2], **masks, training=True))
        value = tf.add_n([tf.reduce_sum(a * d) for a, d in zip(outputs, directions)])
    gradients = tape.gradient(value, inputs)
    arrays = [a.numpy().copy() for a in inputs]
    np.testing.assert_allclose(value, loss(arrays))
    for k, gradient in enumerate(gradients):  # along some directions: for every entry it would take minutes
        for _ in range(3):
            direction = rng.standard_normal(arrays[k].shape)
            above, below = (
                loss([a + step * direction if j == k else a for j, a in enumerate(arrays)]) for step in (1e-6, -1e-6)
            )
            np.testing.assert_allclose(np.sum(gradient * direction), (above - below) / 2e-6, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize(
    "form, mode",
    [(form, mode) for mode in ("eager", "loop") for form in FORMS] + [(FORMS[0], "graph"), (FORMS[5], "xla")],
)
def test_a_cells_own_code_gives_the_same(form, mode):
    """The engine's loop and its gradient beside Keras's cells in a plain loop; 20 rows are two groups."""
    ours, theirs = made(form, doubly_stochastic=0.5), made(form, own_code=True)
    assert ours.cell.engine_cells() and not theirs.cell.engine_cells()
    theirs.doubly_stochastic = 0.5
    x, memory, masks = sample(batch=20)
    x, memory = tf.constant(x), tf.constant(memory)

    def run(layer, x, memory):
        with tf.GradientTape() as tape:
            tape.watch([x, memory])
            outputs = keras.tree.flatten(layer(x, memory, **masks, training=True))
            loss = tf.add_n([tf.reduce_sum(tf.sin(a)) for a in outputs]) + tf.add_n(layer.losses)
        return [*outputs, *tape.gradient(loss, [x, memory, *[w.value for w in layer.trainable_weights]])]

    wanted = run(theirs, x, memory)
    received = in_mode(mode, lambda x, memory: run(ours, x, memory))(x, memory)
    assert all(a is not None for a in received)
    for a, b in zip(received, wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-11 * max(1.0, np.abs(b).max()))


@pytest.mark.parametrize("kind", ["simple_rnn", "lstm", "gru"])
def test_with_one_place_it_is_kerass_layer(kind):
    """A memory of one place is the same context at every step: Keras's layer over [x, memory]."""
    layer = made(([kind], "general", {}), "float32")
    x, memory, _ = sample()
    x, memory = x.astype("float32"), memory[:, :1].astype("float32")
    theirs = {"simple_rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[kind]
    theirs = theirs(UNITS, return_sequences=True)
    both = np.concatenate([x, np.repeat(memory, STEPS, axis=1)], axis=2)
    theirs.build(both.shape)
    theirs.set_weights(layer.cell.cells[0].get_weights())
    features, weights, *_ = layer(x, memory)
    np.testing.assert_allclose(features[..., :UNITS], theirs(both), atol=1e-6)
    np.testing.assert_allclose(features[..., UNITS:], np.repeat(memory, STEPS, axis=1), atol=1e-7)
    np.testing.assert_array_equal(weights, 1.0)


def test_any_length_in_one_graph():
    layer = made(FORMS[0], "float32")
    signature = [tf.TensorSpec((None, None, FEATURES)), tf.TensorSpec((None, None, DEPTH))]

    def run(x, memory):
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = layer(x, memory, training=True)
            loss = tf.add_n([tf.reduce_sum(a) for a in outputs])
        return [*outputs, tape.gradient(loss, x)]

    graph = in_mode("loop", run, signature)
    for batch, steps in ((2, 3), (17, 9)):
        x, memory, _ = sample(batch=batch, steps=steps)
        x, memory = tf.constant(x, "float32"), tf.constant(memory, "float32")
        assert_close(graph(x, memory), run(x, memory), atol=1e-5)


def test_two_chunks_are_one_sequence():
    layer = made(FORMS[5])
    x, memory, masks = sample()
    features, weights, *states = layer(x, memory, **masks)
    first = layer(x[:, :2], memory, mask=masks["mask"][:, :2], memory_mask=masks["memory_mask"])
    second = layer(
        x[:, 2:], memory, mask=masks["mask"][:, 2:], memory_mask=masks["memory_mask"], initial_state=first[2:]
    )
    assert_close([np.concatenate(pair, 1) for pair in zip(first[:2], second[:2])], [features, weights], atol=1e-12)
    assert_close(second[2:], states, atol=1e-12)


def test_the_last_step_is_the_last_unmasked_one():
    layer = made(FORMS[1])
    x, memory, masks = sample()
    masks["mask"][0], masks["mask"][1], masks["mask"][2, 3:] = False, True, False
    features, weights, *_ = layer(x, memory, **masks)
    layer.return_sequences = False
    last = layer(x, memory, **masks)[:2]
    for whole, received in zip((features, weights), last):
        for b, there in enumerate(masks["mask"]):
            wanted = whole[b, np.flatnonzero(there)[-1]] if there.any() else np.zeros(whole.shape[-1])
            np.testing.assert_array_equal(received[b], wanted)


def test_every_place_is_to_be_seen_once():
    layer = made(FORMS[1], doubly_stochastic=0.3)
    x, memory, masks = sample()
    _, weights, *_ = layer(x, memory, **masks)
    missing = (1.0 - np.array(weights).sum(1)) * masks["memory_mask"]
    np.testing.assert_allclose(layer.losses, [0.3 * np.mean((missing**2).sum(1))], rtol=1e-6)


@pytest.mark.parametrize("what", ["sequences", "context"])
def test_dropout_keeps_its_places_over_time(what):
    """A cell that puts out what comes in, 1 everywhere, shows what is dropped."""
    cell = keras.layers.SimpleRNNCell(UNITS, activation="linear")
    cell = ks.layers.AttentionRNNCell(cell, ks.layers.DotProductAttention("general"))
    layer = ks.layers.AttentionRNN(cell, dropout=0.25, seed=3)
    x, memory = np.ones((200, 3, UNITS), "float32"), np.ones((200, PLACES, UNITS), "float32")
    layer.build(x.shape, memory.shape)
    zero, one = np.zeros((UNITS, UNITS)), np.eye(UNITS)
    cell.cell.kernel.assign(np.concatenate([one, zero] if what == "sequences" else [zero, one]))
    cell.cell.recurrent_kernel.assign(zero)
    np.testing.assert_allclose(layer(x, memory)[0][..., :UNITS], 1.0, rtol=1e-6)
    shown = layer(x, memory, training=True)[0][..., :UNITS].numpy()
    np.testing.assert_allclose(shown, np.where(shown > 0.5, 1 / 0.75, 0.0), atol=1e-6)
    np.testing.assert_array_equal(shown, np.repeat(shown[:, :1], 3, axis=1))
    assert abs(np.mean(shown > 0.5) - 0.75) < 0.06
    assert not np.allclose(shown, layer(x, memory, training=True)[0][..., :UNITS])


def test_dropout_of_a_cell_of_keras():
    cell = ks.layers.AttentionRNNCell(
        keras.layers.LSTMCell(UNITS, dropout=0.5), ks.layers.DotProductAttention("general")
    )
    layer = ks.layers.AttentionRNN(cell)
    x, memory, _ = sample()
    assert_close(layer(x, memory), layer(x, memory))
    dropped = [layer(x, memory, training=True)[0].numpy() for _ in range(2)]
    assert not np.allclose(*dropped) and not np.allclose(dropped[0], layer(x, memory)[0])


def hard():
    attention = ks.layers.HardAttention(KEYS, seed=1, reward_weight=3.0, entropy_weight=0.01)
    cell = ks.layers.AttentionRNNCell(keras.layers.GRUCell(UNITS), attention)
    return ks.layers.AttentionRNN(cell, return_probabilities=True)


def test_hard_attention_draws_from_its_probabilities():
    layer = hard()
    x, memory, masks = sample(steps=2)
    x, memory = np.repeat(x[:1], 4000, 0), np.repeat(memory[:1], 4000, 0)
    memory_mask = np.repeat(masks["memory_mask"][:1], 4000, 0)
    features, weights, probabilities = layer(x, memory, memory_mask=memory_mask, training=True)
    np.testing.assert_array_equal(np.sort(weights, axis=-1), [[[0] * (PLACES - 1) + [1]] * 2] * 4000)
    drawn = np.einsum("btl,bld->btd", weights, memory)
    np.testing.assert_allclose(features[..., UNITS:], drawn, atol=1e-6)
    np.testing.assert_allclose(np.mean(weights[:, 0], axis=0), probabilities[0, 0], atol=0.03)
    # Outside of training it is the likeliest, and nothing is drawn.
    _, weights, probabilities = layer(x[:1], memory[:1], memory_mask=memory_mask[:1])
    np.testing.assert_array_equal(np.argmax(weights, -1), np.argmax(probabilities, -1))


def test_a_hard_attentions_distributions_are_to_see_every_place_once():
    """A draw has no gradient: a penalty on draws would change nothing but the loss that is shown."""
    layer = hard()
    layer.doubly_stochastic = 0.3
    x, memory, _ = sample()
    with tf.GradientTape() as tape:
        _, weights, probabilities = layer(x, memory, training=True)
        penalty = layer.losses[0]
    missing = 1.0 - np.array(probabilities).sum(1)
    np.testing.assert_allclose(penalty, 0.3 * np.mean((missing**2).sum(1)), rtol=1e-5)
    assert np.abs(tape.gradient(penalty, layer.cell.attention.attention.score_kernel)).max() > 1e-4


def test_hard_attention_learns_where_to_look_from_step_to_step():
    """Step t is rewarded for place t."""
    layer = hard()
    x = np.repeat(np.eye(3, FEATURES, dtype="float32")[None], 32, 0)
    memory = np.repeat(np.eye(PLACES, DEPTH, dtype="float32")[None], 32, 0)
    optimizer = keras.optimizers.Adam(0.03)

    @tf.function(autograph=False)
    def train():
        with tf.GradientTape() as tape:
            _, weights, probabilities = layer(x, memory, training=True)
            reward = tf.linalg.trace(weights[:, :, :3])[:, None] / 3.0 * tf.ones((1, 3))
            loss = tf.reduce_mean(layer.cell.attention.loss_of_draws(probabilities, weights, reward))
        variables = [w for w in layer.trainable_weights]
        optimizer.apply(tape.gradient(loss, variables), variables)

    layer(x, memory)
    optimizer.build(layer.trainable_weights)
    for _ in range(200):
        train()
    probabilities = layer(x, memory)[2].numpy()[0]
    assert np.diagonal(probabilities[:, :3]).min() > 0.8, probabilities
    assert abs(float(layer.cell.attention.baseline) - 1.0) < 0.2


def test_a_mask_of_draws():
    attention = ks.layers.HardAttention(KEYS, baseline_decay=0.0)
    attention.build((2, 3), (2, 4, 5))
    probabilities = tf.nn.softmax(np.random.default_rng(0).standard_normal((2, 3, 4)).astype("float32"))
    weights, reward = tf.one_hot([[0, 1, 2], [3, 0, 1]], 4), tf.constant([[1.0, 2.0, 50.0], [3.0, 70.0, 90.0]])
    mask = np.array([[True, True, False], [True, False, False]])
    loss = attention.loss_of_draws(probabilities, weights, reward, mask)
    np.testing.assert_array_equal(loss[~mask], 0.0)
    np.testing.assert_allclose(attention.baseline, 2.0)  # the mean of 1, 2 and 3
    attention.baseline.assign(0.0)
    np.testing.assert_allclose(attention.loss_of_draws(probabilities, weights, reward)[mask], loss[mask], rtol=1e-6)


def test_a_cell_of_ones_own():
    @keras.saving.register_keras_serializable(package="tests")
    class Sum(keras.layers.Layer):
        """Its state is the sum of what came in."""

        def __init__(self, size, **options):
            super().__init__(**options)
            self.size = self.state_size = self.output_size = size

        def call(self, inputs, states):
            return inputs + states[0], [inputs + states[0]]

        def get_config(self):
            return {**super().get_config(), "size": self.size}

    cell = ks.layers.AttentionRNNCell(Sum(FEATURES + DEPTH), ks.layers.DotProductAttention("general"))
    layer = ks.layers.AttentionRNN(cell)
    x, memory, _ = sample()
    features, weights = layer(x, memory)
    inputs = np.concatenate([x, np.einsum("btl,bld->btd", weights, memory)], -1)
    np.testing.assert_allclose(features[..., : FEATURES + DEPTH], np.cumsum(inputs, 1), atol=1e-5)
    again = ks.layers.AttentionRNN.from_config(layer.get_config())
    again.build(x.shape, memory.shape)
    again.set_weights(layer.get_weights())
    assert_close(again(x, memory), [features, weights], atol=1e-6)


CELL, LOOK = keras.layers.LSTMCell(UNITS), ks.layers.AdditiveAttention(KEYS)


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: ks.layers.AttentionRNNCell([], LOOK), ValueError, "cell: .* empty list"),
        (lambda: ks.layers.AttentionRNNCell(keras.layers.Dense(3), LOOK), TypeError, "cell: .* received Dense"),
        (lambda: ks.layers.AttentionRNNCell(CELL, "additive"), TypeError, "attention: .* received str"),
        (lambda: ks.layers.AttentionRNNCell(CELL, LOOK, attend="during"), ValueError, "attend: .* 'during'"),
        (lambda: ks.layers.AttentionRNNCell(CELL, LOOK, start="ones"), ValueError, "start: .* 'ones'"),
        (lambda: ks.layers.AttentionRNNCell(CELL, LOOK, units=3), ValueError, "units: .* received 3"),
        (lambda: ks.layers.AttentionRNNCell(CELL, LOOK, "after", units=0), ValueError, "units: .* received 0"),
        (lambda: ks.layers.AttentionRNN(CELL), TypeError, "cell: .* received LSTMCell"),
    ],
)
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"dropout": 1.0}, "dropout: .* received 1.0"),
        ({"doubly_stochastic": -1.0}, "doubly_stochastic: .* received -1.0"),
        ({"return_probabilities": True}, "return_probabilities"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        ks.layers.AttentionRNN(ks.layers.AttentionRNNCell(CELL, LOOK), **options)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"sequences": np.zeros((BATCH, FEATURES))}, r"sequences \(B, T, D\).*\(4, 3\)"),
        ({"sequences": np.zeros((7, STEPS, FEATURES))}, r"\(7, 5, 3\) and \(4, 6, 4\)"),
        ({"memory": np.zeros((BATCH, PLACES, 9))}, r"memory: .*\(B, L, 4\).*\(4, 6, 9\)"),
        ({"memory": np.zeros((BATCH, DEPTH))}, r"memory: .*\(4, 4\)"),
        ({"mask": np.ones((BATCH, 2), bool)}, r"mask: .*\(4, 5\).*\(4, 2\)"),
        ({"memory_mask": np.ones((BATCH, 2), bool)}, r"memory_mask: .*\(4, 6\).*\(4, 2\)"),
        ({"initial_state": [np.zeros((BATCH, UNITS))]}, r"initial_state: .*\[\(4, 4\), \(4, 4\)\].*\[\(4, 4\)\]"),
    ],
)
def test_bad_calls(change, message):
    layer = made(FORMS[0], "float32")
    x, memory, _ = sample()
    with pytest.raises(ValueError, match=message):
        layer(**{"sequences": x, "memory": memory, **change})


def test_keys_of_another_width():
    layer = made(FORMS[0], "float32")
    x, memory, _ = sample()
    states = layer.cell.initial_states(memory)
    with pytest.raises(ValueError, match=r"keys: expected shape \(4, 6, 5\), received \(4, 6, 2\)"):
        layer.cell(x[:, 0], states, memory, keys=np.zeros((BATCH, PLACES, 2), "float32"))
