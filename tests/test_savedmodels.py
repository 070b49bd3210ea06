"""What is shipped in `savedmodels/` is what the manifest says, runs, and can do what it was trained for."""

import hashlib
import importlib.util
import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "savedmodels"
MANIFEST = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))
OWN_FILES = {"README.md", "manifest.json", "build.py", "convert_efficientnet_lite0.py", ".gitattributes"}
LARGEST = 25_000_000  # bytes, of everything

PROMPT = "ROMEO:"
SCORED = 2_000  # characters of the last tenth of the text, which training did not see
WORST = 1.6  # nats per character; one who knows nothing but the alphabet has 4.17, one who knows how often 3.3


@pytest.fixture(scope="module")
def text() -> str:
    return ks.data.load_text("shakespeare")


@pytest.fixture(scope="module")
def unseen(text) -> list[str]:
    """Ten pieces, evenly spread over the last tenth: it holds two plays, and one is harder than the other."""
    first, length = len(text) - round(len(text) * 0.1), round(len(text) * 0.01)
    return [text[first + k * length :][: SCORED + 1] for k in range(10)]


@pytest.fixture(scope="module")
def lite():
    return ks.export.load_tflite(FOLDER / "shakespeare.tflite")


def shipped() -> set[str]:
    files = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}
    return {name for name in files - OWN_FILES if "__pycache__" not in name}


def test_the_manifest_names_every_file_and_no_other():
    assert MANIFEST
    assert shipped() == {name for entry in MANIFEST.values() for name in entry["files"]}


@pytest.mark.parametrize("name", sorted(MANIFEST))
def test_every_file_is_the_one_that_was_built(name):
    entry = MANIFEST[name]
    assert entry["files"] and entry["task"] and entry["made_by"] and entry["score"]["value"] > 0
    for file, facts in entry["files"].items():
        content = (FOLDER / file).read_bytes()
        assert len(content) == facts["bytes"], file
        assert hashlib.sha256(content).hexdigest() == facts["sha256"], file


def test_they_are_small():
    assert sum((FOLDER / name).stat().st_size for name in shipped()) < LARGEST


def test_the_readme_names_every_model():
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}" in readme for name in MANIFEST)


def assert_speaks(written: str, text: str):
    """At least 12 different words, nine in ten of them words of the text; a broken model cannot reach it."""
    known = set(re.findall(r"[A-Za-z']+", text))
    words = re.findall(r"[A-Za-z']+", written)[:-1]  # the last one may be cut
    long = {word for word in words if len(word) >= 3}
    assert len(long) >= 12, written
    assert sum(word in known for word in long) >= 0.9 * len(long), written


def test_the_check_of_words_can_fail(text):
    assert_speaks(text[5000:5400], text)
    letters = np.array(list("abcdefghij klmnop qrst uvwxyz\n"))
    with pytest.raises(AssertionError):
        assert_speaks("".join(np.random.default_rng(0).choice(letters, 400)), text)
    with pytest.raises(AssertionError):
        assert_speaks("the king and the " * 30, text)


def test_litert_speaks(lite, text):
    written = lite.generate(PROMPT, length=400, greedy=True)
    assert written.startswith(PROMPT) and len(written) == len(PROMPT) + 400
    assert_speaks(written[len(PROMPT) :], text)
    assert lite.generate(PROMPT, length=400, greedy=True) == written


def test_litert_predicts(lite, unseen):
    ids = np.asarray(lite.vocabulary.encode(unseen[0]), "int32")
    states = {k: np.zeros(shape, dtype) for k, (shape, dtype) in lite.signatures["step"]["inputs"].items()}
    del states["tokens"]
    losses = []
    for token, target in zip(ids[:-1], ids[1:]):
        states = lite.run("step", tokens=token[None], **states)
        logits = states.pop("logits")[0].astype("float64")
        losses.append(np.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[target])
    assert np.mean(losses) < WORST


def test_saved_model_speaks_and_predicts(text, unseen):
    signatures = tf.saved_model.load(str(FOLDER / "shakespeare")).signatures
    options = {"length": tf.constant(400), "temperature": tf.constant(0.0), "seed": tf.constant(0)}
    written = signatures["generate"](prompt=tf.constant([PROMPT]), **options)["text"].numpy()[0].decode()
    assert written.startswith(PROMPT)
    assert_speaks(written[len(PROMPT) :], text)
    scored = signatures["score"](text=tf.constant(unseen))
    assert scored["lengths"].numpy().tolist() == [SCORED] * len(unseen)
    nats = -scored["log_probabilities"].numpy().mean()
    assert nats < WORST
    # The score in the manifest is over the whole of the last tenth, this one over every fifth or sixth part of it.
    assert nats == pytest.approx(MANIFEST["shakespeare"]["score"]["value"], abs=0.05)


