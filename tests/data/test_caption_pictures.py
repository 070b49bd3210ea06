"""captions: pictures in files, whole, missing and damaged, and features of an encoder, kept on disk."""

import logging
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_seqcv.data import CaptionSet, captions, load_image
from keras_seqcv.models import ImageEncoder
from tests.data.caption_oracles import WORDS, all_rows, dataset, pictures, rows, texts


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for k, picture in enumerate(pictures(12, 9)):
        Image.fromarray(picture).save(folder / f"{k:02}.png")
    lines = [f"{k:02}.png#{n}\t{text}" for k, some in enumerate(texts(12)) for n, text in enumerate(some)]
    (tmp_path / "captions.txt").write_text("\n".join(lines))
    return folder


def of_folder(folder, **options):
    file = options.pop("captions", pathlib.Path(folder).parent / "captions.txt")
    options = {"image_size": (5, 4), "vocabulary": WORDS, "verbose": 0, "batch_size": 8, "validation": 0} | options
    return captions(folder, file, **options)


@pytest.mark.parametrize("memory", [1 << 30, 0])
def test_pictures_of_files(folder, monkeypatch, memory):
    monkeypatch.setattr("keras_seqcv.data.image_store.MEMORY_BYTES", memory)
    data = of_folder(str(folder))
    assert data.names == [f"{k:02}.png" for k in range(12)] and data.references == texts(12)
    expected = np.stack([load_image(folder / name, (5, 4)) for name in data.names])
    np.testing.assert_array_equal(np.concatenate(list(data.images.as_numpy_iterator())), expected)
    for inputs, _, _ in data:
        np.testing.assert_array_equal(inputs["image"], expected[inputs["item"].numpy()])
    paths = [folder / name for name in data.names]
    listed = captions(paths, texts(12), (5, 4), 8, vocabulary=WORDS, validation=0, verbose=0)
    assert listed.names == [str(path) for path in paths] and len(rows(listed)) == len(rows(data))
    np.testing.assert_array_equal(np.concatenate(list(listed.images.as_numpy_iterator())), expected)


def test_text_files_beside_pictures_and_caption_sets(folder):
    for k, some in enumerate(texts(12)):
        (folder / f"{k:02}.txt").write_text("\n".join(some))
    assert of_folder(folder, captions=None).references == texts(12)
    some = of_folder(folder, captions=CaptionSet(["07.png", "03.png"], [["a b"], [" c "]]))
    assert (some.names, some.references) == (["07.png", "03.png"], [["a b"], ["c"]])


def spoil(folder):
    (folder / "03.png").unlink()
    (folder / "05.png").write_bytes((folder / "05.png").read_bytes()[:-20])
    (folder / "08.png").write_bytes(b"")


@pytest.mark.parametrize("memory", [1 << 30, 0])
def test_missing_pictures(folder, monkeypatch, caplog, memory):
    monkeypatch.setattr("keras_seqcv.data.image_store.MEMORY_BYTES", memory)
    spoil(folder)
    pattern = (
        r'(?s)3 of 12 pictures cannot be read .*missing`="skip".*03.png: there is no.*05.png: damaged.*08.png: the f'
    )
    with pytest.raises(ValueError, match=pattern):
        of_folder(folder)
    with caplog.at_level(logging.WARNING, "keras_seqcv"):
        data = of_folder(folder, missing="skip")
    assert data.skipped == ["03.png", "05.png", "08.png"] and len(data.names) == 9
    assert "3 of 12 pictures" in caplog.text and all(name in caplog.text for name in data.skipped)
    assert sorted(rows(data)) == sorted(all_rows(data))
    for inputs, _, _ in data:
        for item, image in zip(inputs["item"].numpy(), inputs["image"].numpy()):
            np.testing.assert_array_equal(image, load_image(folder / data.names[item], (5, 4)))
    train, valid = of_folder(folder, missing="skip", train=["00.png", "03.png"], valid=["05.png", "06.png", "07.png"])
    assert (train.skipped, valid.skipped, valid.names) == (["03.png"], ["05.png"], ["06.png", "07.png"])
    np.testing.assert_array_equal(next(iter(valid.images))[0], load_image(folder / "06.png", (5, 4)))
    with pytest.raises(ValueError, match="none of the 2 pictures of `valid` can be read"):
        of_folder(folder, missing="skip", valid=["03.png", "05.png"])
    of_folder(folder, valid=["00.png"], train=["01.png"])  # pictures that nobody wants are not missed


def test_the_first_twenty_missing_pictures_are_listed(folder):
    file = folder.parent / "more.txt"
    file.write_text("00.png#0\ta\n" + "".join(f"x{k}.png#0\ta\n" for k in range(30)))
    with pytest.raises(ValueError, match=r"(?s)30 of 31 .*x19.png: there is no such file\s+and 10 more$") as error:
        of_folder(folder, captions=file)
    assert str(error.value).count("\n") == 21


