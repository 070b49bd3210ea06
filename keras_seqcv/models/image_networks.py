"""Convolutional networks by name, what each takes of a picture, and networks in two parts at a block."""

import difflib
import functools
import re
import types
from collections.abc import Callable

import keras
import tensorflow as tf

from keras_seqcv.models import efficientnet_lite

_OWN = {"efficientnet_lite0": (efficientnet_lite.EfficientNetLite0, efficientnet_lite.preprocess)}
_INPUT = keras.layers.InputLayer
_BLOCK = re.compile(r"[A-Za-z]+(?:_?\d+[a-z]?)?")


def make_network(name: str, image_size: tuple[int, int], weights, dtype) -> keras.Model:
    """The network of that name without its classifier.

    Args:
        name: "efficientnet_lite0", or a function of `keras.applications`.
        image_size: H, W.
        weights: as the function takes it: "imagenet", None or the path of a file.
        dtype: policy of its layers.

    Raises:
        ValueError: for an unknown name, with those near to it, and for a size or weights that the network refuses.
    """
    function, _ = _look_up("network", name)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype)  # `keras.applications` has no argument for it
    try:
        return function(include_top=False, weights=weights, input_shape=(*image_size, 3))
    except ValueError as error:
        raise ValueError(f"network {name} with image_size {image_size} and weights {weights!r}: {error}") from error
    finally:
        keras.config.set_dtype_policy(before)


def preprocessing(name: str, argument: str = "preprocess") -> Callable:
    """The function that makes of pictures in [0, 255], float32, what the network of that name takes.

    Args:
        name: as for `make_network`.
        argument: what an error is to name.
    """
    return _look_up(argument, name)[1]


def _look_up(argument, name):
    """The function that makes a network, and the function that preprocesses for it."""
    if name in _OWN:
        return _OWN[name]
    functions = {k: v for k, v in vars(keras.applications).items() if isinstance(v, types.FunctionType)}
    if name in functions:
        module = getattr(keras.applications, functions[name].__module__.rpartition(".")[2])
        return functions[name], functools.partial(module.preprocess_input, data_format="channels_last")
    names = {known.lower(): known for known in [*_OWN, *functions]}
    near = [names[known] for known in difflib.get_close_matches(name.lower(), names, n=5, cutoff=0.4)]
    expected = "expected efficientnet_lite0 or a network of keras.applications"
    raise ValueError(f"{argument}: {expected}, such as {', '.join(near or sorted(functions)[:5])}; received {name!r}")


class Parts:
    """A functional network in two parts: frozen before a block, trained from it on.

    Args:
        network: functional or sequential model.
        block: name of a layer, or the beginning of layers' names up to something that is no digit: "block6a" is
            "block6a_expand_conv" and all layers after it, "block1" is not "block10_conv".

    Raises:
        ValueError: if there is no such block, with those that there are.
    """

    def __init__(self, network, block):
        operations = network.operations  # each after those whose results it takes
        begin = _first_of_block(network, operations, block)
        self.layers = [operation for operation in operations[begin:] if isinstance(operation, keras.layers.Layer)]
        # Which tensor goes from one operation to the next, Keras's public interface does not tell; this is the one
        # place that looks behind it.
        later = {id(operation) for operation in operations[begin:]}
        border = {}
        for node in [node for nodes in network._nodes_by_depth.values() for node in nodes]:
            if id(node.operation) in later:
                for tensor in node.input_tensors:
                    if id(tensor._keras_history.operation) not in later:
                        border[id(tensor)] = tensor
        border = list(border.values())
        self._before = keras.Model(network.inputs, border)
        self._after = keras.Model(border, network.output)

    def __call__(self, images):
        """Features for training: no noise, no batch statistics and no gradient before the block."""
        border = keras.tree.flatten(self._before([images], training=False))
        return self._after([tf.stop_gradient(tensor) for tensor in border], training=True)


def _first_of_block(network, operations, block) -> int:
    names = {operation.name: i for i, operation in enumerate(operations) if not isinstance(operation, _INPUT)}
    if block in names:
        return names[block]
    for name, i in names.items():
        if block and name.startswith(block) and not name[len(block)].isdigit():
            return i
    layers = [layer for layer in network.layers if layer.weights]
    blocks = dict.fromkeys(match[0] for layer in layers if (match := _BLOCK.match(layer.name)))
    raise ValueError(f"trainable: {network.name} has the blocks {', '.join(blocks)}; received {block!r}")
