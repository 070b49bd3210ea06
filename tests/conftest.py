"""Settings for every test: quiet logs, no window, a fresh seed, no global setting that leaks into the next test.

And the largest differences from Keras that the tests saw, in all processes that ran some, printed at the end.
"""

import gc
import os

# Before the first import of TensorFlow, which reads them once.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras  # noqa: E402
import pytest  # noqa: E402


@pytest.fixture(autouse=True)
def seed_and_restore():
    """Gives each test the same random numbers whatever ran before it, and takes back its global Keras settings."""
    keras.utils.set_random_seed(1)
    policy, floatx = keras.config.dtype_policy(), keras.config.floatx()
    yield
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(policy)


@pytest.fixture(autouse=True, scope="module")
def forget_earlier_files():
    """Leaves what earlier files have left out of collections: TensorFlow keeps the graphs of all their functions.

    After some hundred tests a full collection takes seconds; Hypothesis and LiteRT's converter ask for one each time.
    """
    gc.collect()
    gc.freeze()


_seen = {}


@pytest.fixture(scope="session")
def largest_differences():
    """A dict from a quantity ("forward", "gradients") to (largest difference, where, number of comparisons)."""
    return _seen


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):  # one of several processes: the one that reports has to know
        session.config.workeroutput["largest_differences"] = _seen


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    seen = getattr(node, "workeroutput", {}).get("largest_differences", {})
    for quantity, (difference, where, count) in seen.items():
        before, place, number = _seen.get(quantity, (0.0, "", 0))
        _seen[quantity] = (*max((before, place), (difference, where)), number + count)


def pytest_terminal_summary(terminalreporter):
    for quantity, (difference, where, count) in sorted(_seen.items()):
        terminalreporter.write_line(
            f"float32 against Keras, {quantity}: largest difference {difference:.2e} in {count} cases ({where})"
        )
