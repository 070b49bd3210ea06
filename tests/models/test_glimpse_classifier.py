"""`GlimpseClassifier`: its equations, its losses, that it learns what to say and where to look, and bad input."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from keras_seqcv.models.glimpse_losses import location_losses, rewards_of, targets_of
from tests.layers.test_glimpse import glimpse
from tests.models.tiny_glimpses import NAMES, squares, tiny


@pytest.fixture(autouse=True)
def without_compilation():
    """Loops of a few steps and units are not worth it, nor is a whole step, which Keras compiles by itself."""
    with ks.layers.jit_scope(False):
        yield


def relu(x):
    return np.maximum(x, 0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def cell_step(cell, x, states):
    """One step of a Keras cell by its equations, in float64."""
    kernel, recurrent, bias = (np.asarray(w, "float64") for w in cell.get_weights())
    if isinstance(cell, keras.layers.LSTMCell):
        i, f, g, o = np.split(x @ kernel + states[0] @ recurrent + bias, 4, axis=1)
        c = sigmoid(f) * states[1] + sigmoid(i) * np.tanh(g)
        return [sigmoid(o) * np.tanh(c), c]
    return [relu(x @ kernel + states[0] @ recurrent + bias)]


def by_loops(model, pictures, noise):
    """What a model without context gives, in NumPy and float64: logits (B, C) and locations (B, T, 2)."""
    options = model.options
    dense = {k: [np.asarray(w, "float64") for w in v.get_weights()] for k, v in model.reader.dense.items()}
    affine = lambda name, x: x @ dense[name][0] + dense[name][1]  # noqa: E731
    location, path = np.zeros((len(pictures), 2)), []
    states = [np.zeros((len(pictures), options["units"]))] * (2 if options["cell"] == "lstm" else 1)
    for t in range(model.steps):
        path.append(location)
        seen = [
            glimpse(p, at, options["patch"], options["scales"], options["factor"]) for p, at in zip(pictures, location)
        ]
        what, where = relu(affine("what", np.reshape(seen, (len(seen), -1)))), relu(affine("where", location))
        if options["join"] == "sum":
            joined = relu(affine("join", np.concatenate([what, where], axis=1)))
        else:
            joined = relu(affine("join", what)) * affine("join_where", where)
        states = cell_step(model.reader.reading, joined, states)
        mean = np.tanh(affine("location", states[0]))
        if t + 1 < model.steps:
            location = np.clip(mean + options["stddev"] * noise[:, t + 1], -1, 1)
    kernel, bias = model.logits.get_weights()
    return states[0] @ kernel + bias, np.stack(path, axis=1)


@pytest.mark.parametrize("options", [{}, {"cell": "lstm", "join": "product", "factor": 3}])
def test_equations(options):
    keras.utils.set_random_seed(3)
    model = tiny(stddev=0.4, **options)
    # Begin with a location that depends on what was seen.
    model.reader.dense["location"].kernel.assign(np.random.default_rng(0).standard_normal((16, 2)))
    rng = np.random.default_rng(1)
    pictures, noise = rng.uniform(0, 1, (5, 16, 16, 1)), rng.standard_normal((5, 3, 2))
    logits, found = model.read(tf.constant(pictures, tf.float32), tf.constant(noise, tf.float32))
    expected, path = by_loops(model, pictures, noise)
    np.testing.assert_allclose(found["location"], path, atol=2e-5)
    np.testing.assert_allclose(logits, expected, atol=2e-5)
    assert np.ptp(path, axis=0).max() > 0.1


def test_reward_moves_locations_as_its_expectation_does():
    """The mean gradient of many draws is that of E[reward], which here is known: -E|l - goal|^2."""
    mean, stddev, goal = tf.Variable([[0.3, -0.2]]), 0.2, np.array([0.0, 0.4])
    noise = np.random.default_rng(0).standard_normal((400_000, 1, 2)).astype("float32")
    with tf.GradientTape() as tape:
        means = tf.tile(mean[None], (len(noise), 1, 1))
        drawn = tf.stop_gradient(means + stddev * noise)
        rewards = -tf.reduce_sum((drawn - goal) ** 2, axis=-1)  # (B, 1)
        expected = tf.fill(rewards.shape, -0.4)  # any baseline
        loss, error = location_losses({"mean": means, "drawn": drawn}, rewards, expected, stddev, True)
    # d/dm E|l - goal|^2 = 2 (m - goal)
    np.testing.assert_allclose(tape.gradient(loss, mean), 2 * (mean.numpy() - goal), atol=0.03)
    np.testing.assert_allclose(error, np.mean((rewards.numpy() + 0.4) ** 2), rtol=1e-5)


def test_reward_to_come():
    """A location counts for its own label and those behind it; the first, that nobody chose, for nothing."""
    mean = tf.zeros((1, 4, 2))
    rewards, expected = tf.constant([[1.0, 1.0]]), tf.zeros((1, 4))
    found = {"mean": mean, "drawn": mean + 0.5}
    density = -0.5 * 2 * 1.0 - 2 * np.log(0.5 * np.sqrt(2 * np.pi))
    loss, error = location_losses(found, rewards, expected, 0.5, False)
    np.testing.assert_allclose(loss, -(2 + 1 + 1) * density, rtol=1e-5)
    np.testing.assert_allclose(error, (4 + 1 + 1) / 3, rtol=1e-6)
    loss, _ = location_losses(found, rewards, expected, 0.5, True)
    np.testing.assert_allclose(loss, -(2 + 2 + 1 + 1) * density, rtol=1e-5)


def test_targets_have_an_end():
    targets, weights = targets_of(tf.constant([[4, 2], [1, -1], [-1, -1]]), end=9)
    assert targets.numpy().tolist() == [[4, 2, 9], [1, 9, 9], [9, 9, 9]]
    assert weights.numpy().tolist() == [[1, 1, 1], [1, 1, 0], [1, 0, 0]]
    logits = np.eye(10)[[[4, 3, 9], [1, 9, 0], [9, 9, 9]]]
    assert rewards_of(targets, weights, logits).numpy().tolist() == [[1, 0, 1], [1, 1, 0], [1, 0, 0]]


def gradients(model, images, labels):
    """Of one training step, by name; zeros where there is none."""
    caught = {}

    def apply(pairs):
        caught.update({v.path: np.asarray(g) for g, v in pairs})

    model.compile(keras.optimizers.SGD(0.1))
    model.optimizer.apply_gradients = apply
    model.train_step((tf.constant(images), tf.constant(labels)))
    return caught


def test_what_each_part_learns_from():
    """By reward the location's layer learns from rewards alone, and the cell from labels alone."""
    some = squares(8)
    by_reward = gradients(tiny(stddev=0.3), some.images, some.labels)
    names = {path.split("/", 1)[1] for path in by_reward}
    assert any("location/kernel" in name for name in names) and any("baseline" in name for name in names)
    keras.utils.set_random_seed(0)
    one = gradients(tiny(stddev=0.3, reinforce_weight=1e-9, name="tiny"), some.images, some.labels)
    keras.utils.set_random_seed(0)
    other = gradients(tiny(stddev=0.3, reinforce_weight=10.0, name="tiny"), some.images, some.labels)
    for path in one:
        same = np.allclose(one[path], other[path], atol=1e-6)
        assert same == ("location" not in path), path


