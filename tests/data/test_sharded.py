"""sharded: the elements of each reader in memory, whole epochs of them, and of several workers."""

import collections

import numpy as np
import pytest

from keras_seqcv.data import sharded, write_shards
from tests.data.caption_oracles import pictures, texts
from tests.data.shard_sets import SETS, assert_same, first_bytes, rows, written

CHOICES = {
    "captions": [{}, {"captions_per_image": 3}, {"max_length": 3}],
    "questions": [{}, {"questions_per_image": 3}],
    "questions with scores": [{}, {"questions_per_image": 3, "max_length": 4}],
    "images": [{}, {"labels": "input"}, {"labels": None}],
    "videos": [{}, {"frames": 5}, {"window": 4}],
    "texts": [{}, {"max_length": 3}, {"max_length": 3, "keep": "end"}],
    "translations": [{}, {"buckets": 2}, {"max_length": 12}],
}


@pytest.mark.parametrize(
    ("name", "file_format"), [*((name, "tfrecord") for name in SETS), ("captions", "array_record")]
)
def test_elements_are_those_of_the_reader_in_memory(tmp_path, name, file_format):
    some = written(tmp_path / "shards", name, file_format=file_format, validation=0.2, seed=5)
    for options in CHOICES.get(name, [{}]) if file_format == "tfrecord" else [{}]:
        memory = some.memory(*some.given, 5, False, validation=0.2, seed=5, **options)
        for mine, theirs in zip(sharded(tmp_path / "shards", 5, shuffle=False, **some.read, **options), memory):
            assert mine.element_spec == theirs.element_spec
            assert_same(mine, theirs)


@pytest.mark.parametrize("name", ["captions", "questions", "images", "videos", "texts with tags", "translations"])
def test_an_epoch_has_every_row_once(tmp_path, name):
    some = written(tmp_path / "shards", name, validation=0)
    everything = rows(some.memory(*some.given, 5, False, validation=0))
    for buffer in (None, 10):
        dataset = sharded(tmp_path / "shards", 5, buffer=buffer, seed=2, **some.read)
        first, second = first_bytes(dataset), first_bytes(dataset)
        assert rows(dataset) == everything
        assert first != second  # another order, or other batches
        assert len(first) == len(second) == dataset.batches == int(dataset.cardinality())


def test_epochs_come_again_with_the_same_seed(tmp_path):
    written(tmp_path / "shards", "texts", validation=0)
    for buffer in (None, 10):
        one, other, another = (sharded(tmp_path / "shards", 5, buffer=buffer, seed=seed) for seed in (3, 3, 4))
        epochs = [first_bytes(one) for _ in range(3)]
        assert epochs == [first_bytes(other) for _ in range(3)]
        assert epochs[0] != first_bytes(another)
        assert len({tuple(epoch) for epoch in epochs}) == 3


@pytest.mark.parametrize("name", ["captions", "texts", "translations"])
@pytest.mark.parametrize("buffer", [None, 10])
def test_workers_have_all_rows_and_as_many_batches(tmp_path, name, buffer):
    some = written(tmp_path / "shards", name, validation=0, shards=5)
    everything = rows(some.memory(*some.given, 5, False, validation=0))
    for count in (2, 3):
        parts = [
            sharded(tmp_path / "shards", 5, worker=worker, num_workers=count, buffer=buffer, **some.read)
            for worker in range(count)
        ]
        assert len({part.batches for part in parts}) == 1
        assert sum((rows(part) for part in parts), collections.Counter()) == everything


def test_a_worker_needs_no_shards_of_others(tmp_path):
    some = written(tmp_path / "shards", "captions", validation=0)
    for path in (tmp_path / "shards").glob("*-0000[13]-of-*"):
        path.unlink()
    assert sum(rows(sharded(tmp_path / "shards", 5, worker=0, num_workers=2, **some.read)).values()) > 0
    with pytest.raises(ValueError, match="train-00001-of-00004.tfrecord: expected, as index.json names it, found noth"):
        sharded(tmp_path / "shards", 5, worker=1, num_workers=2, **some.read)


def test_what_has_an_entry_for_each_record_is_read_when_it_is_asked_for(tmp_path):
    some = written(tmp_path / "shards", "captions", validation=0.2, seed=5)
    memory = some.memory(*some.given, 5, True, validation=0.2, seed=5)
    for mine, theirs in zip(sharded(tmp_path / "shards", 5, **some.read), memory):
        assert list(mine.names) == theirs.names and list(mine.references) == theirs.references
        assert mine.names[-1] == theirs.names[-1] and mine.references[1:3] == theirs.references[1:3]
        assert mine.vocabulary == theirs.vocabulary
        for one, other in zip(mine.images, theirs.images, strict=True):
            np.testing.assert_array_equal(one, other)
        with pytest.raises(IndexError, match="expected a number below"):
            mine.names[len(theirs.names)]


def test_half_of_the_pictures_are_mirrored(tmp_path):
    images = pictures(200, side=4)
    write_shards(tmp_path / "shards", "captions", images, texts(200, most=1), validation=0, shards=2, verbose=0)
    dataset, mirrored = sharded(tmp_path / "shards", 50, image_size=4, augment=True), []
    for inputs, _, _ in dataset:
        for item, image in zip(inputs["item"].numpy(), inputs["image"].numpy()):
            mirrored.append(np.array_equal(image, images[item][:, ::-1]))
            assert mirrored[-1] or np.array_equal(image, images[item])
    assert 70 < sum(mirrored) < 130  # of 200


def test_changes_and_windows_are_others_each_time(tmp_path):
    some = written(tmp_path / "shards", "videos", validation=0)
    seen = set()

    def change(frames, chance):
        seen.add(int(chance.integers(1 << 30)))
        return 255 - frames

    dataset = sharded(tmp_path / "shards", 5, window=3, augment=change, **some.read)
    plain = sharded(tmp_path / "shards", 5, **some.read)
    total = sum(len(labels) for _, labels in dataset)
    assert total == len(some.given[0]) == len(seen)
    brightness = [np.mean([batch[0]["video"].numpy().max() for batch in data]) for data in (dataset, plain)]
    assert brightness[0] != brightness[1]
