"""Writes a set as shards, from the command line: `python -m keras_seqcv.data.shard captions photos --out shards`."""

import argparse
import sys
from pathlib import Path

from keras_seqcv.data.shard_files import FILE_FORMATS
from keras_seqcv.data.shard_set import write_shards
from keras_seqcv.data.text_files import read_text
from keras_seqcv.data.vocabulary import vocabulary_from_json

# Of each kind: what it is, the data, and the options; a name as the reader in memory has it.
_COMMANDS = {
    "captions": ("pictures with captions", ["images", "captions?"], "vocabulary train valid validation missing seed"),
    "questions": (
        "pictures with questions and answers",
        ["images", "questions?"],
        "vocabulary answers train valid validation unknown missing seed",
    ),
    "images": ("labelled pictures", ["images"], "split image_size names validation seed"),
    "videos": ("labelled clips", ["clips"], "names per_frame valid validation wrong seed"),
    "texts": ("labelled texts", ["texts"], "vocabulary names valid validation wrong seed"),
    "translations": ("sentence pairs", ["source", "target?"], "vocabularies pair languages validation seed"),
    "text": ("running text, for streams", ["text+"], "vocabulary block"),
}
_OPTIONS = {
    "vocabulary": dict(type=Path, help="JSON file of `Vocabulary.to_json`; else one is made of the data"),
    "vocabularies": dict(type=Path, nargs=2, help="JSON files of those of source and target; else they are made"),
    "answers": dict(type=Path, required=True, help="file with an answer on each line"),
    "train": dict(help="file with the names of those for training, or split of a set"),
    "valid": dict(help="likewise for validation; of texts and clips what is for validation"),
    "pair": dict(dest="valid", nargs="+", help="source and target for validation, or the split of a set"),
    "validation": dict(type=float, help="share for validation (0.1), if there is no --valid"),
    "missing": dict(choices=["raise", "skip"], help="what happens with missing and damaged pictures"),
    "unknown": dict(choices=["raise", "skip"], help="what happens with questions with another answer"),
    "wrong": dict(choices=["raise", "skip"], help="what happens with rows that are wrong"),
    "split": dict(help='"train" or "test", or that of a set'),
    "image_size": dict(type=int, nargs="+", help="height and width to which pictures of folders are resized"),
    "names": dict(nargs="+", help="labels in the order of their numbers"),
    "per_frame": dict(action="store_true", help="every frame has a label"),
    "languages": dict(nargs=2, help="of a set: from which to which"),
    "block": dict(type=int, help="tokens of a record (65536)"),
    "seed": dict(type=int, help="of the split"),
}


def main(arguments: list[str] | None = None) -> None:
    """Runs the command; an argument or a file that is not as it should be ends it with one line that says so.

    Example:
        >>> import pathlib
        >>> from keras_seqcv.data.shard import main
        >>> _ = pathlib.Path("tale.txt").write_text("once upon a time ...")
        >>> main("text tale.txt --out tale --shards 2 --block 8 --quiet".split())
        >>> ks.data.sharded("tale", 1, steps=9).batches
        2
    """
    given = vars(_parser().parse_args(arguments))
    kind, out, shards, file_format, quiet = (given.pop(k) for k in ("kind", "out", "shards", "format", "quiet"))
    data = [given.pop(name.rstrip("?+")) for name in _COMMANDS[kind][1]]
    try:
        options = {name: _value(name, value) for name, value in given.items() if value is not None}
        if kind == "text":
            data = [[Path(name) for name in data[0]] if len(data[0]) > 1 else Path(data[0][0])]
        write_shards(out, kind, *data, shards=shards, file_format=file_format, verbose=int(not quiet), **options)
    except (ValueError, TypeError, OSError, ImportError) as error:
        sys.exit(f"error: {error}")


def _value(name: str, value):
    """What the writer takes for an option of the command line."""
    if name in ("vocabulary", "vocabularies"):
        found = [vocabulary_from_json(read_text(path)) for path in ([value] if name == "vocabulary" else value)]
        return found[0] if name == "vocabulary" else tuple(found)
    if name == "answers":
        return [line.strip() for line in read_text(value).split("\n") if line.strip()]
    if name == "image_size":
        return value[0] if len(value) == 1 else tuple(value)
    if name == "valid" and isinstance(value, list):
        return value[0] if len(value) == 1 else tuple(value)
    return tuple(value) if isinstance(value, list) else value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m keras_seqcv.data.shard", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    for kind, (what, data, options) in _COMMANDS.items():
        one = kinds.add_parser(kind, help=what, description=f"Writes {what} as shards.")
        for name in data:
            plain = name.rstrip("?+")
            one.add_argument(plain, nargs=name[len(plain) :] or None, help=f"see the reader in memory, `{plain}`")
        for name in options.split():
            one.add_argument(f"--{'valid' if name == 'pair' else name.replace('_', '-')}", **_OPTIONS[name])
        one.add_argument("--out", required=True, type=Path, help="the new folder")
        one.add_argument("--shards", type=int, default=16, help="files of each part (16)")
        one.add_argument("--format", choices=list(FILE_FORMATS), default="tfrecord")
        one.add_argument("--quiet", action="store_true", help="no progress bars")
    return parser


if __name__ == "__main__":
    main()
