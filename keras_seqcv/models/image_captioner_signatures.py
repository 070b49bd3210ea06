"""What an `ImageCaptioner` offers where this package is not installed: SavedModel and LiteRT signatures."""

import io

import numpy as np
import PIL.Image
import tensorflow as tf

from keras_seqcv.models.caption_search import search_captions
from keras_seqcv.models.image_resizing import resized

_EXAMPLES = 4


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
    if format == "litert":
        shape = (1, *model.encoder.image_size, 3)
        spec, pictures = tf.TensorSpec(shape, tf.uint8, name="image"), tf.identity
    else:
        spec = tf.TensorSpec((None,), tf.string, name="image")
        pictures = lambda image: _decoded(image, model.encoder.image_size)  # noqa: E731
    return {
        "caption": _caption(model, spec, pictures, beam, max_length, texts=format != "litert"),
        "encode": _encode(model, spec, pictures),
        "step": _step(model, batch=1 if format == "litert" else None),
    }


def examples(model, format: str, images=None) -> dict:
    """Name -> list of inputs by name: of `images` (N, H, W, 3) uint8 of the encoder's size, or of coarse noise."""
    if images is None:
        rng = np.random.default_rng(0)
        height, width = model.encoder.image_size
        coarse = rng.integers(0, 256, (_EXAMPLES, 6, 6, 3)).astype("uint8")
        pictures = [PIL.Image.fromarray(c).resize((width, height), PIL.Image.Resampling.BICUBIC) for c in coarse]
        images = [np.asarray(p) for p in pictures]
    arrays = np.asarray(images)
    if arrays.shape[1:] != (*model.encoder.image_size, 3) or arrays.dtype != "uint8" or not len(arrays):
        expected = ("N", *model.encoder.image_size, 3)
        raise ValueError(f"images: expected uint8 of shape {expected}, received {arrays.dtype} of {arrays.shape}")
    pictures = [PIL.Image.fromarray(a) for a in arrays]
    if format == "litert":
        images = [{"image": a[None]} for a in arrays]
    else:
        images = [{"image": np.array([_encoded(p, kind) for p in pictures], "O")} for kind in ("JPEG", "PNG")]
    return {"caption": images, "encode": images, "step": _step_examples(model, arrays[:1])}


def _encoded(picture, kind) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, quality=90)
    return file.getvalue()


def _step_examples(model, images):
    """Steps that follow one another, so that states are such as occur."""
    memory = model.memory({"image": tf.constant(images)})
    fixed, states = _named("fixed", model.fixed(memory)), model.initial_states(memory)
    token, result = tf.fill((len(images),), model.vocabulary.start_id), []
    for _ in range(6):
        flat = {f"state_{k}": s for k, s in enumerate(states)} | fixed
        result.append({name: a.numpy() for name, a in {"tokens": token, **flat}.items()})
        logits, states, *_ = model.step(token, states, model.fixed(memory))
        token = tf.argmax(logits, axis=1, output_type=tf.int32)
    return result


def _caption(model, spec, pictures, beam, max_length, texts):
    words = model.vocabulary

    @tf.function(input_signature=[spec], autograph=False)
    def caption(image):
        memory = model.memory({"image": pictures(image)})
        batch = spec.shape[0] or tf.shape(memory)[0]
        protocol = model.stepper(), model.initial_states(memory), model.fixed(memory)
        result = search_captions(*protocol, batch, words, beam, max_length)
        outputs = {"ids": result.ids, "scores": result.scores, "log_probabilities": result.log_probabilities}
        if texts:
            outputs["text"] = _texts(words, result.ids, beam, max_length)
        else:
            outputs["lengths"] = result.lengths
        if result.weights is not None:
            outputs["attention"] = _maps(model, result.weights[:, 0])
        return outputs

    return caption


def _texts(words, ids, beam, places):
    """Ids (B, n, T) -> text (B, n)."""
    flat = tf.reshape(ids, (-1, places))
    whole = tf.cumsum(tf.cast(flat == words.end_id, tf.int32), axis=1) == 0
    lengths = tf.reduce_sum(tf.cast(whole, tf.int32), axis=1)
    return tf.reshape(words.decode_tensor(flat, lengths), (-1, beam))


def _maps(model, weights):
    """Weights (..., L) -> (..., h, w)."""
    shape = tf.concat([tf.shape(weights)[:-1], model.encoder.places], axis=0)
    return tf.reshape(weights, shape)


def _encode(model, spec, pictures):
    @tf.function(input_signature=[spec], autograph=False)
    def encode(image):
        memory = model.memory({"image": pictures(image)})
        states = {f"state_{k}": s for k, s in enumerate(model.initial_states(memory))}
        return states | _named("fixed", model.fixed(memory))

    return encode


def _step(model, batch):
    places = () if model.attention is None else model.encoder.feature_shape[:1]
    like = tf.zeros((1, *places, model.projection.units), model.compute_dtype)
    states, fixed = model.initial_states(like), model.fixed(like)
    named = {f"state_{k}": s for k, s in enumerate(states)} | _named("fixed", fixed)
    specs = [tf.TensorSpec((batch, *a.shape[1:]), a.dtype, name=name) for name, a in named.items()]
    names = sorted(fixed)

    @tf.function(input_signature=[tf.TensorSpec((batch,), tf.int32, name="tokens"), *specs], autograph=False)
    def step(tokens, *flat):
        given = dict(zip(names, flat[len(states) :], strict=True))
        logits, after, *weights = model.step(tokens, list(flat[: len(states)]), given)
        outputs = {"logits": logits, **{f"state_{k}": s for k, s in enumerate(after)}}
        return outputs | ({"attention": _maps(model, weights[0])} if weights else {})

    return step


def _named(prefix, tensors: dict) -> dict:
    return {f"{prefix}_{name}": tensors[name] for name in sorted(tensors)}


def _decoded(images, size):
    """Encoded pictures (B,) -> (B, H, W, 3) float32, resized as the encoder does it."""

    def one(content):
        # The exact arithmetic of JPEG, which Pillow uses too; by itself TensorFlow takes the faster one.
        jpeg = lambda: tf.io.decode_jpeg(content, channels=3, dct_method="INTEGER_ACCURATE")  # noqa: E731
        other = lambda: tf.io.decode_image(content, channels=3, expand_animations=False)  # noqa: E731
        picture = tf.cond(tf.io.is_jpeg(content), jpeg, other)
        picture.set_shape((None, None, 3))
        return resized(tf.cast(picture, tf.float32)[None], size)[0]

    return tf.map_fn(one, images, fn_output_signature=tf.TensorSpec((*size, 3), tf.float32))
