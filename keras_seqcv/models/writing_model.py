"""What application models with a `SequenceDecoder` share: the decoding protocol, the loss, scheduled sampling."""

import keras
import tensorflow as tf

from keras_seqcv.models.application_model import ApplicationModel
from keras_seqcv.models.decoder_arguments import check_scheduled_sampling
from keras_seqcv.models.scheduled_sampling import mixed_tokens
from keras_seqcv.models.smoothed_loss import SmoothedCrossEntropy


class WritingModel(ApplicationModel):
    """A model that writes words about a memory with its `decoder`; it has `options`, a dict, and a `vocabulary`."""

    def _set_scheduled_sampling(self, rate):
        """Make the weight that holds the rate; for a constructor."""
        rate = keras.initializers.Constant(check_scheduled_sampling(rate))
        self._sampling_rate = self.add_weight(
            name="scheduled_sampling", shape=(), initializer=rate, trainable=False, dtype="float32", autocast=False
        )

    @property
    def scheduled_sampling(self) -> float:
        """The rate at which words that are read in training are the model's own."""
        return float(self._sampling_rate.numpy())

    @scheduled_sampling.setter
    def scheduled_sampling(self, rate):
        self._sampling_rate.assign(check_scheduled_sampling(rate))

    def get_config(self):
        return {**super().get_config(), **self.options, "scheduled_sampling": self.scheduled_sampling}

    def compile(self, optimizer="adam", loss=None, metrics=None, weighted_metrics=None, **kwargs):
        """As `keras.Model.compile`; by default the loss is in nats per word."""
        if loss is None:
            loss = SmoothedCrossEntropy(self.options["label_smoothing"])
        super().compile(optimizer, loss=loss, metrics=metrics, weighted_metrics=weighted_metrics, **kwargs)

    def _read_tokens(self, memory, tokens, training):
        """Tokens (B, T) as they are read: in training some of them may be the model's own."""
        if not training:
            return tokens
        rate = tf.convert_to_tensor(self._sampling_rate)
        return tf.cond(rate > 0, lambda: mixed_tokens(self, memory, tokens, rate), lambda: tokens)

    def _looked_at(self, memory) -> tuple:
        """What the decoder takes of a memory: the memory itself, or it and its mask."""
        return (memory,)

    def initial_states(self, memory):
        """The decoding protocol: the states before the first word, a list of (B, ...)."""
        return self.decoder.initial_states(*self._looked_at(memory))

    def fixed(self, memory):
        """The decoding protocol: what a step needs of the memory and never changes, a dict of (B, ...)."""
        return self.decoder.fixed(*self._looked_at(memory))

    def step(self, tokens, states, fixed):
        """The decoding protocol: tokens (B,) -> logits (B, V), states, and with attention weights (B, L)."""
        return self.decoder.stepper()(tokens, states, fixed)

    def stepper(self):
        """The function `step`, for a loop: what does not depend on tokens and states is computed before the loop."""
        return self.decoder.stepper()
