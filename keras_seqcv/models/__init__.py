"""Application models, each an ordinary `keras.Model`."""

from keras_seqcv.models.efficientnet_lite import EfficientNetLite0
from keras_seqcv.models.image_encoder import ImageEncoder
from keras_seqcv.models.language_model import LanguageModel
from keras_seqcv.models.loading import load_model

__all__ = ["EfficientNetLite0", "ImageEncoder", "LanguageModel", "load_model"]
