"""Pictures, clips and texts that were made to do harm: too large, without end, of an endless number of parts."""

import gzip
import io
import os
import struct
import subprocess
import sys
import threading
import zlib

import numpy as np
import pytest
from PIL import Image

import keras_seqcv as ks
from keras_seqcv.data import documents, parallel_texts, video_files
from keras_seqcv.data.picture_splits import split_pictures

READERS = {
    "read_captions": ks.data.read_captions,
    "read_questions": ks.data.read_questions,
    "read_labelled_texts": ks.data.read_labelled_texts,
    "read_tagged_texts": ks.data.read_tagged_texts,
    "read_labelled_videos": ks.data.read_labelled_videos,
    "read_translations": lambda path: ks.data.read_translations(path, ["a"]),
    "load_text": ks.data.load_text,
    "load_image": ks.data.load_image,
    "load_video": ks.data.load_video,
    "read_labelled_images": ks.data.read_labelled_images,
    "load_recording": ks.inspection.load_recording,
    "load_tflite": ks.export.load_tflite,
    "load_model": ks.models.load_model,
    "Characters": ks.data.Characters,
    "Words": ks.data.Words,
    "text_streams": lambda path: ks.data.text_streams(path, 2, 3, vocabulary=ks.data.Bytes()),
    "split_pictures": lambda path: split_pictures(["a", "b"], path, None, 0.5, 0),
}


def place_of(kind, folder):
    path = folder / f"{kind}.npz"  # an ending that every reader lets pass
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "endless":
        path.symlink_to("/dev/zero")
    elif kind == "loop":
        path.symlink_to(folder / "other")
        (folder / "other").symlink_to(path)
    elif kind == "folder":
        path.mkdir()
    return path


@pytest.mark.parametrize("kind", ["pipe", "endless", "loop", "folder", "missing"])
@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_file(tmp_path, reader, kind):
    """A reader that opens a pipe waits for ever, one that reads /dev/zero takes all memory: so each has a second."""
    path, found = place_of(kind, tmp_path), []

    def read():
        try:
            READERS[reader](path)
        except (ValueError, OSError) as error:
            found.append(str(error))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(60)
    assert found and str(path) in found[0], found


def png(width, height, depth=2):
    """A PNG file whose header promises so many pixels, with a few bytes behind."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, depth, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def patched(kind, place, width, height, form):
    """A small picture whose header tells another size."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, kind, **({"lossless": True} if kind == "WEBP" else {}))
    data = bytearray(file.getvalue())
    if kind == "WEBP":
        bits = (width - 1) | (height - 1) << 14
        data[21:25] = struct.pack("<I", bits | 0)
    elif kind == "JPEG":
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", height, width)
    else:
        data[place : place + struct.calcsize(form)] = struct.pack(form, width, height)
    return bytes(data)


BOMBS = {
    "png": png(60_000, 60_000),
    "jpg": patched("JPEG", 0, 60_000, 60_000, ""),
    "gif": patched("GIF", 6, 60_000, 60_000, "<HH"),
    "bmp": patched("BMP", 18, 60_000, 60_000, "<ii"),
    "webp": patched("WEBP", 0, 16_000, 16_000, ""),
    "ppm": b"P6 60000 60000 255\n" + bytes(1000),
}


@pytest.mark.parametrize("ending", BOMBS)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_pictures_of_billions_of_pixels(tmp_path, ending):
    path = tmp_path / f"bomb.{ending}"
    path.write_bytes(BOMBS[ending])
    for load in (ks.data.load_image, ks.data.load_video) if ending in ("gif", "webp") else (ks.data.load_image,):
        with pytest.raises(ValueError, match=f"bomb.{ending}.*(too large|exceeds limit)"):
            load(path)


WATCHED = """
import sys
from pathlib import Path
from keras_seqcv.image_files import load_image
def memory(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1]) >> 10
before = memory("VmRSS")
for path in sys.argv[1:]:
    assert load_image(path, 16).shape == (16, 16, 3)
print(memory("VmHWM") - before)
"""


