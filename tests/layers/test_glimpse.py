"""A glimpse is what a loop over pixels says, at any place and scale, and so is its gradient."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from keras_seqcv.layers.grid_filters import read_grid, write_grid


def pixel(picture, row, column):
    """Bilinear in float64, zero outside: the definition, pixel by pixel."""
    found = np.zeros(picture.shape[2])
    top, left = int(np.floor(row)), int(np.floor(column))
    for r in (top, top + 1):
        for c in (left, left + 1):
            if 0 <= r < picture.shape[0] and 0 <= c < picture.shape[1]:
                found += (1 - abs(row - r)) * (1 - abs(column - c)) * picture[r, c]
    return found


def glimpse(picture, location, size, scales, factor):
    """(S, P, P, C) by loops."""
    middle = [(place + 1) * (count - 1) / 2 for place, count in zip(location, picture.shape)]
    found = np.zeros((scales, size, size, picture.shape[2]))
    for s in range(scales):
        k = factor**s
        corner = [m - (size * k - 1) / 2 for m in middle]
        for i in range(size):
            for j in range(size):
                square = [
                    pixel(picture, corner[0] + i * k + m, corner[1] + j * k + n) for m in range(k) for n in range(k)
                ]
                found[s, i, j] = np.mean(square, axis=0)
    return found


@pytest.mark.parametrize(
    ("shape", "size", "scales", "factor"),
    [((9, 7, 1), 3, 1, 2), ((10, 12, 3), 4, 3, 2), ((8, 8, 1), 5, 2, 3), ((6, 6, 2), 6, 1, 2), ((7, 9, 1), 1, 3, 2)],
)
def test_patches_are_those_of_the_definition(shape, size, scales, factor):
    rng = np.random.default_rng(0)
    pictures = rng.standard_normal((12, *shape))
    location = rng.uniform(-1, 1, (12, 2))
    location[:4] = [(-1, -1), (1, 1), (-1, 1), (0, 0)]  # corners, where most is outside
    sensor = ks.layers.GlimpseSensor(size, scales, factor, dtype="float64")
    expected = [glimpse(*pair, size, scales, factor) for pair in zip(pictures, location)]
    np.testing.assert_allclose(sensor(pictures, location), expected, atol=1e-12)


def test_a_glimpse_in_the_middle_is_the_picture():
    pictures = np.random.default_rng(1).standard_normal((2, 6, 6, 3)).astype("float32")
    patches = ks.layers.GlimpseSensor(6)(pictures, np.zeros((2, 2), "float32"))
    np.testing.assert_allclose(patches[:, 0], pictures, atol=1e-6)


def test_gradients_are_differences():
    rng = np.random.default_rng(2)
    pictures, location = rng.standard_normal((5, 8, 7, 2)), rng.uniform(-0.9, 0.9, (5, 2))
    sensor = ks.layers.GlimpseSensor(3, 2, dtype="float64")
    upstream = rng.standard_normal((5, 2, 3, 3, 2))

    def value(pictures, location):
        return float(tf.reduce_sum(sensor(pictures, location) * upstream))

    tensors = [tf.constant(pictures), tf.constant(location)]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        total = tf.reduce_sum(sensor(*tensors) * upstream)
    grads = tape.gradient(total, tensors)
    step = 1e-6
    for k in range(2):
        away = rng.standard_normal(tensors[k].shape)
        moved = [[t + sign * step * away if k == n else t for n, t in enumerate(tensors)] for sign in (1, -1)]
        difference = (value(*moved[0]) - value(*moved[1])) / (2 * step)
        np.testing.assert_allclose(float(tf.reduce_sum(grads[k] * away)), difference, rtol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_writing_is_the_transpose_of_reading(channels):
    """<read(x), y> = <x, write(y)> for all x and y."""
    rng = np.random.default_rng(3)
    pictures, patches = rng.standard_normal((4, 6, 7, channels)), rng.standard_normal((4, 2, 3, channels))
    rows, columns = rng.standard_normal((4, 2, 6)), rng.standard_normal((4, 3, 7))
    one = tf.reduce_sum(read_grid(pictures, rows, columns) * patches)
    other = tf.reduce_sum(write_grid(patches, rows, columns) * pictures)
    np.testing.assert_allclose(one, other, rtol=1e-12)
    expected = np.einsum("bnh,bhwc,bmw->bnmc", rows, pictures, columns)
    np.testing.assert_allclose(read_grid(pictures, rows, columns), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "pictures", "location", "message"),
    [
        ({"size": 0}, (1, 4, 4, 1), (1, 2), "size: expected an int >= 1, received 0"),
        ({"size": 2, "scales": 0}, (1, 4, 4, 1), (1, 2), "scales: expected an int >= 1, received 0"),
        ({"size": 2, "factor": 1}, (1, 4, 4, 1), (1, 2), "factor: expected an int >= 2, received 1"),
        ({"size": 5}, (1, 4, 6, 1), (1, 2), r"patch within pictures of \(4, 6\), received \(5, 5\)"),
        ({"size": 2}, (1, 4, 4), (1, 2), r"expected shape \(B, H, W, C\) .* received \(1, 4, 4\)"),
        ({"size": 2}, (1, 4, 4, 1), (1, 3), r"location: expected shape \(B, 2\), received \(1, 3\)"),
    ],
)
def test_bad_input(options, pictures, location, message):
    with pytest.raises(ValueError, match=message):
        ks.layers.GlimpseSensor(**options)(np.zeros(pictures, "float32"), np.zeros(location, "float32"))


@pytest.mark.parametrize("place", [1.01, -2.0, float("nan")])
def test_places_outside_of_the_picture(place):
    sensor = ks.layers.GlimpseSensor(2)
    with pytest.raises(ValueError, match=r"location: expected numbers in \[-1, 1\]"):
        sensor(np.zeros((1, 4, 4, 1), "float32"), np.array([[0.0, place]], "float32"))


def test_in_a_model_that_learns_where():
    """The gradient of the location alone finds a bright spot."""
    picture = np.zeros((1, 21, 21, 1), "float32")
    grid = np.mgrid[:21, :21] - np.array([6, 13])[:, None, None]
    picture[0, ..., 0] = np.exp(-(grid**2).sum(0) / 60)
    location = keras.Variable(np.zeros((1, 2), "float32"))
    sensor, optimizer = ks.layers.GlimpseSensor(5), keras.optimizers.Adam(0.05)
    for _ in range(120):
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(sensor(picture, tf.convert_to_tensor(location)))
        optimizer.apply_gradients([(tape.gradient(loss, location.value), location)])
    np.testing.assert_allclose(location.numpy(), [[-0.4, 0.3]], atol=0.03)
