"""Exports: SavedModel and LiteRT, compared with the Keras model before they are put in place."""

from keras_seqcv.export.keras_export import export
from keras_seqcv.export.litert_model import LiteRTModel, load_tflite
from keras_seqcv.export.report import Report
from keras_seqcv.export.saved_model_loading import load_saved_model
from keras_seqcv.export.to_saved_model import saved_model
from keras_seqcv.export.to_tflite import tflite

__all__ = ["LiteRTModel", "Report", "export", "load_saved_model", "load_tflite", "saved_model", "tflite"]
