"""Drawn scenes for the captioner: data, a small network for them, and scores that a broken model cannot reach."""

import numpy as np

import keras_seqcv as ks

SIZE = 64
SEEDS = {"train": 1, "valid": 2}


def scene_sets(count, held_out):
    """Scenes for training, and others that training never sees."""
    return ks.data.scenes(count, SEEDS["train"], SIZE), ks.data.scenes(held_out, SEEDS["valid"], SIZE)


def encoder():
    """A convolutional network with 8 x 8 places; it is trained with the captioner."""
    return ks.models.ImageEncoder(ks.models.small_image_network(SIZE), trainable=True, freeze_batch_norm=False)


def score(captions, scenes):
    """How many captions are true, and how much of the attention lies on the object that a phrase is about.

    Args:
        captions: list of `ks.models.Caption`, one for each scene.
        scenes: `ks.data.Scenes`.

    Returns:
        dict: "right", the share of true captions; with attention also "inside", the mean over all noun phrases of the
        attention inside of the object's box while its noun is written, and "chance", the share of the picture that the
        box takes.
    """
    right = [scene.is_described_by(caption.text) for caption, scene in zip(captions, scenes, strict=True)]
    result = {"right": float(np.mean(right))}
    if captions[0].attention is None:
        return result
    inside, chance = [], []
    for caption, scene in zip(captions, scenes, strict=True):
        for _, noun, number in scene.mentions(caption.text):
            box = covered(scene.objects[number].box, caption.attention.shape[1:])
            inside.append(float((caption.attention[noun] * box).sum()))
            chance.append(float(box.mean()))
    if not inside:
        return result
    return result | {"inside": float(np.mean(inside)), "chance": float(np.mean(chance)), "phrases": len(inside)}


def covered(box, places):
    """The share of each place (h, w) that lies in a box (left, top, right, bottom), in pixels."""
    left, top, right, bottom = box
    axes = []
    for begin, end, count in ((top, bottom, places[0]), (left, right, places[1])):
        edges = np.linspace(0, SIZE, count + 1)
        overlap = np.minimum(edges[1:], end) - np.maximum(edges[:-1], begin)
        axes.append(np.clip(overlap, 0, None) * count / SIZE)
    return np.outer(*axes)