def test_the_differentiable_form_has_no_reward():
    some = squares(8)
    found = gradients(tiny(location="transformer"), some.images, some.labels)
    assert not any("baseline" in path for path in found)
    (kernel,) = (g for path, g in found.items() if path.endswith("location/kernel"))
    assert np.abs(kernel).max() > 0


def test_of_a_locations_gradient_a_share_goes_back():
    """With two glimpses one decision alone has a gradient: its own weights' is that share, and others' are linear."""
    some, found = squares(8), {}
    for share in (1.0, 0.5, 0.25):
        keras.utils.set_random_seed(0)
        model = tiny(location="transformer", glimpses=2, location_gradient=share, name="tiny")
        found[share] = gradients(model, some.images, some.labels)
    for path, whole in found[1.0].items():
        if "/location/" in path:
            np.testing.assert_allclose(found[0.25][path], 0.25 * whole, atol=1e-7, err_msg=path)
        between = found[0.25][path] + (whole - found[0.25][path]) / 3
        np.testing.assert_allclose(found[0.5][path], between, atol=1e-6, err_msg=path)


@pytest.mark.parametrize(
    "options",
    [
        {},
        pytest.param({"location": "transformer", "cell": "lstm"}, marks=pytest.mark.long),
        pytest.param({"context": 4, "cell": "gru"}, marks=pytest.mark.long),
    ],
)
def test_squares_are_learned(options):
    """A patch of 4 x 4 and one of twice the side in the middle do not tell: it takes looking elsewhere."""
    keras.utils.set_random_seed(5)
    model = tiny(stddev=0.25, samples=5, **options)
    rate = keras.optimizers.schedules.CosineDecay(5e-3, 12 * 32)
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=5.0), jit_compile=False)
    train, valid = ks.data.labelled_images(squares(1600), 50, model=model, validation=squares(100, seed=1))
    history = model.fit(train, validation_data=valid, epochs=12, verbose=0).history
    assert history["val_accuracy"][-1] > 0.9, history["val_accuracy"]
    assert history["loss"][-1] < history["loss"][0]
    assert model.evaluate(valid, verbose=0, return_dict=True)["accuracy"] == history["val_accuracy"][-1]
    right = [one.label == NAMES[label] for one, label in zip(model.classify(valid_images()), squares(100, 1).labels)]
    assert np.mean(right) > 0.9


