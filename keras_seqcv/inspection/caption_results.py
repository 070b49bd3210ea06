"""What a model that captions returned: checked, and its maps made ready to be seen."""

import numpy as np
from PIL import Image


def attention_of(result, argument: str) -> tuple[list[str], np.ndarray]:
    """Returns the words of one result and its maps, float32 (T, h, w).

    Args:
        result: has `text`, a str, `words`, a list of T str, and `attention`, an array (T, h, w) of weights or None.
        argument: name for errors.

    Raises:
        TypeError: `result` is something else.
        ValueError: there is no attention, or not a map of weights for each word.

    Example:
        >>> from types import SimpleNamespace
        >>> from keras_seqcv.inspection.caption_results import attention_of
        >>> result = SimpleNamespace(text="a dog", words=["a", "dog"], attention=np.full((2, 7, 7), 1 / 49))
        >>> words, maps = attention_of(result, "result")
        >>> words, maps.shape
        (['a', 'dog'], (2, 7, 7))
    """
    missing = [name for name in ("text", "words", "attention") if not hasattr(result, name)]
    if missing:
        raise TypeError(
            f"`{argument}` must be what `model.caption` returns for one picture, received {type(result).__name__} "
            f"without {', '.join(missing)}"
        )
    if result.attention is None:
        raise ValueError(f"`{argument}` has no attention to show: the model that wrote it does not look at places")
    words, maps = list(result.words), np.asarray(result.attention, "float32")
    if maps.ndim != 3 or len(maps) != len(words) or 0 in maps.shape[1:]:
        raise ValueError(
            f"`{argument}.attention` must be (T, h, w), a map for each of its {len(words)} words, received {maps.shape}"
        )
    if not np.isfinite(maps).all() or (maps < 0).any() or not maps.any(axis=(1, 2)).all():
        raise ValueError(f"`{argument}.attention` must hold weights, none below 0 and not all 0, received others")
    return words, maps


def relative(maps: np.ndarray) -> np.ndarray:
    """Returns maps (T, h, w) as shares of the largest weight of each: from 0 to 1."""
    return maps / maps.max(axis=(1, 2), keepdims=True)


def enlarged(weights: np.ndarray, size: tuple[int, int], smooth: bool) -> np.ndarray:
    """Returns one map of shares (h, w) as large as a picture.

    Args:
        weights: float32 (h, w), from 0 to 1.
        size: W, H of the picture, which the places cover evenly.
        smooth: bicubic, or each place as it is.

    Returns:
        float32 (H, W), from 0 to 1.

    Example:
        >>> from keras_seqcv.inspection.caption_results import enlarged
        >>> enlarged(np.float32([[0, 1]]), (4, 1), smooth=False)
        array([[0., 0., 1., 1.]], dtype=float32)
    """
    method = Image.Resampling.BICUBIC if smooth else Image.Resampling.NEAREST
    large = np.asarray(Image.fromarray(weights.astype("float32")).resize(size, method))
    return np.clip(large, 0.0, 1.0)  # a cubic swings a little beyond its points
