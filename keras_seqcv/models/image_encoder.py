"""`ImageEncoder`: a convolutional network that turns pictures into places, or into one vector."""

import contextlib
import contextvars
import os

import keras
import numpy as np
import tensorflow as tf

from keras_seqcv.distribution.replicas import check_rows, with_a_row
from keras_seqcv.layers.inner_layers import inner_layers
from keras_seqcv.models import image_features
from keras_seqcv.models.application_model import ApplicationModel
from keras_seqcv.models.image_networks import Parts, make_network, preprocessing
from keras_seqcv.models.image_resizing import resized

_DEFAULT_SIZE = (224, 224)
# A model that is made from a config gets its weights afterwards, from a file; fetching others first would be in vain.
_weights_wanted = contextvars.ContextVar("weights_wanted", default=True)


@keras.saving.register_keras_serializable(package="keras_seqcv")
class ImageEncoder(ApplicationModel):
    """Turns pictures into a memory of places for attention, or into one vector each.

    x = resize(image) to H x W, bilinear, averaging where it shrinks; the aspect is not kept
    f = network(preprocess(x)), (h, w, D)
    places: f as (L, D), L = h w, row by row;  with pooling: mean of f over its places

    Frozen, nothing is learned and no gradient computed; batch normalization uses its moving statistics, nothing is
    dropped. With a block's name this holds for all that comes before the block. `encoder.trainable` can be set later,
    to the same values; then compile again.

    Args:
        network: "efficientnet_lite0" (weights in the package), the name of a network of `keras.applications`
            ("MobileNetV2"; its weights are fetched), or a `keras.Model` from (B, H, W, 3) to (B, h, w, D).
        trainable: False | True | name of the block from which on it is trained, such as "block6a": a layer's name or
            the beginning of one.
        pooling: None for places | "avg" for one vector.
        image_size: (H, W), or int for both; None for what the network fixes, or else 224 x 224.
        weights: of a network given by name: "imagenet" | None (random) | path of a file. A model that is made from a
            config, as when a file is loaded, begins with random ones.
        preprocess: for a model of one's own: None if it takes pictures in [0, 255] as they are | name of the network
            whose preprocessing it takes | `keras.layers.Layer` or registered function.
        freeze_batch_norm: whether batch normalization stays as it is where the network is trained; None: unless the
            weights of a network given by name are random.
        **kwargs: `name`, `dtype`.

    Call arguments:
        images: (B, H', W', 3), integers or floats in [0, 255].
        training: bool, for the part that is trained.

    Returns:
        (B, L, D), or (B, D) with pooling.

    Raises:
        TypeError, ValueError: for an argument that is not as above; an unknown network or block is answered with the
            names that there are.

    Example:

    >>> encoder = ks.models.ImageEncoder(weights=None, image_size=64)
    >>> encoder(np.zeros((2, 64, 64, 3), "uint8")).shape
    TensorShape([2, 4, 1280])
    >>> encoder.places, encoder.depth
    ((2, 2), 1280)
    """

    nested = ("network", "preprocess")

    def __init__(
        self,
        network="efficientnet_lite0",
        trainable=False,
        pooling=None,
        image_size=None,
        weights="imagenet",
        preprocess=None,
        freeze_batch_norm=None,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)  # a half-precision float does not hold 255.5
        _check_arguments(network, pooling, preprocess, freeze_batch_norm)
        self.pooling = pooling
        self.image_size = _checked_size(image_size, network)
        self.initial_weights = os.fspath(weights) if isinstance(weights, os.PathLike) else weights
        self.freeze_batch_norm = freeze_batch_norm
        self.preprocess = preprocess
        self.network_name = network if isinstance(network, str) else None
        if self.network_name:
            weights = weights if _weights_wanted.get() else None
            network = make_network(network, self.image_size, weights, self.dtype_policy)
        self.network = network
        self.places, self.depth = _measured(network, self.image_size)
        self._prepare = _preparation(self.network_name, preprocess)
        self._parts = None
        self._set_trainable(trainable)  # Keras sets no attribute to the value that it has already, and so begins True
        self.build((None, *self.image_size, 3))

    @property
    def trainable(self):
        """False, True, or the name of the block from which on the network is trained."""
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        self._set_trainable(value)

    def _set_trainable(self, value):
        if not isinstance(value, (bool, str)):
            raise TypeError(f"trainable: expected a bool or the name of a block, received {value!r}")
        parts = None
        if isinstance(value, str):
            network = getattr(self.network, "_functional", self.network)  # of a `keras.Sequential`
            if not hasattr(network, "operations"):
                kind = type(network).__name__
                raise ValueError(f"trainable: expected a bool, as {kind} is not a functional model; received {value!r}")
            parts = Parts(network, value)
        self._trainable = value
        self._parts = parts
        outer = parts.layers if parts else [self.network] if value else []
        self._mark_layers({id(layer) for one in outer for layer in inner_layers(one)})

    def _mark_layers(self, trained):
        frozen_norm = self.freeze_batch_norm
        if frozen_norm is None:
            frozen_norm = self.network_name is None or self.initial_weights is not None
        # Layer by layer, outer ones first: Keras does nothing where the outer layer has that value already.
        for layer in inner_layers(self.network):
            frozen = frozen_norm and isinstance(layer, keras.layers.BatchNormalization)
            layer.trainable = bool(trained) if layer is self.network else id(layer) in trained and not frozen

    def build(self, input_shape=None):
        """Nothing is left to be made: the network came with its weights."""

    @property
    def feature_shape(self):
        """Of one picture: (L, D), or (D,) with pooling."""
        rows, columns = self.places
        return (self.depth,) if self.pooling else (rows * columns, self.depth)

    def compute_output_shape(self, input_shape):
        _check_shape(tuple(input_shape))
        return (input_shape[0], *self.feature_shape)

    def call(self, images, training=False):
        _check_images(images)
        if images.shape[0] == 0:  # oneDNN's convolution of no picture has a wrong shape (TensorFlow 2.21)
            return tf.zeros((0, *self.feature_shape), self.compute_dtype)
        images = resized(tf.cast(images, tf.float32), self.image_size)  # (B, H, W, 3)
        features = tf.cast(self._features(self._prepare(images), training), self.compute_dtype)  # (B, h, w, D)
        if self.pooling:
            return tf.reduce_mean(features, axis=(1, 2))  # (B, D)
        return tf.reshape(features, (-1, *self.feature_shape))  # (B, L, D)

    def _features(self, images, training):
        if not self.trainable:
            return tf.stop_gradient(with_a_row(lambda some: self.network(some, training=False), images))
        if not training:
            return with_a_row(lambda some: self.network(some, training=False), images)
        if any(isinstance(one, keras.layers.BatchNormalization) for one in inner_layers(self.network)):
            check_rows(images)
        return with_a_row(self._trained, images)

    def _trained(self, images):
        return self._parts(images) if self._parts else self.network(images, training=True)

    def cached_features(self, images, folder, identity=None, dtype="float32", batch_size=8, verbose=1):
        """Features of many pictures, computed once and kept on disk: training a frozen encoder never runs it again.

        They are in a file of the folder whose name is made of the encoder (its weights, network, sizes and precision),
        the images and `dtype`: if one of them is another, so is the file, and the old one stays. A file is written
        whole or not at all.

        Args:
            images: (N, H', W', 3) array, or `tf.data.Dataset` of images or of batches, in the same order each time.
            folder: where the file is, or will be; it is made.
            identity: str or list of str that says what the images are, such as their file names. None: the images
                themselves are read for it, each time.
            dtype: "float32" | "float16" on disk.
            batch_size: int >= 1, images at a time, of an array or of a dataset of single images.
            verbose: 1 for a progress bar, 0 for none.

        Returns:
            (N, L, D), or (N, D) with pooling: `np.memmap`, read from disk as it is used. A dataset of them:
            `tf.data.Dataset.range(N).map(lambda i: tf.numpy_function(features.__getitem__, [i], features.dtype))`.

        Raises:
            TypeError, ValueError: for an argument that is not as above; if the encoder is not frozen; for a dataset
                whose images change from pass to pass; for a file that is damaged, by its name.
            OSError: naming the file, if it cannot be written.

        Example:

        >>> encoder = ks.models.ImageEncoder(weights=None, image_size=32, pooling="avg")
        >>> features = encoder.cached_features(np.zeros((3, 32, 32, 3), "uint8"), "features", verbose=0)
        >>> features.shape
        (3, 1280)
        """
        return image_features.cached_features(self, images, folder, identity, dtype, batch_size, verbose)

    def export_signatures(self, format):
        """Signatures for `ks.export`.

        SavedModel: encode: images (B, H', W', 3) uint8 -> features float32, of any size.
        LiteRT: encode: images (1, H, W, 3) uint8 -> features float32, of `image_size`.
        """
        shape = (1, *self.image_size, 3) if format == "litert" else (None, None, None, 3)

        @tf.function(input_signature=[tf.TensorSpec(shape, tf.uint8, name="images")])
        def encode(images):
            return {"features": tf.cast(self(images, training=False), tf.float32)}

        return {"encode": encode}

    def export_examples(self, format):
        """Example inputs for the comparison of an export with this model."""
        images = np.random.default_rng(0).integers(0, 256, (2, *self.image_size, 3)).astype("uint8")
        if format == "litert":
            return {"encode": [{"images": images[:1]}, {"images": images[1:]}]}
        return {"encode": [{"images": images}, {"images": images[:1, :-1, 1:]}]}

    def get_config(self):
        network = self.network_name or keras.saving.serialize_keras_object(self.network)
        preprocess = self.preprocess
        if preprocess is not None and not isinstance(preprocess, str):
            preprocess = keras.saving.serialize_keras_object(preprocess)
        return {
            **super().get_config(),
            "network": network,
            "trainable": self.trainable,
            "pooling": self.pooling,
            "image_size": self.image_size,
            "weights": self.initial_weights,
            "preprocess": preprocess,
            "freeze_batch_norm": self.freeze_batch_norm,
        }

    @classmethod
    def from_config(cls, config):
        with _without_weights():
            return super().from_config(config)


