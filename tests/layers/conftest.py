"""Settings for the tests of layers."""

import pytest

import keras_seqcv as ks


@pytest.fixture
def without_xla():
    """Loops run as plain graphs: no compilation for each new shape."""
    with ks.layers.jit_scope(False):
        yield
