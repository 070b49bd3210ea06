"""One loaded file, one model, many threads: every one gets the answers that it would get alone."""

import copy
import functools
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from tests.export.at_once import at_once
from tests.models import tiny_captioner, tiny_classifier
from tests.models.language_model_oracles import small

pytest.importorskip("ai_edge_litert")

SHIPPED = Path(__file__).resolve().parents[2] / "savedmodels"


@pytest.fixture(scope="module")
def writer():
    """Of a language model: a loop, and a signature that is told its states."""
    return ks.export.load_tflite(SHIPPED / "shakespeare.tflite")


@pytest.fixture(scope="module")
def tagger(tmp_path_factory):
    """A fused LSTM, which keeps its states in the interpreter from run to run; sequences of any length."""
    inputs = keras.Input((None, 3), name="x")
    model = keras.Model(inputs, ks.layers.LSTM(16, return_sequences=True)(inputs))
    path = tmp_path_factory.mktemp("threads") / "tagger.tflite"
    report = ks.export.tflite(model, path, verbose=False)
    assert report.operators["UNIDIRECTIONAL_SEQUENCE_LSTM"] == 1
    return ks.export.load_tflite(path)


def sequences(count, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((1, 3 + k % 40, 3)).astype("float32") for k in range(count)]


def tagging(lite, count=160):
    """Calls, each with an input and a length of its own."""
    return [functools.partial(lite.run, "serving_default", x=x) for x in sequences(count)]


def assert_same(found, expected):
    for k, (one, other) in enumerate(zip(found, expected, strict=True)):
        assert not isinstance(one, Exception), (k, one)
        if isinstance(other, dict):
            assert one.keys() == other.keys(), k
            for name in other:
                np.testing.assert_array_equal(one[name], other[name], err_msg=f"{name} of call {k}")
        else:
            assert one == other, k


def test_fused_lstm_from_threads(tagger):
    calls = tagging(tagger)
    alone = [call() for call in calls]
    assert_same(at_once(calls), alone)


# In a process of its own: what it shows may end the process.
WITHOUT_LOCK = """
import contextlib, sys
import keras_seqcv as ks
from tests.export import test_threads as here
lite = ks.export.load_tflite(sys.argv[1])
calls = here.tagging(lite)
alone = [call() for call in calls]
here.assert_same(here.at_once(calls), alone)
print("with the lock all is well", flush=True)
lite._shared._lock = contextlib.nullcontext()
for _ in range(20):
    here.assert_same(here.at_once(calls), alone)
"""


def test_the_lock_is_what_keeps_answers_right(tagger):
    command = [sys.executable, "-c", WITHOUT_LOCK, str(tagger._path)]
    child = subprocess.run(command, cwd=SHIPPED.parent, capture_output=True, text=True, timeout=120)
    assert child.stdout == "with the lock all is well\n" and child.returncode != 0, child.stderr


def test_texts_and_steps_from_threads(writer):
    """A signature with a loop beside one whose states are told; both have their tensors in the same interpreter."""
    specs = writer.signatures["step"]["inputs"]
    rng = np.random.default_rng(0)
    calls = []
    for k in range(60):
        calls.append(functools.partial(writer.generate, "ROMEO: and JULIET"[: 3 + k % 12], 5 + k % 30, seed=k))
        states = {name: rng.standard_normal(shape).astype(dtype) for name, (shape, dtype) in specs.items()}
        calls.append(functools.partial(writer.run, "step", **{**states, "tokens": np.array([k], "int32")}))
    alone = [call() for call in calls]
    assert len({text for text in alone[::2]}) > 50
    assert_same(at_once(calls), alone)


def test_short_calls_beside_a_long_one(writer):
    """They wait for it, or it for them; each is whole."""
    long = functools.partial(writer.generate, "KING:", 400, seed=1)
    short = [functools.partial(writer.generate, "O", 3, seed=k) for k in range(60)]
    calls = [long if k % 20 == 0 else short[k] for k in range(60)]
    assert_same(at_once(calls), [call() for call in calls])


def test_streams_side_by_side(tmp_path):
    """A stream holds nothing between its steps: two of them, and a generator that nobody finishes."""
    model = tiny_classifier.classifier()
    words = ["good", "bad", "plot", "not"] * 5
    expected = numbers(model.stream(words))
    ks.export.tflite(model, tmp_path / "m.tflite", verbose=False)
    lite = ks.export.load_tflite(tmp_path / "m.tflite")
    unfinished = lite.stream(words)
    next(unfinished)
    for found in at_once([lambda: numbers(lite.stream(words))] * 8):
        np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(numbers([next(unfinished)]), expected[1:2], atol=1e-5)


def numbers(labels):
    return [list(one.probabilities.values()) for one in labels]


