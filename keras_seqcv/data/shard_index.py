"""The index of a folder of shards: what is in it, and whether it is all there."""

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np

from keras_seqcv.data.shard_files import FILE_FORMATS, PLACE
from keras_seqcv.data.vocabulary import vocabulary_from_json

INDEX = "index.json"
VERSION = 1
_FORMAT = "keras_seqcv shards"
_BLOCK = 1 << 20


@dataclasses.dataclass
class Part:
    """One part of a set, "train" or "valid".

    Args:
        records: how many there are; record k is in shard k % S, or of tokens in the order of the shards.
        rows: how many rows these have, such as captions of pictures.
        columns: names of what is known of a row, its lengths.
        files: of each shard name, bytes, records and SHA-256.
        tables: likewise of "places", where each record is, and "rows", the lengths of each row.
    """

    records: int
    rows: int
    columns: list[str]
    files: list[dict]
    tables: dict[str, dict]

    def __post_init__(self):
        numbers = (self.records, self.rows)
        if not all(type(number) is int and number > 0 for number in numbers) or not isinstance(self.columns, list):
            raise ValueError(f"expected numbers of records and rows, and a list of columns, received {numbers}")
        entries = [*self.files, *self.tables.values()]
        if set(self.tables) != {"places", "rows"} or not self.files:
            raise ValueError("expected shards, and the tables of places and of rows")
        for entry in entries:
            if {"name", "bytes", "sha256"} - set(entry) or Path(entry["name"]).name != entry["name"]:
                raise ValueError(f"expected files of this folder with name, bytes and sha256, received {entry!r:.80}")


@dataclasses.dataclass
class Index:
    """What `index.json` says.

    Args:
        kind: "captions" ..., the reader whose elements these shards give.
        file_format: of the shards.
        about: what the whole set has, such as its vocabulary.
        features: of a record: for each name dtype and shape.
        parts: by name.
    """

    kind: str
    file_format: str
    about: dict
    features: dict
    parts: dict[str, Part]

    def write(self, folder: Path) -> None:
        content = {"format": _FORMAT, "version": VERSION, **dataclasses.asdict(self)}
        (folder / INDEX).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def file_entry(path: Path, **more) -> dict:
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": sha256(path), **more}


def sha256(path: Path) -> str:
    total = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            total.update(block)
    return total.hexdigest()


def read_index(folder: Path) -> Index:
    """Reads the index of a folder.

    Raises:
        ValueError: naming the file: it is not there, or no such index.
    """
    path = folder / INDEX
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: expected the index of shards: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # neither JSON nor UTF-8, or nested too deeply
        raise ValueError(f"{path}: damaged: {error}") from error
    if not isinstance(content, dict) or content.pop("format", None) != _FORMAT:
        raise ValueError(f"{path}: expected the index of shards, received other JSON")
    version = content.pop("version", None)
    if version != VERSION:
        raise ValueError(f"{path}: expected version {VERSION}, received {version!r}")
    try:
        index = Index(**{**content, "parts": {name: Part(**part) for name, part in content["parts"].items()}})
        if index.file_format not in FILE_FORMATS or not index.parts:
            raise ValueError(f"a format of {index.file_format!r} and parts {list(index.parts)}")
        _check_about(index.about)
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise ValueError(f"{path}: damaged: {error}") from error
    return index


def _check_about(about: dict) -> None:
    """Raises ValueError for vocabularies and names that are none."""
    for name, value in about.items():
        if name.endswith("vocabulary"):
            vocabulary_from_json(value)
        elif name in ("names", "answers") and not isinstance(value, list):
            raise ValueError(f"expected a list of {name}, received {value!r:.80}")


def check_files(folder: Path, part: Part, shards: list[int], verify: bool) -> None:
    """Raises ValueError that names a file of a part that is missing or another one than the index tells.

    Args:
        shards: numbers of those that are needed.
        verify: whether all bytes are read, or only the length compared.
    """
    for entry in [*part.tables.values(), *(part.files[shard] for shard in shards)]:
        path = folder / entry["name"]
        if not path.is_file():
            raise ValueError(f"{path}: expected, as {INDEX} names it, found nothing")
        if path.stat().st_size != entry["bytes"]:
            raise ValueError(f"{path}: expected {entry['bytes']} bytes, received {path.stat().st_size}: another file")
        if (verify or "records" not in entry) and sha256(path) != entry["sha256"]:
            raise ValueError(f"{path}: damaged, or a file of another set: its SHA-256 is not that of {INDEX}")


def tables(folder: Path, part: Part) -> tuple[np.ndarray, np.ndarray]:
    """Places (N,) of the records and lengths (R, columns) int32 of the rows, both read when they are needed."""
    shapes = {"places": (PLACE, (part.records,)), "rows": (np.dtype("<i4"), (part.rows, len(part.columns)))}
    found = []
    for name, (dtype, shape) in shapes.items():
        entry = part.tables[name]
        if entry["bytes"] != dtype.itemsize * int(np.prod(shape)):
            raise ValueError(f"{folder / entry['name']}: expected {name} of shape {shape}, has {entry['bytes']} bytes")
        path = folder / entry["name"]
        found.append(np.memmap(path, dtype, mode="r", shape=shape))
    return tuple(found)
