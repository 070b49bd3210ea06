"""Labels by a LiteRT file, as the Keras model gives them."""

import json
from collections.abc import Iterator

import numpy as np

from keras_seqcv.classification import Classification, classification_of, step_classification_of
from keras_seqcv.word_ids import ids_of_text, ids_of_words

LABELS = "labels.json"


def classify(lite, inputs):
    """Label one sequence, or a list of them one after the other.

    Args:
        lite: `LiteRTModel`.
        inputs: as of `SequenceClassifier.classify`; of a file that looks at clips arrays (T, H, W, 3) uint8.

    Returns:
        A `Classification` or `StepClassification`, or a list.

    Raises:
        TypeError, ValueError: the file has no labels, or what is given is no text, no features, or empty.
    """
    if "classify" not in lite.signatures or LABELS not in lite.files:
        raise ValueError(f"{lite!r} has no signature 'classify' or no labels: it does not label sequences")
    content = json.loads(lite.files[LABELS])
    names = lite.signatures["classify"]["inputs"]
    if "tokens" in names and lite.vocabulary is None:
        raise ValueError(f"{lite!r} has no vocabulary: run('classify', tokens=...) takes ids")
    one = _text if "tokens" in names else _video if "video" in names else _features
    if isinstance(inputs, str) or getattr(inputs, "ndim", 0) == (4 if one is _video else 2):
        return one(lite, inputs, content, "inputs")
    if isinstance(inputs, (bytes, dict)) or not hasattr(inputs, "__len__"):
        raise TypeError(f"inputs: expected one sequence or a list of them, received {type(inputs).__name__}")
    return [one(lite, sequence, content, f"inputs[{k}]") for k, sequence in enumerate(inputs)]


def _text(lite, text, content: dict, where: str):
    if isinstance(text, (list, tuple)):
        ids, last = ids_of_words(lite.vocabulary, text, where)
        return _result(lite.run("classify", tokens=ids[None]), content, list(text), last)
    ids, words = ids_of_text(lite.vocabulary, text, where)
    return _result(lite.run("classify", tokens=ids[None]), content, words)


def _features(lite, features, content: dict, where: str):
    array = np.asarray(features)
    if array.ndim != 2 or not len(array) or array.dtype.kind not in "iuf" or not np.isfinite(array).all():
        raise ValueError(f"{where}: expected finite numbers (T, D), T >= 1, received {array.dtype} of {array.shape}")
    return _result(lite.run("classify", features=array[None].astype("float32")), content)


def _video(lite, frames, content: dict, where: str):
    frames = _frames(frames, where, 4)
    return _result(lite.run("classify", video=frames[None]), content)


def _frames(array, where: str, rank: int) -> np.ndarray:
    """A clip or a frame; its size is checked when it is run."""
    array = np.asarray(array)
    if array.ndim != rank or not len(array) or array.dtype != np.uint8:
        expected = "(T, H, W, 3), T >= 1" if rank == 4 else "(H, W, 3)"
        raise ValueError(f"{where}: expected uint8 {expected}, received {array.dtype} of shape {array.shape}")
    return array


def stream(lite, steps) -> Iterator[Classification]:
    """Label frames, words or features as they come; see `LiteRTModel.stream`."""
    if "step" not in lite.signatures or LABELS not in lite.files:
        raise ValueError(f"{lite!r} has no signature 'step' or no labels: it does not label step by step")
    labels, specs = json.loads(lite.files[LABELS])["labels"], lite.signatures["step"]["inputs"]
    states = {name: np.zeros(shape, dtype) for name, (shape, dtype) in specs.items() if name.startswith("state_")}
    (name,) = specs.keys() - states.keys()
    return _streamed(lite, steps, labels, name, states)


def _streamed(lite, steps, labels, name: str, states: dict) -> Iterator[Classification]:
    for k, step in enumerate(steps):
        where = f"steps[{k}]"
        if name == "tokens":
            pieces = ids_of_words(lite.vocabulary, [step], where)[0]
        else:
            pieces = [_frames(step, where, 3) if name == "frame" else np.asarray(step, "float32")]
        for piece in pieces:
            states = lite.run("step", **{name: piece[None]}, **states)
            probabilities = states.pop("probabilities")[0]
        yield classification_of(labels, probabilities, [step] if name == "tokens" else None)


def _result(found: dict, content: dict, words=None, last=None):
    """Of what a run gave; `last`: for each word its last piece."""
    labels, probabilities = content["labels"], found["probabilities"][0]
    if content["per_step"]:
        return step_classification_of(labels, probabilities if last is None else probabilities[last], words)
    importance = found["attention"][0] if "attention" in found else None
    if importance is not None and last is not None:
        importance = np.add.reduceat(importance, np.concatenate([[0], last[:-1] + 1]))
    return classification_of(labels, probabilities, words, importance)