def test_what_the_largest_pictures_take(tmp_path):
    """A sixteenth of the pixels that Pillow allows takes less than an eighth of a gigabyte, whatever the format is."""
    side = int((Image.MAX_IMAGE_PIXELS / 16) ** 0.5)
    for name, mode in (("clear.png", "LA"), ("deep.png", "I;16"), ("clear.webp", "RGBA"), ("plain.jp2", "RGB")):
        options = {"lossless": True, "method": 0} if name.endswith("webp") else {}
        Image.new(mode, (side, side)).save(tmp_path / name, **options)
    command = [sys.executable, "-c", WATCHED, *map(str, sorted(tmp_path.iterdir()))]
    child = subprocess.run(command, capture_output=True, text=True)
    assert child.returncode == 0, child.stderr[-1000:]
    assert int(child.stdout) < 128, child.stdout  # of WebP and JPEG 2000 only half as many pixels are allowed


def test_a_million_frames(tmp_path, monkeypatch):
    frame = b"\x21\xf9\x04\0\0\0\0\0\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0"
    path = tmp_path / "million.gif"
    path.write_bytes(b"GIF89a\x01\0\x01\0\x80\0\0" + bytes(3) + b"\xff" * 3 + frame * 10**6 + b";")
    with pytest.raises(ValueError, match="million.gif: expected one picture, received a hundred and more"):
        ks.data.load_image(path)
    monkeypatch.setattr(video_files, "MOST_FRAMES", 2000)
    with pytest.raises(ValueError, match="million.gif, frame 2000: expected a clip of at most 2000 frames"):
        ks.data.load_video(path)


def test_a_clip_of_many_bytes(tmp_path, monkeypatch):
    first, *others = [Image.new("RGB", (40, 30), (k, 0, 0)) for k in range(20)]
    first.save(tmp_path / "clip.gif", save_all=True, append_images=others)
    monkeypatch.setattr(video_files, "MOST_BYTES", 10 * 40 * 30 * 3)
    with pytest.raises(ValueError, match="clip.gif, frame 10: expected"):
        ks.data.load_video(tmp_path / "clip.gif")
    # In a smaller size it fits, and frames that are left out count as they come.
    assert ks.data.load_video(tmp_path / "clip.gif", size=8, frames=4).shape == (4, 8, 8, 3)


@pytest.mark.parametrize("lines", [False, True])
def test_compressed_texts_that_grow_too_much(tmp_path, monkeypatch, lines):
    monkeypatch.setattr(parallel_texts, "_FREE_BYTES", 10**6)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress((b"a\n" if lines else b"aa") * 10**7))
    with pytest.raises(ValueError, match="bomb.gz: unpacked it has 50 times its size"):
        ks.data.read_translations(path, ["a"])


def test_compressed_pictures_that_grow_too_much(tmp_path):
    header = b"\0\0\x08\x03" + struct.pack(">III", 2**10, 2**10, 2**10)
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(header + bytes(10**6)))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01" + struct.pack(">I", 1) + b"\0")
    with pytest.raises(ValueError, match="train-images-idx3-ubyte.gz: expected at most"):
        ks.data.read_labelled_images(tmp_path)


def test_a_text_of_empty_lines_takes_little(tmp_path):
    """All lines are wrong, and the first few are told."""
    (tmp_path / "a.de").write_text("\n" * 10**5)
    with pytest.raises(ValueError, match="and 199995 more") as error:
        ks.data.read_translations(tmp_path / "a.de", tmp_path / "a.de")
    assert len(str(error.value)) < 2000


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"\x0a\xff\xff\xff\xff\x0f" + b"a" * 50, bytes(range(200))])
def test_models_of_sentencepiece(content):
    with pytest.raises(ValueError, match="`model`"):
        ks.data.Subwords(model=content)


def test_blocks_of_a_text_are_those_of_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="pipe: expected a file, it is a pipe"):
        next(documents.document_blocks("pipe", tmp_path / "pipe", "byte"))
    (tmp_path / "link").symlink_to(tmp_path / "text")
    (tmp_path / "text").write_text("abc")
    assert "".join(documents.document_blocks("text", tmp_path / "link", "character")) == "abc"
    assert np.array_equal(ks.data.Characters(tmp_path / "link").encode("cab"), [2, 0, 1])
