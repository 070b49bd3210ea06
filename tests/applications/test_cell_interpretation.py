"""The application at a tiny size: it trains, looks, and looks again at the same model."""

import importlib.util
import json
from pathlib import Path

import keras
import pytest

import keras_seqcv as ks

FILE = Path(__file__).resolve().parents[2] / "applications" / "cell_interpretation" / "train.py"
TINY = "--layers 1 --units 6 --batch-size 2 --steps 20 --epochs 1 --validation 0.3 --record 500 --show 300".split()
C = 'int f(void) /* a "b" */\n{\n\treturn g("c %d\\n", \'"\'); // d\n}\n\n' * 40


def train():
    spec = importlib.util.spec_from_file_location("cell_interpretation_train", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "cell"), [("c", "lstm"), ("prose", "gru")])
def test_it_trains_and_looks(tmp_path, capsys, kind, cell):
    text = "shakespeare"
    if kind == "c":
        text = tmp_path / "a.c"
        text.write_text(C)
    options = ["--text", str(text), "--characters", "2000", "--kind", kind, "--cell", cell, *TINY]
    train().main([*options, "--out", str(tmp_path / "first")])
    out = tmp_path / "first"
    files = {"cells.html", "error_types.png", "model.keras", "recording.h5", "result.json", "saturation.png"}
    assert {path.name for path in out.iterdir()} == files
    result = json.loads((out / "result.json").read_text())
    assert {cell["probe"] for cell in result["cells"]} <= set(getattr(ks.inspection.probes, kind.upper()))
    tokens = ks.inspection.load_recording(out / "recording.h5").tokens
    assert 300 < len(tokens) <= 500 and tokens[0] != "\n"  # a look begins behind a blank line
    assert len(result["cells"]) >= 20 and result["errors"][0]["predicted"] == len(tokens) - 1 and result["minutes"] > 0
    assert [cell["unit"] for cell in result["linear"]] == [None] * len(result["linear"])
    assert "everything is in" in capsys.readouterr().out

    if kind != "c":
        return
    keras.backend.clear_session()
    train().main([*options, "--model", str(out / "model.keras"), "--out", str(tmp_path / "again")])
    again = json.loads((tmp_path / "again" / "result.json").read_text())
    assert again["errors"] == result["errors"] and "minutes" not in again
    assert again["cells"] == result["cells"]
