"""Application models, each an ordinary `keras.Model`."""

from keras_seqcv.models.language_model import LanguageModel
from keras_seqcv.models.loading import load_model

__all__ = ["LanguageModel", "load_model"]