def valid_images():
    return squares(100, seed=1).images


def rows_of_squares(count, seed=0):
    """One or two squares side by side: their labels are whether each is in the upper or the lower half."""
    rng = np.random.default_rng(seed)
    images, labels = np.zeros((count, 16, 16, 1), "uint8"), np.full((count, 2), -1)
    for image, row in zip(images, labels):
        for k in range(rng.integers(1, 3)):
            row[k] = rng.integers(2)
            top, left = 2 + 8 * row[k] + rng.integers(3), 2 + 8 * k + rng.integers(3)
            image[top : top + 3, left : left + 3] = 220
    return ks.data.LabelledImages(images, labels, ("upper", "lower"))


def test_several_labels_are_read_in_order():
    keras.utils.set_random_seed(1)
    model = ks.models.GlimpseClassifier(
        (16, 16, 1), ("upper", "lower"), 2, 6, 2, units=32, glimpse_units=24, context=8, max_labels=2, cell="lstm"
    )
    model.compile(keras.optimizers.Adam(5e-3, global_clipnorm=5.0), jit_compile=False)
    train, valid = ks.data.labelled_images(
        rows_of_squares(1600), 50, model=model, validation=rows_of_squares(200, seed=1)
    )
    history = model.fit(train, validation_data=valid, epochs=10, verbose=0).history
    assert history["val_exact"][-1] > 0.8, history["val_exact"]  # by chance 0.5 * (0.5 + 0.25)
    some = rows_of_squares(50, seed=2)
    found = model.classify(some.images)
    told = [[some.names[k] for k in row if k >= 0] for row in some.labels]
    exact = np.mean([one.labels == row for one, row in zip(found, told)])
    assert exact > 0.75
    data = ks.data.labelled_images(some, 50, model=model, validation=0, shuffle=False)
    assert model.evaluate(data, verbose=0, return_dict=True)["exact"] == pytest.approx(exact)
    assert found[0].probabilities.shape == (3, 3) and found[0].path.shape == (6, 2)


def test_a_picture_is_read_for_itself():
    """Draws depend on the seed, and not on what else is read."""
    model = tiny(samples=4)
    images = squares(6).images
    together = model.classify(images, seed=3)
    for image, one in zip(images, together):
        alone = model.classify(image, seed=3)
        np.testing.assert_allclose(alone.paths, one.paths, atol=1e-6)
        np.testing.assert_allclose(alone.probabilities, one.probabilities, atol=1e-6)
    other = model.classify(images[0], seed=4)
    assert not np.allclose(other.paths, together[0].paths)
    assert together[0].paths.shape == (4, 3, 2)
    means = model.classify(images[0], samples=0)
    assert means.paths.shape == (1, 3, 2)
    np.testing.assert_array_equal(means.paths, model.classify(images[0], samples=0, seed=9).paths)


def test_random_starts_are_anywhere():
    model = tiny(start="random")
    starts = model.classify(squares(1).images[0], samples=4000).paths[:, 0]
    assert starts.min() < -0.99 and starts.max() > 0.99
    np.testing.assert_allclose(np.histogram(starts, 4, (-1, 1))[0] / starts.size, 0.25, atol=0.02)


def test_round_trip(tmp_path):
    model = tiny(max_labels=2, context=4, cell="lstm", join="product", samples=2)
    model.compile(jit_compile=False)
    some = ks.data.LabelledImages(squares(8).images, [[0, 1], [2, -1]] * 4, NAMES)
    model.fit(ks.data.labelled_images(some, 8, model=model, validation=0), verbose=0)
    model.save(tmp_path / "a.keras")
    loaded = ks.models.load_model(tmp_path / "a.keras")
    assert loaded.get_config() == model.get_config()
    np.testing.assert_array_equal(loaded(some.images), model(some.images))
    data = ks.data.labelled_images(some, 8, model=model, validation=0, shuffle=False)
    assert loaded.evaluate(data, verbose=0) == model.evaluate(data, verbose=0)
    loaded.fit(data, verbose=0)


