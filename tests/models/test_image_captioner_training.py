"""What `ImageCaptioner` learns: by words, by reward, where to look; and the ways in which its training differs."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from keras_seqcv.models.scheduled_sampling import mixed_tokens
from tests.models import tiny_captioner as tiny


@pytest.fixture(autouse=True)
def without_xla():
    """Loops are plain graphs, which are there at once; one test trains by compiled ones, as people do."""
    with ks.layers.jit_scope(False):
        yield


def test_the_smoothed_loss_is_its_equation():
    rng = np.random.default_rng(0)
    logits, targets = rng.standard_normal((2, 3, 7)), rng.integers(0, 7, (2, 3))
    weights = np.array([[1, 1, 0], [1, 0, 0]], "float32")
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    own = np.take_along_axis(log_p, targets[..., None], -1)[..., 0]
    for smoothing in (0.0, 0.3):
        each = -(1 - smoothing) * own - smoothing * log_p.mean(-1)
        loss = ks.models.SmoothedCrossEntropy(smoothing)
        received = loss(targets, logits.astype("float32"), sample_weight=weights)
        assert float(received) == pytest.approx((each * weights).sum() / weights.sum(), rel=1e-5)
    with pytest.raises(ValueError, match="smoothing"):
        ks.models.SmoothedCrossEntropy(1.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["soft", *(pytest.param(kind, marks=pytest.mark.long) for kind in ("every step, vanilla", "state"))]
)
def test_captions_are_learned(kind):
    """Four pictures, four captions: only a model that sees the picture can tell them apart."""
    model = tiny.captioner(scale=0.3, **{**tiny.KINDS[kind], "units": 24, "embedding_dim": 16, "image_dim": 16})
    texts = ["red dog runs", "blue cat sits", "cat runs", "red blue dog sits"]
    inputs, targets, weights = data(model, texts)
    model.compile(keras.optimizers.Adam(2e-2, global_clipnorm=5.0))
    with ks.layers.jit_scope(kind == "soft"):
        model.fit(inputs, targets, sample_weight=weights, epochs=100, batch_size=4, shuffle=False, verbose=0)
        assert [caption.text for caption in model.caption(inputs["image"])] == texts


def data(model, texts):
    ids = [model.vocabulary.encode(text) for text in texts]
    tokens = np.zeros((len(texts), 8), "int32")
    for row, some in zip(tokens, ids, strict=True):
        row[: len(some) + 1] = [1, *some]
    targets, weights = tiny.targets_of(tokens)
    return {"image": tiny.pictures(len(texts)), "tokens": tokens}, targets, weights


@pytest.mark.slow
def test_hard_attention_learns_where_to_look():
    """The word is written at one of four places, which a mark tells: the others hold other words."""
    rng = np.random.default_rng(0)
    model = tiny.captioner(0, 0.3, attention="hard", units=24, embedding_dim=16, image_dim=24, attention_units=16)
    words = rng.integers(4, 8, (512, 4))  # what lies at each place
    marked = rng.integers(0, 4, 512)
    features = np.zeros((512, 4, 5), "float32")
    for k in range(4):
        features[..., k] = words == 4 + k
    features[np.arange(512), marked, 4] = 1.0
    targets = np.stack([words[np.arange(512), marked], np.full(512, 2)], 1).astype("int32")
    tokens = np.stack([np.ones(512, "int32"), targets[:, 0]], 1).astype("int32")
    model.compile(keras.optimizers.Adam(1e-2, global_clipnorm=5.0))
    model.fit({"features": features, "tokens": tokens}, targets, epochs=25, batch_size=64, verbose=0)
    captions = model.caption(features=features, beam=1, max_length=1)
    looked = np.array([caption.attention[0].argmax() for caption in captions])
    assert (looked == marked).mean() > 0.9  # a quarter by chance


def test_scheduled_sampling_reads_the_models_own_words():
    model = tiny.captioner(attention="soft")
    bias = model.decoder.vocabulary_layer.bias
    bias.assign(100.0 * np.eye(len(model.vocabulary))[7])  # it always says word 7
    memory, tokens = model.memory({"image": tiny.pictures(64)}), tf.constant(tiny.rows(64, 9, 10))
    kept = mixed_tokens(model, memory, tokens, 0.0).numpy()
    np.testing.assert_array_equal(kept, tokens)
    own = mixed_tokens(model, memory, tokens, 1.0).numpy()
    words = (tokens.numpy() != 0) & (np.arange(9) > 0)
    np.testing.assert_array_equal(own, np.where(words, 7, tokens))
    some = mixed_tokens(model, memory, tokens, 0.25).numpy()
    share = (some != tokens.numpy())[words & (tokens.numpy() != 7)].mean()
    assert 0.15 < share < 0.35


def test_the_rate_of_scheduled_sampling_can_be_raised():
    model = tiny.captioner(attention="soft")
    assert model.scheduled_sampling == 0.0
    model.scheduled_sampling = 0.5
    assert model.scheduled_sampling == 0.5
    with pytest.raises(ValueError, match="scheduled_sampling"):
        model.scheduled_sampling = -1


def test_word_dropout_spares_the_start():
    model = tiny.captioner(attention=None, word_dropout=0.5)
    tokens = tf.constant(tiny.rows(200, 9, 10))
    dropped = model.decoder._with_unknown(tokens).numpy()
    assert (dropped[:, 0] == 1).all()
    assert 0.4 < (dropped[:, 1:] == 3).mean() < 0.6


class Liked:
    """Rewards captions by how many of their words are a given one."""

    def score(self, captions, items):
        likes = ["dog", "cat"]
        return [text.split().count(likes[item]) for text, item in zip(captions, items, strict=True)]


@pytest.mark.slow
@pytest.mark.parametrize("samples", [1, pytest.param(4, marks=pytest.mark.long)])
def test_self_critical_training_follows_the_reward(samples):
    """Each of two kinds of pictures has a word that is liked; one sample is held against the greedy caption."""
    model = tiny.captioner(0, 0.3, attention="soft", units=16)
    features = np.zeros((64, 4, 5), "float32")
    items = np.arange(64) % 2
    features[np.arange(64), :, items] = 5.0
    model.compile(keras.optimizers.Adam(1e-2, global_clipnorm=5.0), reward=Liked(), samples=samples)
    inputs = {"features": features, "tokens": np.ones((64, 2), "int32"), "item": items}
    history = model.fit(inputs, np.full((64, 2), 2), epochs=25, batch_size=16, verbose=0).history
    assert history["reward"][-1] > 3 * history["reward"][0] + 1
    if samples > 1:  # with one the first word that pays is taken for both
        captions = model.caption(features=features[:2], beam=1)
        assert captions[0].words.count("dog") > 10 and captions[1].words.count("cat") > 10


def test_the_self_critical_gradient_is_that_of_the_expected_reward():
    """Captions of one word: the expectation of the reward, and its gradient, by enumeration."""
    model = tiny.captioner(attention="soft", scale=0.5)
    image, words = tiny.pictures(1), len(model.vocabulary)
    value = np.random.default_rng(0).standard_normal(words)
    logits_bias = model.decoder.vocabulary_layer.bias

    class Valued:
        def score(self, captions, items):
            firsts = [text.split()[0] if text else "<end>" for text in captions]
            return [value[model.vocabulary.tokens.index(w)] if w in tiny.WORDS else 0.0 for w in firsts]

    # The first word decides; all later ones are the end, whose probability is nearly one.
    known = [w if w in tiny.WORDS else None for w in model.vocabulary.tokens]
    worth = np.array([0.0 if w is None else value[k] for k, w in enumerate(known)])
    logits = model({"image": image, "tokens": np.array([[1]], "int32")}).numpy()[0, 0].astype("float64")
    p = tiny.softmax(logits)
    expected = -p * (worth - (p * worth).sum())  # of -E[reward] by the first word's logits

    model.compile(keras.optimizers.SGD(1.0), reward=Valued(), samples=500)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("keras_seqcv.models.self_critical._MAX_LENGTH", 1)
        before = logits_bias.numpy().copy()
        changes = []
        for _ in range(20):
            model.decoder.vocabulary_layer.bias.assign(before)
            weights = [w.numpy() for w in model.trainable_variables]
            model.train_on_batch({"image": image, "tokens": np.ones((1, 1), "int32"), "item": np.zeros(1, "int32")})
            changes.append(before - logits_bias.numpy())  # the gradient, with a rate of one
            for variable, weight in zip(model.trainable_variables, weights, strict=True):
                variable.assign(weight)
    np.testing.assert_allclose(np.mean(changes, axis=0), expected, atol=0.02)
    assert np.abs(expected).max() > 0.05


def test_a_reward_needs_a_score_and_items():
    model = tiny.captioner(attention="soft")
    with pytest.raises(ValueError, match="reward"):
        model.compile("sgd", reward=3)
    with pytest.raises(ValueError, match="samples"):
        model.compile("sgd", reward=Liked(), samples=0)
    model.compile("sgd", reward=Liked())
    with pytest.raises(ValueError, match='"item"'):
        model.train_on_batch({"image": tiny.pictures(2), "tokens": np.ones((2, 2), "int32")}, np.ones((2, 2)))


def test_validation_goes_by_words_while_training_goes_by_reward():
    model = tiny.captioner(attention="soft")
    inputs, targets, weights = data(model, ["red dog runs", "blue cat sits"])
    inputs["item"] = np.arange(2)
    model.compile("sgd", reward=Liked(), samples=2)
    valid = (inputs, targets, weights)
    history = model.fit(inputs, targets, sample_weight=weights, validation_data=valid, epochs=2, verbose=0).history
    assert {"loss", "reward", "val_loss"} == set(history)


@pytest.mark.parametrize("kind", ["soft", pytest.param("hard", marks=pytest.mark.long)])
def test_phases_follow_each_other(kind):
    """Losses that a model adds while it is called belong to that call: those of the phase before are gone."""
    model = tiny.captioner(attention=kind, doubly_stochastic=0.1)
    inputs, targets, weights = data(model, ["red dog runs", "blue cat sits"])
    inputs["item"] = np.arange(2)
    for reward in (None, ks.models.CiderReward([["red dog"], ["blue cat"]]), None):
        model.compile("adam", reward=reward, samples=2)
        history = model.fit(inputs, targets, sample_weight=weights, epochs=1, verbose=0).history
        assert np.isfinite(history["loss"]).all() and ("reward" in history) == (reward is not None)


def test_an_encoder_is_trained_with_the_rest():
    keras.utils.set_random_seed(0)
    model = ks.models.ImageCaptioner(tiny.encoder(trainable=True), ks.data.Words(tokens=tiny.WORDS), units=8)
    kernel = model.encoder.network.layers[-1].kernel
    before = kernel.numpy()
    inputs, targets, weights = data(model, ["red dog runs", "blue cat sits"])
    model.compile("adam")
    model.fit(inputs, targets, sample_weight=weights, verbose=0)
    assert np.abs(kernel.numpy() - before).max() > 0
