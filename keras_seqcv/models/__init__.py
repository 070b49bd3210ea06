"""Application models, each an ordinary `keras.Model`."""

from keras_seqcv.models.language_model import LanguageModel

__all__ = ["LanguageModel"]
