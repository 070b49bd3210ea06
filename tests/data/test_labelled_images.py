"""Labelled pictures: drawn, scattered, read from files, and as batches."""

import functools
import gzip
import struct
import sys

import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from keras_seqcv.data.image_batches import binarized
from keras_seqcv.data.tfds_labels import prepared_builder


def idx(array) -> bytes:
    """An IDX file as its description has it, with no code of the package."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def some():
    rng = np.random.default_rng(0)
    return ks.data.LabelledImages(rng.integers(0, 256, (10, 6, 5), "uint8"), np.arange(10) % 3)


@pytest.fixture
def mnist(tmp_path, some):
    """A folder as MNIST's: the first file packed, the others not."""
    for part, rows in (("train", slice(0, 7)), ("t10k", slice(7, 10))):
        content = idx(some.images[rows, ..., 0])
        if part == "train":
            (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(content))
        else:
            (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(content)
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(idx(some.labels[rows].astype("uint8")))
    return tmp_path


def test_idx_files_are_read(mnist, some):
    train, test = (ks.data.read_labelled_images(mnist, split) for split in ("train", "test"))
    np.testing.assert_array_equal(train.images, some.images[:7])
    np.testing.assert_array_equal(test.images, some.images[7:])
    assert train.labels.tolist() == some.labels[:7].tolist() and test.names == ("0", "1", "2")


def test_npz_files_are_read(tmp_path, some):
    np.savez(tmp_path / "a.npz", x_train=some.images, y_train=some.labels, x_test=some.images[:2], y_test=[1, 0])
    assert len(ks.data.read_labelled_images(tmp_path / "a.npz")) == 10
    assert ks.data.read_labelled_images(tmp_path / "a.npz", "test").labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train-images-idx3-ubyte.gz", b"no gzip", "cannot be read"),
        ("train-images-idx3-ubyte.gz", gzip.compress(b"\0\0\x0d\3"), "IDX file of unsigned bytes"),
        ("train-images-idx3-ubyte.gz", gzip.compress(idx(np.zeros((7, 6, 5), "uint8"))[:-1]), "received 209"),
        ("train-images-idx3-ubyte.gz", gzip.compress(idx(np.zeros((7, 6, 5), "uint8")) + b"x"), "received more"),
        ("train-images-idx3-ubyte.gz", gzip.compress(idx(np.zeros((7, 6, 5), "uint8")))[:20], "cannot be read"),
        ("train-images-idx3-ubyte.gz", gzip.compress(struct.pack(">HBB3I", 0, 8, 3, 2**31, 2**31, 9)), "at most 4 GB"),
        ("train-images-idx3-ubyte.gz", gzip.compress(idx(np.zeros(7, "uint8"))), "expected pictures"),
        ("train-labels-idx1-ubyte", idx(np.zeros(6, "uint8")), "expected 7 labels"),
        ("train-labels-idx1-ubyte", b"", "unsigned bytes"),
    ],
    ids=range(9),  # a packed file has the time in it
)
def test_damaged_idx_files_are_named(mnist, name, content, message):
    (mnist / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"{name}: .*{message}"):
        ks.data.read_labelled_images(mnist)


def test_other_sources_are_named(tmp_path, some):
    with pytest.raises(ValueError, match="nowhere: there is no such folder or file"):
        ks.data.read_labelled_images(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="expected a file train-images-idx"):
        ks.data.read_labelled_images(tmp_path)
    with pytest.raises(ValueError, match="`split` must be one of .* received 'valid'"):
        ks.data.read_labelled_images(tmp_path, "valid")
    with pytest.raises(TypeError, match="`source` must be"):
        ks.data.read_labelled_images(some)
    np.savez(tmp_path / "a.npz", other=some.images)
    (tmp_path / "b.npz").write_bytes(b"PK\3\4 broken")
    np.savez(tmp_path / "c.npz", images=np.array([{}], object), labels=[0])
    for file, message in (("a", "found .'other'"), ("b", "cannot be read"), ("c", "cannot be read")):
        with pytest.raises(ValueError, match=f"{file}.npz: .*{message}"):
            ks.data.read_labelled_images(tmp_path / f"{file}.npz")


def test_tfds_sets_are_read(tmp_path, monkeypatch):
    tfds = pytest.importorskip("tensorflow_datasets")
    pictures = np.random.default_rng(1).integers(0, 256, (5, 8, 8, 3), "uint8")

    class TinyHouseNumbers(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            kinds = {"image": tfds.features.Image(shape=(8, 8, 3)), "label": tfds.features.ClassLabel(names=["a", "b"])}
            return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(kinds))

        def _split_generators(self, manager):
            return {"train": self._generate_examples()}

        def _generate_examples(self):
            yield from ((k, {"image": picture, "label": k % 2}) for k, picture in enumerate(pictures))

    builder = functools.partial(prepared_builder, data_dir=str(tmp_path))
    monkeypatch.setattr(sys.modules["keras_seqcv.data.image_set_files"], "prepared_builder", builder)
    found = ks.data.read_labelled_images("tfds:tiny_house_numbers")
    assert found.names == ("a", "b") and found.image_shape == (8, 8, 3)
    assert sorted(found.images.sum((1, 2, 3))) == sorted(pictures.sum((1, 2, 3)))


