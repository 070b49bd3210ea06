"""Recurrent and attention layers for Keras 3."""

from keras_seqcv.layers.attention import AdditiveAttention, DotProductAttention
from keras_seqcv.layers.attention_rnn import AttentionRNN
from keras_seqcv.layers.attention_rnn_cell import AttentionRNNCell
from keras_seqcv.layers.coordinates import Coordinates
from keras_seqcv.layers.draw_attention import GaussianRead, GaussianWrite
from keras_seqcv.layers.export_scope import current_export_format, export_scope
from keras_seqcv.layers.glimpse import GlimpseSensor
from keras_seqcv.layers.gru import GRU
from keras_seqcv.layers.hard_attention import HardAttention
from keras_seqcv.layers.loops import jit_scope
from keras_seqcv.layers.lstm import LSTM
from keras_seqcv.layers.simple_rnn import SimpleRNN
from keras_seqcv.layers.stream_state import reset_states, stream_scope

__all__ = [
    "AdditiveAttention",
    "AttentionRNN",
    "AttentionRNNCell",
    "Coordinates",
    "DotProductAttention",
    "GRU",
    "GaussianRead",
    "GaussianWrite",
    "GlimpseSensor",
    "HardAttention",
    "LSTM",
    "SimpleRNN",
    "current_export_format",
    "export_scope",
    "jit_scope",
    "reset_states",
    "stream_scope",
]
