"""`ImageEncoder`: preprocessing, resizing, frozen and fine-tuned, files, exports, bad input."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from keras_seqcv.models import image_encoder
from keras_seqcv.models.image_networks import preprocessing
from keras_seqcv.models.image_resizing import resized
from tests.models.small_network import halved, pictures, small_network

# ---- what it computes ----


def test_is_the_network_on_preprocessed_pictures():
    encoder = ks.models.ImageEncoder(image_size=(64, 96))
    images = pictures(2, 64, 96)
    network = encoder.network
    expected = network((images.astype("float32") - 127) / 128).numpy()
    assert encoder.places == expected.shape[1:3] == (2, 3) and encoder.depth == 1280
    np.testing.assert_allclose(encoder(images), expected.reshape(2, 6, 1280), atol=1e-5)
    np.testing.assert_array_equal(encoder(images), encoder(images.astype("float64")))
    pooled = ks.models.ImageEncoder(network, image_size=(64, 96), pooling="avg", preprocess="efficientnet_lite0")
    np.testing.assert_allclose(pooled(images), expected.mean((1, 2)), atol=1e-5)
    assert not encoder.trainable_weights and encoder.compute_output_shape((None, 5, 5, 3)) == (None, 6, 1280)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("efficientnet_lite0", lambda x: (x - 127) / 128),
        ("MobileNetV2", lambda x: x / 127.5 - 1),
        ("ResNet50V2", lambda x: x / 127.5 - 1),
        ("InceptionV3", lambda x: x / 127.5 - 1),
        ("ResNet50", lambda x: x[..., ::-1] - np.array([103.939, 116.779, 123.68])),
        ("VGG16", lambda x: x[..., ::-1] - np.array([103.939, 116.779, 123.68])),
        ("DenseNet121", lambda x: (x / 255 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])),
        ("MobileNetV3Small", lambda x: x),
        ("EfficientNetB0", lambda x: x),
        ("ConvNeXtTiny", lambda x: x),
    ],
)
def test_every_network_gets_its_preprocessing(name, expected):
    images = pictures().astype("float32")
    function = tf.function(preprocessing(name))
    np.testing.assert_allclose(function(tf.constant(images)), expected(images.astype("float64")), atol=1e-4)


def test_every_network_of_keras_applications_has_one():
    import types

    names = [name for name, value in vars(keras.applications).items() if isinstance(value, types.FunctionType)]
    assert len(names) > 30
    for name in names:
        assert preprocessing(name)(tf.zeros((1, 2, 2, 3))).shape == (1, 2, 2, 3)


def test_a_network_of_keras_applications():
    images = pictures(2, 40, 32)
    encoder = ks.models.ImageEncoder("MobileNetV2", weights=None, image_size=(40, 32), trainable="block_16")
    expected = encoder.network(images.astype("float32") / 127.5 - 1).numpy()
    assert encoder.places == (2, 1) and encoder.depth == 1280
    np.testing.assert_allclose(encoder(images), expected.reshape(2, 2, 1280), atol=1e-6)
    trained = {variable.path.split("/")[0] for variable in encoder.trainable_weights}
    assert "block_16_expand" in trained and "Conv_1" in trained and not any("block_15" in name for name in trained)


@pytest.mark.parametrize("size", [(8, 8), (5, 11), (30, 9), (1, 1), (64, 100)])
def test_resizing_is_that_of_tensorflow_without_aliasing(size):
    images = tf.cast(pictures(2, *size), tf.float32)
    expected = tf.image.resize(images, (8, 8), antialias=True)
    np.testing.assert_allclose(resized(images, (8, 8)), expected, atol=0.01)
    unknown = tf.function(lambda x: resized(x, (8, 8)), input_signature=[tf.TensorSpec((None, None, None, 3))])
    np.testing.assert_allclose(unknown(images), expected, atol=0.01)


def test_any_size_is_resized_any_number_goes():
    encoder = ks.models.ImageEncoder(small_network(), preprocess=halved)
    images = pictures(3, 20, 15)
    small = tf.image.resize(images, (8, 8), antialias=True)
    expected = encoder.network(small / 2).numpy().reshape(3, 16, 4)
    np.testing.assert_allclose(encoder(images), expected, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(encoder.predict(images, verbose=0), expected, rtol=1e-4, atol=1e-3)
    assert encoder(images[:0]).shape == (0, 16, 4)


def test_a_layer_or_a_name_preprocesses():
    images = pictures().astype("float32")
    network = small_network()
    for preprocess, expected in (
        (None, images),
        ("MobileNet", images / 127.5 - 1),
        (keras.layers.Rescaling(1 / 255), images / 255),
        (halved, images / 2),
    ):
        encoder = ks.models.ImageEncoder(network, preprocess=preprocess)
        np.testing.assert_allclose(encoder(images), network(expected).numpy().reshape(3, 16, 4), atol=1e-4)
        again = ks.models.ImageEncoder.from_config(encoder.get_config())
        again.set_weights(encoder.get_weights())
        np.testing.assert_array_equal(again(images), encoder(images))


def test_eager_is_graph_is_xla_is_functional():
    encoder = ks.models.ImageEncoder(small_network(), preprocess="MobileNet")
    images = pictures(3, 11, 9)
    expected = encoder(images)
    for jit in (False, True):
        np.testing.assert_allclose(tf.function(encoder, jit_compile=jit)(images), expected, atol=1e-5)
    inputs = keras.Input((11, 9, 3), dtype="uint8")
    np.testing.assert_allclose(keras.Model(inputs, encoder(inputs))(images), expected, atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "float16"])
def test_half_precision(policy, tmp_path):
    encoder = ks.models.ImageEncoder("MobileNet", weights=None, image_size=32, dtype=policy)
    images = pictures(2, 32, 32) + np.float32(0.75)  # bfloat16 has no 250.75
    features = encoder(images)
    assert features.dtype == encoder.compute_dtype and keras.config.dtype_policy().name == "float32"
    assert all(layer.compute_dtype == encoder.compute_dtype for layer in encoder.network.layers[1:])
    np.testing.assert_array_equal(features[:, 0], encoder.network(images / 127.5 - 1)[:, 0, 0])
    encoder.save(tmp_path / "encoder.keras")
    again = ks.models.load_model(tmp_path / "encoder.keras")
    assert again.dtype_policy.name == policy
    np.testing.assert_array_equal(tf.cast(again(images), "float32"), tf.cast(features, "float32"))


# ---- what is trained ----


def gradients(encoder, images):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(encoder(images, training=True)))
    return tape.gradient(loss, [variable.value for variable in encoder.network.variables])


def moving(encoder, layer):
    return encoder.network.get_layer(layer).moving_mean.numpy()


def test_frozen_learns_nothing_and_drops_nothing():
    encoder = ks.models.ImageEncoder(small_network())
    images = pictures()
    before = encoder.get_weights()
    np.testing.assert_array_equal(encoder(images, training=True), encoder(images))
    assert all(gradient is None for gradient in gradients(encoder, images))
    assert all(np.array_equal(a, b) for a, b in zip(before, encoder.get_weights()))
    graph = tf.function(lambda x: gradients(encoder, x)[0] is None).get_concrete_function(images).graph
    assert not any("Backprop" in operation.type for operation in graph.get_operations())


@pytest.mark.parametrize("frozen_norm", [True, False])
def test_from_a_block_on(frozen_norm):
    encoder = ks.models.ImageEncoder(small_network(), trainable="block2", freeze_batch_norm=frozen_norm)
    images = pictures(16)
    names = {variable.path for variable in encoder.trainable_weights}
    norm = set() if frozen_norm else {"block2_bn/gamma", "block2_bn/beta"}
    assert names == {"block2_conv/kernel", "block2_conv/bias", "block10_conv/kernel", "block10_conv/bias"} | norm
    before = [moving(encoder, "block1_bn"), moving(encoder, "block2_bn")]
    given = {v.path: g for v, g in zip(encoder.network.variables, gradients(encoder, images)) if g is not None}
    assert names <= given.keys() and not any("block1_" in name for name in given)
    np.testing.assert_array_equal(moving(encoder, "block1_bn"), before[0])
    assert np.array_equal(moving(encoder, "block2_bn"), before[1]) == frozen_norm
    assert not np.allclose(encoder(images, training=True), encoder(images, training=True))
    np.testing.assert_array_equal(encoder(images), encoder(images))


def test_the_skip_over_the_border_is_frozen_too():
    """Without the block's own dropout, training gives the features of inference: nothing before it is disturbed."""
    encoder = ks.models.ImageEncoder(small_network(), trainable="block2", freeze_batch_norm=True)
    encoder.network.get_layer("block2_drop").rate = 0.0
    images = pictures()
    np.testing.assert_allclose(encoder(images, training=True), encoder(images), rtol=1e-5, atol=1e-4)


