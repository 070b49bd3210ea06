"""`DRAW` against the paper's equations in NumPy, in training, in files, and with what is wrong."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from tests.layers.samples import in_mode
from tests.models import tiny_draw as tiny
from tests.models.draw_oracle import Oracle


@pytest.fixture(scope="module", params=tiny.KINDS)
def model(request):
    return tiny.model(request.param, seed=1)


@pytest.fixture(autouse=True)
def plain(request):
    """Loops are plain graphs, which are there at once, but for the tests that ask for compiled ones."""
    with ks.layers.jit_scope("compiled" in request.fixturenames):
        yield


@pytest.fixture
def compiled():
    """Whoever asks for this has loops that XLA compiles."""


def row(label, k):
    return None if label is None else label[k]


def test_nats_are_those_of_the_paper(model):
    check_nats(model, "eager")


def check_nats(model, mode):
    images, label, noise = tiny.batch(model, 4)
    oracle = Oracle(model)
    wanted = [oracle.copy(image / 255, e, row(label, k)) for k, (image, e) in enumerate(zip(images, noise))]
    for weigh in (False, True):
        copied = in_mode(mode, lambda x, e, weigh=weigh: model.copied(x, label, e, weigh))
        canvas, nats = copied(tf.constant(images / 255, tf.float32), tf.constant(noise))
        np.testing.assert_allclose(nats, [one[2 if weigh else 1] for one in wanted], atol=1e-4)
        of_pictures = tf.nn.sigmoid_cross_entropy_with_logits(tf.constant(images / 255, tf.float32), canvas)
        np.testing.assert_allclose(tf.reduce_sum(of_pictures, (1, 2, 3)), [one[0] for one in wanted], rtol=1e-5)


def test_drawings_are_those_of_the_paper(model):
    _, label, noise = tiny.batch(model, 3)
    drawing = model.draw(noise=noise, label=label)
    assert drawing.images.shape == (3, *model.image_shape) and len(drawing) == 3
    for k, e in enumerate(noise):
        canvases, windows = Oracle(model).draw(e, row(label, k))
        np.testing.assert_allclose(drawing.canvases[k], canvases, atol=1e-5)
        if windows is None:
            assert drawing.windows is None and drawing.size is None
        else:
            np.testing.assert_allclose(drawing.windows[k], windows, rtol=1e-4, atol=1e-4)
            assert drawing.size == model.options["write"]
    assert drawing.labels == (None if label is None else [tiny.LABELS[k] for k in label])


def test_gradients_are_finite_differences(model):
    check_gradients(model, "graph")


@pytest.mark.parametrize("kind", ["told", "told, everything"])
def test_gradients_of_a_compiled_loop_are_finite_differences(kind, compiled):
    check_gradients(tiny.model(kind, seed=1), "loop")


def check_gradients(model, mode):
    """Of the loss, along a random direction of each weight, by the float64 oracle."""
    images, label, noise = tiny.batch(model, 16, seed=2)
    pictures = tf.constant(images / 255, tf.float32)

    def gradients(pictures, noise):
        with tf.GradientTape() as tape:
            canvas, nats = model.copied(pictures, label, noise)
            of_pictures = tf.nn.sigmoid_cross_entropy_with_logits(pictures, canvas)
            loss = tf.reduce_sum(of_pictures) + tf.reduce_sum(nats)
        return tape.gradient(loss, [w.value for w in model.trainable_weights])

    found = in_mode(mode, gradients)(pictures, tf.constant(noise))
    rng, oracle = np.random.default_rng(3), Oracle(model)
    places = [(name, k) for name in ("encoder", "latent", "decoder", "head") for k in range(len(getattr(oracle, name)))]
    places += [("firsts", k) for k in range(3)]
    by_id = {id(w): g for w, g in zip(model.trainable_weights, found, strict=True)}
    for name, k in places:
        variable = model.firsts[k] if name == "firsts" else getattr(model, name).weights[k]
        values = getattr(oracle, name)
        direction, value = rng.standard_normal(values[k].shape), values[k]
        losses = []
        for step in (1e-5, -1e-5):
            values[k] = value + step * direction
            parts = [oracle.copy(x / 255, e, row(label, b)) for b, (x, e) in enumerate(zip(images, noise))]
            losses.append(sum(nats + kl.sum() for nats, kl, _ in parts))
        values[k] = value
        gradient = np.sum(by_id[id(variable)].numpy() * direction)
        assert gradient == pytest.approx((losses[0] - losses[1]) / 2e-5, rel=2e-3, abs=2e-2), (name, k)


def test_the_loss_is_the_sum_of_its_parts_and_the_bound_its_mean():
    model = tiny.model("told")
    images, label, _ = tiny.batch(model, 40)
    model.compile(run_eagerly=False)
    data = tf.data.Dataset.from_tensors({"image": images, "label": label})
    found = model.evaluate(data.repeat(50), verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(found["reconstruction"] + found["kl"], rel=1e-5)
    bound = model.bound(images, label, samples=50)
    assert bound.shape == (40,) and bound.dtype == "float32"
    assert bound.mean() == pytest.approx(found["loss"], rel=0.02)


def test_the_likelihood_is_what_integration_gives():
    """One latent number in one step: log p(x) is an integral over a line."""
    model = tiny.model("attention", steps=1, latent_dim=1, units=3)
    images, _, _ = tiny.batch(model, 3)
    grid = np.linspace(-8, 8, 801)
    canvases = model.draw(noise=grid[:, None, None]).images.astype("float64")
    for image, found in zip(images / 255, model.likelihood(images, samples=500, seed=1)):
        log_p = np.sum(image * np.log(canvases) + (1 - image) * np.log(1 - canvases), axis=(1, 2, 3))
        log_p = log_p - 0.5 * grid**2 - 0.5 * np.log(2 * np.pi)
        wanted = log_p.max() + np.log(np.sum(np.exp(log_p - log_p.max())) * (grid[1] - grid[0]))
        assert found == pytest.approx(wanted, abs=0.15)
    # From below, the closer the more samples, and better than the bound.
    means = [model.likelihood(images, samples=k, seed=2).mean() for k in (1, 500)]
    assert -model.bound(images, samples=100).mean() < means[1] and means[0] < means[1] + 0.5


def test_noise_is_repeated_by_its_seed_and_a_picture_by_its_number():
    model = tiny.model()
    images, _, _ = tiny.batch(model, 2)
    for estimate in (model.bound, model.likelihood):
        one, other, again = (estimate(images, samples=2, seed=seed) for seed in (1, 2, 1))
        np.testing.assert_array_equal(one, again)
        assert not np.allclose(one, other)
    several = model.draw(5, seed=3)
    np.testing.assert_allclose(several[:2].canvases, model.draw(2, seed=3).canvases, atol=1e-6)
    np.testing.assert_allclose(several.canvases, model.draw(noise=model.noise(5, 3)).canvases, atol=1e-6)
    assert not np.allclose(several.images[0], several.images[1])
    assert not np.allclose(several.images, model.draw(5, seed=4).images)
    noise = model.noise(2000, seed=5).numpy()
    assert abs(noise.mean()) < 0.02 and abs(noise.std() - 1) < 0.02
    assert len(model.draw()) == 1


def test_it_learns_to_draw_digits(compiled):
    """Beyond what the best canvas that is the same for all digits reaches, and so does one whose z says nothing."""
    grey = ks.data.drawn_digits(1000, image_size=12)
    digits = ks.data.LabelledImages((grey.images > 90) * np.uint8(255), grey.labels)
    mean = np.clip(digits.images.mean(0) / 255.0, 1e-3, 1 - 1e-3)
    constant = -np.sum(mean * np.log(mean) + (1 - mean) * np.log(1 - mean))
    train, test = ks.data.labelled_images(digits, batch_size=50, labels=None, validation=0.2)
    keras.utils.set_random_seed(1)
    model = ks.models.DRAW((12, 12, 1), steps=4, units=48, latent_dim=8, seed=1)
    model.compile(keras.optimizers.Adam(0.01, global_clipnorm=5.0))
    model.fit(train, epochs=16, verbose=0)
    found = model.evaluate(test, verbose=0, return_dict=True)
    assert found["loss"] < 0.965 * constant and found["kl"] > 0.5


def test_it_draws_what_it_is_told_to():
    """Left or right: label and picture go together, and what is drawn goes with the label."""
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 400).astype("int32")
    images = np.zeros((400, 8, 8, 1), "uint8")
    for k, side in enumerate(label):
        images[k, rng.integers(1, 6) :, 4 * side : 4 * side + 4] = 255
    keras.utils.set_random_seed(1)
    model = ks.models.DRAW((8, 8, 1), steps=3, units=24, latent_dim=4, labels=["left", "right"], seed=1)
    model.compile(keras.optimizers.Adam(0.02, global_clipnorm=5.0))
    some = ks.data.LabelledImages(images, label, ("left", "right"))
    data = ks.data.labelled_images(some, model=model, batch_size=50, labels="input", validation=0)
    model.fit(data, epochs=12, verbose=0)
    drawn = model.draw(40, seed=1, label=["left", "right"] * 20)
    light = drawn.images.reshape(20, 2, 8, 2, 4).mean((2, 4))  # (pictures, told, half)
    assert light[:, 0, 0].min() > light[:, 0, 1].max() and light[:, 1, 1].min() > light[:, 1, 0].max()
    # A wrong label makes a picture unlikely.
    right, wrong = (model.bound(images[:50], label[:50] if k == 0 else 1 - label[:50]).mean() for k in (0, 1))
    assert wrong > right + 5


def test_files_keep_everything(model, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = ks.models.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config()
    images, label, noise = tiny.batch(model, 3)
    np.testing.assert_array_equal(loaded.bound(images, label), model.bound(images, label))
    found, wanted = (one.draw(noise=noise, label=label).canvases for one in (loaded, model))
    np.testing.assert_array_equal(found, wanted)


def test_a_training_goes_on_from_a_file_and_a_batch_may_be_smaller(tmp_path):
    model = tiny.model("told")
    images, label, _ = tiny.batch(model, 8)
    model.compile(keras.optimizers.Adam(0.01))
    model.fit({"image": images, "label": label}, batch_size=5, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = ks.models.load_model(tmp_path / "model.keras")
    assert int(loaded.optimizer.iterations) == 2
    loaded.fit({"image": images, "label": label}, batch_size=8, verbose=0)
    assert int(loaded.optimizer.iterations) == 3
    with pytest.raises(tf.errors.InvalidArgumentError, match="label: expected numbers from 0 to 2"):
        loaded.fit({"image": images, "label": label + 1}, verbose=0)


def test_mixed_precision_learns():
    model = tiny.model("told", dtype="mixed_bfloat16")
    exact = tiny.model("told")
    exact.set_weights(model.get_weights())
    images, label, noise = tiny.batch(model, 16)
    assert model.call({"image": images, "label": label})["canvas"].dtype == tf.float32
    np.testing.assert_allclose(model.bound(images, label), exact.bound(images, label), rtol=0.05)
    model.compile(keras.optimizers.Adam(0.02))
    data = tf.data.Dataset.from_tensors({"image": images, "label": label})
    losses = model.fit(data.repeat(8), epochs=2, verbose=0).history["loss"]
    assert losses[1] < losses[0]
    assert all(w.dtype == "float32" for w in model.trainable_weights)


def test_xla_compiles_it_as_a_whole():
    check_nats(tiny.model("told", seed=1), "xla")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"image_shape": (6, 8)}, ValueError, r"image_shape: expected three ints \(H, W, C\), received \(6, 8\)"),
        ({"image_shape": (6, 0, 1)}, ValueError, r"image_shape: .* received \(6, 0, 1\)"),
        ({"steps": 0}, ValueError, "steps: expected an int >= 1, received 0"),
        ({"units": 2.5}, ValueError, "units: expected an int >= 1, received 2.5"),
        ({"latent_dim": True}, ValueError, "latent_dim: expected an int >= 1, received True"),
        ({"read": 0}, ValueError, "read: expected an int >= 1, received 0"),
        ({"read": 7}, ValueError, r"read: expected a patch no larger than the picture, \(6, 8\), received 7 x 7"),
        ({"write": 8}, ValueError, r"write: expected a patch no larger than the picture, \(6, 8\), received 8 x 8"),
        ({"labels": ["one"]}, ValueError, "labels: expected two or more, received 1"),
        ({"labels": "0123"}, TypeError, "labels: expected a sequence of str, received str"),
        ({"seed": -1}, ValueError, "seed: expected an int >= 0, received -1"),
    ],
)
def test_bad_arguments(options, error, message):
    with pytest.raises(error, match=message):
        ks.models.DRAW(**{"image_shape": tiny.SHAPE, **options})


IMAGES = np.zeros((2, *tiny.SHAPE), "uint8")


@pytest.mark.parametrize(
    ("kind", "inputs", "error", "message"),
    [
        ("attention", IMAGES[:, :, :7], ValueError, r"images: expected shape \(B, 6, 8, 1\), .*\(2, 6, 7, 1\)"),
        ("in colour", IMAGES, ValueError, r"images: expected shape \(B, 6, 8, 3\), .*received \(2, 6, 8, 1\)"),
        ("attention", [1, 2], TypeError, "images: expected shape .*received list"),
        ("attention", {"image": IMAGES, "label": np.array([0, 1])}, ValueError, "takes pictures, received a label"),
        ("attention", {"picture": IMAGES}, ValueError, r"expected pictures, received \['picture'\]"),
        ("told", IMAGES, ValueError, 'takes a dict of "image" and "label", received no label'),
        ("told", {"image": IMAGES, "label": np.array([0, 3])}, ValueError, "label: expected numbers from 0 to 2"),
        ("told", {"image": IMAGES, "label": np.array([0.0, 1.0])}, ValueError, r"label: expected integers \(2,\)"),
        ("told", {"image": IMAGES, "label": np.array([0, 1, 2])}, ValueError, r"label: .*received int64 \(3,\)"),
    ],
)
def test_bad_inputs(kind, inputs, error, message):
    with pytest.raises(error, match=message):
        tiny.model(kind).call(inputs)


def test_what_it_cannot_learn_from():
    model = tiny.model()
    with pytest.raises(ValueError, match="loss: DRAW has a loss of its own, expected None, received 'mse'"):
        model.compile(loss="mse")
    model.compile()
    with pytest.raises(ValueError, match="y: DRAW learns from x alone"):
        model.fit(IMAGES, np.array([0, 1]), verbose=0)


NOISE = np.zeros((2, 3, 4), "float32")


@pytest.mark.parametrize(
    ("kind", "order", "error", "message"),
    [
        ("attention", {"n": 0}, ValueError, "n: expected an int >= 1, received 0"),
        ("attention", {"seed": 2**31}, ValueError, "seed: expected an int in .* received 2147483648"),
        ("attention", {"seed": 1.5}, ValueError, "seed: expected an int in .* received 1.5"),
        ("attention", {"noise": NOISE[0]}, ValueError, r"noise: expected shape \(N, 3, 4\), N >= 1, .* \(3, 4\)"),
        ("attention", {"noise": NOISE[:, :2]}, ValueError, r"noise: expected shape .*received \(2, 2, 4\)"),
        ("attention", {"noise": NOISE * np.nan}, ValueError, "noise: expected finite numbers"),
        ("attention", {"n": 3, "noise": NOISE}, ValueError, "n: expected 2, as many as there is noise for, .* 3"),
        ("attention", {"label": "line"}, ValueError, "label: this model has no labels, expected None"),
        ("told", {}, ValueError, "label: this model draws what it is told to: one of .*received None"),
        ("told", {"label": "square"}, ValueError, "label: expected one of .*'line'.*received 'square'"),
        ("told", {"label": 3}, ValueError, "label: expected an int from 0 to 2, received 3"),
        ("told", {"label": -1}, ValueError, "label: expected an int from 0 to 2, received -1"),
        ("told", {"label": 0.5}, TypeError, "label: expected a str or an int, received 0.5"),
        ("told", {"n": 2, "label": [0, 1, 2]}, ValueError, "label: expected one, or one for each of 2 .*received 3"),
    ],
)
def test_what_it_cannot_draw(kind, order, error, message):
    with pytest.raises(error, match=message):
        tiny.model(kind).draw(**order)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"samples": 0}, "samples: expected an int >= 1, received 0"),
        ({"seed": -1}, "seed: expected an int >= 0, received -1"),
        ({"images": IMAGES[:0]}, "images: expected one picture at least"),
        ({"images": IMAGES[..., 0]}, r"images: expected shape \(B, 6, 8, 1\)"),
    ],
)
def test_what_cannot_be_estimated(given, message):
    model = tiny.model()
    for estimate in (model.bound, model.likelihood):
        with pytest.raises(ValueError, match=message):
            estimate(**{"images": IMAGES, **given})
