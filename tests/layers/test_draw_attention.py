"""Reading and writing through Gaussian filters against NumPy loops, finite differences, and what must come back."""

import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from keras_seqcv.layers.draw_attention import gaussian_filters, gaussian_window
from tests.layers.draw_oracle import filters, read, write

HEIGHT, WIDTH, SIZE = 6, 9, 4


def parameters(rng, batch):
    """Of grids inside and beside the picture, narrow and wide."""
    return rng.normal(0.0, [0.7, 0.7, 1.0, 0.6, 0.5], (batch, 5))


@pytest.mark.parametrize("size", [1, 2, SIZE])
@pytest.mark.parametrize("channels", [1, 3])
def test_reading_is_the_sum_of_the_paper(size, channels):
    rng = np.random.default_rng(size)
    pictures, given = rng.random((5, HEIGHT, WIDTH, channels)), parameters(rng, 5)
    found = ks.layers.GaussianRead(size)(pictures.astype("float32"), given.astype("float32"))
    np.testing.assert_allclose(found, [read(x, p, size) for x, p in zip(pictures, given)], atol=2e-5)


@pytest.mark.parametrize("size", [1, 2, SIZE])
@pytest.mark.parametrize("channels", [1, 3])
def test_writing_is_the_sum_of_the_paper(size, channels):
    rng = np.random.default_rng(size)
    patches, given = rng.normal(size=(5, size, size, channels)), parameters(rng, 5)
    found = ks.layers.GaussianWrite(HEIGHT, WIDTH)(patches.astype("float32"), given.astype("float32"))
    np.testing.assert_allclose(found, [write(w, p, HEIGHT, WIDTH) for w, p in zip(patches, given)], atol=2e-5)


def test_gradients_are_finite_differences():
    """Along the direction of each argument, of a sum that weighs all outputs differently."""
    rng = np.random.default_rng(0)
    given = parameters(rng, 1)
    for layer, reference, x in (
        (ks.layers.GaussianRead(SIZE), lambda x, p: read(x, p, SIZE), rng.random((HEIGHT, WIDTH, 2))),
        (
            ks.layers.GaussianWrite(HEIGHT, WIDTH),
            lambda w, p: write(w, p, HEIGHT, WIDTH),
            rng.normal(size=(SIZE, SIZE, 2)),
        ),
    ):
        arguments = [tf.constant(a, "float32") for a in (x[None], given)]
        with tf.GradientTape() as tape:
            tape.watch(arguments)
            outputs = layer(*arguments)
            weights = rng.normal(size=outputs.shape)
            loss = tf.reduce_sum(outputs * weights.astype("float32"))
        for k, gradient in enumerate(tape.gradient(loss, arguments)):
            direction = rng.normal(size=gradient.shape)[0]

            def moved(step, k=k, direction=direction, x=x, reference=reference, weights=weights):
                pair = [x, given[0]]
                pair[k] = pair[k] + step * direction
                return np.sum(reference(*pair) * weights[0])

            wanted = (moved(1e-5) - moved(-1e-5)) / 2e-5
            assert np.sum(gradient[0].numpy() * direction) == pytest.approx(wanted, rel=1e-3, abs=1e-3)


def test_what_is_written_is_read_again():
    """Where the filters are sharp and a pixel apart, the grid is the picture, whatever the intensity."""
    side = 7
    picture = np.random.default_rng(1).normal(size=(2, side, side, 3)).astype("float32")
    sharp = np.array([[0, 0, -9, 0, 0.7], [0, 0, -9, 0, -1.1]], "float32")
    written = ks.layers.GaussianWrite(side, side)(picture, sharp)
    np.testing.assert_allclose(ks.layers.GaussianRead(side)(written, sharp), picture, atol=1e-5)
    np.testing.assert_allclose(written, picture * np.exp(-sharp[:, 4])[:, None, None, None], atol=1e-5)
    # A smaller grid reads what it has written into the middle of a larger picture.
    patch = picture[:, :3, :3]
    apart = sharp + [0, 0, 0, np.log(2 / 10), 0]  # (3 - 1) pixels instead of the 11 - 1 of the whole picture
    written = ks.layers.GaussianWrite(11, 11)(patch, apart)
    np.testing.assert_allclose(written[:, 4:7, 4:7] * np.exp(sharp[:, 4])[:, None, None, None], patch, atol=1e-5)
    np.testing.assert_allclose(ks.layers.GaussianRead(3)(written, apart), patch, atol=1e-5)


@pytest.mark.parametrize("far", [30.0, 1e4, 1e6])
def test_far_from_the_picture_a_filter_reads_its_border(far):
    given = tf.constant([[far, -far, 0.0, 0.0, 0.0]])
    with tf.GradientTape() as tape:
        tape.watch(given)
        rows, columns = gaussian_filters(gaussian_window(given, 2, HEIGHT, WIDTH), 2, HEIGHT, WIDTH)
        total = tf.reduce_sum(rows[..., 0] + columns[..., -1])
    np.testing.assert_allclose(rows[0], np.eye(HEIGHT)[[0, 0]], atol=1e-4)
    np.testing.assert_allclose(columns[0], np.eye(WIDTH)[[-1, -1]], atol=1e-4)
    assert np.isfinite(tape.gradient(total, given)).all()


def test_the_oracle_is_normalised_and_where_it_should_be():
    """Zeros as parameters: from corner to corner."""
    rows, columns = filters(np.zeros(5), 3, 7, 7)
    np.testing.assert_allclose(rows.sum(1), 1)
    assert rows.argmax(1).tolist() == columns.argmax(1).tolist() == [0, 3, 6]


@pytest.mark.parametrize(
    ("make", "shapes", "message"),
    [
        (lambda: ks.layers.GaussianRead(0), None, "size: expected an int >= 1, received 0"),
        (lambda: ks.layers.GaussianWrite(4, 2.5), None, "width: expected an int >= 1, received 2.5"),
        (lambda: ks.layers.GaussianRead(2), ((1, 6, 7), (1, 5)), r"pictures: expected shape \(B, H, W, C\)"),
        (lambda: ks.layers.GaussianRead(2), ((1, 6, 7, 1), (1, 4)), r"parameters: expected shape \(B, 5\), .*\(1, 4\)"),
        (lambda: ks.layers.GaussianWrite(6, 7), ((1, 2, 3, 1), (1, 5)), r"patches: expected a known \(B, N, N, C\)"),
    ],
)
def test_bad_arguments(make, shapes, message):
    with pytest.raises(ValueError, match=message):
        make()(*[np.zeros(shape, "float32") for shape in shapes])
