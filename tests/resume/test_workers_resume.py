"""A worker that is killed in the middle of a training by two: both begin anew, and end as if nothing had been."""

import os
import sys
from pathlib import Path

import numpy as np

from keras_seqcv.workers import run_workers

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(__file__).with_name("worker_program.py")


def trained(folder, monkeypatch, *arguments):
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]))
    command = [sys.executable, str(PROGRAM), str(folder), *map(str, arguments)]
    assert run_workers(command, count=2, restarts=1) == 0
    return [(folder / f"result_{k}").read_text().split("\n") for k in range(2)]


def test_a_killed_worker_changes_nothing(tmp_path, monkeypatch, capfd):
    undisturbed = trained(tmp_path / "undisturbed", monkeypatch)
    # Step 20 is in the second epoch, and one behind a checkpoint.
    killed = trained(tmp_path / "killed", monkeypatch, 20, 1)
    assert "all begin anew" in capfd.readouterr().out
    assert (tmp_path / "killed" / "killed").exists()
    assert killed == undisturbed
    # Weights are the same on both workers, and each has its own rows of the stream.
    assert undisturbed[0][0] == undisturbed[1][0]
    rows = [np.frombuffer(bytes.fromhex(lines[1]), "float32") for lines in undisturbed]
    assert [len(some) for some in rows] == [2 * 12, 2 * 12]
    assert not np.array_equal(*rows)
