"""Streams that begin anew where the data begins anew."""

import keras

from keras_seqcv.layers import reset_states


class ResetStates(keras.callbacks.Callback):
    """Lets stateful layers begin anew where the data begins anew.

    The training streams are reset at the start of every epoch, the validation streams at the start of every evaluation,
    also inside `fit`. The inference streams stay as they are. `LanguageModel` uses it by itself.

    Example:

    >>> model = keras.Sequential([ks.layers.GRU(2, stateful=True)])
    >>> model.compile("sgd", "mse")
    >>> x, y = np.ones((4, 3, 2), "float32"), np.ones((4, 2), "float32")
    >>> history = model.fit(x, y, batch_size=2, shuffle=False, verbose=0, callbacks=[ks.callbacks.ResetStates()])
    """

    def on_epoch_begin(self, epoch, logs=None):
        reset_states(self.model, "training")

    def on_test_begin(self, logs=None):
        reset_states(self.model, "validation")
