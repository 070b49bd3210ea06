"""Collects the largest differences from Keras that the tests saw, and prints them at the end of the run."""

import pytest

import keras_seqcv as ks

_seen = {}


@pytest.fixture(scope="session")
def largest_differences():
    """A dict from a quantity ("forward", "gradients") to (largest difference, where, number of comparisons)."""
    return _seen


@pytest.fixture
def without_xla():
    """Loops run as plain graphs: no compilation for each new shape."""
    with ks.layers.jit_scope(False):
        yield


def pytest_terminal_summary(terminalreporter):
    for quantity, (difference, where, count) in sorted(_seen.items()):
        terminalreporter.write_line(
            f"float32 against Keras, {quantity}: largest difference {difference:.2e} in {count} cases ({where})"
        )
