"""`.keras` files and weights: what comes back is what was saved; damaged files are named."""

import io
import os
import subprocess
import sys
import warnings
import zipfile

import keras
import numpy as np
import pytest

import keras_seqcv as ks
from keras_seqcv.models import LanguageModel, load_model
from tests.models.language_model_oracles import fast, repetitive, small

VOCABULARIES = [ks.data.Characters("añ😀\n bc", unknown="?"), ks.data.Bytes(), ks.data.Words("to be, or not to be")]


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(0)
    text = repetitive(times=12)
    model = LanguageModel(ks.data.Characters(text), cell="gru", layers=2, units=12, embedding_dim=5, dropout=0.1)
    streams = ks.data.text_streams(text, batch_size=4, steps=10, vocabulary=model.vocabulary)
    history = fast(model).fit(streams, epochs=2, verbose=0).history
    return model, streams, history


@pytest.fixture(scope="module")
def file(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("keras") / "model.keras"
    trained[0].save(path)
    return path


@pytest.mark.parametrize("load", [keras.saving.load_model, load_model])
def test_round_trip_after_fit(trained, file, load):
    model = trained[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        copy = load(file)
    assert type(copy) is LanguageModel and copy.get_config() == model.get_config()
    assert copy.vocabulary == model.vocabulary
    for one, other in zip(copy.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    for choice in ({"greedy": True}, {"seed": 5}, {"seed": 6, "top_k": 3}):
        one, other = (m.generate(["the", "fox"], length=40, **choice) for m in (copy, model))
        assert one == other
    np.testing.assert_array_equal(copy.score("the fox"), model.score("the fox"))


def test_training_goes_on_as_if_nothing_had_happened(trained, file):
    """Optimizer, metrics and the states of the streams come back."""
    copy = load_model(file)
    assert copy.optimizer.get_config() == trained[0].optimizer.get_config()
    assert int(copy.optimizer.iterations) == int(trained[0].optimizer.iterations) > 0
    for one, other in zip(copy.recurrent_layers, trained[0].recurrent_layers, strict=True):
        assert np.abs(one.get_states("training")[0]).max() > 0
        np.testing.assert_array_equal(one.get_states("training")[0], other.get_states("training")[0])
    for one, other in zip(copy.optimizer.variables, trained[0].optimizer.variables, strict=True):
        np.testing.assert_array_equal(one, other)
    history = copy.fit(trained[1], epochs=1, verbose=0).history
    assert set(history) == {"loss", "bits_per_character", "perplexity"}
    assert history["loss"][0] < trained[2]["loss"][-1] < trained[2]["loss"][0]


@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=lambda v: type(v).__name__)
def test_vocabulary_is_inside(vocabulary, tmp_path):
    model = small(vocabulary, cell="simple_rnn")
    model.save(tmp_path / "m.keras")
    copy = load_model(tmp_path / "m.keras")
    assert copy.vocabulary == vocabulary and not copy.compiled
    for prompt in ("a", "to be ", "😀 b"):
        if not isinstance(vocabulary, ks.data.Words):
            assert copy.generate(prompt, length=20, seed=1) == model.generate(prompt, length=20, seed=1)
    assert copy.generate("be", length=20, greedy=True) == model.generate("be", length=20, greedy=True)


def test_weights_alone(tmp_path):
    model = small(cell="lstm", layers=2)
    model.save_weights(tmp_path / "m.weights.h5")
    copy = LanguageModel.from_config(model.get_config())
    copy.build((None, None))
    copy.load_weights(tmp_path / "m.weights.h5")
    assert copy.generate("abc", seed=2) == model.generate("abc", seed=2)


def test_mixed_precision_comes_back(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = small(cell="lstm")
    keras.config.set_dtype_policy("float32")
    model.save(tmp_path / "m.keras")
    copy = load_model(tmp_path / "m.keras")
    assert copy.recurrent_layers[0].compute_dtype == "bfloat16" and copy.recurrent_layers[0].variable_dtype == "float32"
    assert copy.generate("abc", length=30, greedy=True) == model.generate("abc", length=30, greedy=True)


FRESH = """
import sys
import keras, keras_seqcv
model = keras.saving.load_model(sys.argv[1])
sys.stdout.buffer.write(model.generate("the", length=30, seed=5).encode())
"""


def test_a_fresh_process_reads_it(trained, file):
    root = os.path.dirname(os.path.dirname(ks.__file__))
    environment = {**os.environ, "PYTHONPATH": root, "CUDA_VISIBLE_DEVICES": "-1"}
    child = subprocess.run([sys.executable, "-c", FRESH, str(file)], capture_output=True, env=environment, timeout=300)
    assert child.returncode == 0, child.stderr[-2000:]
    assert child.stdout.decode() == trained[0].generate("the", length=30, seed=5)


def rewritten(data, drop=None, **changes):
    """A zip archive with members left out or changed."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(result, "w") as new:
        for name in old.namelist():
            if name != drop:
                new.writestr(name, changes.get(name.split(".")[0], lambda content: content)(old.read(name)))
    return result.getvalue()


def flipped(data, seed):
    data = bytearray(data)
    for place in np.random.default_rng(seed).integers(0, len(data), 20):
        data[place] ^= 255
    return bytes(data)


DAMAGES = {
    "empty": lambda data: b"",
    "truncated": lambda data: data[: len(data) // 2],
    "without its end": lambda data: data[:-1],
    "random": lambda data: np.random.default_rng(0).bytes(3000),
    "text": lambda data: b"once upon a time",
    "zip of nothing": lambda data: b"PK\x05\x06" + bytes(18),
    "flipped 0": lambda data: flipped(data, 0),
    "flipped 1": lambda data: flipped(data, 1),
    "no config": lambda data: rewritten(data, drop="config.json"),
    "no weights": lambda data: rewritten(data, drop="model.weights.h5"),
    "config cut": lambda data: rewritten(data, config=lambda c: c[: len(c) // 2]),
    "config of something else": lambda data: rewritten(data, config=lambda c: b'{"class_name": "x", "config": {}}'),
    "config without vocabulary": lambda data: rewritten(data, config=lambda c: c.replace(b'"vocabulary"', b'"voc"')),
    "units changed": lambda data: rewritten(data, config=lambda c: c.replace(b'"units": 12', b'"units": 13')),
    "weights cut": lambda data: rewritten(data, model=lambda c: c[: len(c) // 2]),
    "weights random": lambda data: rewritten(data, model=lambda c: np.random.default_rng(0).bytes(len(c))),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named(file, tmp_path, damage):
    path = tmp_path / "damaged.keras"
    path.write_bytes(DAMAGES[damage](file.read_bytes()))
    with pytest.raises(ValueError, match="damaged.keras (is damaged|cannot be loaded)"):
        load_model(path)
    assert os.listdir(tmp_path) == ["damaged.keras"]


def test_no_file(tmp_path):
    with pytest.raises(ValueError, match="nothing.keras does not exist"):
        load_model(tmp_path / "nothing.keras")
    with pytest.raises(ValueError, match="is not a file"):
        load_model(str(tmp_path))


def test_code_in_a_file_is_not_run(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x)])
    model.save(tmp_path / "lambda.keras")
    with pytest.raises(ValueError, match="lambda.keras cannot be loaded.*[Ll]ambda"):
        load_model(tmp_path / "lambda.keras")
