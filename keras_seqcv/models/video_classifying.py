"""Clips in, labels out: what `VideoClassifier` does around its compiled steps."""

import os

import numpy as np
import tensorflow as tf

from keras_seqcv.classification import classification_of, step_classification_of
from keras_seqcv.data.video_files import decoded_video
from keras_seqcv.image_files import decoded
from keras_seqcv.lengths import batches_by_length, padded, rounded_length

_BATCH = 16  # clips, whose features are held at once
_TOGETHER = 8  # of these, that are read as one batch
_FRAMES = 256  # that are looked at together


class VideoClassifying:
    """Classifies with one model; keeps its compiled functions.

    Args:
        model: `VideoClassifier`.
    """

    def __init__(self, model):
        self._model = model
        options = {"autograph": False, "reduce_retracing": True}
        self._encode = tf.function(model.encoder, **options)
        self._label = tf.function(self._probabilities, **options)
        self._step = None

    def classify(self, clips):
        sources, single = clips_of(clips)
        found = []
        for start in range(0, len(sources), _BATCH):
            some = sources[start : start + _BATCH]
            names = [None if single else f"clips[{k}]" for k in range(start, start + len(some))]
            found += self._results([self._features(*pair) for pair in zip(some, names)])
        return found[0] if single else found

    def _results(self, features) -> list:
        """Of the features of some clips; those of about one length are read together."""
        found = [None] * len(features)
        for places in batches_by_length([len(one) for one in features], _TOGETHER):
            some = [features[k] for k in places]
            lengths = np.array([len(one) for one in some], "int32")
            batch = {"features": tf.constant(padded(some)), "lengths": tf.constant(lengths)}
            probabilities, weights = (None if a is None else a.numpy() for a in self._label(batch))
            for b, k in enumerate(places):
                importance = None if weights is None else weights[b, : len(features[k])]
                found[k] = self._result(probabilities[b], len(features[k]), importance)
        return found

    def _features(self, source, name) -> np.ndarray:
        """What the encoder gives of each frame, however many there are: (T, L, D) or (T, D)."""
        frames, found = decoded_video(source, name or "clips", self._model.encoder.image_size)[0], []
        for start in range(0, len(frames), _FRAMES):
            some = frames[start : start + _FRAMES]
            # Of few lengths, as each is a graph to be made.
            rows = padded([some], min(_FRAMES, rounded_length(len(some))))[0]
            found.append(self._encode(tf.constant(rows)).numpy()[: len(some)])
        return np.concatenate(found)

    def _probabilities(self, inputs):
        logits, weights = self._model.read(inputs)
        return tf.nn.softmax(logits), weights

    def _result(self, probabilities, count: int, importance):
        if self._model.per_step:
            return step_classification_of(self._model.labels, probabilities[:count])
        return classification_of(self._model.labels, probabilities, importance=importance)

    def stream(self, frames):
        if self._step is None:
            self._step = tf.function(self._model.stepper(), autograph=False, reduce_retracing=True)
        states = self._model.initial_states()
        for k, frame in enumerate(frames):
            is_file = isinstance(frame, (str, os.PathLike))
            picture = decoded(frame, None if is_file else f"frames[{k}]", self._model.encoder.image_size)
            probabilities, states = self._step(tf.constant(picture[None]), states)
            yield classification_of(self._model.labels, probabilities[0].numpy())


def clips_of(clips) -> tuple[list, bool]:
    """The clips of what `classify` is given, and whether it is one alone."""
    if isinstance(clips, (str, os.PathLike)) or hasattr(clips, "frames") or getattr(clips, "ndim", 5) < 5:
        return [clips], True
    if isinstance(clips, (bytes, dict)) or not hasattr(clips, "__len__"):
        raise TypeError(f"clips: expected a clip or a list of clips, received {type(clips).__name__}")
    if not len(clips):
        raise ValueError("clips: expected one clip at least, received none")
    return list(clips), False
