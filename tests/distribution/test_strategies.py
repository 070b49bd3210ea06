"""Every application model learns the same on one device, on two, and on two workers: losses, weights, states."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.distribution.cases import CASES
from tests.distribution.child import VERBS, all_trained

ROOT = Path(__file__).parents[2]
LIMIT = 1200  # seconds, of a minute of work; workers of which one has gone may wait for ever


SOME = ("language model", "captioner", "translator of shards", "draw")  # of two devices, in `make test`


def start(strategy, folder, log, names, environment=None):
    """A child process; what it says goes to a file, as a pipe that nobody reads fills up."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
    with open(log, "w") as log:
        command = [sys.executable, "-m", "tests.distribution.child", strategy, str(folder), *names]
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)


def wait(children):
    """Until all have ended well, or one has not."""
    end = time.monotonic() + LIMIT
    try:
        while any(child.poll() is None for child in children) and time.monotonic() < end:
            if any(child.returncode for child in children):
                break
            time.sleep(0.1)
        return [child.poll() for child in children]
    finally:
        for child in children:
            child.kill()
            child.wait()


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


@pytest.fixture(scope="module")
def names(request):
    """Cases that some test of this run is about, and the one that all runs have."""
    wanted = {"language model"} | {
        item.callspec.params.get("name") for item in request.session.items if hasattr(item, "callspec")
    }
    return [name for name in CASES if name in wanted]


@pytest.fixture(scope="module")
def alone(tmp_path_factory, names):
    return all_trained(tf.distribute.get_strategy(), tmp_path_factory.mktemp("alone"), names)


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory, names):
    folder = tmp_path_factory.mktemp("mirrored") / "found"
    log = folder.with_suffix(".log")
    codes = wait([start("mirrored", folder, log, names)])
    assert codes == [0], log.read_text()[-4000:]
    return folder


@pytest.fixture(scope="module")
def workers(tmp_path_factory, names):
    """The folders of two workers, of which the second is in the first."""
    folder = tmp_path_factory.mktemp("workers")
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    children = []
    for index in range(2):
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        log = folder / f"{index}.log"
        children.append(start("multiworker", folder / "found", log, names, {"TF_CONFIG": json.dumps(config)}))
    codes = wait(children)
    assert codes == [0, 0], [(folder / f"{index}.log").read_text()[-4000:] for index in range(2)]
    return folder / "found", folder / "found" / "worker_1"


def of_case(found, name):
    return {key.split(": ", 1)[1]: found[key] for key in found if key.startswith(f"{name}: ")}


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        if value.dtype.kind == "U":
            assert found[key].tolist() == value.tolist(), key
        else:
            np.testing.assert_allclose(found[key], value, atol=1e-5, rtol=1e-5, err_msg=key)


@pytest.mark.parametrize("name", [pytest.param(name, marks=[] if name in SOME else pytest.mark.long) for name in CASES])
def test_two_devices(alone, mirrored, name):
    expected = of_case(alone, name)
    assert any(key.startswith("history") for key in expected)
    assert_same(of_case(np.load(mirrored / "found.npz"), name), expected)


@pytest.mark.long
@pytest.mark.parametrize("name", CASES)
def test_two_workers(alone, workers, name):
    expected = of_case(alone, name)
    of_workers = [of_case(np.load(folder / "found.npz"), name) for folder in workers]
    for found in of_workers:
        states = {key for key in found if key.startswith("state")}
        assert_same(
            {k: v for k, v in found.items() if k not in states}, {k: expected[k] for k in found.keys() - states}
        )
    for key in states:  # each keeps those of its own rows
        rows = np.concatenate([found[key] for found in of_workers])
        np.testing.assert_allclose(rows, expected[key], atol=1e-5, err_msg=key)


@pytest.mark.long
@pytest.mark.parametrize("name", VERBS)
def test_what_was_saved_says_the_same_elsewhere(alone, mirrored, workers, name):
    expected = alone[f"{name}: said"].tolist()
    assert alone[f"{name}: said in the scope"].tolist() == expected
    for folder in (mirrored, workers[1]):
        model = keras.saving.load_model(folder / f"{name}.keras")
        assert np.asarray(VERBS[name](model)).tolist() == expected


def test_batches_of_a_stream_keep_their_size(mirrored):
    said = (mirrored / "refused.txt").read_text()
    assert "on several replicas, every batch of a stateful layer must have the size of the first" in said


def test_training_changes_something(alone, names):
    """The comparisons above are of models that learn, and of states that are not zero."""
    for name in names:
        if name not in ("language model", "language model of documents"):  # these are built by `fit`
            assert alone[f"{name}: moved"] > 1e-3
    losses = alone["language model: history loss"]
    assert losses[1] < losses[0] - 1e-3
    assert np.abs(alone["language model: state training 0 0"]).max() > 1e-3
