"""Files of questions: every format gives the same set, and what is wrong is named with its line."""

import json

import pytest

import keras_seqcv as ks

WANTED = ks.data.QuestionSet(
    ["dog.jpg", "cat.jpg"],
    [["what is it?", "is it red?"], ["what is it?"]],
    [[["a dog", "dog"], ["no"]], [["a cat"]]],
)
ROWS = [
    ("dog.jpg", "what is it?", "a dog"),
    ("dog.jpg", "is it red?", "no"),
    ("cat.jpg", "what is it?", "a cat"),
    ("dog.jpg", "what is it?", "dog"),
]


def write(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("mark", [",", "\t", ";", "|"])
def test_tables(tmp_path, mark):
    rows = [("question", "image", "other", "answer"), *((q, p, "x", a) for p, q, a in ROWS)]
    path = write(tmp_path / "questions.csv", "\n".join(mark.join(row) for row in rows))
    assert ks.data.read_questions(path) == WANTED


def test_a_quoted_answer_keeps_its_comma(tmp_path):
    path = write(tmp_path / "q.csv", 'image,question,answer\na.jpg,"red, or blue?","red, of course"\n')
    assert ks.data.read_questions(path).answers == [[["red, of course"]]]


def vqa(tmp_path, asked=None, given=None):
    asked = asked or [
        {"question_id": 1, "image_id": 7, "question": "what is it?"},
        {"question_id": 2, "image_id": 7, "question": "is it red?"},
        {"question_id": 3, "image_id": 9, "question": "what is it?"},
    ]
    given = given or [
        {"question_id": 3, "multiple_choice_answer": "a cat"},
        {"question_id": 1, "answers": [{"answer": "a dog"}, {"answer": "dog"}]},
        {"question_id": 2, "answers": [{"answer": "no"}]},
    ]
    return (
        write(tmp_path / "asked.json", json.dumps({"questions": asked})),
        write(tmp_path / "given.json", json.dumps({"annotations": given})),
    )


def test_json_of_vqa(tmp_path):
    found = ks.data.read_questions(*vqa(tmp_path))
    assert found.names == ["COCO_train2014_000000000007.jpg", "COCO_train2014_000000000009.jpg"]
    assert (found.questions, found.answers) == (WANTED.questions, WANTED.answers)
    assert ks.data.read_questions(*vqa(tmp_path), pictures="{}.png").names == ["7.png", "9.png"]


def test_text_files_beside_pictures(tmp_path):
    for name in ("dog.jpg", "cat.png"):
        write(tmp_path / name, b"")
    write(tmp_path / "dog.txt", "what is it?\ta dog\nis it red?\tno\nwhat is it?\tdog\n")
    write(tmp_path / "cat.txt", "what is it?\ta cat\n")
    found = ks.data.read_questions(tmp_path)
    assert found.names == ["cat.png", "dog.jpg"] and found.answers == [[["a cat"]], [["a dog", "dog"], ["no"]]]


def test_common_answers_are_counted_by_question():
    assert WANTED.common_answers() == ["a cat", "a dog", "no"]
    many = ks.data.QuestionSet(["a"], [["1", "2", "3"]], [[["x", "y", "y"], ["y"], ["x", "z"]]])
    assert many.common_answers() == ["y", "x"] and many.common_answers(1) == ["y"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("image,question\na.jpg,what?\n", "line 1: expected a header with image, question, answer"),
        ("image,question,answer\na.jpg,what?\n", "line 2: expected 3 columns as in the header, received 2"),
        ("image,question,answer\na.jpg,what?,\n", "line 2: expected an answer, received none"),
        ("image,question,answer\na.jpg, ,yes\n", "line 2: expected a question, received none"),
        ("image,question,answer\n,what?,yes\n", "line 2: expected the name of a picture, received none"),
        (b"image,question,answer\na.jpg,what\xff?,yes\n", "line 2: not valid UTF-8"),
        ("", "line 1: expected a header"),
        ("image,question,answer\n", "expected questions, received a header only"),
    ],
)
def test_what_is_wrong_in_a_table_is_named(tmp_path, text, error):
    path = write(tmp_path / "questions.csv", text)
    with pytest.raises(ValueError, match=error) as caught:
        ks.data.read_questions(path)
    assert str(path) in str(caught.value)


def test_a_line_without_answer_beside_a_picture(tmp_path):
    write(tmp_path / "dog.jpg", b"")
    write(tmp_path / "dog.txt", "what is it?\ta dog\nis it red?\n")
    with pytest.raises(ValueError, match=r"dog.txt, line 2: expected `question<TAB>answer`, received 'is it red\?'"):
        ks.data.read_questions(tmp_path)


ASKED = {"question_id": 1, "image_id": 7, "question": "what?"}
GIVEN = {"question_id": 1, "answers": [{"answer": "yes"}]}


@pytest.mark.parametrize(
    ("asked", "given", "error"),
    [
        ([ASKED, ASKED], [GIVEN], "asked.json, question 1: question_id 1 is that of an earlier question"),
        ([ASKED], [GIVEN, GIVEN], "given.json, annotation 1: question_id 1 is that of an earlier annotation"),
        ([{**ASKED, "question_id": 2}], [GIVEN], "question 0: expected answers to question_id 2"),
        ([ASKED], [GIVEN, {**GIVEN, "question_id": 5}], "given.json: question_id 5 is not in"),
        ([{"question_id": 1, "image_id": 7}], [GIVEN], 'question 0: expected a "question"'),
        ([ASKED], [{"question_id": 1, "answers": []}], "annotation 0: expected answers"),
        ([ASKED], [{"question_id": 1, "answers": [{"answer": 3}]}], "annotation 0, answer 0: expected a str"),
        ([{**ASKED, "image_id": "x"}], [GIVEN], "does not fit .*asked.json, question 0, image_id 'x'"),
    ],
)
def test_what_is_wrong_in_json_is_named(tmp_path, asked, given, error):
    with pytest.raises(ValueError, match=error):
        ks.data.read_questions(*vqa(tmp_path, asked, given))


def test_json_needs_the_file_of_the_answers(tmp_path):
    with pytest.raises(ValueError, match="`answers` must be the file of the answers to"):
        ks.data.read_questions(vqa(tmp_path)[0])
    with pytest.raises(ValueError, match="nowhere.csv: cannot be read"):
        ks.data.read_questions(tmp_path / "nowhere.csv")
