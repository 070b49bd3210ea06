"""load_tfds_text, against the generated examples of `tfds.testing.mock_data`."""

import subprocess
import sys

import pytest

from keras_seqcv.data import load_tfds_text, text_streams

tfds = pytest.importorskip("tensorflow_datasets")


@pytest.fixture
def mocked(tmp_path):
    with tfds.testing.mock_data(num_examples=5, data_dir=str(tmp_path)):
        yield str(tmp_path)


def test_documents_of_a_set(mocked):
    documents = load_tfds_text("imdb_reviews", split="train", data_dir=mocked)
    raw = tfds.load("imdb_reviews", split="train", data_dir=mocked).as_numpy_iterator()
    assert documents == [example["text"].decode() for example in raw] and len(documents) == 5
    assert all(isinstance(document, str) and document for document in documents)
    inputs, _, weights = next(iter(text_streams(documents, batch_size=2, steps=4)))
    assert inputs["tokens"].shape == (2, 4) and weights.shape == (2, 4)


def test_a_key_that_is_no_text(mocked):
    for key in ("label", "words"):
        with pytest.raises(ValueError, match=r"one of \['text'\], received '" + key):
            load_tfds_text("imdb_reviews", key=key, data_dir=mocked)


def test_hint_where_it_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(ImportError, match=r'pip install "keras_seqcv\[tfds\]"'):
        load_tfds_text("imdb_reviews")


def test_the_package_does_not_import_it():
    # Keras imports matplotlib by itself where it is installed.
    script = "import keras_seqcv.data, sys; sys.exit('tensorflow_datasets' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=".", capture_output=True).returncode == 0
