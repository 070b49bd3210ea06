"""The weights that a `DRAW` begins with, where Keras's own ones do not serve."""

import keras
import numpy as np

from keras_seqcv.layers.draw_attention import PARAMETERS

_READ_INTENSITY = 4.0
_MEANS = 2.0  # of the latent vectors, in parts of what is usual


def set_first_weights(model) -> None:
    """Let pictures reach the latent vectors from the first step; else these learn for long to say nothing.

    Grids begin evenly spread over the picture, each filter as wide as its share: zeros would be sharp filters at the
    border, which see nothing of what lies elsewhere. What is read are means, small numbers and few: they are made
    larger, and their kernel is scaled for their number alone, not for the state and the gates beside them. The means of
    the latent vectors begin larger, too.
    """
    options, bias = model.options, model.head.bias.numpy()
    at = model.painting.widths()[0]
    for size, intensity in ((options["write"], 1.0), (options["read"], _READ_INTENSITY)):
        if size is not None:
            bias[at : at + PARAMETERS] = _spread(size, max(model.image_shape[:2]), intensity)
            at += PARAMETERS
    model.head.bias.assign(bias)
    kernel = model.encoder.kernel.numpy()
    kernel[: model.read_width] = _uniform(kernel[: model.read_width].shape)
    model.encoder.kernel.assign(kernel)
    kernel, depth = model.latent.kernel.numpy(), options["latent_dim"]
    kernel[:, :depth] = _MEANS * _uniform(kernel[:, :depth].shape)
    model.latent.kernel.assign(kernel)


def _spread(size: int, side: int, intensity: float) -> list[float]:
    """The parameters of a grid over a picture of so many pixels: a filter reaches half-way to its neighbours."""
    stride = side / size
    relative = stride * max(size - 1, 1) / max(side - 1, 1)
    return [0.0, 0.0, *np.log([(0.5 * stride) ** 2, relative, intensity])]


def _uniform(shape) -> np.ndarray:
    """A kernel whose products are as large as what is multiplied."""
    return keras.ops.convert_to_numpy(keras.initializers.VarianceScaling(1.0, "fan_in", "uniform")(shape))
