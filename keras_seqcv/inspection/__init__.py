"""Looking into models: where they look, captions, words that decide, labels over time, curves; figures and pages."""

from keras_seqcv.inspection import probes
from keras_seqcv.inspection.alignment_plot import plot_alignment
from keras_seqcv.inspection.answer_plot import plot_answers
from keras_seqcv.inspection.attention_page import attention_page
from keras_seqcv.inspection.attention_plot import plot_attention
from keras_seqcv.inspection.caption_page import caption_page
from keras_seqcv.inspection.cell_page import cell_page
from keras_seqcv.inspection.confusion_plot import plot_confusion
from keras_seqcv.inspection.drawing_plot import animate_drawing, plot_drawing
from keras_seqcv.inspection.error_types import ErrorTypes, error_types, plot_error_types
from keras_seqcv.inspection.find_cells import Cell, find_cells
from keras_seqcv.inspection.frame_labels_plot import plot_frame_labels
from keras_seqcv.inspection.glimpse_plot import animate_glimpses, plot_glimpses
from keras_seqcv.inspection.gradient_flow import GradientFlow, Spectrum, gradient_flow
from keras_seqcv.inspection.gradient_flow_plot import plot_gradient_flow, plot_spectrum
from keras_seqcv.inspection.importance_page import importance_page
from keras_seqcv.inspection.importance_plot import plot_importance
from keras_seqcv.inspection.record import record
from keras_seqcv.inspection.recording import Recording, load_recording
from keras_seqcv.inspection.saturation import Saturation, plot_saturation, saturation
from keras_seqcv.inspection.training_curves import plot_curves

__all__ = [
    "Cell",
    "ErrorTypes",
    "GradientFlow",
    "Recording",
    "Saturation",
    "Spectrum",
    "animate_drawing",
    "animate_glimpses",
    "attention_page",
    "caption_page",
    "cell_page",
    "error_types",
    "find_cells",
    "gradient_flow",
    "importance_page",
    "load_recording",
    "plot_alignment",
    "plot_answers",
    "plot_attention",
    "plot_confusion",
    "plot_curves",
    "plot_drawing",
    "plot_error_types",
    "plot_frame_labels",
    "plot_glimpses",
    "plot_gradient_flow",
    "plot_importance",
    "plot_saturation",
    "plot_spectrum",
    "probes",
    "record",
    "saturation",
]
