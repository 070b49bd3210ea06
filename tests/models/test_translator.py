"""`Translator` against NumPy loops, its own steps, files, and what it can learn."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from keras_seqcv.models.scheduled_sampling import mixed_tokens
from keras_seqcv.models.translation_writer import default_length
from tests.models import tiny_translator as tiny
from tests.models.tiny_captioner import by_steps, rows

ORACLES = {"additive": tiny.bahdanau, "dot, after, LSTM": tiny.luong, "state": tiny.encoder_decoder}


@pytest.fixture(scope="module")
def models():
    return {kind: tiny.translator(**options) for kind, options in tiny.KINDS.items()}


@pytest.mark.parametrize("kind", ORACLES)
def test_it_is_that_of_the_papers_padded_or_not(models, kind):
    model, lengths = models[kind], [5, 2, 3]
    source, tokens = tiny.sources(lengths), rows(3, 6, 10)
    logits, looked = model({"source": source, "tokens": tokens}).numpy(), None
    if model.attention:
        memory = model.memory({"source": source})
        looked = model.decoder(tokens, memory["outputs"], memory_mask=memory["mask"])[1].numpy()
    for b, length in enumerate(lengths):
        wanted, weights = ORACLES[kind](model, source[b, :length], tokens[b])
        np.testing.assert_allclose(logits[b], wanted, rtol=1e-4, atol=1e-4)
        if looked is not None:
            np.testing.assert_allclose(looked[b, :, :length], weights, rtol=1e-4, atol=1e-5)
            assert not looked[b, :, length:].any()


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_steps_give_what_reading_gives(models, kind):
    model = models[kind]
    memory, tokens = model.memory({"source": tiny.sources([4, 1, 6])}), rows(3, 5, 10)
    whole, real = model.decode(memory, tokens).numpy(), tokens != 0
    np.testing.assert_allclose(by_steps(model, memory, tokens)[real], whole[real], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_beam_search_gives_the_models_own_probability(models, kind):
    model, texts = models[kind], tiny.texts(9)
    found = model.translate(texts, beam=3, max_length=6)
    assert len({round(translation.score, 4) for translation in found}) > 1  # sources differ, and so do translations
    for text, translation in zip(texts, found, strict=True):
        ids = [model.vocabulary.tokens.index(word) for word in translation.words]
        if len(ids) < 6:
            wanted = tiny.log_probability(model, model.source_vocabulary.encode(text), ids)
            assert translation.score == pytest.approx(wanted, abs=1e-3)
        scores = [translation.score, *[score for _, score in translation.alternatives]]
        assert scores == sorted(scores, reverse=True)
        assert translation.source_words == text.split()
        if model.attention is None:
            assert translation.alignment is None
        else:
            assert translation.alignment.shape == (len(ids), len(text.split()))
            np.testing.assert_allclose(translation.alignment.sum(1), 1.0, rtol=1e-5)


def test_a_text_is_translated_alike_alone_and_among_others_in_any_order(models):
    model, texts = models["additive"], [*tiny.texts(12), "rot " * 40]
    together = model.translate(texts, beam=4)
    alone = [model.translate(text, beam=4) for text in texts]
    assert [t.text for t in together] == [t.text for t in alone]
    np.testing.assert_allclose([t.score for t in together], [t.score for t in alone], atol=1e-4)
    backwards = model.translate(texts[::-1], beam=4)
    assert [t.text for t in backwards] == [t.text for t in alone[::-1]]
    assert together[-1].alignment.shape[1] == 40


def test_a_text_has_one_line_and_options_count_words(models):
    model = models["additive"]
    assert model.translate(" ein\n hund ").text == model.translate("ein hund").text
    translation = model.translate("ein hund rot", beam=3, max_length=7, min_length=5, returned=2)
    assert len(translation.words) >= 5 and len(translation.alternatives) == 1
    assert [default_length(n) for n in (1, 8, 9, 16, 17)] == [24, 24, 40, 40, 72]
    unknown = model.translate("ein elefant")
    assert unknown.source_words == ["ein", "elefant"] and unknown.alignment.shape[1] == 2


@pytest.mark.slow
def test_it_learns_to_turn_sentences_round_by_looking_from_behind():
    model = tiny.translator(scale=0.3, units=24, attend="after", embedding_dim=16)
    rng = np.random.default_rng(0)
    source = rng.integers(4, 10, (1024, 6)).astype("int32")
    turned = source[:, ::-1]
    tokens = np.concatenate([np.ones_like(turned[:, :1]), turned], axis=1)
    targets = np.concatenate([turned, np.full_like(turned[:, :1], 2)], axis=1)
    model.compile(keras.optimizers.Adam(1e-2, global_clipnorm=5.0))
    with ks.layers.jit_scope(False):
        model.fit({"source": source, "tokens": tokens}, targets, epochs=12, batch_size=64, verbose=0)
    lists = rng.integers(0, 6, (50, 6))
    found = model.translate([" ".join(tiny.SOURCE[k] for k in row) for row in lists], beam=2)
    right = [t.words == [tiny.TARGET[k] for k in row[::-1]] for t, row in zip(found, lists, strict=True)]
    assert np.mean(right) > 0.9
    looked = np.array([t.alignment.argmax(1) for t, ok in zip(found, right, strict=True) if ok])
    assert (looked == np.arange(6)[::-1]).mean() > 0.9


def test_training_reads_own_words_and_leaves_padding_out():
    model = tiny.translator()
    model.decoder.vocabulary_layer.bias.assign(100.0 * np.eye(10)[7])  # it always says word 7
    memory, tokens = model.memory({"source": tiny.sources([3, 1, 5])}), tf.constant(rows(3, 9, 10))
    own = mixed_tokens(model, memory, tokens, 1.0).numpy()
    real = (tokens.numpy() != 0) & (np.arange(9) > 0)
    np.testing.assert_array_equal(own, np.where(real, 7, tokens))
    np.testing.assert_array_equal(mixed_tokens(model, memory, tokens, 0.0), tokens)


def test_dropout_is_of_training_only_and_words_are_dropped_on_both_sides():
    model = tiny.translator(dropout=0.5, word_dropout=0.5)
    inputs = {"source": tiny.sources([4, 2]), "tokens": rows(2, 5, 10)}
    np.testing.assert_array_equal(model(inputs), model(inputs))
    assert np.abs(model(inputs, training=True).numpy() - model(inputs, training=True).numpy()).max() > 1e-3
    assert model.encoder.word_dropout == model.decoder.word_dropout == 0.5


@pytest.mark.parametrize("kind", ["dot, after, LSTM", "two layers", "first step, tied"])
def test_files_hold_the_whole_model(tmp_path, kind):
    model = tiny.translator(**tiny.KINDS[kind], label_smoothing=0.1, scheduled_sampling=0.2)
    model.compile(keras.optimizers.Adam(1e-3, global_clipnorm=5.0))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    texts = tiny.texts(4)
    wanted, received = model.translate(texts, max_length=6), loaded.translate(texts, max_length=6)
    assert [t.text for t in received] == [t.text for t in wanted]
    assert [t.score for t in received] == pytest.approx([t.score for t in wanted], abs=1e-5)
    assert loaded.scheduled_sampling == pytest.approx(0.2)
    assert loaded.loss.smoothing == 0.1 and loaded.get_config().keys() == model.get_config().keys()
    assert loaded.source_vocabulary == model.source_vocabulary and loaded.options == model.options


def test_subwords_go_through_files(tmp_path):
    pytest.importorskip("sentencepiece")
    words = ks.data.Subwords(["ein hund zwei hunde one dog two dogs"] * 20, size=30)
    model = ks.models.Translator(words, words, units=8)
    model.save(tmp_path / "model.keras")
    loaded = ks.models.load_model(tmp_path / "model.keras")
    assert loaded.target_vocabulary == words
    wanted, received = (some.translate("zwei hunde", beam=2, max_length=8) for some in (model, loaded))
    assert received.text == wanted.text and received.source_words == words.split("zwei hunde")
    assert "".join(received.words).replace("\u2581", " ").strip() == received.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attention": "soft"}, "attention"),
        ({"inject": "never"}, "inject"),
        ({"cell": "qrnn"}, "cell"),
        ({"units": 0}, "units"),
        ({"layers": 1.5}, "layers"),
        ({"bidirectional": "yes"}, "bidirectional"),
        ({"dropout": 1.0}, "dropout"),
        ({"word_dropout": -0.5}, "word_dropout"),
        ({"label_smoothing": -0.1}, "label_smoothing"),
        ({"scheduled_sampling": 1.5}, "scheduled_sampling"),
        ({"tied_embeddings": True, "deep_output": False}, "tied_embeddings"),
        ({"attend": "between"}, "attend"),
        ({"attention": None, "attend": "after"}, "attend"),
        ({"attention": None, "coverage": True}, "coverage"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        tiny.translator(**options)


def test_wrong_parts_and_inputs_are_named(models):
    words, model = ks.data.Words(tokens=tiny.SOURCE), models["additive"]
    with pytest.raises(TypeError, match="target_vocabulary"):
        ks.models.Translator(words, ["one"])
    with pytest.raises(ValueError, match="source_vocabulary.*unknown_id"):
        ks.models.Translator(ks.data.Bytes(), words)
    with pytest.raises(ValueError, match='"source" and "tokens"'):
        model({"tokens": np.ones((1, 2), "int32")})
    with pytest.raises(ValueError, match=r"source: expected shape \(B, S\)"):
        model({"source": np.ones((3,), "int32"), "tokens": np.ones((1, 2), "int32")})
    with pytest.raises(TypeError, match="tokens: expected integers"):
        model({"source": np.ones((1, 2), "int32"), "tokens": np.ones((1, 2), "float32")})
    with pytest.raises(ValueError, match=r"texts\[1\].*words in it.*' '"):
        model.translate(["ein hund", " "])
    with pytest.raises(TypeError, match=r"texts\[0\]: expected a str, received int"):
        model.translate([3])
    with pytest.raises(TypeError, match="texts: expected str or a list"):
        model.translate(3)
    with pytest.raises(ValueError, match="at least one text"):
        model.translate([])
    with pytest.raises(ValueError, match="beam"):
        model.translate("ein", beam=0)
    with pytest.raises(ValueError, match="max_length"):
        model.translate("ein", max_length=0)
    with pytest.raises(TypeError, match="lenght_penalty"):
        model.translate("ein", lenght_penalty=1.0)
