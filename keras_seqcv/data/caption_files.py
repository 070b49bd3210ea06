"""Files of captions, in the formats that they come in."""

import dataclasses
import os
import re
from collections.abc import Iterator
from pathlib import Path

from keras_seqcv.data.caption_coco import coco_captions
from keras_seqcv.data.text_files import read_table, read_text

PICTURE_TITLES = ("image", "image_name", "filename", "file_name")
_COLUMNS = {
    "picture": PICTURE_TITLES,
    "caption": ("caption", "comment"),
    "number": ("comment_number", "caption_number"),
}
_TOKEN_LINE = re.compile(r"([^\t]+)#(\d+)\t(.*)")
_PICTURE_ENDINGS = {".avif", ".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"}
_FORMATS = (
    "`name.jpg#0<TAB>caption`, a header that names the columns (`image,caption`, or "
    "`image_name| comment_number| comment`), or the JSON of COCO"
)


@dataclasses.dataclass(frozen=True)
class CaptionSet:
    """Names of pictures, each once, and the captions of each, at least one.

    Args:
        names: list of str, as the file has them.
        captions: for each name a list of str, without space around them.

    Example:
        >>> ks.data.CaptionSet(["dog.jpg"], [["a dog runs", "a brown dog"]]).captions[0][1]
        'a brown dog'
    """

    names: list[str]
    captions: list[list[str]]

    def __len__(self) -> int:
        return len(self.names)


def read_captions(path: str | os.PathLike) -> CaptionSet:
    """Reads the captions of pictures from a file or a folder; its contents tell the format.

    Args:
        path: one of these, in UTF-8:
            lines `dog.jpg#0<TAB>A dog runs .`, as Flickr8k and Flickr30k have them;
            a table with a header, separated by commas, bars, tabs or semicolons: columns "image", "image_name",
            "filename" or "file_name", and "caption" or "comment"; of the others only "comment_number" is read:
            it must differ;
            JSON as COCO has it: {"images": [{"id", "file_name"}], "annotations": [{"image_id", "caption"}]};
            a folder of pictures with a text file beside each (dog.jpg, dog.txt), a caption on each line.

    Returns:
        A `CaptionSet`, pictures in the order of the file, or by name.

    Raises:
        ValueError: a file that is missing, none of these, or wrong anywhere: it names the file and the line, or the
            number of the annotation.

    Example:
        >>> import pathlib
        >>> text = "image,caption\\ndog.jpg,a dog runs\\ncat.jpg,a cat\\ndog.jpg,a brown dog\\n"
        >>> _ = pathlib.Path("captions.csv").write_text(text)
        >>> ks.data.read_captions("captions.csv")
        CaptionSet(names=['dog.jpg', 'cat.jpg'], captions=[['a dog runs', 'a brown dog'], ['a cat']])
    """
    path, found = Path(path), _Gathered()
    if path.is_dir():
        for name, line, text_file, number in texts_beside_pictures(path):
            found.add(name, line, None, text_file, number)
        return found.result()
    text = read_text(path)
    if path.suffix.lower() == ".json" or text.lstrip()[:1] in ("{", "["):
        return CaptionSet(*coco_captions(text, path))
    lines = text.split("\n")
    first = next((line.rstrip("\r") for line in lines if line.strip()), None)
    if first is None:
        raise ValueError(f"{path}: expected captions, the file is empty")
    if _TOKEN_LINE.fullmatch(first):
        _read_tokens(lines, path, found)
    else:
        for line, row in read_table(text, path, _COLUMNS, ("number",), _FORMATS):
            found.add(row["picture"], row["caption"], row["number"], path, line)
    if not found.captions:
        raise ValueError(f"{path}: expected captions, received a header only")
    return found.result()


class _Gathered:
    """Captions by picture, in the order in which the pictures come."""

    def __init__(self):
        self.captions, self._lines = {}, {}

    def add(self, name: str, caption: str, number: str | None, path: Path, line: int) -> None:
        name, caption = name.strip(), caption.strip()
        if not name:
            raise ValueError(f"{path}, line {line}: expected the name of a picture, received none")
        if not caption:
            raise ValueError(f"{path}, line {line}: expected a caption of {name}, received an empty one")
        if number is not None:
            before = self._lines.setdefault((name, number), line)
            if before != line:
                raise ValueError(f"{path}, line {line}: caption {number} of {name} is in line {before} already")
        self.captions.setdefault(name, []).append(caption)

    def result(self) -> CaptionSet:
        return CaptionSet(list(self.captions), list(self.captions.values()))


def _read_tokens(lines: list[str], path: Path, found: _Gathered) -> None:
    for number, line in enumerate(lines, 1):
        line = line.rstrip("\r")
        if not line.strip():
            continue
        match = _TOKEN_LINE.fullmatch(line)
        if not match:
            raise ValueError(f"{path}, line {number}: expected `name.jpg#0<TAB>caption`, received {line[:60]!r}")
        found.add(match[1], match[3], match[2], path, number)


def texts_beside_pictures(folder: Path) -> Iterator[tuple[str, str, Path, int]]:
    """Yields (name of the picture, line, text file, number of the line) of text files beside pictures of their names.

    Raises:
        ValueError: a picture or a text file is alone, or there is none.
    """
    pictures, texts = {}, {}
    for path in sorted(folder.iterdir()):
        ending = path.suffix.lower()
        kind = texts if ending == ".txt" else pictures if ending in _PICTURE_ENDINGS else None
        if kind is None or path.name.startswith("."):
            continue
        if path.stem in kind:
            raise ValueError(f"{folder}: both {kind[path.stem].name} and {path.name} belong to {path.stem}.txt")
        kind[path.stem] = path
    for some, others, expected in ((texts, pictures, "a picture"), (pictures, texts, "a text file")):
        alone = [some[stem].name for stem in some if stem not in others]
        if alone:
            names = ", ".join(alone[:5])
            raise ValueError(f"{folder}: expected {expected} beside each of {names}; {len(alone)} have none")
    if not texts:
        raise ValueError(f"{folder}: expected pictures with a text file beside each, found none")
    for stem, path in texts.items():
        for number, line in enumerate(read_text(path).removesuffix("\n").split("\n"), 1):
            yield pictures[stem].name, line, path, number
