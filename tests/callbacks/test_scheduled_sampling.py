"""`ScheduledSampling`: the rate of the model from epoch to epoch."""

import keras
import numpy as np
import pytest

import keras_seqcv as ks
from tests.models.tiny_captioner import captioner, pictures, rows, targets_of


class Note(keras.callbacks.Callback):
    """Notes the rate that each batch is trained with."""

    def __init__(self):
        super().__init__()
        self.rates = []

    def on_train_batch_begin(self, batch, logs=None):
        self.rates.append(self.model.scheduled_sampling)


def fit(model, callbacks, **options):
    """Trains without learning: losses differ by the words that are read, and by nothing else."""
    model.compile(keras.optimizers.SGD(0.0))
    tokens = rows(4, 5, len(model.vocabulary))
    targets, weights = targets_of(tokens)
    options = {"batch_size": 2, "shuffle": False, "verbose": 0, "callbacks": callbacks, **options}
    return model.fit({"image": pictures(4), "tokens": tokens}, targets, sample_weight=weights, **options).history


def test_the_rate_of_a_captioner_rises_and_stays():
    model, note = captioner(scale=2.0), Note()
    schedule = ks.callbacks.ScheduledSampling(end=0.8, epochs=2, begin=1)
    history = fit(model, [schedule, note], epochs=5)
    by_hand = [0.0, 0.0, 0.4, 0.8, 0.8]  # by epoch
    np.testing.assert_allclose(note.rates, np.repeat(by_hand, 2), rtol=1e-6)  # two batches each
    np.testing.assert_allclose(history["scheduled_sampling"], by_hand, rtol=1e-12)
    assert model.scheduled_sampling == pytest.approx(0.8)
    losses = history["loss"]  # the compiled step reads the rate, too
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert abs(losses[3] - losses[0]) > 1e-3 * losses[0]


def test_a_training_that_goes_on_finds_its_place():
    model, note = captioner(), Note()
    fit(model, [ks.callbacks.ScheduledSampling(0.0, 1.0, 4), note], epochs=4, initial_epoch=3)
    np.testing.assert_allclose(note.rates, [0.75] * 2)


def test_it_can_fall_and_stand():
    falling = ks.callbacks.ScheduledSampling(0.5, 0.0, 5)
    np.testing.assert_allclose([falling.chance(e) for e in range(7)], [0.5, 0.4, 0.3, 0.2, 0.1, 0.0, 0.0], atol=1e-12)
    standing = ks.callbacks.ScheduledSampling(0.3, 0.3, 1)
    np.testing.assert_allclose([standing.chance(e) for e in range(3)], 0.3)
    assert ks.callbacks.ScheduledSampling(0, 1, 3).chance(3) == 1.0


@pytest.mark.parametrize(
    ("error", "message", "options"),
    [
        (ValueError, "`start` must be from 0 to 1, received -0.1", {"start": -0.1}),
        (ValueError, "`end` must be from 0 to 1, received 1.5", {"end": 1.5}),
        (ValueError, "`end` must be from 0 to 1, received nan", {"end": float("nan")}),
        (TypeError, "`start` must be a float, received str", {"start": "0"}),
        (TypeError, "`end` must be a float, received bool", {"end": True}),
        (TypeError, "`epochs` must be an int, received float", {"epochs": 10.0}),
        (ValueError, "`epochs` must be at least 1, received 0", {"epochs": 0}),
        (ValueError, "`begin` must be at least 0, received -1", {"begin": -1}),
    ],
)
def test_bad_arguments_are_named(error, message, options):
    with pytest.raises(error, match=message):
        ks.callbacks.ScheduledSampling(**options)


def test_a_model_without_the_rate_is_named():
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((2, 1), "float32")
    with pytest.raises(TypeError, match="`model` must have the property `scheduled_sampling`, received a Sequential"):
        model.fit(x, x, verbose=0, callbacks=[ks.callbacks.ScheduledSampling()])
