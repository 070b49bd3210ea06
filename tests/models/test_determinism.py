"""The same seed gives the same weights, losses and outputs, to the last bit; another seed gives others."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import keras_seqcv as ks
from tests.models.determinism_run import CASES

ROOT = Path(__file__).resolve().parents[2]
SHORT = ("LanguageModel", "loops")  # run by `make test` as well


def digests(*names, hash_seed="1"):
    """What `determinism_run` prints, in a process whose sets of str have an order of their own."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.models.determinism_run", "7", *names]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def found(request):
    """Of the cases that are to be tested, in one process."""
    items = [item for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    names = {item.callspec.params["name"] for item in items}
    return digests(*(name for name in CASES if name in names))


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.long] * (name not in SHORT)) for name in CASES])
def test_a_seed_decides_everything(found, name):
    first, second, of_another_seed = found[name]
    assert first == second != of_another_seed


@pytest.mark.long
def test_another_process_comes_to_the_same(found):
    assert digests("SequenceClassifier", hash_seed="2")["SequenceClassifier"] == found["SequenceClassifier"]


def test_every_application_model_is_there():
    trained = {name for name in ks.models.__all__ if "train_step" in dir(getattr(ks.models, name))}
    assert {"LanguageModel", "DRAW"} < trained
    trained -= {"ImageEncoder"}  # is trained as a part of others
    assert trained <= {part for name in CASES for part in name.split(", ")}
