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
        ValueError: there is no attention, or not a map for each word of weights that sum to one.

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
    sums = maps.sum(axis=(1, 2), dtype="float64")
    # A sum of many weights in bfloat16 is off by some thousandths.
    if not np.isfinite(maps).all() or (maps < 0).any() or (abs(sums - 1) > 0.02).any():
        raise ValueError(
            f"`{argument}.attention` must hold for each word weights from 0 to 1 that sum to one, "
            f"received weights from {maps.min():g} to {maps.max():g} with the sums {sums.round(3).tolist()}"
        )
    return words, maps


def scored(result, argument: str) -> tuple[float, list[tuple[str, float]]]:
    """Returns the score of one result and its alternatives, each a text with its score.

    Raises:
        TypeError: `result` has none, or others than texts with numbers.
        ValueError: a score is not finite.

    Example:
        >>> from types import SimpleNamespace
        >>> from keras_seqcv.inspection.caption_results import scored
        >>> scored(SimpleNamespace(score=-1, alternatives=[("a cat", -2)]), "result")
        (-1.0, [('a cat', -2.0)])
    """
    try:
        score, others = float(result.score), [(text, float(number)) for text, number in result.alternatives]
    except (AttributeError, TypeError, ValueError) as error:
        raise TypeError(
            f"`{argument}` must have a score and alternatives, a list of (text, score), received a "
            f"{type(result).__name__} where that fails: {error}"
        ) from error
    if wrong := [text for text, _ in others if not isinstance(text, str)]:
        raise TypeError(f"`{argument}.alternatives` must be a list of (text, score), received {wrong[0]!r} for a text")
    if not np.isfinite([score, *(number for _, number in others)]).all():
        raise ValueError(f"`{argument}` must have finite scores, received {score} and {others}")
    return score, others


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
