"""Damage that any file can have: bits, bytes, pieces, numbers."""

import re
import struct

# Of every width: none, one, the largest with and without a sign, and their neighbours.
_EDGES = (
    0,
    1,
    2,
    127,
    128,
    255,
    256,
    32767,
    32768,
    65535,
    2**24,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**40,
    2**63 - 1,
    2**64 - 1,
)
_WORDS = (
    b"\x00",
    b"\xff",
    b"\n",
    b"\r\n",
    b"\t",
    b'"',
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\x1a",
    b"-1",
    b"1e999",
    b"{",
    b"[",
)


def damaged(data: bytes, rng) -> bytes:
    """Returns the bytes with one to four kinds of damage, one after the other."""
    for _ in range(int(rng.integers(1, 5))):
        data = KINDS[rng.integers(len(KINDS))](data, rng)
    return data


def _place(data: bytes, rng) -> int:
    # Headers are at the beginning, directories at the end: half of the damage is there.
    if rng.random() < 0.5:
        near = int(min(len(data), rng.integers(1, 200)))
        at = int(rng.integers(0, near + 1)) if near else 0
        return at if rng.random() < 0.6 else len(data) - at
    return int(rng.integers(0, len(data) + 1))


def _piece(data: bytes, rng) -> tuple[int, int]:
    start = _place(data, rng)
    longest = max(1, len(data) // 4) if rng.random() < 0.2 else 64
    return start, min(len(data), start + int(rng.integers(1, longest + 1)))


def flipped(data: bytes, rng) -> bytes:
    """Some bits turned over."""
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 9)) if changed else 0):
        changed[min(_place(data, rng), len(changed) - 1)] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def edge_number(data: bytes, rng) -> bytes:
    """A number of 1, 2, 4 or 8 bytes in place of what is there, in either order of bytes."""
    width = int(rng.choice((1, 2, 4, 8)))
    place = _place(data, rng)
    place -= place % width if rng.random() < 0.7 else 0
    number = _EDGES[rng.integers(len(_EDGES))] % (1 << (8 * width))
    order = "<" if rng.random() < 0.5 else ">"
    return data[:place] + struct.pack(order + "BHIQ"[width.bit_length() - 1], number) + data[place + width :]


def cut(data: bytes, rng) -> bytes:
    """The end is gone."""
    return data[: _place(data, rng)]


def left_out(data: bytes, rng) -> bytes:
    """A piece is gone."""
    start, end = _piece(data, rng)
    return data[:start] + data[end:]


def doubled(data: bytes, rng) -> bytes:
    """A piece comes again, up to 50 times."""
    start, end = _piece(data, rng)
    return data[:end] + data[start:end] * int(rng.integers(1, 50)) + data[end:]


def moved(data: bytes, rng) -> bytes:
    """A piece stands over what was elsewhere."""
    start, end = _piece(data, rng)
    place = _place(data, rng)
    return data[:place] + data[start:end] + data[place + end - start :]


def put_in(data: bytes, rng) -> bytes:
    """Bytes that mean something to some format, or random ones, between those that are there."""
    place = _place(data, rng)
    word = _WORDS[rng.integers(len(_WORDS))] if rng.random() < 0.7 else rng.bytes(int(rng.integers(1, 40)))
    return data[:place] + word * int(rng.choice((1, 1, 1, 2, 1000))) + data[place:]


def blank(data: bytes, rng) -> bytes:
    """A piece is all zeros, or all ones."""
    start, end = _piece(data, rng)
    return data[:start] + bytes([0 if rng.random() < 0.7 else 255]) * (end - start) + data[end:]


def other_digits(data: bytes, rng) -> bytes:
    """A number that is written in digits becomes another one."""
    found = list(re.finditer(rb"\d+", data))
    if not found:
        return flipped(data, rng)
    match = found[rng.integers(len(found))]
    new = str(_EDGES[rng.integers(len(_EDGES))]) if rng.random() < 0.8 else f"-{rng.integers(1, 99)}"
    return data[: match.start()] + new.encode() + data[match.end() :]


KINDS = (flipped, edge_number, cut, left_out, doubled, moved, put_in, blank, other_digits, flipped, edge_number)
