"""sharded: running text, rows that go on from batch to batch, for one worker and for several."""

import numpy as np
import pytest

from keras_seqcv import data
from tests.data.shard_sets import arrays, assert_same

TALE = "".join(chr(97 + k % 26) + (" " if k % 5 == 0 else "") for k in range(400))
DOCUMENTS = [TALE[:90], TALE[90:101], TALE[101:300], TALE[300:]]


def written(folder, text=TALE, **options):
    data.write_shards(folder, "text", text, **{"shards": 3, "block": 11, "verbose": 0} | options)
    return folder


@pytest.mark.parametrize("text", [TALE, DOCUMENTS], ids=["text", "documents"])
@pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
def test_streams_are_those_of_text_streams(tmp_path, text, file_format):
    folder = written(tmp_path / "shards", text, file_format=file_format)
    mine, theirs = data.sharded(folder, 3, steps=7), data.text_streams(text, 3, 7)
    assert_same(mine, theirs)
    assert (mine.dropped, mine.vocabulary) == (theirs.dropped, theirs.vocabulary)
    for mine, theirs in zip(data.sharded(folder, 3, steps=7, validation=0.3), data.text_streams(text, 3, 7, 0.3)):
        assert_same(mine, theirs)


@pytest.mark.parametrize("text", [TALE, DOCUMENTS], ids=["text", "documents"])
def test_each_worker_has_its_own_rows(tmp_path, text):
    folder = written(tmp_path / "shards", text)
    whole = [arrays(element) for element in data.text_streams(text, 6, 4)]
    for count in (2, 3):
        parts = [data.sharded(folder, 6 // count, steps=4, worker=w, num_workers=count) for w in range(count)]
        together = [[np.concatenate(some) for some in zip(*map(arrays, batch))] for batch in zip(*parts, strict=True)]
        for one, other in zip(whole, together, strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_rows_go_on_from_batch_to_batch(tmp_path):
    stream = data.sharded(written(tmp_path / "shards"), 2, steps=5, worker=1, num_workers=2)
    tokens = np.concatenate([x for x, _ in stream], axis=1)  # (B, all steps)
    begin = 2 * tokens.shape[1]  # worker 1 has rows 2 and 3 of 4
    assert stream.vocabulary.decode(tokens.ravel()) == TALE[begin : begin + tokens.size]


def test_files_are_read_in_blocks(tmp_path):
    (tmp_path / "tale.txt").write_text(TALE * 30)
    vocabulary = data.Bytes()
    folder = written(tmp_path / "shards", tmp_path / "tale.txt", vocabulary=vocabulary, block=1000)
    assert_same(data.sharded(folder, 4, steps=100), data.text_streams(TALE * 30, 4, 100, vocabulary=vocabulary))


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({}, TypeError, "steps"),
        ({"steps": 0}, ValueError, "`steps` must be at least 1, received 0"),
        ({"steps": 200}, ValueError, r"`num_workers` \* `batch_size` \* `steps` \+ 1 = 601 are needed"),
        ({"steps": 4, "validation": 1}, ValueError, r"`validation` must lie in \[0, 1\)"),
        ({"steps": 4, "buffer": 30}, ValueError, "`buffer` must be None for streams of text"),
        ({"steps": 4, "image_size": 3}, TypeError, "read with the options .*'steps'.* received .'image_size'"),
    ],
)
def test_bad_options(tmp_path, options, kind, message):
    folder = written(tmp_path / "shards")
    with pytest.raises(kind, match=message):
        data.sharded(folder, 3, **options)
