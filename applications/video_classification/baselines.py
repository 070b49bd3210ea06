"""What can be told without order: from single frames, and from all frames of a clip in any order."""

import keras
import numpy as np
import tensorflow as tf

import keras_seqcv as ks
from keras_seqcv.models.frame_encoder import FrameEncoder
from keras_seqcv.models.label_head import LabelHead


class WithoutOrder(keras.Model):
    """The frames of `VideoClassifier` without its recurrent layers: each frame is labelled alone, or their mean is."""

    def __init__(self, encoder, labels, width, per_frame=False, dropout=0.3):
        super().__init__()
        self.labels, self.per_step = labels, per_frame
        self.looker = FrameEncoder(encoder, width, dropout=dropout)
        self.head = LabelHead(len(labels), per_frame, dropout)
        self.looker.build()
        self.head.build(width)

    @property
    def encoder(self):
        return self.looker.encoder

    def call(self, inputs, training=False):
        mask = tf.sequence_mask(inputs["lengths"], tf.shape(inputs["video"])[1])
        x = tf.tanh(self.looker(inputs["video"], mask=mask, training=training))  # (B, T, F)
        mean = tf.reduce_sum(tf.where(mask[..., None], x, 0.0), axis=1) / tf.cast(inputs["lengths"], x.dtype)[:, None]
        return self.head(x, mean, training=training)


def accuracy(model, clips, window=None, rest=None):
    """Share of labels that are right; with `rest` also of those that are another one. `window`=1: of single frames."""
    if window:  # every frame of every clip, as a clip of its own
        clips = single_frames(clips)
    data = ks.data.labelled_videos(clips, model=model, validation=0, batch_size=64 if window else 16, shuffle=False)
    found, true = [], []
    step = tf.function(lambda inputs: tf.argmax(model(inputs), -1), autograph=False, reduce_retracing=True)
    for inputs, labels, *weights in data:
        kept = weights[0].numpy() > 0 if weights else np.ones(len(labels), bool)
        found.append(step(inputs).numpy()[kept])
        true.append(labels.numpy()[kept])
    found, true = np.concatenate(found), np.concatenate(true)
    result = float((found == true).mean())
    if rest is None:
        return result
    event = true != list(model.labels).index(rest)
    return result, float((found[event] == true[event]).mean())


def single_frames(clips):
    """Every frame as a clip with the label of its clip; of many clips every fourth."""
    step = 4 if len(clips) > 100 else 1
    rows = []
    for k, clip in enumerate(clips.clips):
        rows += [
            (frame[None], clips.labels[k], clips.places[k]) for frame in ks.data.load_video(clip)[k % step :: step]
        ]
    return ks.data.LabelledVideos(*(list(column) for column in zip(*rows, strict=True)))
