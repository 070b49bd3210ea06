"""EfficientNet-Lite0: the network for phones that `keras.applications` lacks, its ImageNet weights in the package."""

import os
import zipfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from keras_seqcv.archive_checks import check_arrays
from keras_seqcv.hdf5_checks import check_hdf5

# Of every stage: blocks, kernel size, stride of the first block, factor of the expansion, depth of the result.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_DROP_CONNECT = 0.2  # of the last block; it grows evenly from block to block
_DROPOUT = 0.2
_SMALLEST = 32  # pixels: below it nothing is left after five halvings
_IMAGENET = Path(__file__).parent / "weights" / "efficientnet_lite0_imagenet.npz"
_REST = "_rest"
_REST_STEPS = 254  # steps of the rest in one unit of the last place: half a unit up or down fits int8


def EfficientNetLite0(
    include_top=True,
    weights="imagenet",
    input_shape=None,
    pooling=None,
    classes=1000,
    classifier_activation="softmax",
    dtype=None,
    name="efficientnet_lite0",
):
    """EfficientNet-Lite0 as a functional `keras.Model`, in the habit of `keras.applications`.

    stem: 3 x 3 convolution, stride 2, to a depth of 32
    block: y = project(relu6(depthwise(relu6(expand(x))))), and y + x where shapes allow; 16 of them in 7 stages
    top: 1 x 1 convolution to 1280, a 32nd of the picture's height and width

    Every convolution is followed by batch normalization; all but `project` by min(max(x, 0), 6). It is EfficientNet-B0
    without squeeze-and-excite, whose stem and top are not scaled in the larger ones. Layers have the names of
    `keras.applications.EfficientNetB0`: "stem_conv", "block2a_expand_conv", "block2a_dwconv", "block2a_project_bn",
    "top_activation". The inputs are what `preprocess` gives. With the weights in the package, features, logits and
    probabilities differ from those of the PyTorch original by 1.4e-4, 4.5e-5 and 1e-5 at most (on 200 photographs and
    32 pictures of noise; features go up to 6).

    Args:
        include_top: whether the classifier is there.
        weights: "imagenet" (in the package, nothing is fetched) | None (random) | path of a `.npz` file like the one in
            the package, or of a `.weights.h5` file that `save_weights` wrote.
        input_shape: (H, W, 3), H and W >= 32 or None; None for any size. Weights were trained at 224 x 224; multiples
            of 32 waste nothing at the borders.
        pooling: None | "avg", without the classifier: the mean over the places.
        classes: int >= 1, of the classifier; 1000 with "imagenet".
        classifier_activation: "softmax" | None for logits.
        dtype: dtype or policy of the layers, None for the global one.
        name: of the model.

    Returns:
        `keras.Model`, (B, H, W, 3) -> (B, classes), or without the classifier (B, H/32, W/32, 1280), rounded up, or
        with `pooling` (B, 1280).

    Raises:
        ValueError: for an argument that is not as above, and for a file that is missing, damaged or of another network.

    Example:

    >>> network = ks.models.EfficientNetLite0(include_top=False, weights=None, input_shape=(64, 64, 3))
    >>> network.output_shape
    (None, 2, 2, 1280)

    Reference:
        Tan, Le: EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks. arXiv 1905.11946, 2019. The
        Lite variant and its weights: Google, github.com/tensorflow/tpu, models/official/efficientnet/lite, 2020.
    """
    input_shape = _checked(include_top, weights, input_shape, pooling, classes, classifier_activation)
    options = {"dtype": keras.dtype_policies.get(dtype)}
    inputs = keras.Input(input_shape, dtype="float32", name="images")  # (B, H, W, 3)
    x = _convolution(inputs, "stem_", 32, 3, 2, True, options)  # (B, H/2, W/2, 32)
    done, total = 0, sum(stage[0] for stage in _STAGES)
    for number, (blocks, size, stride, factor, depth) in enumerate(_STAGES, 1):
        for letter in "abcd"[:blocks]:
            drop = _DROP_CONNECT * done / total
            x = _block(x, f"block{number}{letter}_", depth, size, stride if letter == "a" else 1, factor, drop, options)
            done += 1
    x = _convolution(x, "top_", 1280, 1, 1, True, options)  # (B, H/32, W/32, 1280)
    if include_top or pooling == "avg":
        x = keras.layers.GlobalAveragePooling2D("channels_last", name="avg_pool", **options)(x)  # (B, 1280)
    if include_top:
        x = keras.layers.Dropout(_DROPOUT, name="top_dropout", **options)(x)
        x = keras.layers.Dense(classes, classifier_activation, name="predictions", **options)(x)  # (B, classes)
    model = keras.Model(inputs, x, name=name)
    if weights is not None:
        load_weights(model, _IMAGENET if weights == "imagenet" else Path(weights))
    return model


