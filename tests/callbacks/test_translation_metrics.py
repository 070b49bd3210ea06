"""`TranslationMetrics`: the scores of the translations, in the logs of all that read them, and in files."""

import csv
import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest

import keras_seqcv as ks
from tests.models import tiny_translator as tiny

pytest.importorskip("sacrebleu")
TEXTS = ["eins", "zwei", "drei"]
REFERENCES = ["one red apple is here", "two red apples are here", "three red apples are here"]


class Talker(keras.Model):
    """Translates a text by the reference whose number is that of the text plus the calls before."""

    def __init__(self):
        super().__init__()
        self.dense, self.calls = keras.layers.Dense(1), []

    def call(self, x):
        return self.dense(x)

    def translate(self, texts, beam=1, max_length=None):
        self.calls.append((len(texts), beam, max_length))
        return [SimpleNamespace(text=self.said(TEXTS.index(text), len(self.calls) - 1)) for text in texts]

    @staticmethod
    def said(number, call):
        return REFERENCES[(number + call) % 3]


def valid():
    return SimpleNamespace(texts=TEXTS, references=REFERENCES)


def fit(model, callbacks, epochs):
    model.compile(keras.optimizers.SGD(0.01), "mse")
    x = np.ones((4, 1), "float32")
    return model.fit(x, x, epochs=epochs, callbacks=callbacks, verbose=0).history


def expected(call, name, count=3):
    texts = [Talker.said(k, call) for k in range(count)]
    if name == "exact":
        return float(np.mean([a == b for a, b in zip(texts, REFERENCES)]))
    return ks.metrics.translation_scores(texts, REFERENCES[:count])[name]


def test_every_second_epoch_and_the_first_in_history_and_csv(tmp_path):
    model, log = Talker(), tmp_path / "log.csv"
    callback = ks.callbacks.TranslationMetrics(valid(), beam=3, max_length=9, every=2, path=tmp_path, verbose=0)
    history = fit(model, [callback, keras.callbacks.CSVLogger(log)], epochs=5)
    assert model.calls == [(3, 3, 9)] * 3
    for name in ("bleu", "chrf", "exact"):
        assert history[f"val_{name}"] == [expected(call, name) for call in (0, 1, 1, 2, 2)]
    assert history["val_exact"][:2] == [1.0, 0.0]
    with open(log, newline="") as file:
        assert [float(row["val_bleu"]) for row in csv.DictReader(file)] == pytest.approx(history["val_bleu"])
    assert sorted(path.name for path in tmp_path.glob("*.json")) == [f"epoch_000{k}.json" for k in (1, 2, 4)]
    told = json.loads((tmp_path / "epoch_0002.json").read_text())
    assert told["translations"][1] == {
        "source": "zwei",
        "translation": REFERENCES[2],
        "references": [REFERENCES[1]],
    }
    assert told["scores"]["bleu"] == expected(1, "bleu") and told["beam"] == 3


def test_the_first_sentences_only_without_capitals(capsys):
    data = SimpleNamespace(texts=TEXTS, references=[text.upper() for text in REFERENCES])
    scores = ks.callbacks.TranslationMetrics(data, count=2, lowercase=True).evaluate(Talker())
    assert scores == {"bleu": pytest.approx(100), "chrf": pytest.approx(100), "exact": 1.0}
    assert "2 translations in" in capsys.readouterr().out


def test_a_translator_is_scored_by_what_it_translates():
    model, texts = tiny.translator(), tiny.texts(6)
    wanted = [translation.text for translation in model.translate(texts, beam=2)]
    data = SimpleNamespace(texts=texts, references=wanted)
    assert ks.callbacks.TranslationMetrics(data, beam=2, verbose=0).evaluate(model)["exact"] == 1.0


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"dataset": 3}, TypeError, "texts"),
        ({"dataset": SimpleNamespace(texts=TEXTS, references=["one"])}, ValueError, "received 1 for 3"),
        ({"beam": 0}, ValueError, "beam"),
        ({"max_length": 2.5}, TypeError, "max_length"),
        ({"every": True}, TypeError, "every"),
        ({"count": 4}, ValueError, "count"),
        ({"prefix": None}, TypeError, "prefix"),
        ({"verbose": 2}, ValueError, "verbose"),
    ],
)
def test_wrong_arguments_are_named(options, error, message):
    with pytest.raises(error, match=message):
        ks.callbacks.TranslationMetrics(**{"dataset": valid(), **options})


def test_wrong_models_and_names_that_are_taken():
    callback = ks.callbacks.TranslationMetrics(valid(), verbose=0)
    with pytest.raises(TypeError, match="`translate`"):
        callback.evaluate(keras.Sequential())
    with pytest.raises(ValueError, match="received 1 for 3"):
        callback.evaluate(SimpleNamespace(translate=lambda texts, **_: [SimpleNamespace(text="one")]))
    twice = [callback, ks.callbacks.TranslationMetrics(valid(), verbose=0)]
    with pytest.raises(ValueError, match="val_bleu"):
        fit(Talker(), twice, epochs=1)
