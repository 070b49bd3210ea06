"""`CaptionMetrics`: the scores of the captions, in the logs of all that read them, and in files."""

import csv
import importlib.util
import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from tests.models.tiny_captioner import captioner, pictures

WORDS = ["a red circle", "a blue square at the top", "two green rings", "there is a cross", "a red circle at the top"]
REFERENCES = [["a red circle", "there is a circle"], ["a blue square"], ["a green ring"], ["a cross"], ["a star"]]
NAMES = ["bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l", "cider_d"]


class Talker(keras.Model):
    """Says of a picture whose pixels are i the words number (i + number of calls - 1), or always the same."""

    def __init__(self, changes=True):
        super().__init__()
        self.dense, self.calls, self.changes = keras.layers.Dense(1), [], changes

    def call(self, x):
        return self.dense(x)

    def caption(self, images, beam=1, max_length=20):
        batches = [batch.numpy() for batch in images]
        self.calls.append({"beam": beam, "max_length": max_length, "sizes": [len(batch) for batch in batches]})
        shift = len(self.calls) - 1 if self.changes else 0
        numbers = [int(picture[0, 0, 0]) for batch in batches for picture in batch]
        return [SimpleNamespace(text=WORDS[(i + shift) % 5]) for i in numbers]


def dataset(count=5, batch=2):
    images = np.arange(count, dtype="uint8")[:, None, None, None] * np.ones((1, 4, 4, 3), "uint8")
    return SimpleNamespace(images=tf.data.Dataset.from_tensor_slices(images).batch(batch), references=REFERENCES)


def fit(model, callbacks, epochs=3, **options):
    model.compile(keras.optimizers.SGD(0.01), "mse")
    x = np.ones((4, 1), "float32")
    return model.fit(x, x, epochs=epochs, callbacks=callbacks, **{"verbose": 0, **options}).history


def expected(call, count=5, name=None):
    """The scores of what a talker says in a call, by `caption_scores`."""
    texts = [WORDS[(i + call) % 5] for i in range(count)]
    scores = ks.metrics.caption_scores(texts, REFERENCES[:count])
    scores = {key.lower().replace("-", "_"): float(value) for key, value in scores.items()}
    return scores if name is None else scores[name]


def test_the_scores_are_those_of_the_metrics():
    model = Talker()
    scores = ks.callbacks.CaptionMetrics(dataset(), beam=3, max_length=7, verbose=0).evaluate(model)
    assert list(scores) == NAMES and scores == expected(0)
    assert model.calls == [{"beam": 3, "max_length": 7, "sizes": [2, 2, 1]}]
    # And by hand: 3 + 3 + 1 + 2 + 1 of the 22 words are in the references of their picture, which are not longer.
    assert scores["bleu_1"] == pytest.approx(10 / 22)


def test_every_epoch_has_its_scores_in_the_history():
    history = fit(Talker(), [ks.callbacks.CaptionMetrics(dataset(), verbose=0)])
    assert {"loss", *(f"val_{name}" for name in NAMES)} == history.keys()
    for name in NAMES:
        assert history[f"val_{name}"] == [expected(call, name=name) for call in range(3)]
    assert history["val_rouge_l"][0] > 2 * history["val_rouge_l"][1]


def test_every_third_epoch_and_the_first():
    model = Talker()
    history = fit(model, [ks.callbacks.CaptionMetrics(dataset(), every=3, verbose=0, prefix="test_")], epochs=7)
    assert len(model.calls) == 3  # after epochs 1, 3 and 6
    calls = [0, 0, 1, 1, 1, 2, 2]
    assert history["test_cider_d"] == [expected(call, name="cider_d") for call in calls]


def test_a_second_training_begins_with_new_scores():
    model, callback = Talker(), ks.callbacks.CaptionMetrics(dataset(), every=10, verbose=0)
    values = [fit(model, [callback], epochs=2)["val_rouge_l"] for _ in range(2)]
    assert values == [[expected(call, name="rouge_l")] * 2 for call in range(2)]


def test_the_first_pictures_only():
    for count, sizes in ((1, [1]), (2, [2]), (3, [2, 1]), (5, [2, 2, 1])):
        model = Talker()
        scores = ks.callbacks.CaptionMetrics(dataset(), count=count, verbose=0).evaluate(model)
        assert scores == expected(0, count) and model.calls[0]["sizes"] == sizes


def write_scalar(name, data, step=None, description=None):
    """`tf.summary.scalar` is part of TensorBoard; the writer of event files is not."""
    return tf.summary.write(name, tf.convert_to_tensor(data, "float32"), step)


def test_what_reads_the_logs_finds_them(tmp_path, monkeypatch):
    """In CSVLogger, ModelCheckpoint, EarlyStopping and the event file of TensorBoard, which come after it."""
    if importlib.util.find_spec("tensorboard") is None:
        summary = importlib.import_module("tensorflow.summary")  # what Keras imports; `tf.summary` is another object
        monkeypatch.setattr(summary, "scalar", write_scalar)
    kept = tmp_path / "best.weights.h5"
    after = [
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
        keras.callbacks.ModelCheckpoint(
            kept, monitor="val_cider_d", mode="max", save_best_only=True, save_weights_only=True
        ),
        keras.callbacks.EarlyStopping(monitor="val_cider_d", mode="max", patience=2),
        keras.callbacks.TensorBoard(tmp_path / "board"),
    ]
    history = fit(Talker(), [ks.callbacks.CaptionMetrics(dataset(), verbose=0), *after], epochs=9)
    values = history["val_cider_d"]
    assert values == [expected(call, name="cider_d") for call in range(len(values))]
    best = int(np.argmax(values))
    assert len(values) == best + 3  # two more without a better one
    assert after[1].best == values[best] and kept.exists()
    with open(tmp_path / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["val_cider_d"]) for row in rows] == pytest.approx(values)
    assert [float(row["val_bleu_4"]) for row in rows] == pytest.approx(history["val_bleu_4"])
    assert scalars(tmp_path / "board" / "validation", "epoch_cider_d") == pytest.approx(dict(enumerate(values)))


