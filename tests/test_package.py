"""The public face: light to import, every name there, one version."""

import configparser
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Optional or slow to import: what needs one of them imports it where it is used.
HEAVY = (
    "tensorflow_datasets",
    "matplotlib",
    "pandas",
    "scipy",
    "torch",
    "sacrebleu",
    "sentencepiece",
    "ai_edge_litert",
    "av",
    "IPython",
)
SUBPACKAGES = ("layers", "models", "data", "decoding", "metrics", "inspection", "export", "callbacks")

PROBE = """
import json, sys, time
start = time.perf_counter()
import keras, tensorflow
between = time.perf_counter()
before = set(sys.modules)
import keras_seqcv
end = time.perf_counter()
added = {name.partition(".")[0] for name in set(sys.modules) - before}
print(json.dumps({"added": sorted(added), "keras": between - start, "ours": end - between}))
"""


def test_import_is_light(tmp_path):
    result = subprocess.run(
        [sys.executable, "-c", PROBE],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    seen = json.loads(result.stdout.splitlines()[-1])
    # Printed, not asserted: a time depends on the machine and its file cache.
    print(f"import keras, tensorflow: {seen['keras']:.2f} s; keras_seqcv adds {seen['ours']:.2f} s")
    assert "keras_seqcv" in seen["added"]
    assert not set(HEAVY) & set(seen["added"])


def test_face_offers_the_subpackages():
    package = importlib.import_module("keras_seqcv")
    assert [name for name in SUBPACKAGES if not hasattr(package, name)] == []


@pytest.mark.parametrize("name", ["keras_seqcv", *(f"keras_seqcv.{name}" for name in SUBPACKAGES)])
def test_every_public_name_is_there(name):
    module = importlib.import_module(name)
    assert len(module.__all__) == len(set(module.__all__))
    assert [public for public in module.__all__ if not hasattr(module, public)] == []


def test_version_is_that_of_the_metadata():
    metadata = configparser.ConfigParser()
    metadata.read(ROOT / "setup.cfg", encoding="utf-8")
    assert importlib.import_module("keras_seqcv").__version__ == metadata["metadata"]["version"]
