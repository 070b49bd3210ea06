"""Batches of labelled texts and sequences: everything once, few shapes, padding of weight zero."""

import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from keras_seqcv.data import LabelledTexts, Words, labelled_sequences, labelled_texts
from keras_seqcv.lengths import rounded_length

WORDS = Words("a b c d e f g h i j")
NAMES = ("even", "odd")


def some(count=50, seed=0):
    rng = np.random.default_rng(seed)
    texts = [" ".join(rng.choice(WORDS.tokens[4:], rng.integers(1, 30))) for _ in range(count)]
    return texts, [NAMES[len(text.split()) % 2] for text in texts]


def decoded(dataset):
    """(text, label) of all rows of an epoch, and the shapes of its batches."""
    rows, shapes = [], []
    for tokens, labels in dataset:
        shapes.append(tuple(tokens.shape))
        rows += [(WORDS.decode(ids[ids != 0]), NAMES[k]) for ids, k in zip(tokens.numpy(), labels.numpy())]
    return rows, shapes


def test_every_text_comes_once_with_its_label():
    texts, labels = some()
    data = labelled_texts(texts, labels, 8, vocabulary=WORDS, names=NAMES, validation=0)
    first, shapes = decoded(data)
    second, _ = decoded(data)
    assert sorted(first) == sorted(second) == sorted(zip(texts, labels)) and first != second
    assert len(shapes) == data.batches == 7 and [b for b, _ in shapes].count(8) == 6
    assert {t for _, t in shapes} <= {rounded_length(n) for n in range(1, 31)}
    fixed = labelled_texts(texts, labels, 8, vocabulary=WORDS, names=NAMES, validation=0, shuffle=False)
    assert decoded(fixed) == decoded(fixed)


def test_parts_have_nothing_in_common():
    texts, labels = some(40)
    texts = [f"{'a ' * k}b" for k in range(40)]
    train, valid = labelled_texts(texts, labels, 8, vocabulary=WORDS, names=NAMES, validation=0.25, seed=3)
    assert len(train.texts) == 30 and len(valid.texts) == 10
    assert sorted(train.texts.texts + valid.texts.texts) == sorted(texts)
    assert sorted(text for text, _ in decoded(valid)[0]) == sorted(valid.texts.texts)
    again = labelled_texts(texts, labels, 8, vocabulary=WORDS, names=NAMES, validation=0.25, seed=3)[1]
    assert again.texts == valid.texts
    other = LabelledTexts(["c"], ["odd"], ["x"])
    assert labelled_texts(texts, labels, 8, vocabulary=WORDS, names=NAMES, valid=other)[1].texts == other


@pytest.mark.parametrize(("keep", "wanted"), [("start", "a b c"), ("end", "h i j")])
def test_long_texts_are_cut_at_the_end_that_is_asked_for(keep, wanted):
    data = labelled_texts(
        ["a b c d e f g h i j"], ["odd"], vocabulary=WORDS, names=NAMES, max_length=3, keep=keep, validation=0
    )
    assert decoded(data)[0] == [(wanted, "odd")]


def test_words_with_tags():
    texts, tags = [["a", "b.c", "d"], ["e"]], [["even", "odd", "even"], ["odd"]]
    data = labelled_texts(texts, tags, vocabulary=WORDS, names=NAMES, validation=0, shuffle=False)
    ((tokens, labels, weights),) = list(data)
    assert tokens.shape == (2, 8) and labels.dtype == tf.int32
    assert weights.numpy()[1].tolist() == [1, 0, 0, 1, 1, 0, 0, 0] and labels.numpy()[1, [0, 3, 4]].tolist() == [
        0,
        1,
        0,
    ]
    assert weights.numpy()[0].tolist() == [1, 0, 0, 0, 0, 0, 0, 0] and labels.numpy()[0, 0] == 1
    cut = labelled_texts(
        texts, tags, vocabulary=WORDS, names=NAMES, validation=0, shuffle=False, max_length=2, keep="end"
    )
    ((tokens, labels, weights),) = list(cut)
    assert weights.numpy()[0].tolist() == [1, 1, 0, 0] and labels.numpy()[0, :2].tolist() == [1, 0]


def test_a_path_is_read_with_the_labels_of_the_model(tmp_path):
    (tmp_path / "a.tsv").write_text("a b\teven\na\todd\n")
    model = ks.models.SequenceClassifier(NAMES, WORDS, units=2)
    data = labelled_texts(tmp_path / "a.tsv", model=model, validation=0, shuffle=False)
    assert sorted(decoded(data)[0]) == [("a", "odd"), ("a b", "even")] and data.names == NAMES
    (tmp_path / "a.tsv").write_text("a b\teven\na\tstrange\n")
    with pytest.raises(ValueError, match=r"a\.tsv, line 2: expected one of the labels .*received 'strange'"):
        labelled_texts(str(tmp_path / "a.tsv"), model=model, validation=0)
    assert len(labelled_texts(tmp_path / "a.tsv", model=model, validation=0, wrong="skip").texts) == 1