def scalars(folder, name):
    """{step: value} of the scalars of that name in event files."""
    found = {}
    for path in folder.rglob("*tfevents*"):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                if value.tag == name:
                    found[event.step] = float(tf.make_ndarray(value.tensor))
    return found


def test_what_comes_before_it_does_not(tmp_path):
    """Why the order matters."""
    before = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    fit(Talker(), [before, ks.callbacks.CaptionMetrics(dataset(), verbose=0)], epochs=1)
    assert "val_cider_d" not in (tmp_path / "log.csv").read_text()


def test_captions_are_kept_as_json(tmp_path):
    folder = tmp_path / "new" / "captions"
    callback = ks.callbacks.CaptionMetrics(dataset(), every=2, count=3, path=folder, verbose=0, beam=2)
    fit(Talker(), [callback])
    callback.evaluate(Talker())
    assert sorted(p.name for p in folder.iterdir()) == ["captions.json", "epoch_0001.json", "epoch_0002.json"]
    for name, epoch, call in (("epoch_0001", 1, 0), ("epoch_0002", 2, 1), ("captions", None, 0)):
        told = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        assert (told["epoch"], told["beam"], told["max_length"]) == (epoch, 2, 20)
        assert told["scores"] == expected(call, 3)
        assert [caption["caption"] for caption in told["captions"]] == [WORDS[i + call] for i in range(3)]
        assert [caption["references"] for caption in told["captions"]] == REFERENCES[:3]
        assert told["captions"][0]["scores"].keys() == set(NAMES)
        mean = np.mean([caption["scores"]["cider_d"] for caption in told["captions"]])
        assert mean == pytest.approx(told["scores"]["cider_d"])


def test_a_line_is_printed_if_wanted(capsys):
    ks.callbacks.CaptionMetrics(dataset(), verbose=0).evaluate(Talker())
    assert capsys.readouterr().out == ""
    ks.callbacks.CaptionMetrics(dataset()).evaluate(Talker())
    assert "5 captions in" in (out := capsys.readouterr().out) and repr(WORDS[0]) in out
    assert f"CIDEr-D {expected(0, name='cider_d'):.3f}" in out


def test_a_captioner_and_its_data():
    """The real ones: a model with its beam search, pictures and references of `data.captions`."""
    model = captioner(scale=2.0)
    images = pictures(6)
    references = [["red dog runs", "dog runs"], ["blue cat sits"]] * 3
    options = {"image_size": 32, "batch_size": 2, "validation": 0.5, "verbose": 0}
    _, valid = ks.data.captions(images, references, model=model, **options)
    scores = ks.callbacks.CaptionMetrics(valid, beam=2, max_length=5, verbose=0).evaluate(model)
    results = model.caption(images[[int(name) for name in valid.names]], beam=2, max_length=5)
    texts = [result.text for result in results]
    assert len(set(texts)) > 1
    theirs = ks.metrics.caption_scores(texts, valid.references)
    assert scores["rouge_l"] == pytest.approx(theirs["ROUGE-L"])
    assert scores["cider_d"] == pytest.approx(theirs["CIDEr-D"])


@pytest.mark.parametrize(
    ("error", "message", "options"),
    [
        (TypeError, "`dataset` must have `images`", {"dataset": [1]}),
        (TypeError, "`dataset` must have `images`", {"dataset": SimpleNamespace(images=[], references=[])}),
        (
            TypeError,
            r"`references\[0\]` must be a list",
            {"dataset": SimpleNamespace(images=dataset().images, references=["a"])},
        ),
        (TypeError, "`beam` must be an int, received float 1.0", {"beam": 1.0}),
        (ValueError, "`max_length` must be at least 1, received 0", {"max_length": 0}),
        (ValueError, "`every` must be at least 1, received -1", {"every": -1}),
        (TypeError, "`count` must be an int, received bool", {"count": True}),
        (ValueError, "`count` must be at most the number of pictures, 5, received 6", {"count": 6}),
        (TypeError, "`prefix` must be a str", {"prefix": None}),
        (ValueError, "`verbose` must be 0 or 1, received 2", {"verbose": 2}),
    ],
)
def test_bad_arguments_are_named(error, message, options):
    with pytest.raises(error, match=message):
        ks.callbacks.CaptionMetrics(**{"dataset": dataset(), **options})


def test_models_data_and_logs_that_do_not_fit(tmp_path):
    short = dataset()
    short.images = short.images.take(2)
    callback = ks.callbacks.CaptionMetrics(short, path=tmp_path / "new", verbose=0)
    with pytest.raises(ValueError, match="received 4 captions for 5 lists"):
        callback.evaluate(Talker())
    with pytest.raises(TypeError, match="`model` must have a method `caption`, received Sequential"):
        fit(keras.Sequential([keras.layers.Dense(1)]), [callback])
    twice = [ks.callbacks.CaptionMetrics(dataset(), verbose=0) for _ in range(2)]
    with pytest.raises(ValueError, match="`prefix` must make names that are not in the logs yet, received 'val_'"):
        fit(Talker(), twice)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    callback = ks.callbacks.CaptionMetrics(dataset(), path=tmp_path / "file", verbose=0)
    with pytest.raises(OSError, match="cannot write .*file/captions.json"):
        callback.evaluate(Talker())