def module_of(path: Path):
    spec = importlib.util.spec_from_file_location(f"savedmodels_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def scenes():
    return ks.data.scenes(80, seed=3)  # training has seed 1, validation 2


def test_scenes_are_told_as_they_are(scenes):
    """By chance one caption in fifty is true, and a twentieth of the attention lies on the object."""
    model = ks.export.load_tflite(FOLDER / "scene_captioner.tflite")
    captions = [model.caption(image) for image in scenes.images()]
    found = module_of(ROOT / "applications" / "image_captioning" / "scenes.py").score(captions, scenes)
    assert found["right"] >= 0.9 and len({caption.text for caption in captions}) > 60
    assert found["inside"] > 8 * found["chance"]
    others = [captions[k - 1] for k in range(len(captions))]
    assert np.mean([scene.is_described_by(c.text) for c, scene in zip(others, scenes, strict=True)]) < 0.2


@pytest.fixture(scope="module")
def digits():
    """Drawn from fonts: training has seen handwriting alone."""
    return ks.data.drawn_digits(200, seed=5)


def test_digits_are_read(digits):
    """By chance one in ten; the SavedModel and the small file look at the same places."""
    model = ks.export.load_tflite(FOLDER / "digit_reader.tflite")
    found = model.classify(digits.images, samples=3, seed=1)
    right = [one.label == digits.names[k] for one, k in zip(found, digits.labels, strict=True)]
    assert np.mean(right) > 0.5
    loaded = tf.saved_model.load(str(FOLDER / "digit_reader")).signatures["classify"]
    saved = loaded(image=tf.constant(digits.images), seed=tf.constant(1), samples=tf.constant(3))
    labels = [label.decode() for label in saved["label"].numpy()]
    assert np.mean([one.label == label for one, label in zip(found, labels, strict=True)]) > 0.9
    assert np.median(np.abs([one.paths for one in found] - saved["path"].numpy())) < 0.05  # of half a picture


def test_digits_that_are_drawn_can_be_read():
    """As one and the same from different places, and as all ten kinds; what is no digit is always read as a few."""
    drawing = ks.export.load_tflite(FOLDER / "digit_drawer.tflite").draw(60, seed=2)
    pictures = np.round(255 * drawing.images).astype("uint8")
    reader = ks.export.load_tflite(FOLDER / "digit_reader.tflite")
    found, again = ([one.label for one in reader.classify(pictures, samples=10, seed=seed)] for seed in (1, 2))
    assert np.mean(np.equal(found, again)) > 0.9 and len({*found}) >= 9
    noise = np.random.default_rng(0).integers(0, 256, pictures.shape).astype("uint8")
    assert len({one.label for one in reader.classify(noise, samples=10, seed=1)}) <= 5


@pytest.mark.slow
def test_build_makes_what_the_manifest_says(tmp_path):
    run, to = tmp_path / "run", tmp_path / "to"
    run.mkdir()
    to.mkdir()
    (to / "manifest.json").write_text('{"another": {"files": {}}}', encoding="utf-8")
    model = ks.models.LanguageModel(ks.data.Characters("to be or not"), layers=1, units=4)
    model.generate("to", length=1)  # builds it
    model.save(run / "model.keras")
    (run / "result.json").write_text(json.dumps({"val_loss": [3.0, 2.12345, 2.5]}), encoding="utf-8")
    module_of(FOLDER / "build.py").main(["shakespeare", str(run), "--to", str(to)])

    manifest = json.loads((to / "manifest.json").read_text(encoding="utf-8"))
    assert list(manifest) == ["another", "shakespeare"] and manifest["shakespeare"]["score"]["value"] == 2.1235
    there = {path.relative_to(to).as_posix() for path in to.rglob("*") if path.is_file()}
    assert set(manifest["shakespeare"]["files"]) == there - {"manifest.json"}
    for name, facts in manifest["shakespeare"]["files"].items():
        assert hashlib.sha256((to / name).read_bytes()).hexdigest() == facts["sha256"]
    expected = keras.saving.load_model(run / "model.keras").generate("to", length=20, seed=3)
    assert len(ks.export.load_tflite(to / "shakespeare.tflite").generate("to", length=20, seed=3)) == len(expected)


@pytest.mark.slow
def test_the_photo_captioner_sees_what_is_there():
    """A broken model says the same of every photograph, or names nothing that is on it."""
    lite = ks.export.load_tflite(FOLDER / "photo_captioner.tflite")
    photographs = FOLDER.parent / "applications" / "image_captioning" / "photographs"
    size = lite.signatures["caption"]["inputs"]["image"][0][1:3]
    captions = {path.stem: lite.caption(ks.data.load_image(path, size)) for path in photographs.glob("*.jpg")}
    assert len({caption.text for caption in captions.values()}) >= len(captions) - 2
    assert "dog" in captions["two_dogs_at_a_window"].text
    for caption in captions.values():
        np.testing.assert_allclose(caption.attention.sum((1, 2)), 1.0, atol=1e-3)
