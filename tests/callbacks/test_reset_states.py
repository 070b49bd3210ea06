"""`ResetStates`: which streams begin anew, and when."""

import keras
import numpy as np
import pytest

import keras_seqcv as ks

X = np.random.default_rng(0).normal(size=(6, 3, 2)).astype("float32")
Y = np.zeros((6, 2), "float32")


class Log(keras.callbacks.Callback):
    """Notes whether the streams have begun, before the first batch and after the last."""

    def __init__(self):
        super().__init__()
        self.log = []

    def note(self, event):
        layer = self.model.layers[0]
        if layer.stream_state is None:
            return
        begun = [name for name in ("training", "validation", "inference") if np.any(layer.get_states(name)[0])]
        self.log.append((event, *begun))

    def on_train_batch_begin(self, batch, logs=None):
        if batch == 0:
            self.note("epoch")

    def on_test_batch_begin(self, batch, logs=None):
        if batch == 0:
            self.note("test")

    def on_epoch_end(self, epoch, logs=None):
        self.note("end")


def build(layer):
    model = keras.Sequential([keras.Input((3, 2)), layer])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    return model


@pytest.mark.parametrize("layer", [ks.layers.GRU, ks.layers.LSTM])
def test_training_at_epochs_validation_at_evaluations(layer):
    model, log = build(layer(2, stateful=True)), Log()
    model.predict(X[:2], verbose=0)
    kept = model.layers[0].get_states("inference")[0]
    options = {"batch_size": 2, "shuffle": False, "verbose": 0}
    model.fit(X, Y, epochs=2, validation_data=(X, Y), callbacks=[ks.callbacks.ResetStates(), log], **options)
    assert log.log == [
        ("epoch", "inference"),
        ("test", "training", "inference"),
        ("end", "training", "validation", "inference"),
        ("epoch", "validation", "inference"),
        ("test", "training", "inference"),
        ("end", "training", "validation", "inference"),
    ]
    np.testing.assert_array_equal(model.layers[0].get_states("inference")[0], kept)
    training = model.layers[0].get_states("training")[0]
    model.evaluate(X, Y, batch_size=2, verbose=0, callbacks=[ks.callbacks.ResetStates(), log])
    assert log.log[-1] == ("test", "training", "inference")
    np.testing.assert_array_equal(model.layers[0].get_states("training")[0], training)


def test_without_it_the_streams_go_on():
    """The losses of two epochs without learning are equal with the callback, and differ without."""
    for callbacks, equal in (([ks.callbacks.ResetStates()], True), ([], False)):
        keras.utils.set_random_seed(0)
        model = build(ks.layers.GRU(2, stateful=True))
        losses = model.fit(X, Y, batch_size=2, shuffle=False, epochs=2, verbose=0, callbacks=callbacks).history["loss"]
        assert (losses[0] == losses[1]) == equal


def test_layers_inside_others_and_models_without_state():
    inner = keras.Sequential([keras.Input((3, 2)), ks.layers.LSTM(2, stateful=True, return_sequences=True)])
    model = keras.Sequential([keras.Input((3, 2)), inner, keras.layers.Bidirectional(ks.layers.GRU(1, stateful=True))])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    options = {"batch_size": 2, "shuffle": False, "verbose": 0, "epochs": 2, "callbacks": [ks.callbacks.ResetStates()]}
    losses = model.fit(X, Y, **options).history["loss"]
    assert losses[0] == losses[1]
    stateless = keras.Sequential([keras.Input((3, 2)), keras.layers.Flatten(), keras.layers.Dense(2)])
    stateless.compile("sgd", "mse")
    assert len(stateless.fit(X, Y, **options).history["loss"]) == 2


def test_a_language_model_uses_it_once():
    """Given or not, alone or in a list: it is there once, and before the callbacks of the user."""

    class Note(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.rows = [len(layer.get_states("training")[0]) for layer in self.model.recurrent_layers]

    model = ks.models.LanguageModel(ks.data.Characters("ab"), cell="gru", layers=1, units=2)
    model.compile(keras.optimizers.SGD(0.0))
    tokens = np.zeros((2, 3), "int32")
    model.fit(tokens, tokens, verbose=0)
    for own in ([], [ks.callbacks.ResetStates()]):
        note = Note()
        model.fit(tokens, tokens, epochs=2, verbose=0, callbacks=[*own, note])
        assert note.rows == [0]
    note = Note()
    model.fit(tokens, tokens, verbose=0, callbacks=note)
    assert note.rows == [0]
