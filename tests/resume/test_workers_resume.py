"""Trainings by two devices, interrupted, and by two workers, one of them killed, end as if nothing had been."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_seqcv.workers import run_workers

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(__file__).with_name("worker_program.py")


@pytest.fixture(autouse=True)
def path(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]))


def trained(folder, *arguments):
    folder.mkdir()
    command = [sys.executable, str(PROGRAM), str(folder), *map(str, arguments)]
    assert run_workers(command, count=2, restarts=1) == 0
    return [(folder / f"result_{k}").read_text().split("\n") for k in range(2)]


@pytest.mark.long
@pytest.mark.parametrize("kind, step", [("streams", 20), ("shards", 15)])  # in the second epoch, behind a checkpoint
def test_a_killed_worker_changes_nothing(tmp_path, capfd, kind, step):
    undisturbed = trained(tmp_path / "undisturbed", kind)
    killed = trained(tmp_path / "killed", kind, step, 1)
    assert "all begin anew" in capfd.readouterr().out
    assert (tmp_path / "killed" / "killed").exists()
    assert killed == undisturbed
    # Weights are the same on both workers, and each has its own rows of the stream.
    assert undisturbed[0][0] == undisturbed[1][0]
    rows = [np.frombuffer(bytes.fromhex("".join(lines[1:2])), "float32") for lines in undisturbed]
    assert [len(some) for some in rows] == [2 * 12 if kind == "streams" else 0] * 2
    assert kind == "shards" or not np.array_equal(*rows)


def test_an_interruption_on_two_devices_changes_nothing(tmp_path):
    """Outside of the scope, with an order of its own in each epoch."""
    program = Path(__file__).with_name("mirrored_program.py")
    subprocess.run([sys.executable, str(program), str(tmp_path)], check=True, timeout=300)
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["parts"] == results["whole"]
    states = np.array(results["whole"]["states"])
    assert states.shape == (4, 6)
    assert not np.array_equal(states[:2], states[2:])
