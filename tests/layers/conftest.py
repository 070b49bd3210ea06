"""Collects the largest differences from Keras that the tests saw, and prints them at the end of the run."""

import pytest

_seen = {}


@pytest.fixture(scope="session")
def largest_differences():
    """A dict from a quantity ("forward", "gradients") to (largest difference, where, number of comparisons)."""
    return _seen


def pytest_terminal_summary(terminalreporter):
    for quantity, (difference, where, count) in sorted(_seen.items()):
        terminalreporter.write_line(
            f"float32 against Keras, {quantity}: largest difference {difference:.2e} in {count} configurations ({where})"
        )
