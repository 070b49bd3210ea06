"""What is to be learned of questions: which answer is right, or how right each answer is."""

import dataclasses
import logging

import numpy as np

from keras_seqcv.data.question_files import QuestionSet, most_frequent

_logger = logging.getLogger("keras_seqcv")


@dataclasses.dataclass(frozen=True)
class Targets:
    """Which questions of a picture are kept, and their targets: numbers of answers, (n,), or scores of all, (n, A)."""

    kept: list[int]
    values: np.ndarray


def question_targets(names, asked: QuestionSet, wanted, answers, scores, unknown: str) -> dict[int, Targets]:
    """What is to be learned of each picture.

    Args:
        names: of the pictures. asked: the questions about them. wanted: numbers of pictures.
        answers: list of str, all that there are.
        scores: None, or function from the answers of people to a dict of scores.
        unknown: "raise" | "skip" questions whose answer is none of `answers`.

    Returns:
        dict from number of a picture to `Targets`.

    Raises:
        ValueError: naming the questions whose answer is none of `answers`.
    """
    places, found, strange = {answer: k for k, answer in enumerate(answers)}, {}, []
    for number in wanted:
        kept, values = [], []
        for n, given in enumerate(asked.answers[number]):
            known = _known(given, places, scores)
            if known is None:
                strange.append(f"{names[number]}, {asked.questions[number][n]!r}: {most_frequent(given)!r}")
            else:
                kept.append(n)
                values.append(known)
        found[number] = Targets(kept, np.array(values, "int32" if scores is None else "float32"))
    if strange and unknown == "raise":
        hint = 'leave these questions out with `unknown`="skip"'
        lines = "\n  ".join(["", *strange[:20]])
        raise ValueError(f"{len(strange)} questions have an answer that is none of the {len(answers)} ({hint}):{lines}")
    if strange:
        _logger.warning(
            "questions: %d have an answer that is none of the %d, and are skipped", len(strange), len(places)
        )
    return found


def _known(given: list[str], places: dict[str, int], scores):
    """The number of the answer, or the scores (A,) of all; None if it is, or all are, none of the answers."""
    if scores is None:
        return places.get(most_frequent(given))
    found = {places[answer]: score for answer, score in scores(given).items() if answer in places and score}
    if not found:
        return None
    values = np.zeros(len(places), "float32")
    values[list(found)] = list(found.values())
    return values
