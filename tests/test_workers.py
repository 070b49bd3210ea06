"""Processes that are several workers: what each is told, what is shown of them, and what happens when one dies."""

import json
import sys

import pytest

from keras_seqcv.workers import run_workers

SAY = "import json, os; task = json.loads(os.environ['TF_CONFIG']); print('worker', json.dumps(task))"
# Worker 1 dies the first time; worker 0 would wait for ever.
DIE = """
import json, os, pathlib, signal, sys, time
index, mark = json.loads(os.environ["TF_CONFIG"])["task"]["index"], pathlib.Path(sys.argv[1])
if not mark.exists():
    if index:
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(1000)
print("ended well")
"""


def test_each_worker_knows_all_and_itself(capfd):
    assert run_workers([sys.executable, "-c", SAY], count=3) == 0
    lines = sorted(capfd.readouterr().out.splitlines())
    configs = [json.loads(line.split("worker ", 1)[1]) for line in lines]
    assert [line[:3] for line in lines] == ["[0]", "[1]", "[2]"]
    assert [config["task"] for config in configs] == [{"type": "worker", "index": k} for k in range(3)]
    addresses = configs[0]["cluster"]["worker"]
    assert len(set(addresses)) == 3
    assert all(config["cluster"]["worker"] == addresses for config in configs)


def test_all_begin_anew_when_one_dies(capfd, tmp_path):
    assert run_workers([sys.executable, "-c", DIE, str(tmp_path / "mark")], count=2, restarts=1) == 0
    out = capfd.readouterr().out
    assert "a worker ended with -9: all begin anew (1 of 1)" in out
    assert out.count("ended well") == 2


def test_the_status_of_the_one_that_died(capfd, tmp_path):
    assert run_workers([sys.executable, "-c", DIE, str(tmp_path / "mark")], count=2) == -9
    assert run_workers([sys.executable, "-c", "raise SystemExit(3)"], count=1, restarts=2) == 3
    assert capfd.readouterr().out.count("begin anew") == 2


@pytest.mark.parametrize("options", [{"count": 0}, {"count": True}, {"restarts": -1}, {"restarts": 1.0}])
def test_wrong_numbers_are_named(options):
    (name,) = options
    with pytest.raises(ValueError, match=f"^{name}: expected an int"):
        run_workers([sys.executable, "-c", ""], **options)
