"""Callbacks for `model.fit`."""

from keras_seqcv.callbacks.caption_metrics import CaptionMetrics
from keras_seqcv.callbacks.gradient_flow_logger import GradientFlowLogger
from keras_seqcv.callbacks.gradient_monitor import GradientMonitor
from keras_seqcv.callbacks.reset_states import ResetStates
from keras_seqcv.callbacks.scheduled_sampling import ScheduledSampling
from keras_seqcv.callbacks.translation_metrics import TranslationMetrics

__all__ = [
    "CaptionMetrics",
    "GradientFlowLogger",
    "GradientMonitor",
    "ResetStates",
    "ScheduledSampling",
    "TranslationMetrics",
]
