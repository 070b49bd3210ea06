"""Questions and answers in the JSON of VQA v2."""

from collections.abc import Iterator
from pathlib import Path

from keras_seqcv.data.caption_coco import json_lists, json_value


def vqa_questions(
    questions: str, path: Path, answers: str, answers_path: Path, pictures: str
) -> Iterator[tuple[str, str, str, str]]:
    """Yields (name of the picture, question, answer of one person, where it stands) of every question.

    Args:
        questions: {"questions": [{"question_id", "image_id", "question"}, ...]}; other keys are not read.
        answers: {"annotations": [{"question_id", "answers": [{"answer"}, ...]}, ...]}, or "multiple_choice_answer".
        path, answers_path: the files, for error messages.
        pictures: format of a picture's name, of its "image_id".

    Raises:
        ValueError: no such JSON, a question without answers or answers without a question: it names the file and the
            number of the entry.

    Example:
        >>> from keras_seqcv.data.question_json import vqa_questions
        >>> import json
        >>> asked = json.dumps({"questions": [{"question_id": 1, "image_id": 7, "question": "is it red?"}]})
        >>> given = json.dumps({"annotations": [{"question_id": 1, "answers": [{"answer": "yes"}, {"answer": "no"}]}]})
        >>> [row[:3] for row in vqa_questions(asked, "asked.json", given, "given.json", "{:03d}.jpg")]
        [('007.jpg', 'is it red?', 'yes'), ('007.jpg', 'is it red?', 'no')]
    """
    (asked,) = json_lists(questions, path, ("questions",))
    (given,) = json_lists(answers, answers_path, ("annotations",))
    by_question = {}
    for k, entry in enumerate(given):
        where = f"{answers_path}, annotation {k}"
        key = json_value(entry, "question_id", (int, str), where)
        if key in by_question:
            raise ValueError(f"{where}: question_id {key!r} is that of an earlier annotation already")
        by_question[key] = _answers(entry, where)
    known = set()
    for k, entry in enumerate(asked):
        where = f"{path}, question {k}"
        key, text = json_value(entry, "question_id", (int, str), where), json_value(entry, "question", str, where)
        if key in known:
            raise ValueError(f"{where}: question_id {key!r} is that of an earlier question already")
        known.add(key)
        if key not in by_question:
            raise ValueError(f"{where}: expected answers to question_id {key!r} in {answers_path}, found none")
        name = _picture(pictures, json_value(entry, "image_id", (int, str), where), where)
        for answer in by_question[key]:
            yield name, text, answer, where
    if lonely := [key for key in by_question if key not in known]:
        raise ValueError(f"{answers_path}: question_id {lonely[0]!r} is not in {path}; {len(lonely)} are not")


def _answers(entry: dict, where: str) -> list[str]:
    if "answers" not in entry:
        return [json_value(entry, "multiple_choice_answer", str, where)]
    people = json_value(entry, "answers", list, where)
    if not people:
        raise ValueError(f'{where}: expected answers under "answers", received none')
    return [json_value(person, "answer", str, f"{where}, answer {n}") for n, person in enumerate(people)]


def _picture(pictures: str, key, where: str) -> str:
    try:
        return pictures.format(key)
    except (ValueError, IndexError, KeyError) as error:
        raise ValueError(f"`pictures` {pictures!r} does not fit {where}, image_id {key!r}: {error}") from error
