"""What a `Translator` offers where this package is not installed: SavedModel and LiteRT signatures."""

import numpy as np
import tensorflow as tf

from keras_seqcv.models.decoder_signatures import encode_signature, found_outputs, step_examples, step_signature
from keras_seqcv.models.translation_writer import search_translations
from keras_seqcv.request_checks import within

_EXAMPLES = (9, 3, 6, 1)  # words


def signatures(model, format: str, beam: int, max_length: int) -> dict:
    """Name -> tf.function. T = `max_length`, n = `beam`; a translation's ids end with the end word, and pads follow.

    SavedModel, any number of rows:
        translate: text (B,) string -> text (B, n) string, best first, scores and log_probabilities (B, n), ids
            (B, n, T) int32, and of a model with attention alignment (B, T, S) of the best one.
        encode: text as above -> state_0, ..., fixed_... (keys, mask and memory of the places)
        step: tokens (B,) int32, state_0, ..., fixed_... -> logits (B, V), state_0, ..., and attention (B, S).
        Where a vocabulary cannot cut text in a graph (`data.Subwords`), tokens (B, S) int32, padded behind, take the
        place of text in `translate` and `encode`.
    LiteRT, one row of any length:
        translate: tokens (1, S) int32, without padding -> ids (1, n, T) int32, lengths (1, n) int32, the end included,
            scores and log_probabilities (1, n), alignment (1, T, S).
        encode: tokens as above -> state_0, ..., fixed_...
        step: as above, with B = 1.
    """
    lite = format == "litert"
    batch, words = 1 if lite else None, model.source_vocabulary
    if lite or not words.encodes_in_graph:
        spec = tf.TensorSpec((batch, None), tf.int32, name="tokens")
        tokens_of = tf.identity if lite else lambda tokens: within(tokens, len(words), "tokens")
    else:
        spec, tokens_of = tf.TensorSpec((None,), tf.string, name="text"), lambda text: _encoded(words, text)

    @tf.function(input_signature=[spec], autograph=False)
    def translate(given):
        source = tokens_of(given)
        result = search_translations(model, source, batch or tf.shape(source)[0], beam, max_length)
        outputs = found_outputs(result, model.vocabulary, texts=not lite)
        return outputs if result.weights is None else {**outputs, "alignment": result.weights[:, 0]}

    return {
        "translate": translate,
        "encode": encode_signature(model, [spec], lambda given: _memory(model, tokens_of(given), lite)),
        "step": step_signature(model, _no_places(model, masked=not lite), batch),
    }


def examples(model, format: str, texts=None) -> dict:
    """Name -> list of inputs by name: of sentences of the source, or of words by chance."""
    words = model.source_vocabulary
    if texts is None:
        rng = np.random.default_rng(0)
        sources = [rng.integers(4, len(words), size).astype("int32") for size in _EXAMPLES]
        texts = [words.decode(ids) for ids in sources]
    else:
        sources = [words.encode(text) for text in texts]
        if not all(len(ids) for ids in sources):
            raise ValueError("texts: expected texts with words in them")
    if format == "litert":
        inputs = [{"tokens": ids[None]} for ids in sources]
        steps = step_examples(model, _memory(model, sources[0][None], lite=True), 1)
        return {"translate": inputs, "encode": inputs, "step": steps}
    padded = tf.ragged.constant([list(ids) for ids in sources], tf.int32).to_tensor(words.pad_id)
    if words.encodes_in_graph:
        inputs = [{"text": np.array([text.encode() for text in texts], "O")}]
    else:
        inputs = [{"tokens": padded.numpy()}]
    steps = step_examples(model, _memory(model, padded, lite=False), len(sources))
    return {"translate": inputs, "encode": inputs, "step": steps}


def _encoded(words, text):
    """Strings (B,) -> ids (B, S), with one place at least, even if there is no word in any of them."""
    tokens, _ = words.encode_tensor(text)
    return tf.pad(tokens, [[0, 0], [0, tf.maximum(1 - tf.shape(tokens)[1], 0)]], constant_values=words.pad_id)


def _memory(model, source, lite: bool) -> dict:
    """What is decoded; in a LiteRT file without a mask, for all places of its one row are there."""
    memory = model.memory({"source": source})
    return {"outputs": memory["outputs"]} if lite else memory


def _no_places(model, masked: bool) -> dict:
    if model.attention is None:
        return {"outputs": tf.zeros((1, model.encoder.width), model.compute_dtype)}
    memory = {"outputs": tf.zeros((1, 0, model.encoder.width), model.compute_dtype)}
    return {**memory, "mask": tf.zeros((1, 0), tf.bool)} if masked else memory
