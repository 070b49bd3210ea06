"""What all vocabularies share: config, JSON, Keras serialisation, SavedModel."""

import json
import os
import subprocess
import sys
import textwrap

import keras
import pytest
import tensorflow as tf

from keras_seqcv.data import Bytes, Characters, Words, vocabulary_from_json
from tests.data.vocabulary_oracles import graph

VOCABULARIES = [
    Characters("héllo 中🙂\n"),
    Characters("héllo", unknown="\ufffd"),
    Characters(tokens=["b", "a"]),
    Bytes(),
    Words("To be, or not to be: Zoë's 中", max_size=9, min_count=1, lowercase=True),
    Words(tokens=["zoo", "apple", "!"]),
]


@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=repr)
def test_config_json_and_keras_round_trips(vocabulary):
    again = [
        type(vocabulary).from_config(json.loads(json.dumps(vocabulary.get_config()))),
        type(vocabulary).from_json(vocabulary.to_json()),
        vocabulary_from_json(vocabulary.to_json()),
        keras.saving.deserialize_keras_object(
            json.loads(json.dumps(keras.saving.serialize_keras_object(vocabulary))), safe_mode=True
        ),
    ]
    for other in again:
        assert other == vocabulary and other is not vocabulary and other.tokens == vocabulary.tokens
        ids = [len(vocabulary) // 2, len(vocabulary) - 1]
        text = vocabulary.decode(ids)
        assert other.decode(ids) == text and other.encode(text).tolist() == vocabulary.encode(text).tolist()


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "JSON of a vocabulary"),
        ("[1]", "JSON of a vocabulary"),
        ('{"class_name": "Characters"}', "JSON of a vocabulary"),
        ('{"class_name": "Klingon", "config": {}}', "Klingon"),
        ('{"class_name": "Bytes", "config": {"size": 3}}', "does not fit Bytes"),
        ('{"class_name": "Characters", "config": {"tokens": []}}', "empty"),
    ],
)
def test_damaged_json(text, message):
    with pytest.raises(ValueError, match=message):
        vocabulary_from_json(text)


def test_json_of_another_class():
    with pytest.raises(ValueError, match="Words.*Bytes"):
        Words.from_json(Bytes().to_json())


class Codec(tf.Module):
    def __init__(self, vocabulary):
        super().__init__()
        self.encode = graph(vocabulary.encode_tensor, (1, tf.string))
        self.decode = graph(vocabulary.decode_tensor, (2, tf.int32), (1, tf.int32))


def test_saved_model_runs_where_the_package_is_not_installed(tmp_path):
    text = "Zoë's 中 café: (to be), or not?\n🙂"
    vocabularies = {
        "characters": Characters(text),
        "unknown": Characters("to be", unknown="?"),
        "bytes": Bytes(),
        "words": Words(text, lowercase=True),
    }
    expected = {}
    for name, vocabulary in vocabularies.items():
        tf.saved_model.save(Codec(vocabulary), str(tmp_path / name))
        ids = vocabulary.encode(text)
        expected[name] = [ids.tolist(), vocabulary.decode(ids)]
    (tmp_path / "expected.json").write_text(json.dumps({"text": text, "expected": expected}))
    script = """
        import json, sys
        sys.modules["keras_seqcv"] = None
        import tensorflow as tf
        content = json.load(open("expected.json"))
        for name, (ids, decoded) in content["expected"].items():
            codec = tf.saved_model.load(name)
            got, lengths = codec.encode(tf.constant([content["text"], ""]))
            assert got[0].numpy().tolist() == ids and lengths.numpy().tolist() == [len(ids), 0], name
            assert codec.decode(got, lengths)[0].numpy().decode() == decoded, name
        try:
            tf.saved_model.load("characters").encode(tf.constant(["\\u03b2"]))
        except tf.errors.InvalidArgumentError as error:
            assert "not in the vocabulary" in str(error)
            print("all right")
    """
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0 and "all right" in done.stdout, done.stderr[-2000:]
