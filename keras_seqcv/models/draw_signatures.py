"""What a `DRAW` offers where this package is not installed: SavedModel and LiteRT signatures."""

import json

import numpy as np
import tensorflow as tf

from keras_seqcv.models.draw_estimates import reconstruction
from keras_seqcv.request_checks import checked, within

_EXAMPLES = 3


def signatures(model, format: str) -> dict:
    """Name -> tf.function. A model with labels takes "label" everywhere, numbers of those in `drawing.json`.

    SavedModel, any number of pictures:
        draw: n () and seed () int32, label (N,) or (1,) int32 -> image (N, H, W, C) and canvas (N, T, H, W, C), float32
            in [0, 1]; of a model that writes patches also window (N, T, 4), see `Drawing`.
        draw_noise: noise (N, T, Z) float32, label (N,) -> the same.
        bound: image (N, H, W, C) uint8, noise (N, T, Z) float32, label (N,) -> reconstruction and kl (N,), nats.
    LiteRT, one picture:
        draw: seed () and index () int32, label (1,) -> picture `index` of those that a seed draws, as above with N = 1.
        draw_noise: noise (1, T, Z), label (1,) -> the same.
    """
    lite = format == "litert"
    rows = 1 if lite else None
    noise = tf.TensorSpec((rows, model.options["steps"], model.options["latent_dim"]), tf.float32, name="noise")
    label = [] if model.labels is None else [tf.TensorSpec((rows,), tf.int32, name="label")]
    functions = {
        "draw": _draw_one(model, label) if lite else _draw(model, label),
        "draw_noise": _of_noise(model, noise, label, lite),
    }
    return functions if lite else functions | {"bound": _bound(model, noise, label)}


def examples(model, format: str) -> dict:
    """Name -> list of inputs by name: seeds, and normal noise."""
    rng, lite = np.random.default_rng(0), format == "litert"
    shape = (1 if lite else _EXAMPLES, model.options["steps"], model.options["latent_dim"])
    found = {"draw": [], "draw_noise": []} | ({} if lite else {"bound": []})
    for k in range(_EXAMPLES):
        label = {} if model.labels is None else {"label": rng.integers(0, len(model.labels), shape[0]).astype("int32")}
        noise = {"noise": rng.standard_normal(shape).astype("float32"), **label}
        found["draw"].append({"seed": np.int32(k), "index" if lite else "n": np.int32(shape[0]), **label})
        found["draw_noise"].append(noise)
        if not lite:
            found["bound"].append(
                {"image": rng.integers(0, 256, (shape[0], *model.image_shape)).astype("uint8"), **noise}
            )
    return found


def metadata(model) -> dict:
    """The labels, and how many filters a side of a window has."""
    labels = None if model.labels is None else list(model.labels)
    return {"drawing.json": json.dumps({"labels": labels, "size": model.options["write"]})}


def _told(model, label) -> list:
    """Labels, if the model has any, that are numbers of its own."""
    return [within(one, len(model.labels), "label") for one in label]


def _drawn(model, label, noise) -> dict:
    found = model.painted(*label or [None], noise)
    return {**found, "image": found["canvas"][:, -1]}


def _draw(model, label):
    specs = [tf.TensorSpec((), tf.int32, name=name) for name in ("n", "seed")]

    @tf.function(input_signature=[*specs, *label], autograph=False)
    def draw(n, seed, *label):
        n = checked(n, (n > 0, "n: expected a number from 1 on, received", n))
        text = "label: expected one, or as many as n, received"
        label = [checked(a, ((tf.size(a) == 1) | (tf.size(a) == n), text, a)) for a in _told(model, label)]
        label = [one + tf.zeros((n,), tf.int32) for one in label]
        return _drawn(model, label, model.noise(n, seed))

    return draw


def _draw_one(model, label):
    specs = [tf.TensorSpec((), tf.int32, name=name) for name in ("seed", "index")]

    @tf.function(input_signature=[*specs, *label], autograph=False)
    def draw(seed, index, *label):
        return _drawn(model, label, model.noise(1, seed, index))

    return draw


def _of_noise(model, noise, label, lite):
    @tf.function(input_signature=[noise, *label], autograph=False)
    def draw_noise(noise, *label):
        return _drawn(model, label if lite else _told(model, label), noise)

    return draw_noise


def _bound(model, noise, label):
    spec = tf.TensorSpec((None, *model.image_shape), tf.uint8, name="image")

    @tf.function(input_signature=[spec, noise, *label], autograph=False)
    def bound(image, noise, *label):
        images, label = tf.cast(image, "float32") / 255.0, _told(model, label)
        canvas, nats = model.copied(images, *label or [None], noise)
        return {"reconstruction": reconstruction(images, canvas), "kl": tf.reduce_sum(nats, axis=1)}

    return bound