def test_a_block_is_not_a_longer_number():
    encoder = ks.models.ImageEncoder(small_network(), trainable="block1")
    assert any("block1_conv" in variable.path for variable in encoder.trainable_weights)
    encoder.trainable = "block10_conv"
    assert [variable.path for variable in encoder.trainable_weights] == ["block10_conv/kernel", "block10_conv/bias"]
    encoder.trainable = "block1"
    assert any("block1_conv" in variable.path for variable in encoder.trainable_weights)
    assert not np.allclose(encoder(pictures(), training=True), encoder(pictures()))
    encoder.trainable = False
    assert not encoder.trainable_weights
    np.testing.assert_array_equal(encoder(pictures(), training=True), encoder(pictures()))


def test_batch_norm_is_frozen_with_trained_weights_only():
    def norms(network, **arguments):
        encoder = ks.models.ImageEncoder(network, trainable=True, **arguments)
        names = [variable.path for variable in encoder.trainable_weights]
        assert any("conv" in name for name in names)
        return [name for name in names if "bn/" in name]

    assert not norms("efficientnet_lite0", image_size=32)
    assert norms("MobileNet", image_size=32, weights=None)
    assert not norms(small_network()) and norms(small_network(), freeze_batch_norm=False)


def test_a_sequential_network():
    layers = [
        keras.layers.Conv2D(2, 1, name="one"),
        keras.layers.BatchNormalization(),
        keras.layers.Conv2D(3, 1, name="two"),
    ]
    encoder = ks.models.ImageEncoder(keras.Sequential([keras.Input((4, 4, 3)), *layers]), trainable=True)
    assert [v.path.split("/")[-2] for v in encoder.trainable_weights] == ["one", "one", "two", "two"]
    encoder.trainable = "two"
    assert [v.path.split("/")[-2] for v in encoder.trainable_weights] == ["two", "two"]
    images = pictures(2, 4, 4)
    np.testing.assert_allclose(encoder(images, training=True), encoder(images), rtol=1e-5)
    encoder.trainable = True
    assert len(encoder.trainable_weights) == 4


