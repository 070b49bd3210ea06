"""labelled_texts of sets of tensorflow_datasets, against a small set that is built here, without any network."""

import functools
import importlib.resources.abc
import importlib.util
import sys

import numpy as np
import pytest

from keras_seqcv.data import Words, labelled_texts
from keras_seqcv.data.tfds_labels import labels_builder, load_tfds_labels

tfds = pytest.importorskip("tensorflow_datasets")
OPTIONS = {"vocabulary": Words("review number 0 1 2 3 4 5 6 7 8 9 10 11"), "names": ("bad", "good")}


class TinyReviews(tfds.core.GeneratorBasedBuilder):
    """Twelve reviews in two parts, in the form of imdb_reviews."""

    VERSION = tfds.core.Version("1.0.0")
    PARTS = {"train": range(8), "test": range(8, 12)}
    NAMES = ("bad", "good")

    def _info(self):
        features = {"text": tfds.features.Text(), "label": tfds.features.ClassLabel(names=self.NAMES), "id": np.int64}
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {name: self._generate_examples(numbers) for name, numbers in self.PARTS.items()}

    def _generate_examples(self, numbers):
        for k in numbers:
            yield k, {"text": f"review number {k}", "label": self.NAMES[k % 2], "id": k}


class TinyNumbers(TinyReviews):
    def _info(self):
        features = {"text": np.int64, "label": tfds.features.ClassLabel(names=self.NAMES), "id": np.int64}
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    builder = functools.partial(labels_builder, data_dir=str(tmp_path / "sets"))
    monkeypatch.setattr(sys.modules["keras_seqcv.data.labelled_texts"], "labels_builder", builder)
    # tensorflow_datasets 4.9.10 builds no set without this package, and does not ask for it.
    if importlib.util.find_spec("importlib_resources") is None:
        monkeypatch.setitem(sys.modules, "importlib_resources", importlib.resources)
    return tmp_path / "sets"


def test_the_parts_of_a_set():
    train, valid = labelled_texts("tfds:tiny_reviews", valid="test", **OPTIONS)
    assert sorted(train.texts.texts) == sorted(f"review number {k}" for k in range(8)) and len(valid.texts) == 4
    numbers = [int(text.split()[-1]) for text in train.texts.texts]
    assert train.texts.labels == [("bad", "good")[k % 2] for k in numbers]
    shares = labelled_texts("tfds:tiny_reviews", validation=0.25, **OPTIONS)
    assert [len(part.texts) for part in shares] == [6, 2]


def test_what_is_no_labelled_set_is_named(folder):
    with pytest.raises(ValueError, match="expected a set of one text and one label, tiny_numbers"):
        labelled_texts("tfds:tiny_numbers", **OPTIONS)
    builder = labels_builder("tiny_reviews", data_dir=str(folder))
    with pytest.raises(ValueError, match="nothing"):
        load_tfds_labels(builder, "nothing")
