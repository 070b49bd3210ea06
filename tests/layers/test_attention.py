"""The attention layers against NumPy loops in float64, finite differences, enumeration, and bad input."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks

BATCH, PLACES, QUERY, DEPTH, UNITS = 3, 5, 4, 4, 6
SOFT = {
    "additive": lambda **options: ks.layers.AdditiveAttention(UNITS, **options),
    "additive without bias": lambda **options: ks.layers.AdditiveAttention(UNITS, use_bias=False, **options),
    "dot": lambda **options: ks.layers.DotProductAttention("dot", **options),
    "general": lambda **options: ks.layers.DotProductAttention("general", **options),
    "scaled": lambda **options: ks.layers.DotProductAttention("scaled", **options),
}
MASK = np.array([[1, 1, 1, 1, 1], [1, 0, 1, 0, 0], [0, 0, 0, 0, 0]], bool)


def loop(kind, weights, query, memory, mask):
    """Row by row, place by place, in float64."""
    contexts, shares = [], []
    for q, places, there in zip(query, memory, mask):
        scores = np.array([score(kind, weights, q, m) for m in places])
        share = np.zeros(len(places))
        if there.any():
            share[there] = np.exp(scores[there] - scores[there].max())
            share /= share.sum()
        shares.append(share)
        contexts.append(sum(a * m for a, m in zip(share, places)))
    return np.array(contexts), np.array(shares)


def score(kind, weights, q, m):
    if kind.startswith("additive"):
        *kernels, v = weights
        bias = kernels[2] if len(kernels) == 3 else 0.0
        return np.tanh(q @ kernels[0] + m @ kernels[1] + bias) @ v[:, 0]
    key = m @ weights[0] if kind == "general" else m
    return q @ key / (np.sqrt(len(q)) if kind == "scaled" else 1.0)


def sample(kind, seed=0, dtype="float64"):
    rng = np.random.default_rng(seed)
    layer = (SOFT | {"hard": lambda **o: ks.layers.HardAttention(UNITS, seed=2, **o)})[kind](dtype=dtype)
    query, memory = rng.standard_normal((BATCH, QUERY)), rng.standard_normal((BATCH, PLACES, DEPTH))
    layer.build(query.shape, memory.shape)
    for variable in layer.trainable_weights:
        variable.assign(0.7 * rng.standard_normal(variable.shape))
    return layer, query, memory


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kind", SOFT)
def test_is_the_loop(kind, masked):
    layer, query, memory = sample(kind)
    mask = MASK if masked else np.ones_like(MASK)
    received = layer(query, memory, mask=mask if masked else None)
    for a, b in zip(received, loop(kind, layer.get_weights(), query, memory, mask)):
        np.testing.assert_allclose(a, b, atol=1e-12)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kind", SOFT)
def test_gradients_are_finite_differences(kind, masked):
    layer, query, memory = sample(kind)
    mask = MASK if masked else np.ones_like(MASK)
    rng = np.random.default_rng(1)
    directions = rng.standard_normal((BATCH, DEPTH)), rng.standard_normal((BATCH, PLACES))
    inputs = [tf.constant(query), tf.constant(memory), *[w.value for w in layer.trainable_weights]]

    def loss(arrays):
        context, share = loop(kind, arrays[2:], arrays[0], arrays[1], mask)
        return np.sum(context * directions[0]) + np.sum(share * directions[1])

    with tf.GradientTape() as tape:
        tape.watch(inputs[:2])
        outputs = layer(*inputs[:2], mask=mask if masked else None)
        value = tf.add_n([tf.reduce_sum(a * d) for a, d in zip(outputs, directions)])
    arrays = [np.array(a) for a in inputs]
    np.testing.assert_allclose(value, loss(arrays))
    for k, gradient in enumerate(tape.gradient(value, inputs)):
        for place in np.ndindex(arrays[k].shape):
            kept, values = arrays[k][place], []
            for step in (1e-6, -1e-6):
                arrays[k][place] = kept + step
                values.append(loss(arrays))
            arrays[k][place] = kept
            np.testing.assert_allclose(gradient[place], (values[0] - values[1]) / 2e-6, atol=1e-7)


@pytest.mark.parametrize("kind", [*SOFT, "hard"])
def test_keys_can_be_computed_once(kind):
    layer, query, memory = sample(kind)
    keys = layer.compute_keys(memory)
    for a, b in zip(layer(query, memory, mask=MASK, keys=keys), layer(query, memory, mask=MASK)):
        np.testing.assert_array_equal(a, b)
    # It is the keys that are compared: with others the weights are others.
    soft = layer.attention if kind == "hard" else layer
    assert not np.allclose(soft(query, memory, keys=-keys)[1], soft(query, memory)[1])


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_large_scores_do_not_overflow(policy):
    layer = ks.layers.DotProductAttention(dtype=policy)
    query, memory = np.full((1, 2), 90.0, "float32"), np.array([[[1.0, 1.0], [0.5, 0.5], [9.0, 9.0]]], "float32")
    context, weights = layer(query, memory, mask=np.array([[True, True, False]]))
    assert weights.numpy().astype(float).tolist() == [[1.0, 0.0, 0.0]]
    assert context.numpy().astype(float).tolist() == [[1.0, 1.0]]


def test_hard_attention_takes_the_likeliest_place():
    layer, query, memory = sample("hard")
    context, weights = layer(query, memory, mask=MASK)
    likeliest = loop("additive", layer.attention.get_weights(), query, memory, MASK)[1].argmax(axis=1)
    np.testing.assert_array_equal(weights[:2], np.eye(PLACES)[likeliest[:2]])
    np.testing.assert_array_equal(context[:2], memory[[0, 1], likeliest[:2]])
    assert not np.any(weights[2]) and not np.any(context[2])


@pytest.mark.parametrize("sampled", ["in training", "always"])
def test_hard_attention_draws_from_the_distribution(sampled):
    layer, query, memory = sample("hard")
    layer.sample = sampled == "always"
    count = 20_000
    rows = np.repeat(query[:1], count, axis=0), np.repeat(memory[:1], count, axis=0)
    mask = np.repeat([[True, True, False, True, True]], count, axis=0)
    _, weights = layer(*rows, mask=mask, training=not layer.sample)
    np.testing.assert_array_equal(np.sum(weights, axis=1), 1.0)
    wanted = loop("additive", layer.attention.get_weights(), query[:1], memory[:1], mask[:1])[1][0]
    deviation = np.sqrt(wanted * (1 - wanted) / count)
    assert np.all(np.abs(np.mean(weights, axis=0) - wanted) <= 4.5 * deviation)


@pytest.mark.parametrize("baseline", [0.0, -1.7])
def test_the_estimator_is_unbiased(baseline):
    """Its mean over all draws, each with its probability, is the gradient of the expected reward."""
    layer, query, memory = sample("hard")
    layer.entropy_weight, layer.baseline_decay = 0.0, 0.0
    rewards = np.random.default_rng(3).standard_normal((PLACES, BATCH))
    sources = layer.trainable_weights

    with tf.GradientTape() as tape:
        p = layer.probabilities(query, memory)  # (B, L)
        expected = tf.reduce_sum(p * rewards.T)
    wanted = tape.gradient(expected, [w.value for w in sources])

    mean = [np.zeros(w.shape) for w in sources]
    for row in range(BATCH):
        for place in range(PLACES):
            layer.baseline.assign(baseline)
            weights = np.zeros((BATCH, PLACES))
            weights[row, place] = 1.0
            with tf.GradientTape() as tape:
                loss = layer.reinforce_loss(query, memory, weights, rewards[place])[row]
            for total, gradient in zip(mean, tape.gradient(loss, [w.value for w in sources])):
                total -= (p[row, place] * gradient).numpy()
    for a, b in zip(mean, wanted):
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert max(np.abs(b).max() for b in wanted) > 0.01


def test_the_baseline_lowers_the_variance():
    """Rewards far from zero: without a baseline their mean is noise in every single estimate."""
    layer, query, memory = sample("hard")
    layer.entropy_weight = 0.0

    def estimates(baseline):
        result = []
        for place in range(PLACES):
            layer.baseline.assign(baseline)
            with tf.GradientTape() as tape:
                loss = layer.reinforce_loss(
                    query, memory, np.eye(PLACES)[[place] * BATCH], np.full(BATCH, 10.0 + place)
                )
            result.append(tape.gradient(loss, layer.attention.score_kernel.value).numpy())
        return np.var(result, axis=0).sum()

    assert estimates(12.0) < 0.1 * estimates(0.0)


def test_baseline_is_a_moving_average():
    layer, query, memory = sample("hard")
    _, weights = layer(query, memory, training=True)
    expected = 0.0
    for reward in (1.0, 3.0, -2.0):
        layer.reinforce_loss(query, memory, weights, np.array([reward, reward + 1.0, reward - 1.0]))
        expected = 0.9 * expected + 0.1 * reward
        np.testing.assert_allclose(layer.baseline, expected, rtol=1e-6)


def test_entropy_term():
    layer, query, memory = sample("hard")
    layer.reward_weight, layer.entropy_weight = 0.0, 0.5
    p = loop("additive", layer.attention.get_weights(), query, memory, np.ones_like(MASK))[1]
    loss = layer.reinforce_loss(query, memory, np.zeros((BATCH, PLACES)), np.zeros(BATCH))
    np.testing.assert_allclose(loss, 0.5 * np.sum(p * np.log(p), axis=1), rtol=1e-6)
    masked = layer.reinforce_loss(query, memory, np.zeros((BATCH, PLACES)), np.zeros(BATCH), mask=MASK)
    assert np.isfinite(masked).all() and masked[2] == 0.0


def test_hard_attention_learns_where_to_look_in_fit():
    """The reward is there only where one place is looked at: the one that is like the query."""

    @keras.saving.register_keras_serializable(package="tests")
    class Finder(keras.Model):
        def __init__(self):
            super().__init__()
            self.attention = ks.layers.HardAttention(16, seed=1)

        def call(self, inputs, training=False):
            return self.attention(inputs["query"], inputs["memory"], training=training)[1]

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            reward = tf.reduce_sum(y * y_pred, axis=-1)
            return tf.reduce_mean(self.attention.reinforce_loss(x["query"], x["memory"], y_pred, reward))

    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(0)
    kinds = np.eye(4, dtype="float32")
    order = np.stack([rng.permutation(4) for _ in range(1024)])
    wanted = rng.integers(0, 4, 1024)
    data = {"query": kinds[order[np.arange(1024), wanted]], "memory": kinds[order]}
    model = Finder()
    model.compile(keras.optimizers.Adam(0.02))
    model.fit(data, kinds[wanted], batch_size=64, epochs=25, verbose=0)
    found = np.mean(np.argmax(model.predict(data, verbose=0), axis=1) == wanted)
    assert found > 0.95  # by chance 0.25


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ks.layers.AdditiveAttention(0), "units: expected an int >= 1, received 0"),
        (lambda: ks.layers.HardAttention(2.0), "units: expected an int >= 1, received 2.0"),
        (lambda: ks.layers.DotProductAttention("cosine"), "score: expected one of .* received 'cosine'"),
        (lambda: ks.layers.HardAttention(2, entropy_weight=-1), "entropy_weight: expected .* received -1"),
        (lambda: ks.layers.HardAttention(2, baseline_decay=1), r"baseline_decay: expected .*\[0, 1\), received 1"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"query": np.ones((3, 1, 4))}, r"expected query \(B, Q\) .* received \(3, 1, 4\) and \(3, 5, 4\)"),
        ({"query": np.ones((2, 4))}, r"received \(2, 4\) and \(3, 5, 4\)"),
        ({"memory": np.ones((3, 5, 7))}, r"memory: .* built for 4 features, received shape \(3, 5, 7\)"),
        ({"mask": np.ones((3, 4))}, r"mask: expected shape \(3, 5\) .* received \(3, 4\)"),
        ({"keys": np.ones((3, 5, 9))}, r"keys: expected shape \(3, 5, 6\) .* received \(3, 5, 9\)"),
    ],
)
@pytest.mark.parametrize("kind", ["additive", "hard"])
def test_bad_shapes(kind, arguments, message):
    layer, query, memory = sample(kind)
    with pytest.raises(ValueError, match=message):
        layer(**{"query": query, "memory": memory, **arguments})


def test_dot_needs_equal_depths():
    with pytest.raises(ValueError, match=r"received query \(3, 2\) and memory \(3, 5, 4\)"):
        ks.layers.DotProductAttention("dot")(np.ones((3, 2)), np.ones((3, 5, 4)))


def test_reinforce_loss_checks_shapes():
    layer, query, memory = sample("hard")
    with pytest.raises(ValueError, match=r"weights: expected shape \(3, 5\), received \(3, 4\)"):
        layer.reinforce_loss(query, memory, np.ones((3, 4)), np.ones(3))
    with pytest.raises(ValueError, match=r"reward: expected shape \(3,\), received \(2,\)"):
        layer.reinforce_loss(query, memory, np.ones((3, 5)), np.ones(2))
