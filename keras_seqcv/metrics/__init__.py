"""Metrics of sequence models: Keras metrics of language models, and functions that score captions."""

from keras_seqcv.metrics.captions import bleu, caption_scores, rouge_l
from keras_seqcv.metrics.captions_java import meteor, spice
from keras_seqcv.metrics.cider import CiderD, cider_d
from keras_seqcv.metrics.language import BitsPerCharacter, Nats, Perplexity
from keras_seqcv.metrics.ptb_tokenizer import tokenize_caption

__all__ = [
    "BitsPerCharacter",
    "CiderD",
    "Nats",
    "Perplexity",
    "bleu",
    "caption_scores",
    "cider_d",
    "meteor",
    "rouge_l",
    "spice",
    "tokenize_caption",
]
