"""What runs for long: a function for each kind of work, of small models, from the first step to the last.

Each takes `steps`, `between` and `take`: it makes so many steps and calls `take(number)` before, after, and after every
`between` of them.
"""

import itertools
import tempfile
from pathlib import Path

from tests.benchmarks.growth import every
from tests.benchmarks.long_runs import datasets, files, litert, training, verbs


def fit(build, epochs=False):
    """Training of the model with the data that `build()` makes."""

    def run(steps, between, take):
        train = training.fit_epochs if epochs else training.fit_one_epoch
        train(*build(), steps, between, take)

    return run


def stepping(build):
    """A run of what `build()` makes: a function of the number of a step."""
    return lambda steps, between, take: every(steps, between, build(), take)


def in_a_folder(build):
    def run(steps, between, take):
        with tempfile.TemporaryDirectory() as folder:
            every(steps, between, build(Path(folder)), take)

    return run


def batches(build):
    """Batches of a dataset, epoch after epoch; each epoch begins with `iter`."""

    def run(steps, between, take):
        with tempfile.TemporaryDirectory() as folder:
            data = build(Path(folder))
            data = data[0] if isinstance(data, tuple) else data
            stream = itertools.chain.from_iterable(iter(data) for _ in itertools.count())
            every(steps, between, lambda k: next(stream), take)

    return run


# name -> (what runs, steps). Building, loading and exporting take long, and are done less often.
RUNS = {
    "fit, one epoch: language model, stateful": (fit(training.language_model), 10_000),
    "fit, 10 epochs at a time, and evaluate: language model": (fit(training.language_model, epochs=True), 10_000),
    "fit, 10 epochs at a time, and evaluate: classifier": (fit(training.classifier, epochs=True), 10_000),
    "fit, one epoch: captioner": (fit(training.captioner), 10_000),
    "fit, one epoch: translator": (fit(training.translator), 10_000),
    "fit, one epoch: answerer": (fit(training.answerer), 10_000),
    "fit, one epoch: video classifier": (fit(training.video), 10_000),
    "fit, one epoch: DRAW": (fit(training.draw), 10_000),
    "fit, one epoch: glimpse classifier": (fit(training.reader), 10_000),
    "generate, prompts of 1 to 90, texts of 1 to 120": (stepping(verbs.generate), 10_000),
    "stream and score": (stepping(verbs.stream_and_score), 10_000),
    "caption, beams of 1 to 4": (stepping(verbs.caption), 10_000),
    "translate, beams of 1 to 5": (stepping(verbs.translate), 10_000),
    "answer": (stepping(verbs.answer), 10_000),
    "classify texts": (stepping(verbs.classify), 10_000),
    "classify clips": (stepping(verbs.watch), 10_000),
    "read by glimpses": (stepping(verbs.reading), 10_000),
    "draw": (stepping(verbs.drawing), 10_000),
    "predict": (stepping(verbs.predict), 2_000),
    "layers called eagerly": (stepping(verbs.eager_layers), 10_000),
    "LiteRT: generate": (stepping(litert.generate), 10_000),
    "LiteRT: step": (stepping(litert.steps), 10_000),
    "LiteRT: caption": (stepping(litert.caption), 10_000),
    "LiteRT: translate": (stepping(litert.translate), 10_000),
    "LiteRT: answer": (stepping(litert.answer), 10_000),
    "LiteRT: classify and stream, fused LSTM": (stepping(litert.classify), 10_000),
    "LiteRT: read by glimpses": (stepping(litert.read), 10_000),
    "LiteRT: draw": (stepping(litert.draw), 10_000),
    "LiteRT: calls that are refused": (stepping(litert.errors), 10_000),
    "SavedModel: generate": (in_a_folder(files.call_saved_model), 10_000),
    "batches of captions, from files": (batches(datasets.caption_batches), 10_000),
    "batches of questions": (batches(datasets.question_batches), 10_000),
    "batches of labelled images": (batches(datasets.image_batches), 10_000),
    "batches of labelled sequences": (batches(datasets.sequence_batches), 10_000),
    "batches of labelled texts": (batches(datasets.text_batches), 10_000),
    "batches of labelled videos": (batches(datasets.video_batches), 10_000),
    "batches of text streams": (batches(datasets.stream_batches), 10_000),
    "batches of translations": (batches(datasets.translation_batches), 10_000),
    "load_tflite": (stepping(litert.load_tflite), 300),
    "save and load_model": (in_a_folder(files.save_and_load), 200),
    "export to SavedModel and LiteRT": (in_a_folder(files.export), 60),
    "tf.saved_model.load and a call": (in_a_folder(files.load_saved_model), 100),
}
