"""Looking into models: attention on pictures, captions good and bad, training curves; as figures and as pages."""

from keras_seqcv.inspection.attention_page import attention_page
from keras_seqcv.inspection.attention_plot import plot_attention
from keras_seqcv.inspection.caption_page import caption_page
from keras_seqcv.inspection.training_curves import plot_curves

__all__ = ["attention_page", "caption_page", "plot_attention", "plot_curves"]
