"""read_captions: every format by a tiny example, and every kind of bad file, named with its line."""

import json

import pytest
from PIL import Image

from keras_seqcv.data import CaptionSet, read_captions

DOGS = CaptionSet(["dog.jpg", "cat.jpg"], [["a dog runs", 'a "brown" dog, wet'], ["a cat"]])


def coco(**changes):
    content = {
        "info": {},
        "images": [{"id": 7, "file_name": "dog.jpg", "width": 3}, {"id": 3, "file_name": "cat.jpg"}],
        "annotations": [
            {"id": 1, "image_id": 7, "caption": "a dog runs "},
            {"id": 2, "image_id": 3, "caption": "a cat\n"},
            {"id": 3, "image_id": 7, "caption": 'a "brown" dog, wet'},
        ],
    }
    return json.dumps(content | changes)


TOKENS = 'dog.jpg#0\ta dog runs\ndog.jpg#1\ta "brown" dog, wet\ncat.jpg#0\ta cat\n'
KAGGLE = 'image,caption\ndog.jpg,a dog runs\ndog.jpg,"a ""brown"" dog, wet"\ncat.jpg,a cat\n'
BARS = (
    'image_name| comment_number| comment\ndog.jpg| 0| a dog runs\ndog.jpg| 1| a "brown" dog, wet\ncat.jpg| 0| a cat\n'
)


@pytest.mark.parametrize(
    "text",
    [
        TOKENS,
        TOKENS.replace("\n", "\r\n"),
        "\ufeff" + TOKENS,
        TOKENS.rstrip("\n"),
        "\n" + TOKENS.replace("\n", "\n\n"),
        KAGGLE,
        KAGGLE.replace("\n", "\r\n"),
        "\ufeff" + KAGGLE,
        'id;caption;split;file_name\n1;a dog runs;a;dog.jpg\n2;"a ""brown"" dog, wet";a;dog.jpg\n3;a cat;b;cat.jpg\n',
        BARS,
        coco(),
        coco(images=[{"id": "7", "file_name": "dog.jpg"}, {"id": "3", "file_name": "cat.jpg"}]).replace(
            '_id": ', '_id": "'
        ).replace(', "caption"', '", "caption"'),
    ],
)  # fmt: skip
def test_formats(tmp_path, text):
    for name in ("captions.txt", "captions"):
        (tmp_path / name).write_bytes(text.encode())
        assert read_captions(tmp_path / name) == DOGS
        assert read_captions(str(tmp_path / name)) == DOGS


def test_lines_end_at_newlines_only_and_a_name_may_hold_a_hash(tmp_path):
    path = tmp_path / "captions.token"
    path.write_text("a#b#12\tone\u2028two\x85\nc d.jpg.1#0\tüber\n", encoding="utf-8")
    assert read_captions(path) == CaptionSet(["a#b", "c d.jpg.1"], [["one\u2028two"], ["über"]])


def test_a_quoted_caption_of_several_lines(tmp_path):
    path = tmp_path / "captions.csv"
    path.write_text('image,caption\na.jpg,"one\ntwo"\nb.jpg,\n')
    with pytest.raises(ValueError, match="captions.csv, line 4: expected a caption of b.jpg, received an empty one"):
        read_captions(path)
    path.write_text('image,caption\na.jpg,"one\ntwo"\n')
    assert read_captions(path).captions == [["one\ntwo"]]


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("dog.jpg", "cat.PNG"):
        Image.new("RGB", (4, 4)).save(folder / name)
    (folder / "dog.txt").write_text("a dog runs\r\na brown dog\n")
    (folder / "cat.txt").write_text("a cat")
    return folder


def test_text_files_beside_pictures(folder):
    (folder / ".hidden.txt").write_text("not a caption")
    (folder / "notes.md").write_text("neither is this")
    assert read_captions(folder) == CaptionSet(["cat.PNG", "dog.jpg"], [["a cat"], ["a dog runs", "a brown dog"]])


