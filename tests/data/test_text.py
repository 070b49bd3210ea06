"""load_text: what it takes, and what it refuses."""

import hashlib

import pytest

from keras_seqcv.data import load_text


def test_shakespeare_is_shipped_whole():
    text = load_text("shakespeare")
    assert len(text) == 1_115_394 and len(set(text)) == 65
    assert hashlib.md5(text.encode()).hexdigest() == "6fb458f1232090904fb40fe944165e91"


def test_files_bytes_and_text(tmp_path):
    text = "Füße\r\n中\n"
    path = tmp_path / "text.txt"
    path.write_bytes(text.encode())
    assert load_text(path) == load_text(str(path)) == load_text(text.encode()) == load_text(text) == text
    assert load_text(b"one line") == "one line"


@pytest.mark.parametrize("source", ["no such text", "x" * 5000, "nul\0"])
def test_other_strings_are_refused(source):
    with pytest.raises(ValueError, match="'shakespeare'.*existing file.*newline"):
        load_text(source)


def test_empty_texts(tmp_path):
    path = tmp_path / "nothing.txt"
    path.touch()
    for source in ("", b"", path, str(path)):
        with pytest.raises(ValueError, match="empty text"):
            load_text(source)
    with pytest.raises(ValueError, match="nothing.txt"):
        load_text(path)


def test_invalid_utf8_names_file_and_offset(tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes("Füße".encode("latin-1"))
    with pytest.raises(ValueError, match="latin.txt is not valid UTF-8 at byte offset 1 .byte 0xfc"):
        load_text(path)
    with pytest.raises(ValueError, match="bytes is not valid UTF-8 at byte offset 4"):
        load_text("中a".encode() + b"\xff")


def test_missing_file_and_wrong_type(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere.txt"):
        load_text(tmp_path / "nowhere.txt")
    for source in (3, None, ["a\n"]):
        with pytest.raises(TypeError, match="`source`"):
            load_text(source)
