"""Every example in a docstring runs and prints what it says; every public class and function has one."""

import doctest
import importlib
import inspect
import io
import pkgutil
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
PUBLIC = ("layers", "models", "data", "decoding", "metrics", "inspection", "export", "callbacks")
HEADING = re.compile(r"^[ \t]*Examples?:{1,2}[ \t]*$", re.MULTILINE)


def module_names() -> list[str]:
    def fail(name):  # walk_packages keeps quiet about a package that cannot be imported
        raise ImportError(f"{name} cannot be imported")

    return ["keras_seqcv"] + [m.name for m in pkgutil.walk_packages(keras_seqcv.__path__, "keras_seqcv.", fail)]


def run_examples(module, globs: dict) -> tuple[int, str]:
    """Runs the examples of `module`; returns how many there are and a report of those that failed."""
    report, count = io.StringIO(), 0
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    for test in doctest.DocTestFinder().find(module, globs=globs):
        keras.utils.set_random_seed(1)  # each docstring stands on its own
        runner.run(test, out=report.write)
        count += len(test.examples)
    return count, report.getvalue()


@pytest.mark.parametrize("name", module_names())
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # an example may write files
    globs = {"np": np, "keras": keras, "tf": tf, "ks": keras_seqcv}
    _, report = run_examples(importlib.import_module(name), globs)
    assert not report, report


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_have_an_example(name):
    module = importlib.import_module(f"keras_seqcv.{name}")
    missing = []
    for public in module.__all__:
        thing = getattr(module, public)
        # What is taken over from Keras as it is has its documentation there.
        if not (inspect.isclass(thing) or callable(thing)) or not thing.__module__.startswith("keras_seqcv"):
            continue
        heading = HEADING.search(thing.__doc__ or "")
        if not heading or ">>>" not in thing.__doc__[heading.end() :]:
            missing.append(public)
    assert not missing, f"no docstring with an Example section in keras_seqcv.{name}: {', '.join(missing)}"


def test_a_wrong_example_is_reported():
    module = type(doctest)("sample")
    exec('def double(x):\n    """Doubles.\n\n    >>> double(2)\n    5\n    """\n    return 2 * x', module.__dict__)
    count, report = run_examples(module, dict(module.__dict__))
    assert count == 1 and "Got:\n    4" in report
