"""captions: what comes out of an epoch, counted and compared with what went in; splits; `model.fit`."""

import gc
import logging
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.data.caption_oracles import WORDS, all_rows, dataset, pictures, rows, texts


@pytest.mark.parametrize("batch_size", [1, 7, 8, 64, 500])
def test_every_caption_once_an_epoch_and_epochs_differ(batch_size):
    data = dataset(batch_size=batch_size)
    first, second = rows(data), rows(data)
    assert sorted(first) == sorted(second) == sorted(all_rows(data)) and len(set(first)) == len(first)
    assert first != second and data.batches == int(data.cardinality()) == -(-len(first) // batch_size)
    assert data.options().autotune.enabled is False  # else the end of an iterator may take seconds
    again = dataset(batch_size=batch_size)
    assert rows(again) == first and rows(again) == second
    assert rows(dataset(batch_size=batch_size, seed=1)) != first


def test_batches_are_of_one_length_and_of_few_shapes():
    data = dataset(count=60, some=texts(60, longest=30))
    epochs = []
    for _ in range(3):
        shapes = []
        for inputs, targets, weights in data:
            longest = int(tf.reduce_max(tf.reduce_sum(weights, 1)))
            assert targets.shape == inputs["tokens"].shape == weights.shape
            assert targets.shape[1] == -(-longest // 4) * 4
            shapes.append(tuple(targets.shape))
        steps = [t for _, t in shapes]
        assert steps != sorted(steps)  # long and short ones come mixed
        epochs.append(sorted(shapes))
    assert epochs[0] == epochs[1] == epochs[2]  # nothing new to compile
    assert [b for b, _ in epochs[0] if b != 8] == [sum(map(len, data.references)) % 8]
    assert len(set(epochs[0])) <= len({t for _, t in epochs[0]}) + 1
    used = sum(len(text.split()) + 1 for some in data.references for text in some)
    assert used / sum(b * t for b, t in epochs[0]) > 0.8  # as they come, 0.55
    random = [{caption for _, caption in rows(data)[:8]} for _ in range(2)]
    assert random[0] != random[1]


def test_rows_hold_their_own_picture():
    for inputs, _, _ in (data := dataset()):
        expected = pictures(40)[[int(data.names[item]) for item in inputs["item"]]]
        np.testing.assert_array_equal(inputs["image"], expected)
        assert inputs["image"].dtype == tf.uint8 and inputs["item"].dtype == tf.int32
    images = np.concatenate(list(data.images.as_numpy_iterator()))
    np.testing.assert_array_equal(images, pictures(40)[[int(name) for name in data.names]])


def test_validation_is_a_share_of_the_pictures_in_a_fixed_order():
    train, valid = dataset(validation=0.25)
    assert (len(train.names), len(valid.names)) == (30, 10)
    assert sorted(train.names + valid.names) == sorted(map(str, range(40)))
    assert rows(valid) == rows(valid) and sorted(rows(valid)) == sorted(all_rows(valid))
    assert rows(train) != rows(train)
    for data in (train, valid):
        assert data.references == [texts(40)[int(name)] for name in data.names]
        assert data.vocabulary is WORDS and data.skipped == []
    other, _ = dataset(validation=0.25, seed=3)
    assert other.names != train.names and dataset(validation=0.25)[1].names == valid.names
    assert rows(fixed := dataset(shuffle=False)) == rows(fixed)


def test_splits_by_name(tmp_path):
    path = tmp_path / "train.txt"
    path.write_text("3\n1\r\n\n7\n")
    train, valid = dataset(train=path, valid=["2", "5"])
    assert (train.names, valid.names) == (["1", "3", "7"], ["2", "5"])
    train, valid = dataset(valid=str(path))
    assert valid.names == ["1", "3", "7"] and len(train.names) == 37
    assert dataset(train=path).names == ["1", "3", "7"]
    train, valid = dataset(train=path, validation=0.4)
    assert len(valid.names) == 1 and sorted(train.names + valid.names) == ["1", "3", "7"]
    path.write_text("3\nx.jpg\n")
    for argument, message in (
        ({"train": path}, "train.txt, line 2: expected a picture that has captions, received 'x.jpg'"),
        ({"valid": ["1", "40"]}, r"`valid\[1\]`: expected a picture that has captions, received '40'"),
        ({"valid": ["1", "2", "1"]}, r"`valid\[2\]`: '1' is in `valid\[0\]` already"),
        ({"train": ["1", "2"], "valid": ["2"]}, "no picture in common, received 1 in both: 2"),
        ({"train": []}, "`train` names no picture"),
        ({"train": tmp_path / "none.txt"}, "none.txt: cannot be read"),
        ({"valid": list(map(str, range(40)))}, "none is left for training"),
        ({"validation": 0.01}, "`validation`=0.01 of 40, which is 0"),
    ):
        with pytest.raises(ValueError, match=message):
            dataset(**argument)
    with pytest.raises(TypeError, match="`train` must be None, a file or a list of names, received 3"):
        dataset(train=3)


def test_long_captions_are_cut_and_counted_once(caplog):
    with caplog.at_level(logging.WARNING, "keras_seqcv"):
        train, valid = dataset(validation=0.5, max_length=5)
    long = sum(len(text.split()) > 5 for some in texts(40) for text in some)
    assert [record.getMessage() for record in caplog.records] == [
        f"captions: {long} captions are longer than `max_length`=5 and were cut"
    ]
    for data in (train, valid):
        cut = sorted((name, " ".join(caption.split()[:5])) for name, caption in all_rows(data))
        assert sorted(rows(data)) == cut and data.element_spec[1].shape.rank == 2
    assert max(int(w.shape[1]) for _, _, w in train) == 8
    caplog.clear()
    with caplog.at_level(logging.WARNING, "keras_seqcv"):
        dataset(max_length=11)
    assert not caplog.records


def test_captions_by_picture():
    data = dataset(captions_per_image=3)
    seen, shared = [], {name: set() for name in data.names}
    for _ in range(6):
        items = []
        for inputs, targets, weights in data:
            assert inputs["tokens"].shape == targets.shape == weights.shape and targets.shape[1] == 3
            assert targets.shape[2] == -(-int(tf.reduce_max(tf.reduce_sum(weights, -1))) // 4) * 4
            np.testing.assert_array_equal(inputs["image"], pictures(40)[[int(data.names[i]) for i in inputs["item"]]])
            for row, item in enumerate(inputs["item"].numpy()):
                references = data.references[item]
                lengths = tf.reduce_sum(weights[row], -1).numpy().astype(int)
                given = [WORDS.decode(targets[row, k, :n].numpy()) for k, n in enumerate(lengths) if n]
                assert len(given) == len(set(given)) == min(3, len(references)) and set(given) <= set(references)
                assert (inputs["tokens"][row, :, 0].numpy() == WORDS.start_id).all()
                assert not tf.reduce_any((targets[row] != WORDS.pad_id) & (weights[row] == 0))
                shared[data.names[item]].update(given)
                items.append(int(item))
        assert sorted(items) == list(range(40))
        seen.append(items)
    assert seen[0] != seen[1]
    # Of five captions, three at random: six times, a given one stays away with probability 0.4 ** 6.
    missing = sum(len(set(some) - shared[name]) for name, some in zip(data.names, data.references))
    assert missing < 4
    _, valid = dataset(captions_per_image=2, validation=0.5)
    for inputs, targets, weights in valid:
        for row, item in enumerate(inputs["item"].numpy()):
            first = targets[row, 0, : int(tf.reduce_sum(weights[row, 0]))].numpy()
            assert WORDS.decode(first) == valid.references[item][0]


def test_augmentation_mirrors_half_of_the_training_pictures():
    train, valid = dataset(count=100, validation=0.5, augment=True)
    flips = []
    for _ in range(2):
        flips.append({})
        for inputs, _, _ in train:
            for item, image in zip(inputs["item"].numpy(), inputs["image"].numpy()):
                plain = pictures(100)[int(train.names[item])]
                mirrored = (image == plain[:, ::-1]).all()
                assert mirrored != (image == plain).all()
                flips[-1].setdefault(int(item), []).append(mirrored)
        assert 0.35 < np.mean(np.concatenate(list(flips[-1].values()))) < 0.65
    assert flips[0] != flips[1]
    for inputs, _, _ in valid:
        expected = pictures(100)[[int(valid.names[item]) for item in inputs["item"]]]
        np.testing.assert_array_equal(inputs["image"], expected)
    np.testing.assert_array_equal(next(iter(train.images))[0], pictures(100)[int(train.names[0])])


def test_fit_takes_the_datasets():
    train, valid = dataset(validation=0.25)
    image = keras.Input((6, 6, 3), dtype="uint8", name="image")
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    item = keras.Input((), dtype="int32", name="item")
    seen = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(image))
    words = keras.layers.Embedding(len(WORDS), 8)(tokens)
    hidden = keras.layers.GRU(8, return_sequences=True)(words, initial_state=keras.layers.Dense(8)(seen))
    logits = keras.layers.Dense(len(WORDS))(hidden)
    model = keras.Model({"image": image, "tokens": tokens, "item": item}, logits)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.02), loss)
    history = model.fit(train, validation_data=valid, epochs=4, verbose=0).history
    assert history["loss"][-1] < 0.95 * history["loss"][0] and len(history["val_loss"]) == 4
    assert model.predict(valid, verbose=0) is not None


def test_attributes_hold_nothing_that_outlives_the_dataset():
    data = dataset()
    part, iterator = weakref.ref(data._part), iter(data.map(lambda x, y, w: y))
    del data
    gc.collect()
    assert next(iterator) is not None and part() is not None  # an iterator still reads from it
    del iterator
    gc.collect()
    assert part() is None
