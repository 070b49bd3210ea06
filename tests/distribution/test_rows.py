"""Which rows are whose, who the workers are, and what an only replica is told."""

import argparse
import json

import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from keras_seqcv import distribution
from keras_seqcv.distribution.replicas import outside


@pytest.mark.parametrize("parts", [1, 2, 3, 5])
@pytest.mark.parametrize("rows", [1, 4, 7, 15])
def test_parts_together_are_the_batch(rows, parts):
    batches = tf.data.Dataset.range(rows).batch(6)
    pieces = list(distribution.split_rows(batches, parts).as_numpy_iterator())
    whole = list(batches.as_numpy_iterator())
    assert len(pieces) == parts * len(whole) == distribution.split_rows(batches, parts).cardinality()
    for k, batch in enumerate(whole):
        some = pieces[k * parts : (k + 1) * parts]
        np.testing.assert_array_equal(np.concatenate(some), batch)
        sizes = [len(piece) for piece in some]
        assert max(sizes) - min(sizes) <= 1 and sizes[0] == max(sizes)


def test_each_worker_has_its_part_of_every_element():
    ragged = tf.ragged.constant([[1], [], [2, 3], [4], [5, 6, 7]])
    x = {"a": np.arange(10).reshape(5, 2), "ragged": ragged, "sparse": tf.sparse.eye(5)}
    batches = tf.data.Dataset.from_tensor_slices((x, np.arange(5))).batch(5)
    for i, rows in enumerate((slice(0, 3), slice(3, 5))):
        ((x, y),) = distribution.split_rows(batches, 2, range(i, i + 1))
        np.testing.assert_array_equal(y, np.arange(5)[rows])
        np.testing.assert_array_equal(x["a"], np.arange(10).reshape(5, 2)[rows])
        assert x["ragged"].to_list() == ragged.to_list()[rows]
        np.testing.assert_array_equal(tf.sparse.to_dense(x["sparse"]), np.eye(5)[rows])


def test_known_sizes_stay_known():
    batches = tf.data.Dataset.range(8).batch(4, drop_remainder=True)
    assert distribution.split_rows(batches, 2, range(1)).element_spec.shape == (2,)
    assert distribution.split_rows(batches, 2).element_spec.shape == (2,)


@pytest.mark.parametrize("own", [range(2, 3), range(0), range(-1, 1)])
def test_parts_that_are_not_there(own):
    with pytest.raises(ValueError, match="own: expected some of the parts 0 ... 1"):
        distribution.split_rows(tf.data.Dataset.range(4).batch(2), 2, own)


def test_elements_without_rows():
    with pytest.raises(ValueError, match="dataset: expected batches"):
        distribution.split_rows(tf.data.Dataset.range(4), 2)


def config(workers=("a:1", "b:2"), kind="worker", index=0, **others):
    return json.dumps({"cluster": {"worker": list(workers), **others}, "task": {"type": kind, "index": index}})


def test_workers():
    assert distribution.worker_of("") == (0, 1)
    assert distribution.worker_of(config(index=1)) == (1, 2)
    assert distribution.worker_of(config(chief=["c:3"], kind="chief")) == (0, 3)
    assert distribution.worker_of(config(chief=["c:3"], index=1)) == (2, 3)
    assert distribution.worker_of(config(["[::1]:80", "b:1"])) == (0, 2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "expected JSON"),
        ("[1]", "expected {"),
        ("{}", 'expected a dict "cluster"'),
        ('{"cluster": {"worker": ["a:1"]}}', 'expected a dict "task"'),
        (config(index=2), "'worker' 2, the cluster has worker 0, worker 1"),
        (config(index="1"), "'worker' '1'"),
        (config(index=True), "'worker' True"),
        (config(kind="chief"), "'chief' 0"),
        (config(["a:1", "a:1"]), "'a:1' stands there twice"),
        (config(["a", "b:2"]), "received 'a'"),
        (config(["a:99999", "b:2"]), "received 'a:99999'"),
        (config([1, "b:2"]), "received 1"),
        (config([]), "expected a list of addresses"),
        (config(chief=["c:1", "d:1"]), "expected one chief"),
        (config(ps=["c:1"]), "received 'ps'"),
    ],
)
def test_wrong_workers(text, said, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError) as error:
        distribution.strategy("multiworker")
    assert str(error.value).startswith("TF_CONFIG") and said in str(error.value)


def test_wrong_strategies(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(ValueError, match="name: expected one of"):
        distribution.strategy("tpu")
    with pytest.raises(ValueError, match="devices: expected None with 'none'"):
        distribution.strategy("none", 2)
    with pytest.raises(ValueError, match="TF_CONFIG: expected two workers at least"):
        distribution.strategy("multiworker")
    with pytest.raises(ValueError, match="devices: expected an int >= 1, received 0"):
        distribution.strategy("mirrored", 0)
    tf.zeros(())  # TensorFlow is in use
    with pytest.raises(ValueError, match="devices: 2 asked for, but the CPU can be divided only before"):
        distribution.strategy("mirrored", 2)


def test_one_replica_is_the_whole_batch():
    assert float(distribution.share(0)) == 1.0 and float(distribution.total(2.5)) == 2.5
    assert distribution.rows_of_batch(lambda rows: tf.zeros((rows, 2)), 3).shape == (3, 2)
    assert distribution.is_chief() and distribution.own_folder("runs") == "runs"


def test_options_of_a_script(tmp_path):
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default=tmp_path)
    distribution.add_arguments(parser)
    args = parser.parse_args(["--strategy", "mirrored"])
    with distribution.scope_of(args) as strategy:
        assert tf.distribute.get_strategy() is strategy and isinstance(strategy, distribution.MirroredStrategy)
    assert args.out == tmp_path and not tf.distribute.has_strategy()
    assert not tf.distribute.has_strategy()


def test_outside_of_a_scope():
    with distribution.MirroredStrategy(["CPU:0"]).scope(), ks.layers.stream_scope("training"):
        assert tf.distribute.has_strategy() and not outside(tf.distribute.has_strategy)
        assert outside(ks.layers.stream_state.current_stream, False) == "training"
        with pytest.raises(KeyError):
            outside({}.__getitem__, "nothing")


def test_nothing_is_read_before_training():
    """Keras would read a batch: what is planned anew for each epoch would be an epoch ahead."""
    orders, words = [], ks.data.Words(tokens=["a", "b"])
    for strategy in (tf.distribute.get_strategy(), distribution.MirroredStrategy(["CPU:0"])):
        epochs = []

        def seen(x, y, epochs=epochs):
            (labels,) = tf.numpy_function(lambda y: epochs.append(y.tolist()) or y, [y], [y.dtype])
            return x, tf.ensure_shape(labels, y.shape)

        options = {"validation": 0, "vocabulary": words, "names": ["x", "y"]}
        texts = ks.data.labelled_texts(["a b", "b a", "a"] * 4, ["x", "y", "x"] * 4, 4, **options)
        with strategy.scope():
            model = ks.models.SequenceClassifier(["x", "y"], words, units=2, embedding_dim=2)
            model.compile(run_eagerly=True)
        model.fit(texts.map(seen), epochs=2, verbose=0)
        orders.append(epochs[:6])
    assert len(orders[0]) == 6 and orders[0] == orders[1]
