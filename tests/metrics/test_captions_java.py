"""METEOR and SPICE: what is asked of pycocoevalcap, with a stand-in for it, and METEOR's published values."""

import importlib.util
import sys

import pytest

from keras_seqcv.metrics import caption_scores, meteor, spice
from tests.metrics.published_captions import CANDIDATES, HAS_METEOR, PUBLISHED, REFERENCES

STAND_IN = """
import threading
calls = []
class Meteor:
    def __init__(self):
        self.lock = threading.Lock()
    def compute_score(self, references, candidates):
        calls.append((references, candidates))
        self.lock.acquire()
        if candidates[0] == ["broken"]:
            raise BrokenPipeError("gone")
        self.lock.release()
        return 0.25, [0.5, 0.125][: len(candidates)]
    def __del__(self):
        if not self.lock.acquire(timeout=5):
            calls.append("waited for ever")
class Spice:
    def __init__(self):
        if failure:
            raise failure
    def compute_score(self, references, candidates):
        calls.append((references, candidates))
        if candidates[0] == ["broken"]:
            import subprocess
            raise subprocess.CalledProcessError(1, "java")
        return 0.75, [{"All": {"f": 1.0}, "Color": {"f": 0.0}}, {"All": {"f": 0.5}}][: len(candidates)]
failure = None
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Puts a package named pycocoevalcap and a program named java in place, and gives the two modules."""
    for name in ("meteor", "spice"):
        folder = tmp_path / "pycocoevalcap" / name
        folder.mkdir(parents=True)
        (folder / f"{name}.py").write_text(STAND_IN, encoding="utf-8")
        (folder / "__init__.py").touch()
    (tmp_path / "pycocoevalcap" / "__init__.py").touch()
    (tmp_path / "java").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (tmp_path / "java").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.split(".")[0] == "pycocoevalcap"]:
        monkeypatch.delitem(sys.modules, name)
    modules = [importlib.import_module(f"pycocoevalcap.{name}.{name}") for name in ("meteor", "spice")]
    yield modules
    for name in [name for name in sys.modules if name.split(".")[0] == "pycocoevalcap"]:
        del sys.modules[name]


def test_meteor_and_spice_get_tokens(stand_in):
    candidates, references = ["It's a Dog.", "Two men"], [["Dogs!", "A dog"], ["Men"]]
    asked = ({0: ["dogs", "a dog"], 1: ["men"]}, {0: ["it 's a dog"], 1: ["two men"]})
    assert meteor(candidates, references) == 0.25 and stand_in[0].calls == [asked]
    assert spice(candidates, references) == 0.75 and stand_in[1].calls == [asked]
    corpus, each = meteor(candidates, references, per_caption=True)
    assert corpus == 0.25 and each.tolist() == [0.5, 0.125]
    corpus, each = spice(candidates, references, per_caption=True)
    assert corpus == 0.75 and each.tolist() == [1.0, 0.5]
    scores, each = caption_scores(candidates, references, meteor=True, spice=True, per_caption=True)
    assert list(scores)[-3:] == ["CIDEr-D", "METEOR", "SPICE"] and scores["METEOR"] == 0.25 and scores["SPICE"] == 0.75
    assert each["METEOR"].tolist() == [0.5, 0.125] and each["SPICE"].tolist() == [1.0, 0.5]
    assert not {"METEOR", "SPICE"} & set(caption_scores(candidates, references))


def test_a_program_that_fails_is_named(stand_in, monkeypatch):
    with pytest.raises(RuntimeError, match="meteor: the Java program ended.*gone"):
        meteor(["broken"], [["a"]])
    assert stand_in[0].calls[1:] == []  # its destructor found the lock free
    with pytest.raises(RuntimeError, match="spice: the Java program failed.*Java 8"):
        spice(["broken"], [["a"]])
    monkeypatch.setattr(stand_in[1], "failure", OSError("no network"))
    with pytest.raises(RuntimeError, match="spice: its parser.*could not be downloaded.*no network"):
        spice(["a"], [["a"]])


@pytest.mark.parametrize("function", [meteor, spice])
def test_without_java(stand_in, monkeypatch, tmp_path, function):
    (tmp_path / "java").unlink()
    with pytest.raises(RuntimeError, match=f"{function.__name__} needs Java: no program `java`"):
        function(["a"], [["a"]])


@pytest.mark.parametrize("function", [meteor, spice])
def test_without_the_extra(monkeypatch, function):
    for name in ("pycocoevalcap", "pycocoevalcap.meteor", "pycocoevalcap.spice"):
        monkeypatch.setitem(sys.modules, name, None)
    for name in ("pycocoevalcap.meteor.meteor", "pycocoevalcap.spice.spice"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    name = function.__name__
    with pytest.raises(
        ImportError, match=rf'{name} needs Java and pycocoevalcap: pip install "keras_seqcv\[captions\]"'
    ):
        function(["a"], [["a"]])
    with pytest.raises(ImportError, match=name):
        caption_scores(["a"], [["a"]], **{name: True})


@pytest.mark.slow
@pytest.mark.skipif(not HAS_METEOR, reason="needs Java and pycocoevalcap")
def test_meteor_of_the_public_evaluation():
    corpus, each = meteor(CANDIDATES, REFERENCES, per_caption=True)
    assert corpus == pytest.approx(PUBLISHED["METEOR"][0], rel=1e-9)
    assert each == pytest.approx(PUBLISHED["METEOR"][1], rel=1e-9)
