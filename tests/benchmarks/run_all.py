"""Runs scripts of this folder one after the other in one process, which imports TensorFlow once.

python -m tests.benchmarks.run_all FOLDER bench_cost bench_memory ...: of each script FOLDER/name has what it prints, in
`stdout`, its rows in `rows.json`, and where it fails the reason in `error`.
"""

import contextlib
import os
import runpy
import sys
import traceback
from pathlib import Path

HERE = Path(__file__).parent


def run(script: str, folder: Path) -> None:
    folder.mkdir()
    os.chdir(folder)
    options = ["--quick", "--json", str(folder / "rows.json")]
    if script == "bench_cost":
        options += ["--out", str(folder / "cost.png")]
    sys.argv = [str(HERE / f"{script}.py"), *options]
    with open(folder / "stdout", "w") as file, contextlib.redirect_stdout(file):
        try:
            runpy.run_path(sys.argv[0], run_name="__main__")
        except (Exception, SystemExit) as error:
            if not (isinstance(error, SystemExit) and error.code in (None, 0)):
                (folder / "error").write_text(traceback.format_exc())


if __name__ == "__main__":
    runs, *names = sys.argv[1:]
    for name in names:
        run(name, Path(runs) / name)
