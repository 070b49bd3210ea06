"""Readers of models, and of what belongs to them."""

import functools

import keras
import numpy as np
import tensorflow as tf

import keras_seqcv as ks
from keras_seqcv.models import efficientnet_lite, image_features, image_signatures
from tests.fuzz import seeds
from tests.fuzz.damage import damaged
from tests.fuzz.formats import changed_json, changed_npy, changed_zip
from tests.fuzz.model_formats import changed_keras, changed_saved_model, changed_tflite
from tests.fuzz.reader import Reader, one
from tests.models import tiny_answerer, tiny_classifier, tiny_draw, tiny_glimpses, tiny_video
from tests.models.tiny_captioner import captioner
from tests.models.tiny_translator import translator


def language_model():
    return ks.models.LanguageModel(ks.data.Characters("abc \n"), layers=1, units=4, embedding_dim=3)


def dense(*layers):
    return keras.Sequential([keras.Input((4, 3), name="x"), *layers, keras.layers.Dense(2)])


def _keras_files() -> list:
    keras.utils.set_random_seed(0)
    words = keras.layers.StringLookup(vocabulary=["a", "b"])  # its vocabulary is an asset, a file in the archive
    lookup = keras.Sequential([keras.Input((), dtype="string"), words, keras.layers.Embedding(3, 2)])
    x = keras.Input((5, 3))
    y = keras.layers.Dense(2)(ks.layers.GRU(4, return_sequences=True)(keras.layers.LayerNormalization()(x)))
    plain = keras.Model(x, keras.layers.Conv1D(2, 2)(y))
    plain.compile("adam", "mse")
    plain.fit(np.zeros((1, 5, 3)), np.zeros((1, 4, 2)), verbose=0)
    models = [language_model(), lookup, plain, translator(), captioner()]
    return [({"case.keras": seeds.keras_file(model)}, "case.keras") for model in models]


def _other_keras_files() -> list:
    models = [tiny_answerer.answerer(), tiny_classifier.classifier(), tiny_draw.model(), tiny_glimpses.tiny()]
    return [({"case.keras": seeds.keras_file(model)}, "case.keras") for model in [*models, tiny_video.model()]]


def _lite_files() -> list:
    models = [(dense(ks.layers.LSTM(2)), {}), (language_model(), {"max_length": 5}), (translator(), {"max_length": 5})]
    files = [seeds.of_path(functools.partial(_export, model, **options), "m.tflite") for model, options in models]
    return [({"case.tflite": content}, "case.tflite") for content in files]


def _export(model, path, **options) -> None:
    ks.export.tflite(model, path, verbose=False, **options)


def _saved_models() -> list:
    model = dense(ks.layers.LSTM(2))
    return [(seeds.of_folder(lambda path: ks.export.saved_model(model, path, verbose=False)), "here")]


def _change_saved_model(data: bytes, rng) -> bytes:
    # The other files are sums of Protocol Buffers, too, behind check sums of their own.
    return changed_saved_model(data, rng) if b"serve" in data else damaged(data, rng)


def _recording(ending: str) -> bytes:
    return seeds.of_path(lambda path: ks.inspection.record(language_model(), "abcabc", path), f"r.{ending}")


def _read_recording(path) -> None:
    recording = ks.inspection.load_recording(path)
    repr(recording), recording.text
    for layer, states in recording.layers.items():
        for state in states:
            recording.values(layer, state)


def _small_network():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(2, 3, name="conv")(inputs)
    return keras.Model(inputs, keras.layers.BatchNormalization(name="bn")(x))


_network = functools.cache(_small_network)


def _network_npz() -> bytes:
    return seeds.npz(**{f"{layer.name}/{v.name}": v.numpy() for layer in _network().layers for v in layer.weights})


def _network_h5() -> bytes:
    return seeds.of_path(_network().save_weights, "m.weights.h5")


def _read_network(path) -> None:
    efficientnet_lite.load_weights(_network(), path)


def _features() -> bytes:
    return seeds.npy(np.ones((6, 4, 2), "float32"))


def _read_features(path) -> None:
    np.array(image_features._opened(path, (4, 2), "float32"))


def _decode_in_graph(path) -> None:
    """As a SavedModel of ours decodes the bytes that it is given."""
    try:
        image_signatures._decoded(tf.constant([path.read_bytes()]), (8, 8))
    except tf.errors.InvalidArgumentError as error:  # what TensorFlow says of an input that is wrong
        raise ValueError(error.message) from error


def subwords() -> bytes:
    return ks.data.Subwords(["low lower lowest new newer newest"] * 9, size=20)._model


def _vocabularies() -> list:
    some = [ks.data.Characters("abc"), ks.data.Words(tokens=["a", "b"]), ks.data.Bytes()]
    some.append(ks.data.Subwords(model=subwords()))
    return [({"case.json": one.to_json().encode()}, "case.json") for one in some]


def _read_vocabulary(path) -> None:
    vocabulary = ks.data.vocabulary_from_json(path.read_bytes().decode("utf-8", "replace"))
    vocabulary.decode(vocabulary.encode("a")), len(vocabulary)


def _read_subwords(path) -> None:
    vocabulary = ks.data.Subwords(model=path.read_bytes())
    vocabulary.decode(vocabulary.encode("lower a newest")), vocabulary.split("lowest")


_KINDS = ("JPEG", "PNG", "BMP", "GIF")
READERS = [
    Reader(".keras", _keras_files, ks.models.load_model, changed_keras),
    Reader(".keras, more models", _other_keras_files, ks.models.load_model, changed_keras),
    Reader("LiteRT", _lite_files, ks.export.load_tflite, changed_tflite),
    Reader("SavedModel", _saved_models, ks.export.load_saved_model, _change_saved_model),
    Reader("vocabulary JSON", _vocabularies, _read_vocabulary, changed_json, named=False),
    Reader("sentencepiece model", one("case.model", subwords), _read_subwords, named=False),
    Reader("recording, npz", one("case.npz", lambda: _recording("npz")), _read_recording, changed_zip),
    Reader("recording, HDF5", one("case.h5", lambda: _recording("h5")), _read_recording),
    Reader("picture features", one("case.npy", _features), _read_features, changed_npy),
    Reader("network weights, npz", one("case.npz", _network_npz), _read_network, changed_zip),
    Reader("network weights, HDF5", one("case.weights.h5", _network_h5), _read_network),
    Reader(
        "picture bytes in a graph",
        one("case.jpg", *(functools.partial(seeds.picture, kind) for kind in _KINDS)),
        _decode_in_graph,
        named=False,
    ),
]
