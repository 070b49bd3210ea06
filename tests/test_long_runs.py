"""What works for long does not collect anything: counted after some steps, and after many more.

`tests/benchmarks/bench_long_runs.py` measures memory over 10,000 steps; here things are counted, of which a leak makes
more at every step.
"""

import gc
import itertools
import os
import threading

import numpy as np
import pytest
import tensorflow as tf

from tests.benchmarks.growth import COUNTS, every, growth, sample
from tests.benchmarks.long_runs import RUNS, datasets, files, litert, training, verbs

PERIODS = 5


def added(step, period: int) -> dict[str, float]:
    """What a period of steps adds: the least of five periods, behind three in which all that is new has been met.

    A leak adds in every period. Tables that grow now and then, or that are sorted anew, do not.
    """
    for k in range(2 * period):
        step(k)
    gc.collect()
    gc.freeze()  # what other tests left is not counted
    samples = []
    for _ in range(1 + PERIODS):  # in the first, what replaces something that was frozen counts as new
        for k in range(period):
            step(k)
        samples.append(sample(0))
    pairs = list(zip(samples, samples[1:], strict=False))
    return {name: min(after[name] - before[name] for before, after in pairs) for name in (*COUNTS, "blocks")}


def leaks(counts: dict[str, float]) -> dict[str, float]:
    """The counts that grow with the steps. A sample takes a dozen blocks itself, and Python takes some."""
    return {name: count for name, count in counts.items() if count > (50 if name == "blocks" else 0)}


# pytest keeps every warning.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.long
@pytest.mark.parametrize("build", [verbs.caption, verbs.eager_layers])
def test_verbs_of_models(build):
    assert not leaks(added(build(), 12))


def test_a_seed_of_its_own_for_every_text():
    """TensorFlow would keep a tensor for each number that it is given as Python's."""
    step, seeds = verbs.generate(), itertools.count(1000)
    counts = added(lambda k: step(next(seeds)), 80)
    assert not leaks(counts), counts


@pytest.mark.parametrize("build", [litert.generate, litert.read, litert.errors, litert.load_tflite])
def test_litert(build):
    assert not leaks(added(build(), 12))


def test_training_and_evaluation():
    """Calls of `fit` of two epochs, with validation and an evaluation behind each."""
    model, data = training.language_model()

    def step(k):
        model.fit(data, validation_data=data, epochs=2, verbose=0)
        model.evaluate(data, verbose=0)

    counts = added(step, 2)
    assert not leaks(counts), counts


@pytest.mark.long
def test_batches(tmp_path):
    data = datasets.caption_batches(tmp_path)[0]
    counts = added(lambda k: [None for _ in data], 2)
    assert not leaks(counts), counts


@pytest.mark.long
def test_files(tmp_path):
    """A model that is saved and loaded."""
    counts = added(files.save_and_load(tmp_path), 3)
    assert not leaks(counts), counts


def function_of_its_own(k, kept):
    """Traced, and kept, at every call: a closure with a `tf.function` in a method."""
    kept.append(tf.function(lambda x: x + k))
    kept[-1](tf.constant(1.0))


PLANTED = {
    "traces": function_of_its_own,
    "graphs": lambda k, kept: kept.append(tf.Graph()),
    "tensors": lambda k, kept: kept.append(tf.constant(float(k))),
    "variables": lambda k, kept: kept.append(tf.Variable(0.0)),
    "files": lambda k, kept: kept.append(open(os.devnull)),
    "objects": lambda k, kept: kept.append([]),
    "blocks": lambda k, kept: kept.extend(bytes(100 + k) for k in range(20)),
    "threads": lambda k, kept: kept.append(waiting()),
}


def waiting():
    done = threading.Event()
    threading.Thread(target=done.wait, daemon=True).start()
    return done


@pytest.mark.parametrize("name", PLANTED)
def test_a_leak_would_be_found(name):
    lite, kept = litert.generate(), []

    def step(k):
        lite(k)
        PLANTED[name](k, kept)

    try:
        assert leaks(added(step, 5)).get(name, 0) >= 5
    finally:
        for one in kept:
            if hasattr(one, "close"):
                one.close()
            if isinstance(one, threading.Event):
                one.set()


def test_growth_is_that_of_a_line():
    rng, steps = np.random.default_rng(0), np.arange(0, 10_001, 500)
    noise = rng.normal(0, 1000, len(steps))
    rising = growth(steps, 5e8 + 20 * steps + noise)
    assert rising.grows and abs(rising.slope - 20) < 3 * rising.error < 3
    flat = growth(steps, 5e8 + noise)
    assert not flat.grows and abs(flat.slope) < 3 * flat.error
    early = growth(steps, 5e8 + 1e8 * (steps > 1000))  # what is made in the first quarter is no growth
    assert early.slope == early.error == 0 and early.last - early.first == pytest.approx(1e8 * 3 / 6)
    with pytest.raises(ValueError, match="at least 4 samples.*received 3"):
        growth([0, 1, 2, 3], [1, 2, 3, 4])


def test_samples_are_taken_before_between_and_behind():
    seen = []
    every(7, 3, lambda k: seen.append(k), lambda n: seen.append(f"after {n}"))
    assert seen == ["after 0", 0, 1, 2, "after 3", 3, 4, 5, "after 6", 6, "after 7"]


def test_a_sample_counts_what_is_there():
    before = sample(0)
    kept = [tf.constant(1.0), tf.Variable(2.0), tf.Graph(), open(os.devnull), np.ones(50_000_000)]
    after = sample(1)
    for name in ("tensors", "variables", "graphs", "files"):
        assert after[name] - before[name] >= 1, name
    for name in ("rss", "heap"):
        assert 3e8 < after[name] - before[name] < 6e8, name
    kept[3].close()


def test_every_work_is_named_and_can_run():
    assert len(RUNS) >= 40 and all(steps >= 60 for _, steps in RUNS.values())
