"""Metrics of sequence models: Keras metrics of language models, and scores of captions and answers."""

from keras_seqcv.metrics.answers import SoftAccuracy, normalized_answer, vqa_scores
from keras_seqcv.metrics.captions import bleu, caption_scores, rouge_l
from keras_seqcv.metrics.captions_java import meteor, spice
from keras_seqcv.metrics.cider import CiderD, cider_d
from keras_seqcv.metrics.language import BitsPerCharacter, Nats, Perplexity
from keras_seqcv.metrics.ptb_tokenizer import tokenize_caption
from keras_seqcv.metrics.translations import translation_scores

__all__ = [
    "BitsPerCharacter",
    "CiderD",
    "Nats",
    "Perplexity",
    "SoftAccuracy",
    "bleu",
    "caption_scores",
    "cider_d",
    "meteor",
    "normalized_answer",
    "rouge_l",
    "spice",
    "tokenize_caption",
    "translation_scores",
    "vqa_scores",
]
