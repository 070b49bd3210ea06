"""How often a decoder in training reads its own words, from epoch to epoch."""

import keras
import numpy as np


class ScheduledSampling(keras.callbacks.Callback):
    """Lets a decoder in training read more and more of its own words instead of the right ones.

        p(e) = start + (end - start) * min(1, max(0, (e - begin) / epochs))

    where e counts the epochs from 0 and p is the chance that a word which the decoder reads is its own choice. It is
    set at the beginning of each epoch as `model.scheduled_sampling`, and told as "scheduled_sampling" in the logs at
    its end: give it before the callbacks that read them. A training that goes on with `initial_epoch` finds its place.

    Args:
        start: chance in the first epochs, from 0 to 1.
        end: chance in the last epochs, from 0 to 1.
        epochs: over how many epochs it goes from `start` to `end`, at least 1.
        begin: how many epochs have `start` before that, at least 0.

    Raises:
        TypeError: an argument is not a number, or not an int; in `fit`, a model without `scheduled_sampling`.
        ValueError: an argument is out of its range.

    Example:
        >>> schedule = ks.callbacks.ScheduledSampling(end=0.2, epochs=4, begin=2)
        >>> [round(schedule.chance(epoch), 2) for epoch in range(8)]
        [0.0, 0.0, 0.0, 0.05, 0.1, 0.15, 0.2, 0.2]

    Reference:
        Bengio et al. 2015, Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks, arXiv:1506.03099.
    """

    def __init__(self, start: float = 0.0, end: float = 0.25, epochs: int = 10, begin: int = 0):
        super().__init__()
        for name, value in (("start", start), ("end", end)):
            if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
                raise TypeError(f"`{name}` must be a float, received {type(value).__name__} {value!r}")
            if not 0 <= value <= 1:
                raise ValueError(f"`{name}` must be from 0 to 1, received {value}")
        for name, value, least in (("epochs", epochs, 1), ("begin", begin, 0)):
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
                raise TypeError(f"`{name}` must be an int, received {type(value).__name__} {value!r}")
            if value < least:
                raise ValueError(f"`{name}` must be at least {least}, received {value}")
        self.start, self.end, self.epochs, self.begin = float(start), float(end), int(epochs), int(begin)

    def chance(self, epoch: int) -> float:
        """The chance in this epoch, counted from 0."""
        share = min(1.0, max(0.0, (epoch - self.begin) / self.epochs))
        return (1 - share) * self.start + share * self.end

    def on_train_begin(self, logs=None):
        # A Keras model takes any attribute without a word, and nothing would happen.
        if not hasattr(self.model, "scheduled_sampling"):
            raise TypeError(
                "`model` must have the property `scheduled_sampling`, received a "
                f"{type(self.model).__name__} without it"
            )

    def on_epoch_begin(self, epoch, logs=None):
        self.model.scheduled_sampling = self.chance(epoch)

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            logs["scheduled_sampling"] = self.chance(epoch)
