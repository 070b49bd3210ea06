"""`ImageCaptioner` against NumPy loops, its own steps, files, and what it can learn."""

import keras
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

import keras_seqcv as ks
from tests.models import tiny_captioner as tiny


@pytest.mark.parametrize(("kind", "oracle"), [("soft", tiny.soft_logits), ("after", tiny.luong_logits)])
def test_soft_attention_is_that_of_show_attend_and_tell_or_of_luong(kind, oracle):
    model = tiny.captioner(**tiny.KINDS[kind])
    features = np.random.default_rng(1).standard_normal((3, 4, 5)).astype("float32")
    tokens = tiny.rows(3, 6, len(model.vocabulary))
    wanted, looked = oracle(model, features.astype("float64"), tokens)
    logits, weights, _ = model.decoder(tokens, model.memory({"features": features}))
    np.testing.assert_allclose(logits, wanted, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(weights, looked, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model({"features": features, "tokens": tokens}), logits, rtol=1e-6)


def test_a_vector_in_every_step_is_the_lectures_equation():
    model = tiny.captioner(attention=None, cell="simple_rnn")
    features = np.random.default_rng(1).standard_normal((3, 4, 5)).astype("float32")
    tokens = tiny.rows(3, 6, len(model.vocabulary))
    wanted = tiny.vector_logits(model, features.astype("float64"), tokens)
    np.testing.assert_allclose(model({"features": features, "tokens": tokens}), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_steps_give_what_reading_gives(kind):
    model = tiny.captioner(**tiny.KINDS[kind])
    images, tokens = tiny.pictures(3), tiny.rows(3, 5, len(model.vocabulary))
    memory = model.memory({"image": images})
    whole = model.decode(memory, tokens).numpy()
    stepwise = tiny.by_steps(model, memory, tokens)
    real = tokens != 0  # what lies behind the end is never looked at
    np.testing.assert_allclose(stepwise[real], whole[real], rtol=1e-4, atol=1e-5)


def test_the_picture_enters_as_it_should():
    """Each way of giving a vector changes what is said; at the first step only through the first state, and so on."""
    tokens = tiny.rows(1, 5, 10)
    for inject in ("every_step", "first_step", "state"):
        model = tiny.captioner(attention=None, inject=inject)
        logits = [model({"image": tiny.pictures(1, seed), "tokens": tokens}).numpy() for seed in (0, 1)]
        assert np.abs(logits[0] - logits[1]).max() > 1e-3
        assert ("vector" in model.fixed(model.memory({"image": tiny.pictures(1)}))) == (inject == "every_step")


@pytest.mark.parametrize("kind", ["soft", "first step"])
def test_several_captions_of_a_picture_are_as_many_rows(kind):
    model = tiny.captioner(**tiny.KINDS[kind])
    images, tokens = tiny.pictures(2), tiny.rows(6, 5, len(model.vocabulary))
    joined = model({"image": images, "tokens": tokens.reshape(2, 3, 5)}).numpy()
    alone = model({"image": np.repeat(images, 3, axis=0), "tokens": tokens}).numpy()
    np.testing.assert_allclose(joined.reshape(alone.shape), alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_beam_search_gives_the_models_own_probability(kind):
    model = tiny.captioner(**tiny.KINDS[kind])
    images = tiny.pictures(4)
    features = model.encoder(images)
    captions = model.caption(images, beam=3, max_length=6)
    assert len({round(caption.score, 4) for caption in captions}) > 1  # pictures differ, and so do their captions
    for k, caption in enumerate(captions):
        ids = [model.vocabulary.tokens.index(word) for word in caption.words]
        if len(ids) < 6:
            wanted = tiny.log_probability(model, features[k : k + 1], ids)
            assert caption.score == pytest.approx(wanted, abs=1e-3)
        assert [caption.score, *[s for _, s in caption.alternatives]] == sorted(
            [caption.score, *[s for _, s in caption.alternatives]], reverse=True
        )
        if model.attention is None:
            assert caption.attention is None
        else:
            assert caption.attention.shape == (len(caption.words), 2, 2)
            np.testing.assert_allclose(caption.attention.sum((1, 2)), 1.0, rtol=1e-5)


def test_wide_beams_find_the_best_caption():
    model = tiny.captioner(attention="soft", scale=0.7)
    features = model.encoder(tiny.pictures(1))
    words = range(4, len(model.vocabulary))
    texts = [()] + [(a,) for a in words] + [(a, b) for a in words for b in words]
    scores = {ids: tiny.log_probability(model, features, ids) for ids in texts if len(ids) < 3}
    best = max((ids for ids in scores if len(ids) < 2), key=scores.get)
    caption = model.caption(features=features, beam=30, max_length=8, min_length=0)[0]
    assert caption.score >= scores[best] - 1e-4
    if len(caption.words) < 3:
        ids = tuple(model.vocabulary.tokens.index(word) for word in caption.words)
        assert max(scores, key=scores.get) == ids


def test_pictures_come_in_any_form(tmp_path):
    model = tiny.captioner(attention="soft")
    images = tiny.pictures(3)
    wanted = [caption.text for caption in model.caption(images, beam=2)]
    files = []
    for k, image in enumerate(images):
        files.append(tmp_path / f"{k}.png")
        PIL.Image.fromarray(image).save(files[-1])
    forms = [
        files,
        [str(file) for file in files],
        [file.read_bytes() for file in files],
        [PIL.Image.open(file) for file in files],
        list(images),
        tf.data.Dataset.from_tensor_slices(images).batch(2),
        tf.data.Dataset.from_tensor_slices(model.encoder(images)).batch(2),
    ]
    for form in forms:
        assert [caption.text for caption in model.caption(form, beam=2)] == wanted
    assert model.caption(files[1], beam=2).text == wanted[1]
    assert model.caption(images[2], beam=2).text == wanted[2]


def test_samples_follow_the_models_distribution():
    model = tiny.captioner(attention="soft", scale=0.5)
    features = np.repeat(model.encoder(tiny.pictures(1)), 4000, axis=0)
    captions = model.sample(features=features, max_length=3, seed=3)
    logits = model({"features": features[:1], "tokens": np.array([[1]], "int32")}).numpy()[0, 0].astype("float64")
    logits[[0, 1, 3]] = -np.inf  # never written
    wanted = tiny.softmax(logits)
    first = [caption.words[0] if caption.words else "<end>" for caption in captions]
    found = np.array([first.count(word) for word in model.vocabulary.tokens]) / len(first)
    np.testing.assert_allclose(found, wanted, atol=0.03)
    again = model.sample(features=features[:5], max_length=3, seed=3)
    assert [c.text for c in again] == [c.text for c in captions[:5]]
    for caption in captions[:5]:
        ids = [model.vocabulary.tokens.index(word) for word in caption.words]
        if len(ids) < 3:
            assert caption.log_probability == pytest.approx(tiny.log_probability(model, features[:1], ids), abs=1e-3)


@pytest.mark.parametrize("kind", ["soft", "hard", "after", "state", "tied"])
def test_files_hold_the_whole_model(tmp_path, kind):
    model = tiny.captioner(**tiny.KINDS[kind], label_smoothing=0.1, scheduled_sampling=0.2)
    model.compile(keras.optimizers.Adam(1e-3, global_clipnorm=5.0))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    images = tiny.pictures(3)
    wanted, received = model.caption(images), loaded.caption(images)
    assert [c.text for c in received] == [c.text for c in wanted]
    assert [c.score for c in received] == pytest.approx([c.score for c in wanted], abs=1e-5)
    assert loaded.scheduled_sampling == pytest.approx(0.2)
    assert loaded.loss.smoothing == 0.1 and loaded.get_config().keys() == model.get_config().keys()


def test_an_ensemble_of_equals_is_one_of_them_and_of_two_their_mean():
    models = [tiny.captioner(seed, scale=0.6, attention="soft") for seed in (0, 1)]
    images = tiny.pictures(2)
    alone = models[0].caption(images, beam=2)
    twice = ks.models.CaptionEnsemble([models[0], models[0]]).caption(images, beam=2)
    assert [c.text for c in twice] == [c.text for c in alone]
    assert [c.score for c in twice] == pytest.approx([c.score for c in alone], abs=1e-4)
    caption = ks.models.CaptionEnsemble(models).caption(images[:1], beam=1, max_length=1)[0]
    first = []
    for model in models:
        memory = model.memory({"image": images[:1]})
        first.append(tiny.softmax(model.decode(memory, np.array([[1]], "int32")).numpy()[0, 0].astype("float64")))
    mean = (first[0] + first[1]) / 2
    mean[[0, 1, 3]] = 0
    word = model.vocabulary.tokens[mean.argmax()]
    assert caption.words == ([] if word == "<end>" else [word])
    with pytest.raises(ValueError, match="vocabular"):
        other = ks.models.ImageCaptioner(tiny.encoder(), ks.data.Words(tokens=["x"]), units=4)
        ks.models.CaptionEnsemble([models[0], other])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attention": "both"}, "attention"),
        ({"inject": "never"}, "inject"),
        ({"cell": "qrnn"}, "cell"),
        ({"units": 0}, "units"),
        ({"dropout": 1.0}, "dropout"),
        ({"label_smoothing": -0.1}, "label_smoothing"),
        ({"scheduled_sampling": 1.5}, "scheduled_sampling"),
        ({"attention": None, "doubly_stochastic": 1.0}, "doubly_stochastic"),
        ({"tied_embeddings": True, "deep_output": False}, "tied_embeddings"),
        ({"gate": 1}, "gate"),
        ({"attend": "between"}, "attend"),
        ({"attention": None, "attend": "after"}, "attend"),
        ({"coverage": "yes"}, "coverage"),
        ({"attention": None, "coverage": True}, "coverage"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        tiny.captioner(**options)


def test_wrong_parts_and_inputs_are_named(tmp_path):
    words = ks.data.Words(tokens=tiny.WORDS)
    with pytest.raises(TypeError, match="encoder"):
        ks.models.ImageCaptioner(keras.layers.Dense(2), words)
    with pytest.raises(ValueError, match="start_id"):
        ks.models.ImageCaptioner(tiny.encoder(), ks.data.Characters("abc"))
    pooled = ks.models.ImageEncoder(tiny.encoder().network, pooling="avg")
    with pytest.raises(ValueError, match="pooling"):
        ks.models.ImageCaptioner(pooled, words, attention="soft")
    model = tiny.captioner(attention="soft")
    with pytest.raises(ValueError, match=r"\(B, 4, 5\).*\(2, 4, 6\)"):
        model.caption(features=np.zeros((2, 4, 6), "float32"))
    with pytest.raises(ValueError, match="beam"):
        model.caption(tiny.pictures(1), beam=0)
    with pytest.raises(ValueError, match="max_length"):
        model.caption(tiny.pictures(1), max_length=0)
    with pytest.raises(TypeError, match="lenght_penalty"):
        model.caption(tiny.pictures(1), lenght_penalty=1.0)
    with pytest.raises(ValueError, match="features"):
        model.caption()
    with pytest.raises(ValueError, match='"tokens"'):
        model({"image": tiny.pictures(1)})
    with pytest.raises(ValueError, match="tokens"):
        model({"image": tiny.pictures(1), "tokens": np.zeros((1,), "int32")})
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    with pytest.raises(ValueError, match="broken.jpg"):
        model.caption([broken])
