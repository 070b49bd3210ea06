"""Writing sequences with any model that offers `step(tokens, states) -> (logits, states)`."""

from keras_seqcv.decoding.sampling import choose
from keras_seqcv.decoding.writing import write

__all__ = ["choose", "write"]
