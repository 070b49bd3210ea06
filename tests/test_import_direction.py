"""Imports go one way: layers <- models <- applications. Read from the source: imports inside functions count too."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "keras_seqcv"

# What each part may import besides itself. A file of its own beside these parts is a tool: it imports nothing of
# the package, and every part may import it.
ALLOWED = {
    "layers": {"distribution"},
    "data": {"layers"},
    "decoding": {"layers"},
    "distribution": set(),
    "metrics": {"layers"},
    "inspection": {"layers"},
    "export": {"layers", "distribution"},
    "callbacks": {"layers", "distribution", "metrics", "inspection"},
    "models": {"layers", "data", "decoding", "distribution", "metrics", "export", "callbacks"},
}
# Never imported by the package, which is installed without them.
OUTSIDE = {"applications", "tests", "savedmodels", "conftest"}


def imported_modules(tree: ast.AST, module: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """Yields (line, absolute dotted name) of all that `module` imports; `from a import b` counts as `a.b`."""
    home = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = home[: len(home) - node.level + 1] if node.level else []
            base = base + (node.module.split(".") if node.module else [])
            for alias in node.names:
                yield node.lineno, ".".join([*base, alias.name])
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in (
            "import_module",
            "__import__",
        ):
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield node.lineno, first.value.lstrip(".")


def violations(root: Path) -> list[str]:
    """Lists the imports under `root/keras_seqcv` that go the wrong way, as `file:line: reason`."""
    package = root / PACKAGE
    tools = {path.stem for path in package.glob("*.py")} - {"__init__", *ALLOWED}
    parts = {path.name for path in package.iterdir() if path.is_dir() and any(path.rglob("*.py"))}
    found = [f"{PACKAGE}/{part}: no row in ALLOWED" for part in sorted(parts - set(ALLOWED))]
    for path in sorted(package.rglob("*.py")):
        names = path.relative_to(root).with_suffix("").parts
        is_package = names[-1] == "__init__"
        names = names[:-1] if is_package else names
        part = names[1] if len(names) > 1 else None  # None: the public face, which imports every part
        for line, target in imported_modules(ast.parse(path.read_bytes()), ".".join(names), is_package):
            top, *rest = target.split(".")
            where = f"{path.relative_to(root)}:{line}"
            if top in OUTSIDE:
                found.append(f"{where}: the package imports {target}")
            elif top == PACKAGE and part is not None:
                known = ALLOWED.keys() | tools
                wanted = rest[0] if rest and rest[0] in known else None
                if wanted is None:
                    found.append(f"{where}: {part} imports the public face ({target}); name the module that is meant")
                elif wanted != part and wanted not in tools | ALLOWED.get(part, set()):
                    found.append(f"{where}: {part} imports {wanted} ({target})")
                elif wanted != part and part in tools:
                    found.append(f"{where}: {part} is a tool and imports {target}")
    return found


def test_imports_go_one_way():
    assert violations(ROOT) == []


@pytest.mark.parametrize(
    ("file", "source", "expected"),
    [
        ("layers/lstm.py", "from keras_seqcv.models import LanguageModel", "layers imports models"),
        ("layers/lstm.py", "from ..data import vocabulary", "layers imports data"),
        ("layers/inner/deep.py", "from ...export import tflite", "layers imports export"),
        ("layers/lstm.py", "import keras_seqcv.decoding.greedy as greedy", "layers imports decoding"),
        ("layers/lstm.py", "def f():\n    from keras_seqcv import models", "layers imports models"),
        ("layers/lstm.py", "import importlib\nimportlib.import_module('keras_seqcv.models')", "layers imports models"),
        ("data/__init__.py", "from ..decoding import greedy", "data imports decoding"),
        ("export/tflite.py", "import keras_seqcv as ks", "export imports the public face"),
        ("export/tflite.py", "from .. import models", "export imports models"),
        ("models/language_model.py", "from keras_seqcv.inspection import gates", "models imports inspection"),
        ("callbacks/caption_metrics.py", "from ..models import LanguageModel", "callbacks imports models"),
        ("models/language_model.py", "import applications.sentiment.train", "the package imports applications"),
        ("__init__.py", "from tests import oracles", "the package imports tests"),
        ("files.py", "from keras_seqcv.layers import LSTM", "files imports layers"),
        ("files.py", "from . import checks", "files is a tool"),
        ("extra/__init__.py", "", "extra: no row in ALLOWED"),
        ("layers/lstm.py", "from .recurrence import run\nfrom . import gru\nimport keras_seqcv.layers.gru", None),
        ("layers/lstm.py", "from ..files import write\nfrom keras_seqcv import checks", None),
        ("models/language_model.py", "from ..layers import LSTM\nfrom keras_seqcv import data, export", None),
        ("__init__.py", "from . import layers, models\nfrom .callbacks import ResetStates", None),
    ],
)
def test_the_check_itself(tmp_path, file, source, expected):
    for name, text in {"files.py": "", "checks.py": "", "__init__.py": "", file: source}.items():
        path = tmp_path / PACKAGE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    found = violations(tmp_path)
    if expected is None:
        assert found == []
    else:
        assert len(found) == 1 and expected in found[0]
