"""text_streams against plain slicing, files against memory, splits, errors, and `model.fit`."""

import gc
import logging
import os
import pathlib
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from keras_seqcv.data import Bytes, Characters, Words, load_text, text_streams
from tests.data.stream_oracles import collected, few, numbers


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr("keras_seqcv.data.documents.BLOCK_BYTES", 5)


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """An empty folder in which temporary files are made."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def folders(temporary):
    """The folders that were made there by us; TensorFlow may make files of its own."""
    return list(temporary.glob("keras_seqcv_*"))


@few
@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 100))
def test_rows_continue_and_nothing_is_lost_but_the_end(batch_size, steps, extra):
    total = batch_size * steps + 1 + extra
    streams = text_streams(numbers(total), batch_size, steps)
    assert streams.batches == (total - 1) // (batch_size * steps) == len(list(streams))
    for x, y in streams:
        assert x.shape == y.shape == (batch_size, steps) and x.dtype == y.dtype == tf.int32
    tokens, targets = collected(streams)
    # Characters are numbered as they come in this text: rows end to end count up from 0.
    np.testing.assert_array_equal(tokens.ravel(), np.arange(tokens.size))
    np.testing.assert_array_equal(targets, tokens + 1)
    assert streams.dropped == total - (targets.max() + 1) and 0 <= streams.dropped < batch_size * steps


def test_validation_is_the_last_part():
    text = numbers(1000)
    train, valid = text_streams(text, 3, 7, validation=0.2)
    tokens, targets = collected(train)
    assert tokens[0, 0] == 0 and targets.max() < 800 and train.dropped == 799 - targets.max()
    tokens, targets = collected(valid)
    assert tokens[0, 0] == 800 and valid.dropped == 999 - targets.max()
    assert train.vocabulary == valid.vocabulary == Characters(text)


def test_datasets_are_finite_static_known_in_length_and_used_again():
    streams = text_streams(numbers(100), 2, 5)
    spec = tf.TensorSpec((2, 5), tf.int32)
    assert streams.element_spec == (spec, spec)
    assert int(streams.cardinality()) == streams.batches == 9
    first, second = collected(streams), collected(streams)
    np.testing.assert_array_equal(first, second)
    # Two iterators at once do not disturb each other.
    for (a, _), (b, _) in zip(streams, streams):
        np.testing.assert_array_equal(a, b)


def test_shakespeare_is_all_there():
    text = load_text("shakespeare")
    train, valid = text_streams(text, 32, 64, validation=0.1)
    tokens, _ = collected(train)
    decoded = train.vocabulary.decode(tokens.ravel())
    assert text.startswith(decoded) and len(decoded) + 1 + train.dropped == len(text) - round(0.1 * len(text))
    assert (train.batches, valid.batches) == (490, 54)


@pytest.mark.parametrize("vocabulary", [None, Bytes(), Words("über den Wolken, 中 und ganz-weit weg\n")], ids=repr)
def test_file_gives_what_memory_gives(tmp_path, small_blocks, temporary, vocabulary):
    text = "über den Wolken,\t中 und ganz-weit weg\n" * 4
    path = tmp_path / "text.txt"
    path.write_bytes(text.encode())
    ours = text_streams(path, 2, 3, vocabulary=vocabulary)
    in_memory = text_streams(text, 2, 3, vocabulary=vocabulary)
    from_bytes = text_streams(text.encode(), 2, 3, vocabulary=vocabulary)
    assert ours.vocabulary == in_memory.vocabulary and ours.dropped == in_memory.dropped
    for other in (in_memory, from_bytes):
        for mine, theirs in zip(collected(ours), collected(other), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    assert len(folders(temporary)) == 1  # of the file only


def test_tokens_take_the_smallest_type(tmp_path, temporary):
    path = tmp_path / "text.txt"
    path.write_text("ab" * 500)
    streams = text_streams(path, 2, 3)
    (file,) = temporary.rglob("tokens")
    assert file.stat().st_size == 1000
    many = numbers(300)
    path.write_text(many)
    streams = text_streams(path, 2, 3)
    assert max(file.stat().st_size for file in temporary.rglob("tokens")) == 600
    np.testing.assert_array_equal(collected(streams)[0].ravel(), np.arange(6 * streams.batches))


def test_temporary_folder_goes_with_the_datasets(tmp_path, temporary):
    path = tmp_path / "text.txt"
    path.write_text("abc" * 200)
    train, valid = text_streams(path, 2, 3, validation=0.3)
    derived = train.map(lambda x, y: x).prefetch(1)
    iterator = iter(derived)
    for dataset in (train, valid, derived):
        list(dataset)
    del train, valid, derived, dataset
    gc.collect()
    assert len(list(iterator)) == 69  # still read by the iterator
    assert len(folders(temporary)) == 1
    del iterator
    gc.collect()
    assert not folders(temporary)


def test_invalid_utf8_is_found_across_blocks_and_leaves_nothing(tmp_path, small_blocks, temporary):
    path = tmp_path / "broken.txt"
    text = "中文" * 4
    for offset in range(6, 25, 3):
        data = text.encode()
        path.write_bytes(data[:offset] + b"\xe4\xb8" + data[offset:])
        for vocabulary in (None, Characters(text), Words("中 文")):
            with pytest.raises(ValueError, match=f"broken.txt is not valid UTF-8 at byte offset {offset} "):
                text_streams(path, 1, 2, vocabulary=vocabulary)
    assert not folders(temporary)
    assert text_streams(path, 1, 2, vocabulary=Bytes()).batches == 12  # bytes need not be UTF-8


def test_unknown_character_names_document_and_position(tmp_path, small_blocks, temporary):
    path = tmp_path / "text.txt"
    path.write_text("aaaaaaaaaaaabaaa")
    with pytest.raises(ValueError, match="text.txt, from position 10: .*'b'.* position 2"):
        text_streams(path, 1, 2, vocabulary=Characters("a"))
    with pytest.raises(ValueError, match=r"`text\[1\]`: .*'b'.* position 3"):
        text_streams(["aaa", "aaab"], 1, 2, vocabulary=Characters("a"))
    assert not folders(temporary)


def test_full_disk_names_the_folder(tmp_path, temporary, monkeypatch):
    path = tmp_path / "text.txt"
    path.write_text("abc" * 100)

    class Ids(np.ndarray):
        def astype(self, dtype):
            return self

        def tobytes(self):
            raise OSError(28, "No space left on device")

    vocabulary = Characters("abc")
    monkeypatch.setattr(vocabulary, "encode", lambda text: np.zeros(len(text), "int32").view(Ids))
    with pytest.raises(OSError, match="cannot write the encoded text: No space left on device.*keras_seqcv_"):
        text_streams(path, 1, 2, vocabulary=vocabulary)
    assert not folders(temporary)


@pytest.mark.parametrize(
    "changes, error, message",
    [
        ({"text": ""}, ValueError, "empty text"),
        ({"text": b""}, ValueError, "empty text"),
        ({"text": 7}, TypeError, "`text`.*int"),
        ({"text": iter("abc")}, TypeError, "`text`"),
        ({"text": b"ab\xffabcdefghi"}, ValueError, "`text` is not valid UTF-8 at byte offset 2"),
        ({"text": "abcdef"}, ValueError, r"has 6 tokens.*2 \* 3 \+ 1 = 7 are needed"),
        ({"batch_size": 0}, ValueError, "`batch_size` must be at least 1, received 0"),
        ({"steps": -2}, ValueError, "`steps` must be at least 1, received -2"),
        ({"steps": 2.0}, TypeError, "`steps`.*float"),
        ({"batch_size": True}, TypeError, "`batch_size`.*bool"),
        ({"validation": 1}, ValueError, r"`validation` must lie in \[0, 1\), received 1"),
        ({"validation": -0.1}, ValueError, "-0.1"),
        ({"validation": float("nan")}, ValueError, "nan"),
        ({"validation": "0.1"}, TypeError, "`validation`.*str"),
        ({"validation": 0.05}, ValueError, "validation part of the text has 1 tokens"),
        ({"validation": 0.9}, ValueError, "training part of the text has 2 tokens"),
    ],
)
def test_bad_arguments(changes, error, message):
    arguments = {"text": "abcdefghijklmnopqrst", "batch_size": 2, "steps": 3, **changes}
    with pytest.raises(error, match=message):
        text_streams(**arguments)


def test_empty_and_missing_files_are_named(tmp_path):
    path = tmp_path / "nothing.txt"
    with pytest.raises(FileNotFoundError, match="nothing.txt"):
        text_streams(path, 1, 1)
    path.touch()
    for vocabulary in (None, Characters("a"), Words("a"), Bytes()):
        with pytest.raises(ValueError, match="nothing.txt is an empty text"):
            text_streams(path, 1, 1, vocabulary=vocabulary)


def test_what_is_dropped_is_logged(caplog):
    with caplog.at_level(logging.INFO, logger="keras_seqcv"):
        text_streams(numbers(50), 2, 5, validation=0.4)
    assert "training part of the text: 30 tokens, 2 batches of (2, 5), 9 tokens dropped" in caplog.text
    assert "validation part of the text: 20 tokens, 1 batches of (2, 5), 9 tokens dropped" in caplog.text


def language_model(words):
    model = keras.Sequential([keras.layers.Embedding(words, 8), keras.layers.Dense(words)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def test_fit_takes_streams_that_nobody_else_holds(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("abcdefgh" * 30)
    model = language_model(8)
    train, valid = text_streams(path, 2, 5, validation=0.2)
    history = model.fit(train, validation_data=valid, epochs=2, shuffle=False, verbose=0).history
    assert history["loss"][1] < history["loss"][0] and len(history["val_loss"]) == 2
    assert np.isfinite(model.evaluate(text_streams(path, 2, 5), verbose=0))


def run_script(script, folder):
    """Runs a script in a process of its own, which can import the package from the tree."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(pathlib.Path(__file__).parents[2])},
        capture_output=True,
        text=True,
    )


