"""Settings for every test: quiet logs, no window, a fresh seed, no global setting that leaks into the next test."""

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
