"""Pictures that a LiteRT file draws step by step, as the Keras model draws them."""

import json

import numpy as np

from keras_seqcv.drawing import Drawing, checked_order

FACTS = "drawing.json"


def draw(lite, n=None, seed=0, label=None, noise=None) -> Drawing:
    """Draw pictures one after the other.

    Args:
        lite: `LiteRTModel`.
        n, seed, label, noise: as of `DRAW.draw`.

    Returns:
        A `Drawing`.

    Raises:
        TypeError, ValueError: the file does not draw, or an argument is not as above.
    """
    if not {"draw", "draw_noise"} <= lite.signatures.keys() or FACTS not in lite.files:
        raise ValueError(f"{lite!r} has no signatures 'draw' and 'draw_noise', or no {FACTS}: it does not draw")
    facts, shape = json.loads(lite.files[FACTS]), lite.signatures["draw_noise"]["inputs"]["noise"][0]
    n, seed, label, noise = checked_order(n, seed, label, noise, facts["labels"], shape[1:])
    parts = []
    for k in range(n):
        told = {} if label is None else {"label": label[k : k + 1]}
        if noise is None:
            parts.append(lite.run("draw", seed=seed, index=k, **told))
        else:
            parts.append(lite.run("draw_noise", noise=noise[k : k + 1], **told))
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    names = None if label is None else [facts["labels"][k] for k in label]
    return Drawing(found["canvas"], found.get("window"), facts["size"], names)
