"""Every notebook runs from top to bottom at its tiny size, and is committed executed and clean."""

import json
import re
from pathlib import Path

import nbclient
import nbformat
import pytest

from tests.run_notebooks import environment

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "applications").glob("*/notebook.ipynb"))
NAMES = [path.parent.name for path in NOTEBOOKS]

SHORT = ("char_language_model",)  # run by `make test` as well
LARGEST = 1_000_000  # bytes
# Folders of the machine that ran it; log lines of absl and of TensorFlow's start; Python warnings; terminal control.
NOISE = {
    "a path of a machine": r"(?:/home/|/root/|/tmp/|/Users/|/work/|site-packages|[A-Z]:\\)",
    "log lines": r"(?m)^(?:[IWEF]0000 |WARNING|INFO:|\d{4}-\d\d-\d\d )",
    "warnings": r"\w+Warning:",
    "terminal control": "[\x08\x1b]",
}


# At a tiny size it takes longer to compile loops than to run them. One notebook runs as its readers run it.
WITH_XLA = ("char_language_model",)
STARTUP = """
from keras_seqcv.layers import jit_scope as _jit_scope
_without_xla = _jit_scope(False)  # kept: a scope that nobody holds is closed
_without_xla.__enter__()
"""


def without_xla(folder: Path) -> dict[str, str]:
    """What the environment needs for kernels that compile no loops; the folder is IPython's."""
    startup = folder / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "without_xla.py").write_text(STARTUP)
    return {"IPYTHONDIR": str(folder)}


def outputs(cell) -> list[str]:
    found = []
    for output in cell.get("outputs", []):
        found.append(output.get("text", ""))
        found.append(output.get("data", {}).get("text/plain", ""))
    return ["".join(text) for text in found]


def code_cells(path: Path) -> list[dict]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_is_committed_executed_and_clean(path):
    assert path.stat().st_size < LARGEST
    cells = code_cells(path)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1)), "run it again, from the top"
    for cell in cells:
        assert "execution" not in cell["metadata"], "holds the time at which it was run"
        kinds = {output["output_type"] for output in cell["outputs"]}
        assert "error" not in kinds
        assert [output for output in cell["outputs"] if output.get("name") == "stderr"] == []
        for text in outputs(cell):
            for kind, pattern in NOISE.items():
                assert not re.search(pattern, text), f"{kind} in an output: {text[:300]}"


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=[pytest.mark.long] * (path.parent.name not in SHORT)) for path in NOTEBOOKS],
    ids=NAMES,
)
def test_runs(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:  # what is compared below must come from this run
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    extra = {} if path.parent.name in WITH_XLA else without_xla(tmp_path / "ipython")
    client.execute(env=environment(NOTEBOOK_SIZE="tiny", CUDA_VISIBLE_DEVICES="-1", **extra))
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    written = "\n".join(text for cell in cells for text in outputs(cell))
    assert len(cells) == len(code_cells(path)) and all(cell.execution_count for cell in cells)
    assert [output for cell in cells for output in cell.outputs if output.get("name") == "stderr"] == []
    assert "False" not in written, written  # a notebook prints whether what belongs together agrees
    assert "True" in written
