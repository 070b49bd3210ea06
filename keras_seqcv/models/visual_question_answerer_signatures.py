"""What a `VisualQuestionAnswerer` offers where this package is not installed: SavedModel and LiteRT signatures."""

import numpy as np
import tensorflow as tf

from keras_seqcv.answer import question_ids
from keras_seqcv.models.image_signatures import example_pictures, image_inputs, maps_of, picture_spec
from keras_seqcv.request_checks import checked

_EXAMPLES, _LENGTHS = 4, (6, 9, 4, 12)


def signatures(model, format: str, top: int) -> dict:
    """Name -> tf.function. n = `top`, A the number of answers, K looks at places.

    SavedModel, any number of rows:
        answer: image (B,) string, encoded JPEG or PNG of any size, and question (B,) string -> text (B, n) string, best
            first, scores (B, n), probabilities (B, A), and of a model with attention attention (B, K, h, w).
        encode: image as above -> features (B, L, D) or (B, D).
        ask: features, and question as above -> as `answer`: many questions about one picture.
    LiteRT, one row; a question is its word ids, without padding, (1, T) int32:
        answer: image (1, H, W, 3) uint8 of the encoder's size, tokens (1, T) int32 -> ids (1, n) int32, scores (1, n),
            probabilities (1, A), attention (1, K, h, w).
        encode: image as above -> features. ask: features and tokens -> as `answer`.
    """
    top = min(top, len(model.answers))
    spec, pictures = picture_spec(model.encoder, format)
    lite, batch = format == "litert", 1 if format == "litert" else None
    of_question = (
        tf.TensorSpec((1, None), tf.int32, "tokens") if lite else tf.TensorSpec((None,), tf.string, "question")
    )
    shape = model.encoder.feature_shape if model.attentions else model.encoder.feature_shape[-1:]
    of_features = tf.TensorSpec((batch, *shape), model.compute_dtype, "features")

    def found(features, question):
        tokens = question if lite else _ids(model.vocabulary, question)
        logits, of_places, _ = model.look(features, tokens)
        probabilities = model.probabilities(logits)
        scores, ids = tf.math.top_k(probabilities, top)
        outputs = {"scores": scores, "probabilities": probabilities}
        outputs |= {"ids": ids} if lite else {"text": tf.gather(tf.constant(list(model.answers)), ids)}
        if of_places:
            outputs["attention"] = maps_of(model.encoder, tf.stack(of_places, axis=1))
        return outputs

    def encoded(image):
        return model.features({"image": pictures(image)})

    # The arguments' names are those of the signature's inputs.
    answer = {
        True: lambda image, tokens: found(encoded(image), tokens),
        False: lambda image, question: found(encoded(image), question),
    }[lite]
    ask = {
        True: lambda features, tokens: found(features, tokens),
        False: lambda features, question: found(features, question),
    }[lite]
    make = lambda function, *specs: tf.function(function, input_signature=specs, autograph=False)  # noqa: E731
    return {
        "answer": make(answer, spec, of_question),
        "encode": make(lambda image: {"features": encoded(image)}, spec),
        "ask": make(ask, of_features, of_question),
    }


def _ids(vocabulary, question):
    """Questions (B,) -> ids (B, T), padded."""
    tokens, lengths = vocabulary.encode_tensor(question)
    known = (tokens != vocabulary.unknown_id) & tf.sequence_mask(lengths, tf.shape(tokens)[1])
    return checked(tokens, (tf.reduce_any(known, axis=1), "question: expected a word that is known in every row"))


def examples(model, format: str, images=None, questions=None) -> dict:
    """Name -> list of inputs by name, of pictures and questions, or of noise and words at random."""
    arrays = example_pictures(model.encoder, images)
    questions = _random_questions(model.vocabulary) if questions is None else list(questions)
    ids = [question_ids(model.vocabulary, text) for text in questions]
    features = model.features({"image": tf.constant(arrays)}).numpy()
    count = min(len(arrays), len(ids))
    pictures = image_inputs(arrays[:count], format)
    if format == "litert":
        asked = [{"tokens": row[None]} for row in ids[:count]]
        looked = [{"features": features[k : k + 1]} for k in range(count)]
    else:
        asked = [{"question": np.array(questions[:count], "O")}] * len(pictures)
        looked = [{"features": features[:count]}] * len(pictures)
    return {
        "answer": [p | q for p, q in zip(pictures, asked, strict=True)],
        "encode": pictures,
        "ask": [f | q for f, q in zip(looked, asked, strict=True)],
    }


def _random_questions(vocabulary) -> list[str]:
    rng = np.random.default_rng(0)
    first = vocabulary.unknown_id + 1
    rows = (rng.integers(first, len(vocabulary), length) for length in _LENGTHS[:_EXAMPLES])
    return [vocabulary.decode(row) for row in rows]
