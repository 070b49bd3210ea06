"""Callbacks for `model.fit`."""

from keras_seqcv.callbacks.caption_metrics import CaptionMetrics
from keras_seqcv.callbacks.exact_resume import ExactResume
from keras_seqcv.callbacks.gradient_flow_logger import GradientFlowLogger
from keras_seqcv.callbacks.gradient_monitor import GradientMonitor
from keras_seqcv.callbacks.numerics_guard import NumericsGuard
from keras_seqcv.callbacks.numerics_report import NumericsReport
from keras_seqcv.callbacks.reset_states import ResetStates
from keras_seqcv.callbacks.scheduled_sampling import ScheduledSampling
from keras_seqcv.callbacks.translation_metrics import TranslationMetrics

__all__ = [
    "CaptionMetrics",
    "ExactResume",
    "GradientFlowLogger",
    "GradientMonitor",
    "NumericsGuard",
    "NumericsReport",
    "ResetStates",
    "ScheduledSampling",
    "TranslationMetrics",
]