def test_wrong_texts_can_be_skipped():
    texts, labels = ["a", " ", "b", "c"], ["odd", "odd", "none", "even"]
    with pytest.raises(ValueError, match=r"`texts\[1\]`: expected a text with words"):
        labelled_texts(texts, labels, vocabulary=WORDS, names=NAMES, validation=0)
    data = labelled_texts(texts, labels, vocabulary=WORDS, names=NAMES, validation=0, wrong="skip")
    assert data.texts.texts == ["a", "c"]
    with pytest.raises(ValueError, match=r"found none\n  `texts\[0\]`: expected one of the labels"):
        labelled_texts(["a"], ["none"], vocabulary=WORDS, names=NAMES, validation=0, wrong="skip")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"model": object()}, ValueError, "received both"),
        ({"vocabulary": None}, ValueError, "received neither"),
        ({"vocabulary": "abc"}, TypeError, "`vocabulary` must be"),
        ({"labels": ["odd"]}, ValueError, "`labels` must be a list of 2, one for each text, received 1"),
        ({"texts": 3}, TypeError, "`texts` must be LabelledTexts, a path or a list"),
        ({"texts": LabelledTexts(["a"], ["odd"], ["x"])}, TypeError, "`labels` must be None"),
        ({"texts": [], "labels": []}, ValueError, "`texts` must hold a text at least"),
        ({"keep": "middle"}, ValueError, "`keep` must be"),
        ({"wrong": "drop"}, ValueError, "`wrong` must be"),
        ({"max_length": 0}, ValueError, "`max_length` must be at least 1"),
        ({"batch_size": 2.0}, TypeError, "`batch_size` must be an int"),
        ({"validation": 0.1}, ValueError, "training and validation need a text each"),
        ({"texts": [["a"], ["b"]], "labels": [["odd"], ["odd", "even"]]}, ValueError, r"as many tags"),
    ],
)
def test_wrong_arguments_are_named(options, error, message):
    given = {"texts": ["a", "b"], "labels": ["odd", "even"], "vocabulary": WORDS, "names": NAMES, "validation": 0}
    with pytest.raises(error, match=message):
        labelled_texts(**{**given, **options})


def test_sequences_of_features():
    rng = np.random.default_rng(0)
    rows = [rng.standard_normal((n, 2)).astype("float32") for n in (3, 7, 5, 6, 2)]
    data = labelled_sequences(rows, ["odd", "odd", "odd", "even", "even"], 2, names=NAMES, validation=0, shuffle=False)
    seen = []
    for inputs, labels in data:
        for x, n, label in zip(inputs["features"].numpy(), inputs["lengths"].numpy(), labels.numpy()):
            assert not x[n:].any()
            (place,) = [k for k, row in enumerate(rows) if len(row) == n and np.array_equal(row, x[:n])]
            seen.append((place, NAMES[label]))
    assert sorted(seen) == [(0, "odd"), (1, "odd"), (2, "odd"), (3, "even"), (4, "even")]
    steps = labelled_sequences(rows[:2], [["odd"] * 3, ["even"] * 7], names=NAMES, validation=0, shuffle=False)
    ((inputs, labels, weights),) = list(steps)
    assert weights.numpy().sum(1).tolist() == [3, 7] and labels.numpy()[0, :3].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("rows", "labels", "error", "message"),
    [
        ([np.ones((2, 2)), np.ones((2, 3))], ["odd", "odd"], ValueError, r"`sequences\[1\]` must be numbers \(T, 2\)"),
        ([np.ones((2, 2)), np.ones((0, 2))], ["odd", "odd"], ValueError, r"`sequences\[1\]`"),
        ([np.full((2, 2), np.inf)], ["odd"], ValueError, "must be finite"),
        ([np.ones((2, 2))], ["strange"], ValueError, r"`labels\[0\]`.*received 'strange'"),
        ([np.ones((2, 2))], [["odd"]], ValueError, r"`labels\[0\]` must be a str or 2 of them"),
        ([np.ones((2, 2))] * 2, ["odd", ["odd", "odd"]], ValueError, "received both"),
        ([np.ones((2, 2))], [], ValueError, "one for each sequence, received 0 for 1"),
        ("text", ["odd"], TypeError, "`sequences` must be a list"),
    ],
)
def test_wrong_sequences_are_named(rows, labels, error, message):
    with pytest.raises(error, match=message):
        labelled_sequences(rows, labels, names=NAMES, validation=0)
