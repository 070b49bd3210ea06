"""Scores of answers to questions about pictures, where several people have answered each."""

import collections
import re
from collections.abc import Sequence

import keras
import tensorflow as tf

_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_ARTICLES = ("a", "an", "the")
_MARKS = ";/[]\"{}()=+\\_-><@`,?!:'"
_NEGATED = "ai are ca could did do does had has have is might must need ought sha should was were wo would"
_SHORT = "'d 'll 've 're 's"
_SUBJECTS = "he how it she that there they we what when where who why you i"


def _contractions() -> dict[str, str]:
    """ "dont" -> "don't": what is left of a contraction without its apostrophe, where it is no word of its own."""
    found = {f"{verb}nt": f"{verb}n't" for verb in _NEGATED.split()}
    for subject in _SUBJECTS.split():
        for ending in _SHORT.split():
            found[subject + ending[1:]] = subject + ending
    for word in ("its", "were", "well", "ill", "id", "hell", "shell", "wed", "shed"):
        found.pop(word, None)
    return found


_WHOLE = _contractions() | {"im": "i'm", "oclock": "o'clock", "lets": "let's", "yall": "y'all"}


def normalized_answer(text: str) -> str:
    """An answer as answers are compared: "The two dogs." is "2 dogs".

    Lower case; no articles; numbers up to ten as digits; no punctuation but inside of numbers; apostrophes where they
    belong.

    Args:
        text: str.

    Returns:
        str, in which equal answers are equal; "" if nothing is left.

    Raises:
        TypeError: `text` is no str.

    Example:
        >>> from keras_seqcv.metrics import normalized_answer
        >>> normalized_answer("The two dogs."), normalized_answer("dont know"), normalized_answer("10,000.5")
        ('2 dogs', "don't know", '10000.5')
    """
    if not isinstance(text, str):
        raise TypeError(f"`text` must be a str, received {type(text).__name__}")
    text = re.sub(r"(?<=\d),(?=\d)", "", text.lower())
    text = re.sub(r"(?<=\w)'(?=\w)", "", text.replace("\u2019", "'"))  # "don't" is "dont" and then "don't" again
    text = re.sub(f"[{re.escape(_MARKS)}]", " ", text)
    text = re.sub(r"\.(?!\d)", "", text)
    words = [str(_NUMBERS.index(word)) if word in _NUMBERS else word for word in text.split()]
    return " ".join(_WHOLE.get(word, word) for word in words if word not in _ARTICLES)


def vqa_scores(answers: Sequence[str]) -> dict[str, float]:
    """How right each answer is that one of several people gave.

    score(a) = mean_i min(1, n_i(a) / 3),   n_i(a) = how many of the others than person i answered a

    So an answer that four of ten people gave has score 1, and one that a single person gave 0.3. Of one answer, which
    has no others, the score is 1.

    Args:
        answers: what people answered, one each; compared as `normalized_answer` has them.

    Returns:
        dict from normalized answer to score in [0, 1].

    Raises:
        ValueError: there is no answer.

    Example:
        >>> from keras_seqcv.metrics import vqa_scores
        >>> vqa_scores(["2"] * 7 + ["two", "3", "a few"])
        {'2': 1.0, '3': 0.3, 'few': 0.3}

    Reference:
        Agrawal et al.: VQA: Visual Question Answering. arXiv 1505.00468, 2015.
    """
    if not len(answers):
        raise ValueError("`answers` must hold an answer at least, received none")
    counts, people = collections.Counter(normalized_answer(answer) for answer in answers), len(answers)
    if people == 1:
        return dict.fromkeys(counts, 1.0)
    return {a: (n * min(1, (n - 1) / 3) + (people - n) * min(1, n / 3)) / people for a, n in counts.items()}


@keras.saving.register_keras_serializable(package="keras_seqcv")
class SoftAccuracy(keras.metrics.Mean):
    """The mean score of the answers that are chosen: VQA accuracy, if the scores are those of `vqa_scores`.

    s = mean_n y_{n, argmax_a z_{n, a}}

    Args:
        name, dtype: as of `keras.metrics.Mean`.

    Call arguments (of `update_state`):
        y_true: (..., A) scores in [0, 1]. y_pred: (..., A) logits or probabilities. sample_weight: (...), or None.

    Example:
        >>> metric = ks.metrics.SoftAccuracy()
        >>> round(float(metric(np.array([[0.0, 0.3], [1.0, 0.6]]), np.array([[0.1, 0.9], [0.8, 0.1]]))), 4)
        0.65
    """

    def __init__(self, name="soft_accuracy", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = tf.cast(y_true, tf.float32), tf.convert_to_tensor(y_pred)
        chosen = tf.argmax(y_pred, axis=-1)
        scores = tf.gather(y_true, chosen, axis=-1, batch_dims=y_true.shape.rank - 1)
        return super().update_state(scores, sample_weight)