@pytest.mark.parametrize("options", [{}, {"max_labels": 2, "glimpses": 1}])
def test_a_saved_model_says_labels(tmp_path, options):
    model = tiny(**options)
    model.logits.kernel.assign(np.random.default_rng(0).standard_normal(model.logits.kernel.shape))
    images = squares(12).images
    loaded = tf.saved_model.load(ks.export.saved_model(model, tmp_path / "saved").path)
    found = loaded.signatures["classify"](image=images, seed=tf.constant(3), samples=tf.constant(2))["label"].numpy()
    wanted = [one.labels for one in model.classify(images, samples=2, seed=3)]
    if options:
        wanted = [labels + [""] * (2 - len(labels)) for labels in wanted]
        assert len({len(set(labels) - {""}) for labels in wanted}) > 1  # some end early
    else:
        wanted = [labels[0] for labels in wanted]
    assert np.char.decode(found.astype(bytes)).tolist() == wanted


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(policy):
    model = tiny(dtype=policy, context=4)
    model.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    history = model.fit(ks.data.labelled_images(squares(64), 16, validation=0), epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    logits = model(squares(4).images)
    assert logits.dtype == "float32" and np.isfinite(logits).all()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"image_shape": (16, 16)}, ValueError, r"image_shape: expected \(H, W, C\) .* received \(16, 16\)"),
        ({"image_shape": (16, 16, 2)}, ValueError, "C 1 or 3"),
        ({"labels": ["a"]}, ValueError, "labels: expected two or more"),
        ({"glimpses": 0}, ValueError, "glimpses: expected an int >= 1, received 0"),
        ({"patch": 17}, ValueError, r"patch: expected one within pictures of \(16, 16\), received \(17, 17\)"),
        ({"scales": 0}, ValueError, "scales: expected an int >= 1"),
        ({"factor": 1}, ValueError, "factor: expected an int >= 2"),
        ({"cell": "rnn"}, ValueError, "cell: expected one of"),
        ({"location": "guess"}, ValueError, "location: expected one of"),
        ({"stddev": 0.0}, ValueError, "stddev: expected a number > 0"),
        ({"location_gradient": 0.0}, ValueError, r"location_gradient: expected a number in \(0, 1\], received 0.0"),
        ({"max_labels": 0}, ValueError, "max_labels: expected an int >= 1"),
        ({"context": 20}, ValueError, "context: expected at most 16"),
        ({"samples": -1}, ValueError, "samples: expected an int >= 0"),
        ({"train_samples": 0}, ValueError, "train_samples: expected an int >= 1"),
    ],
)
def test_arguments_are_checked(options, error, message):
    with pytest.raises(error, match=message):
        ks.models.GlimpseClassifier(**{"image_shape": (16, 16, 1), "labels": NAMES, "patch": 4, **options})


def test_what_is_read_is_checked(tmp_path):
    model = tiny()
    with pytest.raises(ValueError, match=r"inputs: expected shape \(B, 16, 16, 1\), .* received \(2, 16, 15, 1\)"):
        model(np.zeros((2, 16, 15, 1), "uint8"))
    with pytest.raises(ValueError, match=r"images: expected a picture of \(16, 16\), received \(9, 16\)"):
        model.classify(np.zeros((9, 16), "uint8"))
    with pytest.raises(ValueError, match=r"images\[1\]: expected a picture of"):
        model.classify([np.zeros((16, 16), "uint8"), np.zeros((15, 16), "uint8")])
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="a.png"):
        model.classify(tmp_path / "a.png")
    with pytest.raises(ValueError, match="received none"):
        model.classify([])
    with pytest.raises(ValueError, match="samples: expected an int >= 0, received -1"):
        model.classify(squares(1).images, samples=-1)
    several = tiny(max_labels=2)
    several.compile(jit_compile=False)
    with pytest.raises(ValueError, match=r"y: expected labels \(B, 2\), received \(4,\)"):
        several.train_on_batch(squares(4).images, squares(4).labels)


def test_labels_out_of_range():
    model = tiny()
    model.compile(jit_compile=False)
    with pytest.raises(tf.errors.InvalidArgumentError, match="label value of 4"):
        model.fit(squares(4).images, np.array([0, 1, 2, 4]), verbose=0)