def test_a_picture_that_breaks_later_is_named(folder, monkeypatch):
    monkeypatch.setattr("keras_seqcv.data.image_store.MEMORY_BYTES", 0)
    data = of_folder(folder)
    (folder / "05.png").write_bytes(b"no more")
    with pytest.raises(tf.errors.InvalidArgumentError, match="05.png: no picture"):
        list(data)


@pytest.mark.parametrize("name", ["../captions.txt", "/etc/hostname", "a/../../x.png"])
def test_names_that_lead_out_of_the_folder(folder, name):
    with pytest.raises(ValueError, match="must name pictures inside of .*received"):
        of_folder(folder, captions=CaptionSet([name], [["a"]]))


# Features.


class Model:
    """What `captions` asks of a model."""

    def __init__(self, trainable=False, seed=0):
        keras.utils.set_random_seed(seed)
        images = keras.Input((None, None, 3))
        network = keras.Model(images, keras.layers.Conv2D(6, 3, strides=2, name="block")(images))
        self.encoder = ImageEncoder(network, trainable, image_size=9)
        self.vocabulary = WORDS


def test_features_are_those_of_the_encoder(folder, tmp_path):
    model, cache = Model(), tmp_path / "cache"
    train, valid = of_folder(folder, model=model, vocabulary=None, cache=cache, validation=0.25, image_size=9)
    for data in (train, valid):
        images = np.stack([load_image(folder / name, 9) for name in data.names])
        expected = model.encoder(images).numpy()
        features = np.concatenate(list(data.images.as_numpy_iterator()))
        assert features.dtype == np.float32 and features.shape == (len(data.names), 16, 6)
        np.testing.assert_allclose(features, expected, rtol=2e-3, atol=2e-3 * np.abs(expected).max())
        for inputs, _, _ in data:
            assert inputs.keys() == {"features", "tokens", "item"} and inputs["features"].dtype == tf.float32
            np.testing.assert_array_equal(inputs["features"], features[inputs["item"].numpy()])
    assert len(list(cache.iterdir())) == 1


def test_the_cache_is_used_again_until_something_changes(folder, tmp_path):
    def files(**options):
        options = {"model": Model(), "image_size": 9, **options}
        of_folder(folder, vocabulary=None, cache=tmp_path / "cache", **options)
        return len(list((tmp_path / "cache").iterdir()))

    assert files() == 1 and files(validation=0.5, seed=3) == 1  # another split: the same pictures
    assert files(image_size=7) == 2 and files(model=Model(seed=1)) == 3
    Image.fromarray(pictures(30, 9)[29]).save(folder / "05.png")
    assert files() == 4
    data = of_folder(folder, model=Model(), vocabulary=None, cache=tmp_path / "cache", image_size=9)
    expected = Model().encoder(load_image(folder / "05.png")[None])[0]
    np.testing.assert_allclose(list(data.images.unbatch())[5], expected, atol=2e-3 * np.abs(expected).max())


def test_features_of_mirrored_pictures(tmp_path):
    model = Model()
    train, valid = dataset(
        validation=0.5, model=model, vocabulary=None, cache=tmp_path, augment=True, image_size=9, batch_size=4
    )
    mirrored = 0
    for data in (train, valid):
        for inputs, _, _ in data:
            for item, feature in zip(inputs["item"].numpy(), inputs["features"].numpy()):
                image = load_image(pictures(40)[int(data.names[item])], 9)
                plain, flipped = model.encoder(np.stack([image, image[:, ::-1]])).numpy()
                close = [np.allclose(feature, some, atol=2e-3 * np.abs(plain).max()) for some in (plain, flipped)]
                assert close in ([True, False], [False, True]) and (data is train or close[0])
                mirrored += close[1]
    assert 0.3 < mirrored / len(all_rows(train)) < 0.7


def test_caches_that_cannot_be(tmp_path):
    with pytest.raises(ValueError, match="`cache` holds features of the encoder of `model`, received no model"):
        dataset(cache=tmp_path)
    for trainable in (True, "block"):
        with pytest.raises(ValueError, match=f"frozen encoder, received an encoder with trainable={trainable!r}"):
            dataset(cache=tmp_path, model=Model(trainable), vocabulary=None)
    with pytest.raises(TypeError, match="`cache` must be None or a folder, received int"):
        dataset(cache=3, model=Model(), vocabulary=None)
    assert dataset(model=Model(trainable=True), vocabulary=None).vocabulary is WORDS  # rows hold pictures


def test_a_progress_bar_if_wanted(folder, capsys):
    of_folder(folder)
    assert capsys.readouterr().out == ""
    of_folder(folder, verbose=1)
    assert "12/12" in capsys.readouterr().out