def test_an_error_in_one_thread_is_its_own(writer):
    """Bad arguments, and a token that the interpreter itself refuses in the middle of a run."""
    good = [functools.partial(writer.generate, "ROMEO", 12, seed=k) for k in range(40)]
    bad = [functools.partial(writer.generate, "ROMEO", -1), functools.partial(writer.generate, "\u4e2d")]
    zeros = {name: np.zeros(shape, dtype) for name, (shape, dtype) in writer.signatures["step"]["inputs"].items()}
    bad.append(functools.partial(writer.run, "step", **{**zeros, "tokens": np.array([10**6], "int32")}))
    bad.append(functools.partial(writer.run, "step", **{**zeros, "state_0": np.zeros((1, 3), "float32")}))
    calls = [call for k in range(40) for call in (good[k], bad[k % 4])]
    alone = [call() for call in good]
    found = at_once(calls)
    assert_same(found[::2], alone)
    assert all(isinstance(one, ValueError) and str(one) for one in found[1::2]), found[1::2]
    assert_same(at_once(good), alone)


def test_errors_do_not_add_up(writer):
    """An interpreter tells all errors it ever had with each new one."""
    lite = copy.copy(writer)
    states = {name: np.zeros(shape, dtype) for name, (shape, dtype) in lite.signatures["step"]["inputs"].items()}
    told = []
    for token in [10**6] * 5 + [1] + [10**6] * 5:
        try:
            lite.run("step", **{**states, "tokens": np.array([token], "int32")})
        except ValueError as error:
            told.append(str(error))
    assert len(told) == 10 and len(set(told)) == 1 and told[0].count("out of bounds") == 1


@pytest.mark.parametrize("way", ["copy", "deepcopy", "pickle"])
def test_copies_have_interpreters_of_their_own(writer, tagger, way):
    ways = {"copy": copy.copy, "deepcopy": copy.deepcopy, "pickle": lambda lite: pickle.loads(pickle.dumps(lite))}
    for lite in (writer, tagger):
        other = ways[way](lite)
        assert other.signatures == lite.signatures and other.files == lite.files
        assert repr(other) == repr(lite) and other._shared is not lite._shared
        if way != "pickle":
            assert other._shared.content is lite._shared.content  # weights are not there twice
    assert other.run("serving_default", x=sequences(1)[0]).keys() == {"output_0"}
    again = ways[way](writer)
    with again._shared._lock:  # the copy is in use, and the model itself does not wait for it
        assert writer.generate("ROMEO", 5, seed=1).startswith("ROMEO")
    assert again.generate("ROMEO", 30, seed=4) == writer.generate("ROMEO", 30, seed=4)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.parametrize("num_threads", [1, 2])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning", "ignore:.*fork.*:RuntimeWarning")
def test_a_forked_process(tagger, num_threads):
    """Even when it was made while another thread was in the middle of a run."""
    lite = ks.export.load_tflite(tagger._path, num_threads)
    calls = tagging(lite, 20)
    alone = [call() for call in calls]
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=lambda: queue.put([call() for call in calls]))
    busy = threading.Event()

    def hold():
        with lite._shared._lock:
            busy.set()
            done.wait(60)

    done = threading.Event()
    other = threading.Thread(target=hold)
    other.start()
    try:
        assert busy.wait(60)
        child.start()
        child.join(60)
        assert child.exitcode == 0
    finally:
        done.set()
        other.join()
        if child.is_alive():
            child.kill()
    assert_same(queue.get(), alone)
    assert_same([call() for call in calls], alone)  # and here nothing has changed


# Keras models ------------------------------------------------------------------------------------------------------


def test_generate_from_threads():
    """Threads that begin together, so that the loops are traced while others wait for them."""
    model, fresh = small(cell="gru"), small(cell="gru")
    prompts = ["abc", "j", "hgfe dc", "ab\nij"]
    arguments = [{"length": 10 + 7 * k, "seed": k} | ({"top_k": 3} if k % 3 == 0 else {}) for k in range(16)]
    calls = [functools.partial(model.generate, prompts[k % 4], **arguments[k]) for k in range(16)]
    calls += [functools.partial(model.score, "abcab" * (1 + k)) for k in range(4)]
    found = at_once(calls, threads=4)
    alone = [fresh.generate(prompts[k % 4], **arguments[k]) for k in range(16)]
    assert_same(found[:16], alone)
    for k, one in enumerate(found[16:]):
        np.testing.assert_allclose(one, fresh.score("abcab" * (1 + k)), atol=1e-5)


def test_caption_from_threads():
    model = tiny_captioner.captioner()
    pictures = tiny_captioner.pictures(12)
    calls = [
        functools.partial(model.caption, picture, max_length=6, beam=1 + k % 2) for k, picture in enumerate(pictures)
    ]
    found = at_once(calls, threads=4)
    alone = [call() for call in calls]
    assert len({one.text for one in alone}) > 1
    for one, other in zip(found, alone, strict=True):
        assert not isinstance(one, Exception), one
        assert one.text == other.text
        np.testing.assert_allclose(one.score, other.score, atol=1e-5)


def test_a_loaded_saved_model_from_threads():
    generate = tf.saved_model.load(str(SHIPPED / "shakespeare")).signatures["generate"]

    def write(k):
        prompts = ["ROMEO:", "O", "The king"][: 1 + k % 3]
        scalars = {"length": np.int32(5 + k % 20), "temperature": np.float32(1), "seed": np.int32(k)}
        found = generate(prompt=tf.constant(prompts), **{name: tf.constant(v) for name, v in scalars.items()})
        return found["text"].numpy().tolist()

    calls = [functools.partial(write, k) for k in range(48)]
    found = at_once(calls)
    assert_same(found, [call() for call in calls])
