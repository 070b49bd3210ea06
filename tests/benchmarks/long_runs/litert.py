"""The verbs of loaded LiteRT files: those that are shipped, and small ones. As `verbs.py`."""

import tempfile
from pathlib import Path

import numpy as np

import keras_seqcv as ks
from tests.benchmarks.long_runs.verbs import letters
from tests.models import tiny_answerer, tiny_captioner, tiny_classifier, tiny_translator

SHIPPED = Path(__file__).resolve().parents[3] / "savedmodels"


def shipped(name):
    return ks.export.load_tflite(SHIPPED / f"{name}.tflite")


def exported(model, **options):
    with tempfile.TemporaryDirectory() as folder:
        ks.export.tflite(model, Path(folder) / "m.tflite", verbose=False, **options)
        return ks.export.load_tflite(Path(folder) / "m.tflite")


def generate():
    lite = shipped("shakespeare")
    return lambda k: lite.generate(letters(k), 1 + k * 7 % 60, seed=k)


def steps():
    lite = shipped("shakespeare")
    states = {name: np.zeros(shape, dtype) for name, (shape, dtype) in lite.signatures["step"]["inputs"].items()}

    def step(k):
        states.update(lite.run("step", **{**states, "tokens": np.array([k % 60], "int32")}))
        del states["logits"]

    return step


def caption():
    lite, pictures = exported(tiny_captioner.captioner(), beam=3, max_length=6), tiny_captioner.pictures(40)
    return lambda k: lite.caption(pictures[k % 40])


def translate():
    lite, texts = exported(tiny_translator.translator(), beam=3, max_length=8), tiny_translator.texts(97)
    return lambda k: lite.translate(texts[k % 97])


def answer():
    lite, pictures, words = exported(tiny_answerer.answerer()), tiny_captioner.pictures(40), tiny_answerer.WORDS
    return lambda k: lite.answer(pictures[k % 40], " ".join(words[(k + i) % 6] for i in range(1 + k % 9)))


def classify():
    """A fused LSTM over texts of any length, and word by word."""
    lite, texts = exported(tiny_classifier.classifier()), tiny_classifier.texts(97)

    def step(k):
        lite.classify(texts[k % 97])
        for _ in lite.stream(texts[k % 97].split()):
            pass

    return step


def read():
    lite, digits = shipped("digit_reader"), ks.data.drawn_digits(20)
    return lambda k: lite.classify(digits.images[k % 20], samples=k % 3, seed=k)


def draw():
    lite = shipped("digit_drawer")
    return lambda k: lite.draw(1, seed=k)


def errors():
    """Calls that are refused: by us before the interpreter, and by the interpreter in the middle of a run."""
    lite = shipped("shakespeare")
    states = {name: np.zeros(shape, dtype) for name, (shape, dtype) in lite.signatures["step"]["inputs"].items()}

    def step(k):
        try:
            lite.run("step", **{**states, "tokens": np.array([10**6 if k % 2 else "a"])})
        except ValueError:
            return
        raise RuntimeError("expected an error")

    return step


def load_tflite():
    return lambda k: shipped("scene_captioner" if k % 2 else "shakespeare")
