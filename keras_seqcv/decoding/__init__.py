"""Writing sequences with any model that offers `step(tokens, states) -> (logits, states)`."""

from keras_seqcv.decoding.beam_search import BeamResult, beam_search
from keras_seqcv.decoding.ensemble import ensemble
from keras_seqcv.decoding.sampling import choose
from keras_seqcv.decoding.writing import write

__all__ = ["BeamResult", "beam_search", "choose", "ensemble", "write"]