@pytest.mark.parametrize("trainable", [False, "block2", True])
def test_fit_and_file(trainable, tmp_path):
    encoder = ks.models.ImageEncoder(small_network(), trainable=trainable, pooling="avg", preprocess="MobileNet")
    model = keras.Sequential([encoder, keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    images = pictures(32)
    frozen = encoder.network.get_layer("block1_conv").get_weights()[0].copy()
    history = model.fit(images, images.mean((1, 2, 3)) / 255, epochs=4, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    unchanged = np.array_equal(frozen, encoder.network.get_layer("block1_conv").get_weights()[0])
    assert unchanged == (trainable is not True)
    model.save(tmp_path / "model.keras")
    again = ks.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(images), model(images))
    assert again.layers[0].get_config() | {"network": 0} == encoder.get_config() | {"network": 0}
    assert len(again.trainable_weights) == len(model.trainable_weights)
    if trainable == "block2":  # the optimizer came back, too
        again.fit(images, images.mean((1, 2, 3)) / 255, epochs=1, verbose=0)


def test_file_of_a_named_network_fetches_no_weights(tmp_path, monkeypatch):
    encoder = ks.models.ImageEncoder(image_size=32, trainable="block7a")
    encoder.network.get_layer("top_bn").beta.assign_add(tf.ones(1280))
    encoder.save(tmp_path / "encoder.keras")
    monkeypatch.setattr("keras_seqcv.models.efficientnet_lite.load_weights", None)
    again = ks.models.load_model(tmp_path / "encoder.keras")
    assert all(np.array_equal(a, b) for a, b in zip(again.get_weights(), encoder.get_weights()))
    assert again.get_config() == encoder.get_config()
    assert (again.initial_weights, again.trainable, again.name) == ("imagenet", "block7a", encoder.name)
    assert [v.path for v in again.trainable_weights] == [v.path for v in encoder.trainable_weights]


# ---- exports ----


def test_exports_say_the_same(tmp_path):
    encoder = ks.models.ImageEncoder(small_network(16), trainable="block2", preprocess="VGG16")
    report = encoder.export(tmp_path / "encoder.tflite", format="litert", verbose=False)
    assert report.signatures == ["encode"]
    lite = ks.export.load_tflite(tmp_path / "encoder.tflite")
    images = pictures(1, 16, 16, seed=7)
    np.testing.assert_allclose(lite.run("encode", images=images)["features"], encoder(images), rtol=1e-4, atol=1e-3)
    encoder.export(tmp_path / "saved", verbose=False)
    encode = tf.saved_model.load(str(tmp_path / "saved")).signatures["encode"]
    images = pictures(3, 50, 40)
    np.testing.assert_allclose(encode(images=tf.constant(images))["features"], encoder(images), rtol=1e-4, atol=1e-3)


def test_litert_resizes_with_its_own_operators(tmp_path):
    encoder = ks.models.ImageEncoder(small_network(), preprocess="VGG16")
    images = pictures(1, 20, 30)

    @tf.function(input_signature=[tf.TensorSpec(images.shape, tf.uint8)])
    def encode(images):
        return encoder(images)

    module = tf.Module()
    module.encode, module.variables_ = encode, [variable.value for variable in encoder.variables]
    tf.saved_model.save(module, str(tmp_path), signatures={"encode": encode})
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    (tmp_path / "encoder.tflite").write_bytes(converter.convert())
    lite = pytest.importorskip("ai_edge_litert.interpreter").Interpreter(str(tmp_path / "encoder.tflite"))
    (answer,) = lite.get_signature_runner("encode")(images=images).values()
    np.testing.assert_allclose(answer, encoder(images), rtol=1e-4, atol=1e-3)


# ---- bad input ----


@pytest.fixture
def encoder():
    keras.utils.set_random_seed(3)
    return ks.models.ImageEncoder(small_network(), preprocess="MobileNet")


class Unknown(keras.Model):
    """A model that says nothing of its insides."""

    def __init__(self, rank=4):
        super().__init__()
        self.rank, self.convolution = rank, keras.layers.Conv2D(2, 2, 2)

    def call(self, images, training=False):
        features = self.convolution(images)
        return features if self.rank == 4 else keras.ops.mean(features, (1, 2))


def test_a_subclassed_network():
    encoder = ks.models.ImageEncoder(Unknown(), image_size=(6, 4))
    assert encoder.places == (3, 2) and encoder.depth == 2 and len(encoder.weights) == 2
    with pytest.raises(ValueError, match="trainable: expected a bool, as Unknown is not a functional model"):
        encoder.trainable = "convolution"
    assert encoder.trainable is False


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"network": "mobilnetv2"}, ValueError, "network: expected .* such as MobileNetV2, .* received 'mobilnetv2'"),
        ({"network": "zzzz"}, ValueError, "network: expected efficientnet_lite0 or a network of keras.applications"),
        ({"network": "preprocess_input"}, ValueError, "network: expected"),
        ({"network": 5}, TypeError, "network: expected the name of one or a keras.Model, received int"),
        (
            {"network": Unknown(rank=2)},
            ValueError,
            r"network: expected .* to \(B, h, w, D\), received one to \(None, 2\)",
        ),
        ({"trainable": 1}, TypeError, "trainable: expected a bool or the name of a block, received 1"),
        (
            {"trainable": "block3"},
            ValueError,
            "trainable: small has the blocks block1, block2, block10; received 'block3'",
        ),
        ({"trainable": ""}, ValueError, "trainable: small has the blocks"),
        ({"pooling": "max"}, ValueError, "pooling: expected None or .avg., received 'max'"),
        ({"image_size": 9}, ValueError, r"image_size: expected \(8, 8\), the size that small fixes, received \(9, 9\)"),
        ({"image_size": (8, 8, 3)}, ValueError, "image_size: expected"),
        ({"image_size": 0}, ValueError, "image_size: expected"),
        ({"image_size": 20, "network": "efficientnet_lite0"}, ValueError, "network efficientnet_lite0 with image_size"),
        ({"weights": "nowhere.npz", "network": "efficientnet_lite0"}, ValueError, "nowhere.npz does not exist"),
        ({"preprocess": lambda x: x}, TypeError, "preprocess: expected a name, a keras.layers.Layer or a function"),
        ({"preprocess": "nothing"}, ValueError, "preprocess: expected efficientnet_lite0 or a network"),
        (
            {"preprocess": halved, "network": "MobileNet"},
            ValueError,
            "preprocess: expected None for a network given by",
        ),
        ({"freeze_batch_norm": 1}, TypeError, "freeze_batch_norm: expected a bool or None, received 1"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        ks.models.ImageEncoder(**{"network": small_network()} | arguments)


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        (pictures()[0], ValueError, r"images: expected shape \(B, H, W, 3\), received \(8, 8, 3\)"),
        (pictures()[..., :1], ValueError, r"images: expected shape \(B, H, W, 3\), received \(3, 8, 8, 1\)"),
        (pictures(1, 0, 5), ValueError, "images: expected at least one pixel"),
        ([pictures()], TypeError, "images: expected one array or tensor, received list"),
        (keras.KerasTensor((None, 8, 8, 4)), ValueError, r"expected shape \(B, H, W, 3\), received \(None, 8, 8, 4\)"),
        (pictures() > 5, TypeError, "images: expected integers or floats in .0, 255., received bool"),
    ],
)
def test_bad_images(encoder, images, error, message):
    with pytest.raises(error, match=message):
        encoder(images)


def test_a_wrong_trainable_changes_nothing(encoder):
    encoder.trainable = "block2"
    before = [variable.path for variable in encoder.trainable_weights]
    with pytest.raises(ValueError, match="block1, block2, block10"):
        encoder.trainable = "block7"
    assert encoder.trainable == "block2" and [variable.path for variable in encoder.trainable_weights] == before


def test_config_is_complete():
    import inspect

    named = set(inspect.signature(image_encoder.ImageEncoder.__init__).parameters) - {"self", "kwargs"}
    assert named <= set(ks.models.ImageEncoder(small_network()).get_config())
