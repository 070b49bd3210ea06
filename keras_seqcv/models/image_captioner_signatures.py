"""What an `ImageCaptioner` offers where this package is not installed: SavedModel and LiteRT signatures."""

import tensorflow as tf

from keras_seqcv.models.decoder_signatures import encode_signature, found_outputs, step_examples, step_signature
from keras_seqcv.models.image_signatures import example_pictures, image_inputs, maps_of, picture_spec
from keras_seqcv.models.word_search import search_words


def signatures(model, format: str, beam: int, max_length: int) -> dict:
    """Name -> tf.function. T = `max_length`, n = `beam`; a caption's ids end with the end word, and pads follow.

    SavedModel, any number of rows:
        caption: image (B,) string, encoded JPEG or PNG of any size -> text (B, n) string, best first, scores and
            log_probabilities (B, n), ids (B, n, T) int32, and of a model with attention attention (B, T, h, w)
            of the best one.
        encode: image as above -> features (B, L, D), states and fixed tensors: state_0, ..., fixed_...
        step: tokens (B,) int32, state_0, ..., fixed_... -> logits (B, V), state_0, ..., and attention (B, h, w).
    LiteRT, one row:
        caption: image (1, H, W, 3) uint8 of the encoder's size -> ids (1, n, T) int32, lengths (1, n) int32, the
            end included, scores and log_probabilities (1, n), attention (1, T, h, w).
        encode: image as above -> state_0, ..., fixed_...
        step: as above, with B = 1.
    """
    spec, pictures = picture_spec(model.encoder, format)
    return {
        "caption": _caption(model, spec, pictures, beam, max_length, texts=format != "litert"),
        "encode": encode_signature(model, [spec], lambda image: model.memory({"image": pictures(image)})),
        "step": _step(model, batch=1 if format == "litert" else None),
    }


def examples(model, format: str, images=None) -> dict:
    """Name -> list of inputs by name: of `images` (N, H, W, 3) uint8 of the encoder's size, or of coarse noise."""
    arrays = example_pictures(model.encoder, images)
    images = image_inputs(arrays, format)
    steps = step_examples(model, model.memory({"image": tf.constant(arrays[:1])}), 1)
    return {"caption": images, "encode": images, "step": steps}


def _caption(model, spec, pictures, beam, max_length, texts):
    @tf.function(input_signature=[spec], autograph=False)
    def caption(image):
        memory = model.memory({"image": pictures(image)})
        batch = spec.shape[0] or tf.shape(memory)[0]
        protocol = model.stepper(), model.initial_states(memory), model.fixed(memory)
        result = search_words(*protocol, batch, model.vocabulary, beam, max_length)
        outputs = found_outputs(result, model.vocabulary, texts)
        if result.weights is not None:
            outputs["attention"] = maps_of(model.encoder, result.weights[:, 0])
        return outputs

    return caption


def _step(model, batch):
    places = () if model.attention is None else model.encoder.feature_shape[:1]
    like = tf.zeros((1, *places, model.projection.units), model.compute_dtype)
    return step_signature(model, like, batch, lambda weights: maps_of(model.encoder, weights))
