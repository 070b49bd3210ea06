"""Parallel texts: batches in which every pair comes once in few shapes, against plain loops and enumeration."""

import itertools
import logging

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import keras_seqcv as ks
from keras_seqcv.data.length_buckets import bucket_limits


def corpus(count, seed=0):
    """Pairs of sentences of one to twelve words; no two are alike."""
    rng = np.random.default_rng(seed)
    words = [f"w{letter}" for letter in "abcdefghij"]
    pairs = {}
    while len(pairs) < count:
        source, target = (" ".join(rng.choice(words, rng.integers(1, 13))) for _ in range(2))
        pairs.setdefault(source, target)
    return ks.data.TextPairs(list(pairs), list(pairs.values()))


def vocabularies(pairs):
    return ks.data.Words(pairs.sources), ks.data.Words(pairs.targets)


def read(dataset, words):
    """All pairs of a dataset as texts, one by one, with the shapes of the batches."""
    pairs, shapes = [], []
    for inputs, targets, weights in dataset:
        source, tokens, targets, weights = (a.numpy() for a in (inputs["source"], inputs["tokens"], targets, weights))
        shapes.append((*source.shape, tokens.shape[1]))
        assert tokens.shape == targets.shape == weights.shape
        for s, t, y, w in zip(source, tokens, targets, weights):
            count = int(w.sum())
            assert w.tolist() == [1.0] * count + [0.0] * (len(w) - count)
            assert t[0] == 1 and t[1:count].tolist() == y[: count - 1].tolist() and y[count - 1] == 2
            assert not t[count:].any() and not y[count:].any()
            assert (np.diff((s != 0).astype(int)) <= 0).all()  # pads are behind
            pairs.append((words[0].decode(s[s > 0]), words[1].decode(y[: count - 1])))
    return pairs, shapes


def test_every_pair_comes_once_an_epoch_in_few_shapes():
    pairs = corpus(203)
    words = vocabularies(pairs)
    data = ks.data.translations(
        pairs.sources, pairs.targets, 16, vocabularies=words, validation=0, buckets=3, shuffle=True, seed=3
    )
    assert data.batches == 13 == int(data.cardinality())
    epochs = [read(data, words) for _ in range(2)]
    for found, shapes in epochs:
        assert sorted(found) == sorted(zip(pairs.sources, pairs.targets))
        assert sorted(shape[0] for shape in shapes) == [203 % 16] + [16] * 12
        assert len({shape[1:] for shape in shapes}) <= 3
    assert epochs[0][0] != epochs[1][0]
    again = ks.data.translations(
        pairs.sources, pairs.targets, 16, vocabularies=words, validation=0, buckets=3, shuffle=True, seed=3
    )
    assert read(again, words)[0] == epochs[0][0]


def test_validation_has_its_own_pairs_a_fixed_order_and_the_shapes_of_training():
    pairs = corpus(120)
    words = vocabularies(pairs)
    train, valid = ks.data.translations(pairs.sources, pairs.targets, 10, vocabularies=words, validation=0.25)
    assert (len(train.texts), len(valid.texts)) == (90, 30)
    assert sorted(train.texts + valid.texts) == sorted(pairs.sources)
    wanted = dict(zip(pairs.sources, pairs.targets))
    for data in (train, valid):
        assert data.references == [wanted[text] for text in data.texts]
        assert data.source_vocabulary is words[0] and data.target_vocabulary is words[1]
    first, shapes = read(valid, words)
    assert first == read(valid, words)[0] and sorted(first) == sorted(zip(valid.texts, valid.references))
    assert len({shape[1:] for shape in shapes} - {shape[1:] for shape in read(train, words)[1]}) <= 1


def test_pairs_that_are_too_long_are_left_out_and_counted(caplog):
    pairs = corpus(60)
    words = vocabularies(pairs)
    fits = [p for p in zip(pairs.sources, pairs.targets) if max(len(side.split()) for side in p) <= 6]
    with caplog.at_level(logging.WARNING, "keras_seqcv"):
        data = ks.data.translations(
            pairs.sources, pairs.targets, 8, vocabularies=words, validation=0, max_length=6, shuffle=False
        )
    found, _ = read(data, words)
    assert sorted(found) == sorted(fits) and data.left_out == 60 - len(fits) > 0
    assert f"{data.left_out} of 60 pairs" in caplog.text and len(data.texts) == 60
    with pytest.raises(ValueError, match="leaves none"):
        ks.data.translations(["wa wb"], ["wa wb wc"], vocabularies=words, validation=0, max_length=2)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=20), st.integers(1, 4))
def test_bucket_limits_pad_least(lengths, count):
    limits = bucket_limits(lengths, count)
    sizes = sorted(set(lengths))
    assert limits[-1] == sizes[-1] and len(limits) <= count and set(limits) <= set(sizes)

    def padded(limits):
        return sum(min(limit for limit in limits if limit >= length) for length in lengths)

    choices = itertools.combinations(sizes[:-1], min(count, len(sizes)) - 1)
    assert padded(limits) == min(padded([*some, sizes[-1]]) for some in choices)


def test_it_trains_a_model_from_its_own_vocabularies():
    pairs = ks.data.number_sentences(64)
    model = ks.models.Translator(*vocabularies(pairs), units=8, dropout=0.0)
    train, valid = ks.data.translations(pairs.sources, pairs.targets, 16, model=model, buckets=1)
    model.compile("adam")
    with ks.layers.jit_scope(False):
        history = model.fit(train, validation_data=valid, epochs=2, verbose=0).history
    assert history["loss"][1] < history["loss"][0] and np.isfinite(history["val_loss"]).all()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"buckets": 0}, ValueError, "buckets"),
        ({"buckets": None}, TypeError, "buckets"),
        ({"max_length": 1.5}, TypeError, "max_length"),
        ({"validation": 1.0}, ValueError, "validation"),
        ({"validation": 0.01}, ValueError, "a pair each"),
        ({"valid": "a.txt"}, TypeError, "valid"),
        ({"languages": ("de", "en")}, ValueError, "languages"),
        ({"seed": -1}, ValueError, "seed"),
        ({"shuffle": 1}, TypeError, "shuffle"),
        ({"vocabularies": None}, ValueError, "neither"),
        ({"vocabularies": ks.data.Words("wa")}, TypeError, "vocabularies"),
        ({"vocabularies": (ks.data.Words("wa"), ks.data.Characters("wa"))}, TypeError, "of the target"),
    ],
)
def test_wrong_arguments_are_named(options, error, message):
    pairs = corpus(10)
    given = {"vocabularies": vocabularies(pairs), **options}
    with pytest.raises(error, match=message):
        ks.data.translations(pairs.sources, pairs.targets, **given)


def test_a_sentence_in_which_a_vocabulary_finds_no_words_is_named():
    class Deaf(ks.data.Words):
        def encode(self, text):
            return super().encode(text.replace("nothing", ""))

    words = Deaf("wa")
    with pytest.raises(ValueError, match="target sentence 1.*'nothing'"):
        ks.data.translations(["wa", "wa"], ["wa", "nothing"], vocabularies=(words, words), validation=0)


def test_elements_can_be_batches_of_a_strategy():
    """The specs of a dataset are known: Keras and `tf.distribute` ask for them."""
    pairs = corpus(20)
    data = ks.data.translations(pairs.sources, pairs.targets, 5, vocabularies=vocabularies(pairs), validation=0)
    inputs, targets, weights = data.element_spec
    assert inputs["source"] == inputs["tokens"] == targets == tf.TensorSpec((None, None), tf.int32)
    assert weights == tf.TensorSpec((None, None), tf.float32)