def test_bad_folders(folder, tmp_path):
    for name, text, message in (
        ("cow.txt", "a cow", r"expected a picture beside each of cow.txt; 1 have none"),
        ("cow.jpg", "", r"expected a text file beside each of cow.jpg; 1 have none"),
        ("dog.png", "", r"both dog.jpg and dog.png belong to dog.txt"),
    ):
        (folder / name).write_text(text)
        with pytest.raises(ValueError, match=f"pictures: {message}"):
            read_captions(folder)
        (folder / name).unlink()
    for text, line in (("one\n\ntwo\n", 2), ("", 1), ("one\n\n", 2)):
        (folder / "cat.txt").write_text(text)
        with pytest.raises(ValueError, match=f"cat.txt, line {line}: expected a caption of cat.PNG"):
            read_captions(folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty: expected pictures with a text file beside each, found none"):
        read_captions(tmp_path / "empty")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected captions, the file is empty"),
        ("\n \n", "expected captions, the file is empty"),
        ("dog.jpg 0 a dog\n", "line 1: expected `name.jpg#0<TAB>caption`, a header .* received 'dog.jpg 0 a dog'"),
        ("picture,caption\na.jpg,one\n", "line 1: .*received 'picture,caption'"),
        ("image,words\na.jpg,one\n", "line 1: .*received 'image,words'"),
        ("image,caption,comment\na.jpg,one,two\n", "line 1: .*received"),
        ("image,caption\n", "received a header only"),
        ("image,caption\na.jpg,one\nb.jpg,two, three\n", "line 3: expected 2 columns as in the header, received 3"),
        ("image,caption\na.jpg\n", "line 2: expected 2 columns as in the header, received 1"),
        ("image,caption\na.jpg,one\n,two\n", "line 3: expected the name of a picture"),
        ('image,caption\na.jpg,one\nb.jpg,"two\n', "line [345]: unexpected end of data"),
        ('image,caption\na.jpg,"one"s\n', "line 2: ',' expected after '\"'"),
        (BARS + "cow.jpg| 0   a cow\n", "line 5: expected 3 columns as in the header, received 2"),
        (BARS + "dog.jpg| 1| again\n", "line 5: caption 1 of dog.jpg is in line 3 already"),
        (TOKENS + "dog.jpg#0\tagain\n", "line 4: caption 0 of dog.jpg is in line 1 already"),
        (TOKENS + "dog.jpg#2\t \n", "line 4: expected a caption of dog.jpg, received an empty one"),
        (TOKENS + "dog.jpg\ta dog\n", "line 4: expected `name.jpg#0<TAB>caption`, received 'dog.jpg.ta dog'"),
        (TOKENS + " #0\ta dog\n", "line 4: expected the name of a picture, received none"),
        ("[]", "received a JSON list or value"),
        ('{"images": [}', "line 1: not valid JSON"),
        ("[" * 100_000, "nested too deeply|not valid JSON"),
        ('{"images": []}', 'expected a list under "annotations", received none'),
        (coco(images={}), 'expected a list under "images", received dict'),
        (coco(images=[], annotations=[]), "received a list of no images"),
        (coco(images=[{"id": 7}]), 'image 0: expected a "file_name", received the keys'),
        (coco(images=[{"file_name": "a"}]), 'image 0: expected a "id"'),
        (coco(images=[3]), "image 0: expected an object, received int"),
        (coco(images=[{"id": [], "file_name": "a"}]), 'image 0: expected an int or str under "id", received list'),
        (coco(images=[{"id": 7, "file_name": " "}]), r'image 0 \(id 7\): expected a "file_name", received an empty'),
        (coco(images=[{"id": 7, "file_name": "a"}, {"id": 7, "file_name": "b"}]), "image 1: id 7 is that of an"),
        (coco(images=[{"id": 7, "file_name": "a"}, {"id": 8, "file_name": "a"}]), r"image 1 \(id 8\): a is the file"),
        (coco(annotations=[{"id": 5, "image_id": 7}]), r'annotation 0 \(id 5\): expected a "caption"'),
        (coco(annotations=[{"image_id": 9, "caption": "a"}]), "annotation 0: .*received image_id 9"),
        (coco(annotations=[{"image_id": 7, "caption": " "}]), "annotation 0: expected a caption of dog.jpg"),
        (coco(annotations=[{"image_id": 7, "caption": None}]), 'a str under "caption", received NoneType'),
        (coco(annotations=[{"id": 1, "image_id": 7, "caption": "a"}] * 2), r"annotation 1 \(id 1\): this id is that"),
        (coco(annotations=[{"image_id": 7, "caption": "a"}]), r"1 have none: cat.jpg \(id 3\)"),
    ],
)  # fmt: skip
def test_bad_files_are_named(tmp_path, text, message):
    path = tmp_path / "captions.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=f"(?s)captions.txt.*{message}"):
        read_captions(path)


def test_bad_utf8_and_missing_files(tmp_path):
    path = tmp_path / "captions.txt"
    path.write_bytes(TOKENS.encode() + b"cow.jpg#0\ta \xff cow\n")
    with pytest.raises(ValueError, match=r"captions.txt, line 4: not valid UTF-8 \(byte 0xff\)"):
        read_captions(path)
    with pytest.raises(ValueError, match="none.json: cannot be read: No such file"):
        read_captions(tmp_path / "none.json")
    path.write_bytes(b"\x80\x04\x95.")  # the beginning of a pickle is a file like any other
    with pytest.raises(ValueError, match="line 1: not valid UTF-8"):
        read_captions(path)


def test_a_file_with_the_ending_of_json_is_json(tmp_path):
    (tmp_path / "captions.json").write_text(TOKENS)
    with pytest.raises(ValueError, match="captions.json, line 1: not valid JSON"):
        read_captions(tmp_path / "captions.json")


def test_sets_cannot_be_changed():
    with pytest.raises(AttributeError):
        DOGS.names = []
    assert len(DOGS) == 2
