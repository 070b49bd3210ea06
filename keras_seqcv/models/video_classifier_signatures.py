"""What a `VideoClassifier` offers where this package is not installed: SavedModel and LiteRT signatures."""

import numpy as np
import tensorflow as tf

from keras_seqcv.data.video_files import decoded_video
from keras_seqcv.lengths import padded
from keras_seqcv.models.argument_checks import check_width
from keras_seqcv.models.image_signatures import example_pictures
from keras_seqcv.models.label_head import can_step
from keras_seqcv.models.label_signatures import answer, checked_lengths, row_answer, step_examples, step_signature
from keras_seqcv.models.video_classifying import clips_of

_LENGTHS = (7, 12, 5)  # of random examples


def signatures(model, format: str, frames: int | None) -> dict:
    """Name -> tf.function. C labels; they are in `labels.json`, which travels with an export.

    SavedModel, any number of clips, of any size:
        classify: video (B, T, H', W', 3) uint8, padded behind, and lengths (B,) int32 -> label (B,) string, logits and
            probabilities (B, C). With `per_frame` label (B, T), "" behind the end, logits and probabilities (B, T, C).
            With pooling "attention" also attention (B, T).
        encode: image (B, H', W', 3) uint8 -> features float32, what the encoder gives.
    LiteRT, one clip, of the encoder's size:
        classify: video (1, T, H, W, 3) uint8 of any T, or of T = `frames` if that is given -> probabilities (1, C), or
            (1, T, C) with `per_frame`; with pooling "attention" also attention (1, T).
    Both, of a model in one direction that keeps the last output or labels every frame:
        step: frame (B, H, W, 3) uint8, state_0, ... -> probabilities (B, C), state_0, ...; zeros are the states before
            the first frame. In LiteRT B = 1, in a SavedModel of any size.
    """
    if frames is not None:
        check_width("frames", frames)
    lite = format == "litert"
    size = model.encoder.image_size if lite else (None, None)
    functions = {"classify": _classify_row(model, frames) if lite else _classify(model)}
    if not lite:
        functions |= model.encoder.export_signatures(format)
    if can_step(model.recurrent):
        functions["step"] = step_signature(model, "frame", (*size, 3), tf.uint8, batch=1 if lite else None)
    return functions


def examples(model, format: str, clips, frames: int | None) -> dict:
    """Name -> list of inputs by name, of clips as `classify` takes them, or of noise."""
    size = model.encoder.image_size
    if clips is None:
        noise = example_pictures(model.encoder)
        videos = [np.resize(noise, (frames or length, *size, 3)) for length in _LENGTHS]
    else:
        videos = [decoded_video(clip, f"clips[{k}]", size, frames)[0] for k, clip in enumerate(clips_of(clips)[0])]
    if format == "litert":
        rows = {"classify": [{"video": video[None]} for video in videos]}
    else:
        lengths = np.array([len(video) for video in videos], "int32")
        rows = {"classify": [{"video": padded(videos), "lengths": lengths}], **model.encoder.export_examples(format)}
    if can_step(model.recurrent):
        rows["step"] = step_examples(model, "frame", videos[0])
    return rows


def _classify(model):
    specs = [
        tf.TensorSpec((None, None, None, None, 3), tf.uint8, name="video"),
        tf.TensorSpec((None,), tf.int32, name="lengths"),
    ]

    @tf.function(input_signature=specs, autograph=False)
    def classify(video, lengths):
        video, lengths = checked_lengths(video, lengths, "video")
        mask = tf.sequence_mask(lengths, tf.shape(video)[1])
        return answer(model, {"video": video, "lengths": lengths}, mask)

    return classify


def _classify_row(model, frames):
    spec = tf.TensorSpec((1, frames, *model.encoder.image_size, 3), tf.uint8, name="video")

    @tf.function(input_signature=[spec], autograph=False)
    def classify(video):
        return row_answer(model, video)

    return classify
