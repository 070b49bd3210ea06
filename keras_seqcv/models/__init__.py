"""Application models, each an ordinary `keras.Model`."""

from keras_seqcv.answer import Answer
from keras_seqcv.caption import Caption
from keras_seqcv.classification import Classification, StepClassification
from keras_seqcv.drawing import Drawing
from keras_seqcv.models.caption_ensemble import CaptionEnsemble
from keras_seqcv.models.draw import DRAW
from keras_seqcv.models.efficientnet_lite import EfficientNetLite0
from keras_seqcv.models.glimpse_classifier import GlimpseClassifier
from keras_seqcv.models.image_captioner import ImageCaptioner
from keras_seqcv.models.image_encoder import ImageEncoder
from keras_seqcv.models.language_model import LanguageModel
from keras_seqcv.models.loading import load_model
from keras_seqcv.models.self_critical import CiderReward
from keras_seqcv.models.sequence_classifier import SequenceClassifier
from keras_seqcv.models.small_network import small_image_network
from keras_seqcv.models.smoothed_loss import SmoothedCrossEntropy
from keras_seqcv.models.translator import Translator
from keras_seqcv.models.video_classifier import VideoClassifier
from keras_seqcv.models.visual_question_answerer import VisualQuestionAnswerer
from keras_seqcv.reading import Reading
from keras_seqcv.translation import Translation

__all__ = [
    "Answer",
    "Caption",
    "CaptionEnsemble",
    "CiderReward",
    "Classification",
    "DRAW",
    "Drawing",
    "EfficientNetLite0",
    "GlimpseClassifier",
    "ImageCaptioner",
    "ImageEncoder",
    "LanguageModel",
    "Reading",
    "SequenceClassifier",
    "SmoothedCrossEntropy",
    "StepClassification",
    "Translation",
    "Translator",
    "VideoClassifier",
    "VisualQuestionAnswerer",
    "load_model",
    "small_image_network",
]
