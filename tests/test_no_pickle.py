"""Nothing in the package loads what can hold code."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "keras_seqcv"
# Modules whose files are programs, or that are made of them.
MODULES = set("pickle cPickle _pickle cloudpickle dill joblib marshal shelve jsonpickle torch yaml".split())
NAMES = {"eval", "exec", "compile", "__import__"}
# `model.compile` and `re.compile` are others: only the bare name is Python's.
ATTRIBUTES = {"enable_unsafe_deserialization", "load_module", "exec_module"}


def found(tree: ast.AST) -> list[tuple[int, str]]:
    """(line, what) of all that loads code."""
    places = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            places += [(node.lineno, name) for name in names if name.split(".")[0] in MODULES]
        elif isinstance(node, ast.Call):
            places += [(node.lineno, name) for name in _called(node)]
    return places


def _called(node: ast.Call) -> list[str]:
    function = node.func
    names = [function.id] if isinstance(function, ast.Name) and function.id in NAMES else []
    names += [function.attr] if isinstance(function, ast.Attribute) and function.attr in ATTRIBUTES else []
    for keyword, harmless in (("allow_pickle", False), ("safe_mode", True)):
        for given in node.keywords:
            if given.arg == keyword and not (isinstance(given.value, ast.Constant) and given.value.value is harmless):
                names.append(f"{keyword}={ast.unparse(given.value)}")
    is_load = isinstance(function, ast.Attribute) and function.attr == "load" and ast.unparse(function.value) == "np"
    if is_load and "allow_pickle" not in {given.arg for given in node.keywords}:
        names.append("np.load without allow_pickle=False")
    return names


def test_the_package_loads_no_code():
    wrong = [
        f"{path.relative_to(PACKAGE.parent)}:{line}: {what}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for line, what in found(ast.parse(path.read_bytes()))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("import pickle", "pickle"),
        ("def f():\n    from marshal import loads", "marshal"),
        ("import torch.serialization as t", "torch.serialization"),
        ("np.load(p, allow_pickle=True)", "allow_pickle=True"),
        ("np.load(p, allow_pickle=allowed)", "allow_pickle=allowed"),
        ("np.load(p)", "np.load without allow_pickle=False"),
        ("keras.saving.load_model(p, safe_mode=False)", "safe_mode=False"),
        ("eval('1')", "eval"),
        ("keras.config.enable_unsafe_deserialization()", "enable_unsafe_deserialization"),
    ],
)
def test_the_check_itself(source, what):
    assert [name for _, name in found(ast.parse(source))] == [what]


def test_what_is_harmless():
    source = "import json\nre.compile('a')\nmodel.compile()\nnp.load(p, allow_pickle=False)\nload(p, safe_mode=True)"
    assert found(ast.parse(source)) == []