def preprocess(images):
    """What EfficientNet-Lite takes of a picture: (x - 127) / 128.

    Args:
        images: numbers in [0, 255], an array or a tensor of any type.

    Returns:
        float32, in about [-1, 1], an array or a tensor as given.

    Example:

    >>> ks.models.efficientnet_lite.preprocess(np.array([127, 255], "uint8"))
    array([0., 1.], dtype=float32)
    """
    images = tf.cast(images, "float32") if tf.is_tensor(images) else np.asarray(images, "float32")
    return (images - 127.0) / 128.0


def _checked(include_top, weights, input_shape, pooling, classes, classifier_activation):
    """Raise for a wrong argument; return the shape of one picture."""
    if not isinstance(include_top, bool):
        raise ValueError(f"include_top: expected a bool, received {include_top!r}")
    if weights is not None and not isinstance(weights, (str, os.PathLike)):
        raise ValueError(f'weights: expected "imagenet", None or the path of a file, received {weights!r}')
    if weights not in (None, "imagenet"):
        _check_file(Path(weights))
    if not isinstance(classes, int) or isinstance(classes, bool) or classes < 1:
        raise ValueError(f"classes: expected an int >= 1, received {classes!r}")
    if include_top and weights == "imagenet" and classes != 1000:
        raise ValueError(f'classes: expected 1000 with weights="imagenet" and the classifier, received {classes}')
    if pooling not in (None, "avg"):
        raise ValueError(f'pooling: expected None or "avg", received {pooling!r}')
    if pooling and include_top:
        raise ValueError('pooling: expected None with include_top=True, received "avg"')
    if classifier_activation not in (None, "linear", "softmax"):
        raise ValueError(f'classifier_activation: expected "softmax" or None, received {classifier_activation!r}')
    shape = (None, None, 3) if input_shape is None else tuple(input_shape)
    if len(shape) != 3 or shape[2] != 3 or any(n is not None and n < _SMALLEST for n in shape[:2]):
        expected = f"(height, width, 3), both at least {_SMALLEST} or None"
        raise ValueError(f"input_shape: expected {expected}, received {input_shape!r}")
    return shape


def _convolution(x, name, depth, size, stride, relu6, options):
    """Convolution, batch normalization and, if wanted, ReLU6; TensorFlow's "same" padding is the original's."""
    convolution = keras.layers.Conv2D(
        depth,
        size,
        stride,
        padding="same",
        data_format="channels_last",
        use_bias=False,
        kernel_initializer=_initializer(),
        name=f"{name}conv",
        **options,
    )
    return _normalization(convolution(x), name, relu6, options)


def _depthwise(x, name, size, stride, options):
    convolution = keras.layers.DepthwiseConv2D(
        size,
        stride,
        padding="same",
        data_format="channels_last",
        use_bias=False,
        depthwise_initializer=_initializer(),
        name=f"{name}dwconv",
        **options,
    )
    return _normalization(convolution(x), name, True, options)


def _initializer():
    return keras.initializers.VarianceScaling(2.0, mode="fan_out", distribution="truncated_normal")