@contextlib.contextmanager
def _without_weights():
    token = _weights_wanted.set(False)
    try:
        yield
    finally:
        _weights_wanted.reset(token)


def _check_arguments(network, pooling, preprocess, freeze_batch_norm):
    if not isinstance(network, (str, keras.Model)):
        raise TypeError(f"network: expected the name of one or a keras.Model, received {type(network).__name__}")
    if pooling not in (None, "avg"):
        raise ValueError(f'pooling: expected None or "avg", received {pooling!r}')
    if freeze_batch_norm is not None and not isinstance(freeze_batch_norm, bool):
        raise TypeError(f"freeze_batch_norm: expected a bool or None, received {freeze_batch_norm!r}")
    if preprocess is None:
        return
    if isinstance(network, str):
        raise ValueError(f"preprocess: expected None for a network given by name, received {preprocess!r}")
    if isinstance(preprocess, (str, keras.layers.Layer)):
        return
    registered = keras.saving.get_registered_object(keras.saving.get_registered_name(preprocess))
    if not callable(preprocess) or registered is not preprocess:
        expected = "a name, a keras.layers.Layer or a function registered with register_keras_serializable"
        raise TypeError(f"preprocess: expected {expected}, received {preprocess!r}")


def _checked_size(image_size, network):
    """(H, W) of what the network is given."""
    shape = network.input_shape if isinstance(getattr(network, "inputs", None), list) else None
    fixed = tuple(shape[1:3]) if isinstance(shape, tuple) and len(shape) == 4 and None not in shape[1:3] else None
    if image_size is None:
        return fixed or _DEFAULT_SIZE
    size = (image_size, image_size) if isinstance(image_size, int) else image_size
    is_pair = isinstance(size, (tuple, list)) and len(size) == 2
    if not is_pair or not all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in size):
        raise ValueError(f"image_size: expected (height, width) or an int, all >= 1, received {image_size!r}")
    if fixed not in (None, tuple(size)):
        raise ValueError(f"image_size: expected {fixed}, the size that {network.name} fixes, received {tuple(size)}")
    return tuple(size)


