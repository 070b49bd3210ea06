"""Keras metrics of sequence models."""

from keras_seqcv.metrics.language import BitsPerCharacter, Nats, Perplexity

__all__ = ["BitsPerCharacter", "Nats", "Perplexity"]
