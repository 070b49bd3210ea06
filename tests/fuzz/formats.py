"""Damage that knows a format, so that sums and lengths are right and the parser behind them is reached."""

import copy
import gzip
import io
import json
import re
import struct
import zipfile

from tests.fuzz.damage import damaged

_DEEP = "\0deep\0"
_VALUES = (
    None, True, False, 0, 1, -1, 3, 2**31, 2**63, 2**64, -(2**63), 10**400, 0.5, -0.0, 1e308, float("nan"),
    float("inf"), "", "a", "\0", "\ud800", "../../etc/passwd", "/etc/passwd", "x" * 5000, "<pad>", "float16", "lstm",
    [], {}, [[]], [0], [None], {"": None}, ["a", "a"], [2**31, 2**31], {"class_name": "Dense", "config": {}}, _DEEP,
)  # fmt: skip


def changed_json(data: bytes, rng) -> bytes:
    """A JSON text with one to three of its values gone, exchanged, doubled or of another type; it stays JSON."""
    try:
        tree = json.loads(data)
    except ValueError:
        return damaged(data, rng)
    for _ in range(int(rng.integers(1, 4))):
        tree = _changed_tree(tree, rng)
    text = json.dumps(tree)
    depth = int(rng.choice((100, 5000, 100_000)))
    text = text.replace(json.dumps(_DEEP), "[" * depth + "]" * depth)
    return text.encode("utf-8", "surrogatepass")


def _nodes(tree, found=None, above=None, key=None) -> list:
    """(container, key) of every value of a tree."""
    found = [] if found is None else found
    if above is not None:
        found.append((above, key))
    for k, value in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        _nodes(value, found, tree, k)
    return found


def _changed_tree(tree, rng):
    nodes = _nodes(tree)
    if not nodes or rng.random() < 0.02:
        return copy.deepcopy(_VALUES[rng.integers(len(_VALUES))])
    above, key = nodes[rng.integers(len(nodes))]
    kind = rng.integers(6)
    if kind == 0:
        del above[key]
    elif kind == 1 and isinstance(above, list):
        above.extend([copy.deepcopy(above[key])] * int(rng.choice((1, 2, 1000))))
    elif kind == 1:
        above[f"{key}2"] = copy.deepcopy(above[key])
    elif kind == 2:
        other, place = nodes[rng.integers(len(nodes))]
        above[key] = copy.deepcopy(other[place]) if place in other or isinstance(place, int) else None
    elif kind == 3 and isinstance(above[key], int):
        above[key] = int(rng.choice((0, -1, above[key] + 1, above[key] * 1000, 2**31 - 1, 2**40)))
    elif kind == 4 and isinstance(above[key], str):
        above[key] = damaged(above[key].encode("utf-8", "replace"), rng).decode("utf-8", "replace")
    else:
        above[key] = copy.deepcopy(_VALUES[rng.integers(len(_VALUES))])
    return tree


def changed_zip(data: bytes, rng, member: str | None = None) -> bytes:
    """An archive one of whose members is damaged with the right CRC, or whose directory tells another story.

    Args:
        member: damage the content of this one.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(info.filename, archive.read(info), info.compress_type) for info in archive.infolist()]
    except Exception:  # it was damaged before
        return damaged(data, rng)
    if not members:
        return damaged(data, rng)
    at, kind = int(rng.integers(len(members))), rng.integers(10)
    if member is not None:
        at, kind = next((k for k, one in enumerate(members) if one[0] == member), at), 0
    name, content, method = members[at]
    if kind < 6:
        members[at] = (name, changed_by_name(name, content, rng), method)
    elif kind == 6:
        del members[at]
    elif kind == 7:
        members.append((name, damaged(content, rng), zipfile.ZIP_DEFLATED))
    elif kind == 8:
        members[at] = (
            str(rng.choice(["../" + name, "/" + name, name + "/", "a" * 300, name.upper(), "\\" + name])),
            content,
            method,
        )
    else:
        members[at] = (name, content + b"\0" * int(rng.choice((10, 10**6, 10**8))), zipfile.ZIP_DEFLATED)
    return zipped(members)


def zipped(members) -> bytes:
    """An archive of (name, content, method), with one fixed date."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content, method in members:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return file.getvalue()


def changed_by_name(name: str, content: bytes, rng) -> bytes:
    """A member of an archive, damaged as its ending suggests."""
    if name.endswith(".json"):
        return changed_json(content, rng) if rng.random() < 0.85 else damaged(content, rng)
    if name.endswith(".npy"):
        return changed_npy(content, rng)
    return damaged(content, rng)


def changed_npy(data: bytes, rng) -> bytes:
    """A NumPy file whose header says something else about shape or type, with the right length of the header."""
    if data[:6] != b"\x93NUMPY" or rng.random() < 0.3:
        return damaged(data, rng)
    end = 10 + struct.unpack("<H", data[8:10])[0]
    header = data[10:end].decode("latin-1").rstrip()
    kind = rng.integers(4)
    if kind == 0:
        shape = rng.choice(
            ["()", "(0,)", "(-1,)", f"({2**60},)", f"({2**31}, {2**31})", "(1,)", "(2, 2)", "(True,)", "('a',)"]
        )
        header = re.sub(r"\([^)]*\)", lambda _: str(shape), header, count=1)
    elif kind == 1:
        descr = rng.choice(["|O", "<f8", "|u1", "<U9999", "|S0", "|V0", "<M8[ns]", "<c16", ">i2", "x", "|b1"])
        header = re.sub(r"'descr': *'[^']*'", lambda _: f"'descr': '{descr}'", header)
    elif kind == 2:
        header = damaged(header.encode("latin-1"), rng).decode("latin-1")
    else:
        header = str(
            rng.choice(["{}", "", "[" * 900, "__import__('os').abort()", "(" * 5000, header.replace("False", "True")])
        )
    text = header.encode("latin-1")[:65000] + b"\n"
    return data[:8] + struct.pack("<H", len(text)) + text + data[end:]


def changed_gzip(data: bytes, rng) -> bytes:
    """A compressed file whose content is damaged, and compressed again."""
    if rng.random() < 0.4:
        return damaged(data, rng)
    return gzip.compress(damaged(gzip.decompress(data), rng), mtime=0)


def changed_text(data: bytes, rng) -> bytes:
    """A table or a text: lines that are gone, doubled, joined, empty, or very long."""
    lines = data.split(b"\n")
    for _ in range(int(rng.integers(1, 4))):
        at, kind = int(rng.integers(len(lines))), rng.integers(7)
        if kind == 0 and len(lines) > 1:
            del lines[at]
        elif kind == 1:
            lines[at:at] = [lines[at]] * int(rng.choice((1, 100)))
        elif kind == 2:
            lines[at] = b""
        elif kind == 3:
            lines[at] = lines[at] * int(rng.choice((2, 3000)))
        elif kind == 4:
            parts = re.split(rb"([,\t| ])", lines[at])
            rng.shuffle(parts)
            lines[at] = b"".join(parts)
        elif kind == 5:
            lines[at] = b'"' + lines[at]
        else:
            lines[at] = damaged(lines[at], rng)
    return b"\n".join(lines)