def _measured(network, image_size):
    """Places (h, w) and depth of what the network gives."""
    expected = f"network: expected a model from (B, {image_size[0]}, {image_size[1]}, 3) to (B, h, w, D)"
    try:
        if not network.built:
            network(tf.zeros((1, *image_size, 3)))
        shape = network.compute_output_spec(keras.KerasTensor((None, *image_size, 3), "float32")).shape
    except Exception as error:  # whatever a model of the user's raises
        raise ValueError(f"{expected}; {network.name} raised {type(error).__name__}: {error}") from error
    if len(shape) != 4 or None in shape[1:]:
        raise ValueError(f"{expected}, received one to {tuple(shape)}")
    return tuple(shape[1:3]), shape[3]


def _preparation(network_name, preprocess):
    """The function from pictures in [0, 255] to the inputs of the network."""
    if network_name:
        return preprocessing(network_name)
    if isinstance(preprocess, str):
        return preprocessing(preprocess)
    return lambda images: images if preprocess is None else preprocess(images)


def _check_images(images):
    if not hasattr(images, "shape"):
        raise TypeError(f"images: expected one array or tensor, received {type(images).__name__}")
    dtype = tf.as_dtype(images.dtype)
    if images.shape.rank is None:
        raise ValueError("images: expected shape (B, H, W, 3), received a tensor of unknown rank")
    _check_shape(tuple(images.shape))
    if not (dtype.is_integer or dtype.is_floating):
        raise TypeError(f"images: expected integers or floats in [0, 255], received {dtype.name}")


def _check_shape(shape):
    if len(shape) != 4 or shape[3] != 3:
        raise ValueError(f"images: expected shape (B, H, W, 3), received {shape}")
    if 0 in shape[1:3]:
        raise ValueError(f"images: expected at least one pixel, received shape {shape}")
