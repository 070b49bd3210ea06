"""All layers of a model."""

from collections.abc import Iterator

import keras


def inner_layers(model) -> Iterator[keras.layers.Layer]:
    """The layers of a model or layer, itself first, and those within them, however deep.

    By a private name of Keras: `model.layers` does not reach into wrappers such as Bidirectional.

    Example:

    >>> from keras_seqcv.layers.inner_layers import inner_layers
    >>> both = keras.layers.Bidirectional(keras.layers.GRU(2))
    >>> [type(layer).__name__ for layer in inner_layers(both)]
    ['Bidirectional', 'GRU', 'GRUCell', 'GRU', 'GRUCell']
    """
    yield from model._flatten_layers()
