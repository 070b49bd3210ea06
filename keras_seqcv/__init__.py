"""Recurrent networks that read and write sequences and look at pictures, for Keras 3 on TensorFlow."""

from keras_seqcv import callbacks, data, decoding, distribution, export, inspection, layers, metrics, models
from keras_seqcv.layers import reset_states

__version__ = "0.1.0"

__all__ = [
    "callbacks",
    "data",
    "decoding",
    "distribution",
    "export",
    "inspection",
    "layers",
    "metrics",
    "models",
    "reset_states",
]
