"""What a `SequenceClassifier` offers where this package is not installed: SavedModel and LiteRT signatures."""

import numpy as np
import tensorflow as tf

from keras_seqcv.data.tokenizer import split_words_tensor
from keras_seqcv.lengths import padded
from keras_seqcv.models.label_head import can_step
from keras_seqcv.models.label_signatures import answer, checked_lengths, row_answer, step_examples, step_signature
from keras_seqcv.request_checks import checked, within

_LENGTHS = (12, 7, 16)  # of random examples


def signatures(model, format: str) -> dict:
    """Name -> tf.function. C labels; they are in `labels.json`, which travels with an export.

    SavedModel, any number of rows:
        classify: of a text model text (B,) string (tokens (B, T) int32, padded behind, if the vocabulary works only in
            Python); of a model of features features (B, T, D) float32 and lengths (B,) int32 -> label (B,) string,
            logits and probabilities (B, C). With `per_step` label (B, T), logits and probabilities (B, T, C), and of
            a text words (B, T); label and words are "" behind the end. With pooling "attention" also attention (B, T).
    LiteRT, one row:
        classify: tokens (1, T) int32 or features (1, T, D) float32, any T -> probabilities (1, C), or (1, T, C) with
            `per_step`; with pooling "attention" also attention (1, T).
    Both, of a model in one direction that keeps the last output or labels every step:
        step: tokens (B,) int32 or features (B, D), state_0, ... -> probabilities (B, C), state_0, ...; zeros are the
            states before the first step. In LiteRT B = 1.
    """
    functions = {"classify": _classify_row(model) if format == "litert" else _classify(model)}
    if can_step(model.encoder):
        functions["step"] = step_signature(model, *_step_input(model), batch=1 if format == "litert" else None)
    return functions


def examples(model, format: str, inputs=None) -> dict:
    """Name -> list of inputs by name, of texts or features as `classify` takes them, or of random ones."""
    sequences = _random(model) if inputs is None else _sequences(model, inputs)
    rows = {"classify": [_example(model, format, sequences)]}
    if format == "litert":
        rows = {"classify": [{_name(model): sequence[None]} for sequence in sequences]}
    if can_step(model.encoder):
        rows["step"] = step_examples(model, _name(model), sequences[0])
    return rows


def _name(model) -> str:
    return "features" if model.vocabulary is None else "tokens"


def _takes_text(model) -> bool:
    return model.vocabulary is not None and getattr(model.vocabulary, "encodes_in_graph", True)


def _step_input(model):
    if model.vocabulary is None:
        return "features", (model.features,), tf.float32
    return "tokens", (), tf.int32


def _random(model) -> list[np.ndarray]:
    chance = np.random.default_rng(0)
    if model.vocabulary is None:
        return [chance.standard_normal((length, model.features)).astype("float32") for length in _LENGTHS]
    first = model.vocabulary.unknown_id + 1
    return [chance.integers(first, len(model.vocabulary), length).astype("int32") for length in _LENGTHS]


def _sequences(model, inputs) -> list[np.ndarray]:
    from keras_seqcv.models.sequence_classifying import SequenceClassifying

    return [row.sequence for row in SequenceClassifying(model).rows(inputs)[0]]


def _example(model, format, sequences) -> dict:
    """All rows at once, for a SavedModel."""
    if _takes_text(model):
        return {"text": np.array([model.vocabulary.decode(ids).encode() for ids in sequences], "O")}
    rows = {_name(model): padded(sequences)}
    lengths = np.array([len(sequence) for sequence in sequences], "int32")
    return rows | ({"lengths": lengths} if model.vocabulary is None else {})


def _classify(model):
    """The signature of a SavedModel."""
    if model.vocabulary is None:
        specs = [
            tf.TensorSpec((None, None, model.features), tf.float32, name="features"),
            tf.TensorSpec((None,), tf.int32, name="lengths"),
        ]

        @tf.function(input_signature=specs, autograph=False)
        def classify(features, lengths):
            features, lengths = checked_lengths(features, lengths, "features")
            features = checked(features, (tf.math.is_finite(features), "features: expected finite numbers"))
            mask = tf.sequence_mask(lengths, tf.shape(features)[1])
            return answer(model, {"features": features, "lengths": lengths}, mask)

        return classify
    if not _takes_text(model):

        @tf.function(input_signature=[tf.TensorSpec((None, None), tf.int32, name="tokens")], autograph=False)
        def classify(tokens):
            there = tokens != model.vocabulary.pad_id
            tokens = checked(tokens, (tf.reduce_any(there, axis=1), "tokens: expected one at least in every row"))
            return answer(model, within(tokens, len(model.vocabulary), "tokens"), there)

        return classify

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, name="text")], autograph=False)
    def classify(text):
        tokens, lengths = model.vocabulary.encode_tensor(text)
        tokens, lengths = checked((tokens, lengths), (lengths > 0, "text: expected one word at least in every row"))
        found = answer(model, tokens, tf.sequence_mask(lengths, tf.shape(tokens)[1]))
        if model.per_step:
            found["words"] = split_words_tensor(text, model.vocabulary.lowercase).to_tensor("")
        return found

    return classify


def _classify_row(model):
    """The signature of a LiteRT file."""
    if model.vocabulary is None:
        spec = tf.TensorSpec((1, None, model.features), tf.float32, name="features")
    else:
        spec = tf.TensorSpec((1, None), tf.int32, name="tokens")

    @tf.function(input_signature=[spec], autograph=False)
    def classify(sequence):
        return row_answer(model, sequence)

    return classify