def _normalization(x, name, relu6, options):
    x = keras.layers.BatchNormalization(momentum=0.99, epsilon=1e-3, name=f"{name}bn", **options)(x)
    return keras.layers.ReLU(6.0, name=f"{name}activation", **options)(x) if relu6 else x


def _block(x, name, depth, size, stride, factor, drop, options):
    """One inverted residual block."""
    inputs = x
    if factor != 1:
        x = _convolution(x, f"{name}expand_", factor * x.shape[-1], 1, 1, True, options)
    x = _depthwise(x, name, size, stride, options)
    x = _convolution(x, f"{name}project_", depth, 1, 1, False, options)
    if stride != 1 or inputs.shape[-1] != depth:
        return x
    # A row now and then goes without the block (stochastic depth).
    x = keras.layers.Dropout(drop, noise_shape=(None, 1, 1, 1), name=f"{name}drop", **options)(x)
    return keras.layers.Add(name=f"{name}add", **options)([x, inputs])


def load_weights(model: keras.Model, path: Path) -> None:
    """Load an EfficientNet-Lite0, with its classifier or without, whole or with an error that names the file.

    A `.npz` file has an array "layer/variable" for every variable. Beside "layer/kernel" in float16 there may be
    "layer/kernel_rest" in int8, what float16 leaves over: kernel + kernel_rest / 254 units of its last place.

    Args:
        model: from `EfficientNetLite0`.
        path: a `.npz` file, or one of Keras's.

    Raises:
        ValueError: naming the file, if there is none, if it is damaged, or if it is of another network.
    """
    _check_file(path)
    variables = {f"{layer.name}/{variable.name}": variable for layer in model.layers for variable in layer.weights}
    try:
        if path.suffix != ".npz":
            _check_hdf5(path)
            model.load_weights(path)
            return
        values = _read_arrays(path, variables)
    except Exception as error:  # zip, zlib, HDF5, NumPy and Keras have errors of many kinds
        raise ValueError(f"weights: {path} is damaged, or of another network: {error}") from error
    for name, variable in variables.items():
        variable.assign(values[name])


def _check_file(path):
    if not path.is_file():
        raise ValueError(f"weights: {path} {'is not a file' if path.exists() else 'does not exist'}")


def _check_hdf5(path):
    import h5py  # Keras brings it

    with h5py.File(path, "r") as file:
        check_hdf5(file, path.stat().st_size)


def _read_arrays(path, variables) -> dict[str, np.ndarray]:
    """All arrays, as float32, that `variables` need."""
    with path.open("rb") as file:
        if file.read(4) != b"PK\x03\x04" or not zipfile.is_zipfile(path):
            raise ValueError("it is not a whole zip archive")
    check_arrays(path)
    values = {}
    with np.load(path, allow_pickle=False) as file:
        _check_names(variables.keys(), set(file.files))
        for name, variable in variables.items():
            value = file[name]  # its CRC-32 is checked
            if value.shape != tuple(variable.shape):
                raise ValueError(f"{name}: expected shape {tuple(variable.shape)}, received {value.shape}")
            rest = file[name + _REST] if name + _REST in file.files else None
            values[name] = value.astype("float32") if rest is None else _joined(value, rest)
    return values


def _check_names(wanted, there):
    """Raise for an array too few or too many; a network without the classifier may be loaded from one with it."""
    missing = sorted(wanted - there)
    others = there - wanted - {name + _REST for name in wanted}
    others = sorted(name for name in others if not name.startswith("predictions/"))
    if missing or others:
        raise ValueError(f"{len(missing)} arrays are missing, {len(others)} unknown: {(missing + others)[:4]}")


def split_half(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """float32 -> the nearest float16, and the rest of it in int8, so that both together have an error of 1e-6."""
    half = values.astype("float16")
    rest = (values.astype("float64") - half) / np.spacing(np.abs(half)).astype("float64")
    return half, np.rint(rest * _REST_STEPS).astype("int8")


def _joined(half, rest) -> np.ndarray:
    unit = np.spacing(np.abs(half)).astype("float32")
    return half.astype("float32") + rest.astype("float32") * (unit / _REST_STEPS)
