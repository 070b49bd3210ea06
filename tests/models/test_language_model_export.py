"""What a `LanguageModel` says outside of Keras: as a SavedModel, and in LiteRT."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from tests.models.language_model_oracles import LETTERS, scores_of, small

pytest.importorskip("ai_edge_litert")

FORMS = (None, "float16", "dynamic", "int8")
PROMPTS = ["abc", "j", "hgf edcba\n"]


@pytest.fixture(scope="module")
def model():
    return small(cell="lstm", layers=2, units=16, embedding_dim=6, residual=True, loud=1.5)


@pytest.fixture(scope="module")
def words():
    return small(ks.data.Words("to be, or not to be: that is the question\n(whether 'tis)"), cell="gru", units=16)


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "model"
    report = ks.export.saved_model(model, path, verbose=False)
    assert report.signatures == ["generate", "score", "serving_default", "step"] and report.difference < 1e-4
    return path


@pytest.fixture(scope="module")
def lite(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("lite") / "model.tflite"
    report = ks.export.tflite(model, path, max_length=300, verbose=False)
    return ks.export.load_tflite(path), report


# SavedModel, in a process without this package and without Keras ------------------------------------------------

FRESH = """
import json, sys
sys.path.insert(0, sys.argv[2])
import numpy as np
import tensorflow as tf
signatures = tf.saved_model.load(sys.argv[1]).signatures
assert sorted(signatures) == ["generate", "score", "serving_default", "step"]
calls, answers = json.load(sys.stdin), []
for name, inputs in calls:
    tensors = {key: tf.constant(value, getattr(tf, kind)) for key, (value, kind) in inputs.items()}
    outputs = signatures[name](**tensors)
    plain = {key: value.numpy().tolist() for key, value in outputs.items()}
    answers.append({key: [v.decode() for v in value] if key == "text" else value for key, value in plain.items()})
for package in ("keras_seqcv",):
    assert package not in sys.modules
    try:
        __import__(package)
    except ImportError as error:
        assert "poisoned" in str(error)
    else:
        raise AssertionError("it can be imported here")
