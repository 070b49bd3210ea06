"""The built wheel holds the whole package, its text and its licence, nothing else, and works away from the tree."""

import importlib.metadata
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BUILD_INPUT = ("keras_seqcv", "tests", "applications", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")

pytestmark = pytest.mark.slow

USE = """
import keras_seqcv
text = keras_seqcv.data.load_text("shakespeare")
print(keras_seqcv.__file__)
print(len(text), len(set(text)))
"""


def run(*command, cwd, **extra_env) -> str:
    result = subprocess.run(command, cwd=cwd, env={**os.environ, **extra_env}, capture_output=True, text=True)
    assert result.returncode == 0, f"{' '.join(map(str, command))}\n{result.stdout}\n{result.stderr}"
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Builds from a copy: a `build` folder left in the tree would bring old files into the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    tree = folder / "tree"
    for name in BUILD_INPUT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        elif source.exists():
            tree.mkdir(exist_ok=True)
            shutil.copy(source, tree / name)
    try:  # without isolation nothing is fetched; an old setuptools does not know how the licence is written
        isolated = int(importlib.metadata.version("setuptools").partition(".")[0]) < 77
    except importlib.metadata.PackageNotFoundError:
        isolated = True
    options = [] if isolated else ["--no-build-isolation"]
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", *options, "--wheel-dir", folder, tree, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


def test_contents(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    package = ROOT / "keras_seqcv"
    weights = package / "models" / "weights"
    files = [*package.rglob("*.py"), *(package / "data" / "texts").glob("*.txt"), *weights.iterdir()]
    expected = {path.relative_to(ROOT).as_posix() for path in files}
    assert "keras_seqcv/__init__.py" in expected
    assert {name for name in names if name.startswith("keras_seqcv/")} == expected
    others = {name.partition("/")[0] for name in names} - {"keras_seqcv"}
    assert len(others) == 1 and others.pop().endswith(".dist-info")  # no tests, no applications
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_installed_elsewhere(wheel, tmp_path):
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    run(sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", site, wheel, cwd=elsewhere)
    where, counts = run(sys.executable, "-c", USE, cwd=elsewhere, PYTHONPATH=str(site)).splitlines()[-2:]
    assert Path(where).is_relative_to(site)
    assert counts == "1115394 65"  # of the public Tiny Shakespeare file