@pytest.mark.parametrize(
    ("images", "labels", "names", "error", "message"),
    [
        (np.zeros((2, 3, 3)), [0, 1], None, TypeError, "`images` must be uint8"),
        (np.zeros((2, 3, 3, 2), "uint8"), [0, 1], None, ValueError, r"received \(2, 3, 3, 2\)"),
        (np.zeros((2, 3, 3), "uint8"), [0], None, ValueError, r"`labels` must be \(2,\) .* received \(1,\)"),
        (np.zeros((2, 3, 3), "uint8"), [0.0, 1.0], None, TypeError, "`labels` must be ints"),
        (np.zeros((2, 3, 3), "uint8"), [0, -1], None, ValueError, "received -1 for picture 1"),
        (np.zeros((2, 3, 3), "uint8"), [0, 2], ["a", "b"], ValueError, "must be below 2"),
        (np.zeros((2, 3, 3), "uint8"), [[0, 1], [-1, 1]], None, ValueError, r"received \[-1, 1\] for picture 1"),
        (np.zeros((2, 3, 3), "uint8"), [0, 1], "ab", TypeError, "`names` must be a sequence"),
        (np.zeros((2, 3, 3), "uint8"), [0, 1], ["a", "a"], ValueError, "different"),
    ],
)
def test_sets_are_checked(images, labels, names, error, message):
    with pytest.raises(error, match=message):
        ks.data.LabelledImages(images, labels, names)


def test_drawn_digits_are_repeatable_and_differ():
    digits = ks.data.drawn_digits(40, seed=3)
    np.testing.assert_array_equal(digits.images[:25], ks.data.drawn_digits(25, seed=3).images)
    assert len(np.unique(digits.images.reshape(40, -1), axis=0)) == 40
    assert not np.array_equal(digits.images, ks.data.drawn_digits(40, seed=4).images)
    ink = (digits.images > 127).mean((1, 2, 3))
    assert ((ink > 0.03) & (ink < 0.4)).all(), ink
    border = np.concatenate([digits.images[:, [0, -1]].ravel(), digits.images[:, :, [0, -1]].ravel()])
    assert (border > 127).mean() < 0.01


def test_drawn_digits_can_be_told_by_what_is_near():
    """The nearest of 1,000 others has the same digit; of black or shuffled pictures it would have one in ten times."""
    train, test = ks.data.drawn_digits(1000, seed=0), ks.data.drawn_digits(200, seed=1)
    one, other = (some.images.reshape(len(some), -1).astype("float32") for some in (test, train))
    distance = (one**2).sum(1)[:, None] - 2 * one @ other.T + (other**2).sum(1)
    assert (train.labels[distance.argmin(1)] == test.labels).mean() > 0.9


def test_fonts_that_cannot_be_read_are_named(tmp_path):
    (tmp_path / "a.ttf").write_bytes(b"no font")
    with pytest.raises(ValueError, match="a.ttf: no font that can be read"):
        ks.data.drawn_digits(1, fonts=[tmp_path / "a.ttf"])
    with pytest.raises(TypeError, match="`fonts` must be a sequence"):
        ks.data.drawn_digits(1, fonts="a.ttf")
    with pytest.raises(ValueError, match="`image_size` must be from 12 to 512"):
        ks.data.drawn_digits(1, image_size=4)


def marks():
    """Ten digits of which each has a width and a brightness of its own: (k + 1) columns of brightness 20 k + 50."""
    images = np.zeros((10, 12, 12), "uint8")
    for k in range(10):
        images[k, 3:7, 1 : k + 2] = 20 * k + 50
    return ks.data.LabelledImages(images, np.arange(10))