print(json.dumps(answers))
"""


def elsewhere(folder, calls, tmp_path):
    poison = tmp_path / "poison" / "keras_seqcv"
    poison.mkdir(parents=True)
    (poison / "__init__.py").write_text("raise ImportError('poisoned')")
    child = subprocess.run(
        [sys.executable, "-I", "-c", FRESH, str(folder), str(poison.parent)],
        input=json.dumps(calls),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
        timeout=300,
    )
    assert child.returncode == 0, child.stderr[-3000:]
    return json.loads(child.stdout)


def generate_call(prompts, length, temperature, seed):
    scalars = {"length": (length, "int32"), "temperature": (temperature, "float32"), "seed": (seed, "int32")}
    return ["generate", {"prompt": (prompts, "string"), **scalars}]


def test_saved_model_in_a_fresh_process(model, folder, tmp_path):
    texts = ["abcabcabc", "ji", "gh\n ab"]
    states = model.initial_states(2)
    flat = {f"state_{k}": (s.numpy().tolist(), "float32") for k, s in enumerate(tf.nest.flatten(states))}
    calls = [
        generate_call(PROMPTS, 80, 0.0, 0),
        generate_call(PROMPTS, 80, 0.7, 12),
        generate_call(PROMPTS[:1], 80, 1.0, -5),
        generate_call(PROMPTS, 0, 1.0, 1),
        ["score", {"text": (texts, "string")}],
        ["step", {"tokens": ([3, 0], "int32"), **flat}],
    ]
    greedy, sampled, alone, nothing, score, step = elsewhere(folder, calls, tmp_path)
    assert greedy["text"] == model.generate(PROMPTS, length=80, greedy=True)
    assert sampled["text"] == model.generate(PROMPTS, length=80, temperature=0.7, seed=12)
    assert alone["text"] == [model.generate(PROMPTS[0], length=80, seed=-5)]
    assert nothing["text"] == PROMPTS
    assert score["lengths"] == [len(text) - 1 for text in texts]
    for row, text in zip(score["log_probabilities"], texts, strict=True):
        np.testing.assert_allclose(row[: len(text) - 1], scores_of(model, model.vocabulary.encode(text)), atol=1e-4)
        assert not any(row[len(text) - 1 :])
    logits, after = model.step(tf.constant([3, 0]), states)
    np.testing.assert_allclose(step.pop("logits"), logits, atol=1e-5)
    assert sorted(step) == [f"state_{k}" for k in range(4)]
    for k, state in enumerate(tf.nest.flatten(after)):
        np.testing.assert_allclose(step[f"state_{k}"], state, atol=1e-6)


def test_saved_model_carries_the_vocabulary(model, folder):
    text = (folder / "assets.extra" / "vocabulary.json").read_text(encoding="utf-8")
    assert ks.data.vocabulary_from_json(text) == model.vocabulary


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prompt": [""]}, "at least one token"),
        ({"prompt": ["abX"]}, "not in the vocabulary"),
        ({"length": -1}, "length must not be negative"),
        ({"temperature": -1.0}, "temperature must not be negative"),
        ({"temperature": float("nan")}, "temperature must not be negative"),
    ],
    ids=str,
)
def test_saved_model_refuses_bad_input(folder, arguments, message):
    generate = tf.saved_model.load(str(folder)).signatures["generate"]
    inputs = {"prompt": ["abc"], "length": 5, "temperature": 1.0, "seed": 0, **arguments}
    inputs["temperature"] = tf.constant(inputs["temperature"], tf.float32)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        generate(**{name: tf.constant(value) for name, value in inputs.items()})


@pytest.mark.parametrize("kind", ["words", "unknown", "bytes"])
def test_saved_model_of_other_vocabularies(words, tmp_path, kind):
    unknown = ks.data.Characters("añ😀語", unknown="?")
    other = words if kind == "words" else small(unknown if kind == "unknown" else ks.data.Bytes(), cell="simple_rnn")
    ks.export.saved_model(other, tmp_path / "m", verbose=False)
    generate = tf.saved_model.load(str(tmp_path / "m")).signatures["generate"]
    prompts = ["to be", "to be ", "x😀", "(", "or\n"]
    for heat, seed in ((0.0, 0), (1.0, 3)):
        scalars = {"length": tf.constant(30), "temperature": tf.constant(heat, tf.float32), "seed": tf.constant(seed)}
        texts = generate(prompt=tf.constant(prompts), **scalars)["text"]
        options = {"seed": seed} if heat else {"greedy": True}
        # Bytes that are no UTF-8 stay as they are in the graph; Python's str cannot hold them.
        decoded = [text.decode("utf-8", errors="replace") for text in texts.numpy()]
        assert decoded == other.generate(prompts, length=30, **options)


# LiteRT --------------------------------------------------------------------------------------------------------


def test_litert_writes_the_same_text(model, lite):
    runner, report = lite
    assert sorted(runner.signatures) == report.signatures == ["generate", "step"]
    assert runner.vocabulary == model.vocabulary
    for prompt in PROMPTS:
        assert runner.generate(prompt, 300, greedy=True) == model.generate(prompt, length=300, greedy=True)
        for seed in (0, 77, -3):
            options = {"temperature": 0.8, "seed": seed}
            assert runner.generate(prompt, 100, **options) == model.generate(prompt, length=100, **options)
    text = model.generate("abc", length=60, seed=4)
    for stop in (text[30:33], [text[20:22], text[20:28]], [text[25], text[24:27]]):
        assert runner.generate("abc", 60, seed=4, stop=stop) == model.generate("abc", length=60, seed=4, stop=stop)
    with pytest.raises(ValueError, match="length: expected 0 to 300"):
        runner.generate("abc", 301)


def test_litert_steps_are_the_score(model, lite):
    runner = lite[0]
    text = "abc jihg\nabcdefabc"
    ids = model.vocabulary.encode(text)
    states = {f"state_{k}": np.zeros((1, 16), "float32") for k in range(4)}
    scores = []
    for token, after in zip(ids[:-1], ids[1:], strict=True):
        states = runner.run("step", tokens=np.array([token]), **states)
        logits = states.pop("logits")[0]
        scores.append(logits[after] - np.log(np.exp(logits - logits.max()).sum()) - logits.max())
    np.testing.assert_allclose(scores, model.score(text), atol=1e-4)


def test_litert_needs_built_in_operators_only(lite):
    report = lite[1]
    assert report.operators["WHILE"] >= 2 and report.difference < 1e-4
    foreign = ("Flex", "Custom", "CUSTOM", "DELEGATE", "Cudnn")
    assert not [name for name in report.operators if name.startswith(foreign)]


def test_litert_of_words(words, tmp_path):
    ks.export.tflite(words, tmp_path / "m.tflite", max_length=30, verbose=False)
    runner = ks.export.load_tflite(tmp_path / "m.tflite")
    for prompt in ("to be", "to be ", "or,", "xyz ("):
        assert runner.generate(prompt, 30, seed=2) == words.generate(prompt, length=30, seed=2)


@pytest.mark.slow
def test_quantised_files(model, lite, tmp_path):
    text = model.generate("abc", length=150, temperature=0.5, seed=0)
    nats, sizes = {}, {}
    for form in FORMS:
        path = tmp_path / f"{form}.tflite"
        report = ks.export.tflite(model, path, form, max_length=60, verbose=False)
        sizes[form], runner = report.bytes, ks.export.load_tflite(path)
        states, total = {f"state_{k}": np.zeros((1, 16), "float32") for k in range(4)}, 0.0
        ids = model.vocabulary.encode(text)
        for token, after in zip(ids[:-1], ids[1:], strict=True):
            states = runner.run("step", tokens=np.array([token]), **states)
            logits = states.pop("logits")[0].astype("float64")
            total += np.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[after]
        nats[form] = total / (len(ids) - 1)
        again = [runner.generate("abc", 40, 0.8, seed=s) for s in (1, 1, 2)]
        assert again[0] == again[1] != again[2] and set(again[0]) <= set(LETTERS)
        assert runner.vocabulary == model.vocabulary
    assert abs(nats[None] + model.score(text).mean()) < 1e-4
    # Guessing costs log 12 = 2.48 nats. States of 256 values are coarse for a network with random weights.
    for form, most in (("float16", 0.01), ("dynamic", 0.1), ("int8", 1.0)):
        assert abs(nats[form] - nats[None]) < most, (form, nats)
    assert sizes["int8"] != sizes["dynamic"] != sizes["float16"] != sizes[None]


# Keras's own way ---------------------------------------------------------------------------------------------------


def test_model_export_gives_the_same_files(model, folder, lite, tmp_path):
    report = model.export(tmp_path / "saved", verbose=False)
    assert report.signatures == ["generate", "score", "serving_default", "step"]
    assert report.operators == ks.export.to_saved_model.operators_of(folder)
    assert files_of(tmp_path / "saved") == files_of(folder)
    report = model.export(tmp_path / "m.tflite", format="litert", verbose=False, max_length=300)
    assert report.operators == lite[1].operators and report.bytes == lite[1].bytes
    runner = ks.export.load_tflite(tmp_path / "m.tflite")
    assert runner.signatures == lite[0].signatures and runner.files == lite[0].files
    assert runner.generate("abc", 99, seed=1) == model.generate("abc", length=99, seed=1)
    with pytest.raises(ValueError, match="format must be one of"):
        model.export(tmp_path / "m.onnx", format="onnx")
    assert not (tmp_path / "m.onnx").exists()


def files_of(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_exporting_leaves_the_model_as_it_was(tmp_path):
    model = small(cell="gru")
    tokens = model.vocabulary.encode("abcabc")[None]
    model(tokens)
    kept = model.recurrent_layers[0].get_states()[0]
    ks.export.tflite(model, tmp_path / "m.tflite", max_length=20, verbose=False)
    np.testing.assert_array_equal(model.recurrent_layers[0].get_states()[0], kept)


def test_mixed_precision_exports_in_float32(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = small(cell="gru", loud=1.5)
    report = ks.export.tflite(model, tmp_path / "m.tflite", max_length=20, verbose=False)
    assert report.difference < 1e-4 and model.recurrent_layers[0].compute_dtype == "bfloat16"
    runner, plain = ks.export.load_tflite(tmp_path / "m.tflite"), small(cell="gru", loud=1.5, dtype="float32")
    plain.set_weights(model.get_weights())
    assert runner.generate("abc", 20, greedy=True) == plain.generate("abc", length=20, greedy=True)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_saved_model_writes_what_the_model_writes(tmp_path, policy):
    keras.config.set_dtype_policy(policy)
    model = small(cell="lstm", loud=1.5)
    report = ks.export.saved_model(model, tmp_path / "m", verbose=False)
    assert report.difference < 1e-4  # both round in half precision, and in the same places
    arguments = {"length": tf.constant(20), "temperature": tf.constant(0.0), "seed": tf.constant(0)}
    written = tf.saved_model.load(tmp_path / "m").signatures["generate"](prompt=tf.constant(["abc"]), **arguments)
    assert written["text"].numpy()[0].decode() == model.generate("abc", length=20, greedy=True)
