"""What the tests of all applications have in common."""

import pytest

import keras_seqcv as ks


@pytest.fixture(autouse=True)
def without_xla():
    """At a tiny size it takes longer to compile loops than to run them."""
    with ks.layers.jit_scope(False):
        yield