def read_marks(image):
    """Labels of `marks` from left to right."""
    columns = image[..., 0].max(0)
    return [int(v - 50) // 20 for v in columns[np.flatnonzero(np.diff(columns.astype(int), prepend=0) * (columns > 0))]]


def test_scattered_digits_have_the_labels_that_they_show():
    several = ks.data.scattered_digits(marks(), 60, image_size=(16, 40), per_image=(1, 3))
    lengths = (several.labels >= 0).sum(1)
    assert set(lengths) == {1, 2, 3}
    whole = 0
    for image, labels, length in zip(several.images, several.labels, lengths):
        seen, told = read_marks(image), labels[:length].tolist()
        # Two equal neighbours that touch look like one.
        whole += seen == told
        assert set(seen) == set(told)
    assert whole > 40


def test_scattered_digits_are_anywhere():
    once = ks.data.scattered_digits(marks(), 300, image_size=20, seed=5)
    assert once.labels.shape == (300,)
    rows = (once.images[..., 0].max(2) > 0).argmax(1)
    columns = (once.images[..., 0].max(1) > 0).argmax(1)
    assert rows.min() == 0 and rows.max() == 16 and columns.min() == 0 and columns.max() > 12
    np.testing.assert_array_equal(once.images[:9], ks.data.scattered_digits(marks(), 9, image_size=20, seed=5).images)


def test_clutter_adds_light_and_takes_none():
    plain, cluttered = (ks.data.scattered_digits(marks(), 50, image_size=30, clutter=n, clutter_size=6) for n in (0, 5))
    first = plain.labels == cluttered.labels
    assert first.all()
    assert (cluttered.images >= plain.images).all()
    assert (cluttered.images > plain.images).any(axis=(1, 2, 3)).mean() > 0.8


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"image_size": 11}, ValueError, r"`image_size` must be \(12, 12\).* received \(11, 11\)"),
        ({"per_image": (3, 2), "image_size": 99}, ValueError, "least, most"),
        ({"per_image": 20, "image_size": 20}, ValueError, "20 digits side by side do not fit into a width of 20"),
        ({"clutter": 101}, ValueError, "`clutter` must be from 0 to 100"),
        ({"clutter_size": 13}, ValueError, "`clutter_size` must be from 1 to 12"),
        ({"per_image": "two"}, TypeError, "`per_image` must be an int or"),
        ({"count": -1}, ValueError, "`count` must be at least 0"),
    ],
)
def test_scattering_is_checked(options, error, message):
    with pytest.raises(error, match=message):
        ks.data.scattered_digits(**{"digits": marks(), "count": 2, **options})


def test_batches_hold_every_picture_once(some):
    train, valid = ks.data.labelled_images(some, 3, validation=0.4)
    seen = [
        (tuple(image.ravel()), label)
        for dataset in (train, valid)
        for images, labels in dataset.as_numpy_iterator()
        for image, label in zip(images, labels)
    ]
    assert sorted(seen) == sorted((tuple(image.ravel()), label) for image, label in some)
    assert (train.batches, valid.batches) == (2, 2) and len(train) == 2


def test_order_and_changes_are_new_each_epoch_in_training_alone(some):
    options = {"binarize": True, "augment": ks.data.PictureShifts(1), "labels": None, "batch_size": 16}
    train, valid = ks.data.labelled_images(some, validation=some, **options)
    first, second = (next(train.as_numpy_iterator()) for _ in range(2))
    assert not np.array_equal(first, second) and set(np.unique(first)) == {0, 255}
    first, second = (next(valid.as_numpy_iterator()) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert set(np.unique(first)) == {0, 255}


def test_where_labels_go(some):
    (element,) = ks.data.labelled_images(some, validation=0, labels="input").take(1)
    assert set(element) == {"image", "label"} and element["image"].shape == (10, 6, 5, 1)
    (element,) = ks.data.labelled_images(some, validation=0, labels=None).take(1)
    assert tf.is_tensor(element) and element.dtype == tf.uint8


def test_a_pixel_is_drawn_by_its_brightness():
    drawn = binarized(np.repeat(np.array([[0], [51], [204], [255]], "uint8"), 40_000, 1), np.random.default_rng(0))
    np.testing.assert_allclose(drawn.mean(1) / 255, [0, 0.2, 0.8, 1], atol=0.01)
    assert not drawn[0].any() and drawn[3].all()


def test_shifts_move_pictures_whole():
    images = np.zeros((200, 9, 9, 1), "uint8")
    images[:, 4, 4] = 7
    moved = ks.data.PictureShifts(2)(images, np.random.default_rng(0))
    rows, columns = np.nonzero(moved[..., 0])[1:]
    assert len(rows) == 200 and set(rows) == set(columns) == {2, 3, 4, 5, 6}
    with pytest.raises(ValueError, match="below the side"):
        ks.data.PictureShifts(9)(images, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"images": np.zeros((2, 3, 3), "uint8")}, TypeError, "LabelledImages, received ndarray"),
        ({"labels": "beside"}, ValueError, "`labels` must be one of"),
        ({"validation": 1.0}, ValueError, r"`validation` must lie in \[0, 1\)"),
        ({"augment": 3}, TypeError, "`augment` must be a function"),
        ({"batch_size": 0}, ValueError, "`batch_size` must be at least 1"),
    ],
)
def test_datasets_are_checked(some, options, error, message):
    with pytest.raises(error, match=message):
        ks.data.labelled_images(**{"images": some, **options})


def test_a_model_is_compared(some):
    class Model:
        image_shape, labels = (6, 5, 1), ("0", "1", "2")

    ks.data.labelled_images(some, model=Model, validation=0)
    Model.labels = ("a", "b", "c")
    with pytest.raises(ValueError, match="the labels of the model"):
        ks.data.labelled_images(some, model=Model, validation=0)
    Model.image_shape = (6, 6, 1)
    with pytest.raises(ValueError, match=r"pictures \(6, 6, 1\), as the model's, received \(6, 5, 1\)"):
        ks.data.labelled_images(some, model=Model, validation=0)
