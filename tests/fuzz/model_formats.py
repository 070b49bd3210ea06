"""Damage to models: flatbuffers behind a stamp, and messages of Protocol Buffers, that stay what they are."""

import io
import json
import struct
import zipfile

from keras_seqcv.export.attached_files import STAMP, attach  # as a hostile sender would
from tests.fuzz.damage import damaged
from tests.fuzz.formats import changed_by_name, changed_zip

_NUMBERS = (0, 1, -1, 2, 7, 1000, 2**31 - 1, -(2**31), 2**40, 2**63 - 1)


def changed_keras(data: bytes, rng) -> bytes:
    """A `.keras` file: two times in three what its config says, else any of its members."""
    return changed_zip(data, rng, "config.json" if rng.random() < 0.66 else None)


def changed_tflite(data: bytes, rng) -> bytes:
    """A LiteRT file: the model behind a stamp that is made right again, or the files beside it."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    content = data[: json.loads(files.pop(STAMP))["bytes"]]
    kind = rng.integers(4)
    if kind == 0:
        return damaged(data, rng)
    if kind == 1 and files:
        name = sorted(files)[rng.integers(len(files))]
        files[name] = changed_by_name(name, files[name], rng)
        return attach(content, files, {})
    content = damaged(content, rng) if kind == 2 else _changed_words(content, rng)
    return content if rng.random() < 0.2 else attach(content, files, {})


def _changed_words(content: bytes, rng) -> bytes:
    """Some aligned numbers of a flatbuffer made a little different, or very different: offsets, indices, shapes."""
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 6))):
        place = 4 * int(rng.integers(2, max(3, len(changed) // 4)))
        old = struct.unpack_from("<i", changed.ljust(place + 4, b"\0"), place)[0]
        new = int(rng.choice((old + 1, old - 1, old + 4, -old, 0, -1, 2**31 - 1, 1 << 20, 1000)))
        changed[place : place + 4] = struct.pack("<I", new % 2**32)
    return bytes(changed)


def changed_saved_model(data: bytes, rng) -> bytes:
    """A SavedModel's graph with one to three fields of its messages changed; it can be parsed."""
    from tensorflow.core.protobuf import saved_model_pb2

    content = saved_model_pb2.SavedModel()
    content.ParseFromString(data)
    for _ in range(int(rng.integers(1, 4))):
        fields = list(_fields(content))
        _change_field(*fields[rng.integers(len(fields))], rng)
    return content.SerializeToString()


def _fields(message):
    """(message, field) of all that is set, however deep."""
    for field, value in message.ListFields():
        yield message, field
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            inner = [one for one in value.values() if hasattr(one, "ListFields")]
        else:
            inner = value if _is_list(value) else [value]
        for one in inner:
            yield from _fields(one)


def _is_list(value) -> bool:
    return hasattr(value, "extend")


def _change_field(message, field, rng) -> None:
    value = getattr(message, field.name)
    if field.message_type is not None or rng.random() < 0.15:
        if _is_list(value):
            at = int(rng.integers(len(value)))
            value.append(value[at]) if rng.random() < 0.3 else value.__delitem__(at)
        else:
            message.ClearField(field.name)
        return
    many = _is_list(value)
    old = value[rng.integers(len(value))] if many else value
    new = _changed_value(old, rng)
    try:
        value.append(new) if many else setattr(message, field.name, new)
    except (ValueError, TypeError):  # too large for the field
        message.ClearField(field.name)


def _changed_value(old, rng):
    if isinstance(old, bool):
        return not old
    if isinstance(old, str):
        return damaged(old.encode(), rng).decode("utf-8", "replace")
    if isinstance(old, bytes):
        return damaged(old, rng)
    return type(old)(_NUMBERS[rng.integers(len(_NUMBERS))])
