"""Run notebooks again, in place, and keep what a reader needs of them: `python -m tests.run_notebooks FILE ...`."""

import base64
import io
import os
import sys
from pathlib import Path

import nbclient
import nbformat
import PIL.Image


def main(paths):
    for path in map(Path, paths):
        print(f"running {path} ...", flush=True)
        notebook = nbformat.read(path, as_version=4)
        run(notebook, path.parent)
        beside = path.with_name(f".{path.name}.tmp")
        nbformat.write(notebook, beside)
        os.replace(beside, path)


def run(notebook, folder):
    """Run all cells in `folder`, without a trace of when and where: neither times nor progress on the error stream."""
    options = {"kernel_name": "python3", "record_timing": False, "coalesce_streams": True}
    client = nbclient.NotebookClient(notebook, resources={"metadata": {"path": str(folder)}}, **options)
    client.execute(env=environment())
    notebook.metadata.language_info = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
            for output in cell.outputs:
                if "image/png" in output.get("data", {}):
                    output["data"]["image/png"] = smaller(output["data"]["image/png"])


def smaller(png: str) -> str:
    """A picture (base64) in a palette of colours: photographs take a fifth of the space."""
    picture = PIL.Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    file = io.BytesIO()
    picture.quantize(192).save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def environment(**extra):
    """The process environment with this checkout first on the path, and pictures inside the notebook."""
    root = str(Path(__file__).resolve().parents[1])
    paths = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    inherited = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    return {**inherited, "PYTHONPATH": paths, **extra}


if __name__ == "__main__":
    main(sys.argv[1:])
