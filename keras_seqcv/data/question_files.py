"""Files of questions about pictures, in the formats that they come in."""

import collections
import dataclasses
import os
from collections.abc import Iterable
from pathlib import Path

from keras_seqcv.data.caption_files import PICTURE_TITLES, texts_beside_pictures
from keras_seqcv.data.question_json import vqa_questions
from keras_seqcv.data.text_files import read_table, read_text

_COLUMNS = {"picture": PICTURE_TITLES, "question": ("question",), "answer": ("answer",)}


@dataclasses.dataclass(frozen=True)
class QuestionSet:
    """Names of pictures, each once, the questions about each, and how people have answered them.

    Args:
        names: list of str, as the file has them.
        questions: for each name a list of str, at least one.
        answers: for each name and each question a list of str, at least one: an answer of each person.

    Example:
        >>> questions = ks.data.QuestionSet(["dog.jpg"], [["is it a dog?"]], [[["yes", "yes", "no"]]])
        >>> questions.common_answers(1)
        ['yes']
    """

    names: list[str]
    questions: list[list[str]]
    answers: list[list[list[str]]]

    def __len__(self) -> int:
        return len(self.names)

    def common_answers(self, count: int | None = None) -> list[str]:
        """The `count` most frequent answers, or all, by falling count, then alphabetically.

        A question counts once, with the answer that most people gave, the first of these.
        """
        counts = collections.Counter(most_frequent(given) for some in self.answers for given in some)
        return sorted(counts, key=lambda answer: (-counts[answer], answer))[:count]


def most_frequent(answers: Iterable[str]) -> str:
    """The answer that most people gave; of several the first."""
    return collections.Counter(answers).most_common(1)[0][0]


def read_questions(
    path: str | os.PathLike, answers: str | os.PathLike | None = None, pictures: str = "COCO_train2014_{:012d}.jpg"
) -> QuestionSet:
    """Reads questions about pictures, with their answers, from files or a folder; the contents tell the format.

    Args:
        path: one of these, in UTF-8:
            a table with a header, separated by commas, bars, tabs or semicolons: columns "image", "image_name",
            "filename" or "file_name", "question" and "answer"; a question that comes again with the same picture is
            that of another person;
            JSON as VQA v2 has it: {"questions": [{"question_id", "image_id", "question"}]};
            a folder of pictures with a text file beside each (dog.jpg, dog.txt), `question<TAB>answer` on each line.
        answers: of the JSON: {"annotations": [{"question_id", "answers": [{"answer"}]}]}, or with
            "multiple_choice_answer" instead of "answers".
        pictures: of the JSON: the name of a picture, from its "image_id".

    Returns:
        A `QuestionSet`, pictures in the order of the file, or by name.

    Raises:
        ValueError: a file that is missing, none of these, or wrong anywhere: it names the file and the line, or the
            number of the question.

    Example:
        >>> import pathlib
        >>> text = "image,question,answer\\ndog.jpg,what is it?,a dog\\ndog.jpg,is it red?,no\\n"
        >>> _ = pathlib.Path("questions.csv").write_text(text)
        >>> ks.data.read_questions("questions.csv")
        QuestionSet(names=['dog.jpg'], questions=[['what is it?', 'is it red?']], answers=[[['a dog'], ['no']]])
    """
    path, found = Path(path), _Gathered()
    if path.is_dir():
        for name, line, text_file, number in texts_beside_pictures(path):
            parts = line.split("\t")
            if len(parts) != 2:
                raise ValueError(f"{text_file}, line {number}: expected `question<TAB>answer`, received {line[:60]!r}")
            found.add(name, *parts, f"{text_file}, line {number}")
        return found.result()
    text = read_text(path)
    if path.suffix.lower() == ".json" or text.lstrip()[:1] in ("{", "["):
        if answers is None:
            raise ValueError(f"`answers` must be the file of the answers to {path}, received None")
        for row in vqa_questions(text, path, read_text(Path(answers)), Path(answers), pictures):
            found.add(*row)
        return found.result()
    for line, row in read_table(text, path, _COLUMNS):
        found.add(row["picture"], row["question"], row["answer"], f"{path}, line {line}")
    if not found.answers:
        raise ValueError(f"{path}: expected questions, received a header only")
    return found.result()


class _Gathered:
    """Answers by picture and question, in the order in which they come."""

    def __init__(self):
        self.answers = {}

    def add(self, name: str, question: str, answer: str, where: str) -> None:
        name, question, answer = name.strip(), question.strip(), answer.strip()
        for kind, text in (("the name of a picture", name), ("a question", question), ("an answer", answer)):
            if not text:
                raise ValueError(f"{where}: expected {kind}, received none")
        self.answers.setdefault(name, {}).setdefault(question, []).append(answer)

    def result(self) -> QuestionSet:
        questions = [list(some) for some in self.answers.values()]
        return QuestionSet(list(self.answers), questions, [list(some.values()) for some in self.answers.values()])