def test_temporary_folder_goes_at_exit(tmp_path):
    (tmp_path / "text.txt").write_text("abc" * 200)
    script = """
        import pathlib, tempfile
        tempfile.tempdir = "."
        from keras_seqcv.data import text_streams
        streams = text_streams(pathlib.Path("text.txt"), 2, 3)
        assert len(list(pathlib.Path(".").glob("keras_seqcv_*"))) == 1
    """
    done = run_script(script, tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert os.listdir(tmp_path) == ["text.txt"]


def test_rows_stay_with_their_replica(tmp_path):
    script = """
        import keras, numpy as np, tensorflow as tf
        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
        )
        from keras_seqcv.data import text_streams
        text = "".join(chr(0x4E00 + i) for i in range(100))
        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
        seen = [[], []]
        for x, _ in strategy.experimental_distribute_dataset(text_streams(text, 4, 5)):
            for replica, rows in enumerate(strategy.experimental_local_results(x)):
                assert rows.shape == (2, 5)
                seen[replica].append(rows.numpy())
        tokens = np.concatenate([np.concatenate(rows, axis=1) for rows in seen])  # (B, n T)
        np.testing.assert_array_equal(tokens.ravel(), np.arange(80))
        with strategy.scope():
            model = keras.Sequential([keras.layers.Embedding(100, 4), keras.layers.Dense(100)])
            model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        assert np.isfinite(model.fit(text_streams(text, 4, 5), verbose=0).history["loss"][0])
        print("all right")
    """
    done = run_script(script, tmp_path)
    assert done.returncode == 0 and "all right" in done.stdout, done.stderr[-2000:]


def test_streams_are_not_tuned_while_they_run():
    """An iterator that is tuned waits for a sleeping thread when it goes, at the beginning of every epoch."""
    train, valid = text_streams("to be or not to be\n" * 40, batch_size=2, steps=8, validation=0.2)
    for dataset in (train, valid, train.map(lambda x, y: (x, y))):
        assert dataset.options().autotune.enabled is False
