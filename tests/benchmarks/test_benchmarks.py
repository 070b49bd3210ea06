"""The timing helper against a clock that the test holds; every script runs in its small form, whatever it measures."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks import timing

FOLDER = Path(__file__).parent
SHORT = ("bench_glimpses", "bench_inference", "bench_resume", "bench_tagger")  # by `make test` as well
SCRIPTS = sorted(path.stem for path in FOLDER.glob("bench_*.py"))


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now, log = 0.0, ""

        def __call__(self):
            return self.now

        def function(self, name, durations):
            durations = iter(durations)

            def call():
                self.log += name
                self.now += next(durations)

            return call

    clock = Clock()
    monkeypatch.setattr(timing, "perf_counter", clock)
    return clock


def test_rounds_are_in_turn_and_warm_up_does_not_count(clock):
    functions = {"ours": clock.function("o", [99, 99, 1, 2, 6]), "theirs": clock.function("t", [99, 99, 3, 8, 6])}
    result = timing.compare(functions, rounds=3, inner=1, warmup=2)
    assert clock.log == "oott" + "ot" + "to" + "ot"
    assert result.seconds == {"ours": [1, 2, 6], "theirs": [3, 8, 6]}
    assert result.median("ours") == 2 and result.median("theirs") == 6
    assert result.ratio("theirs") == 3  # the median of 3, 4 and 1; the medians' ratio happens to be the same
    assert result.ratio("ours", to="theirs") == 1 / 3
    assert result.ratio("torch") is None


def test_ratio_is_the_median_of_ratios():
    result = timing.Comparison({"ours": [1.0, 10.0, 100.0], "theirs": [5.0, 20.0, 100.0]})
    assert result.ratio("theirs") == 2.0 and result.median("theirs") == 20.0
    skewed = timing.Comparison({"ours": [1.0, 2.0, 9.0], "theirs": [4.0, 2.0, 27.0]})
    assert skewed.ratio("theirs") == 3.0 and skewed.median("theirs") / skewed.median("ours") == 2.0


def test_inner_calls_are_averaged_behind_one_that_does_not_count(clock):
    result = timing.compare({"ours": clock.function("o", [50, 40, 1, 2, 3])}, rounds=1, inner=3, warmup=1)
    assert result.seconds == {"ours": [2]}


def test_inner_is_chosen_by_the_time_of_a_call(clock):
    functions = {"ours": clock.function("o", [0.05] * 99), "theirs": clock.function("t", [7.0] * 99)}
    timing.compare(functions, rounds=1, warmup=1)
    assert clock.log == "oo" + "tt" + "ooooo" + "t"  # warm-up and trial; one call and four timed; one


def test_work_divides(clock):
    functions = {"ours": clock.function("o", [1, 8]), "theirs": clock.function("t", [1, 9])}
    result = timing.compare(functions, rounds=1, inner=1, warmup=1, work={"ours": 4})
    assert result.seconds == {"ours": [2], "theirs": [9]}


@pytest.mark.parametrize("name", ["rounds", "inner", "warmup"])
def test_numbers_below_one_are_refused(name):
    with pytest.raises(ValueError, match=f"{name}: .* received 0"):
        timing.compare({"ours": lambda: None}, **{name: 0})


def test_table_leaves_out_columns_without_values():
    columns = {"layer": "{}", "ms": "{:.1f}", "PyTorch": "{:.2f}", "extra": "{:,.0f}"}
    rows = [{"layer": "LSTM", "ms": 1.25, "extra": 12345.0}, {"layer": "GRU", "ms": None, "PyTorch": None, "extra": 2}]
    assert timing.markdown(columns, rows).splitlines() == [
        "| layer | ms | extra |",
        "|---|---:|---:|",
        "| LSTM | 1.2 | 12,345 |",
        "| GRU | – | 2 |",
    ]


def test_json_keeps_what_other_scripts_wrote(tmp_path, capsys):
    path = tmp_path / "all.json"
    args = timing.arguments("", ["--json", str(path)], rounds=3)
    for script in ("a/bench_one.py", "bench_two.py", "a/bench_one.py"):
        timing.show(script, {"n": "{}"}, [{"n": len(script)}], args)
    content = json.loads(path.read_text())
    rows = {key: value["rows"] for key, value in content.items()}
    assert rows == {"bench_one": [{"n": 14}], "bench_two": [{"n": 12}]}
    assert [file.name for file in tmp_path.iterdir()] == ["all.json"]
    path.write_text("{ half")
    with pytest.raises(ValueError, match="all.json exists and is not JSON"):
        timing.show("bench_two.py", {"n": "{}"}, [{"n": 1}], args)
    assert path.read_text() == "{ half"


@pytest.fixture(scope="module")
def runs(request, tmp_path_factory):
    """A folder for each script that is to be tested, with what it did in its small form."""
    folder = tmp_path_factory.mktemp("runs")
    items = [item for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    scripts = sorted({item.callspec.params["script"] for item in items if "script" in item.callspec.params})
    environment = {**os.environ, "PYTHONPATH": str(FOLDER.parents[1])}
    command = [sys.executable, "-m", "tests.benchmarks.run_all", str(folder), *scripts]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, timeout=1800)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "script", [pytest.param(name, marks=[pytest.mark.long] * (name not in SHORT)) for name in SCRIPTS]
)
def test_script_runs(script, runs):
    for module in {"bench_cost": ["matplotlib"], "bench_tagger": ["ai_edge_litert"]}.get(script, []):
        pytest.importorskip(module)
    folder = runs / script
    assert not (folder / "error").exists(), (folder / "error").read_text()[-3000:]
    output = (folder / "stdout").read_text()
    lines = output.splitlines()
    columns = lines[0].count("|")
    rows = json.loads((folder / "rows.json").read_text())[script]["rows"]
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == len(rows) + 2 and all(line.count("|") == columns for line in table)
    assert "nan" not in output and "inf" not in output
    if script == "bench_cost":
        assert (folder / "cost.png").read_bytes().startswith(b"\x89PNG")


def test_every_script_is_in_the_readme():
    assert SCRIPTS
    text = (FOLDER / "README.md").read_text()
    assert all(f"`{script}.py`" in text for script in SCRIPTS)
