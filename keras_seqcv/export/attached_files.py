"""Files that travel with a `.tflite` file: a zip archive behind the model.

This is the way of LiteRT's own "associated files": the interpreter does not look behind the model, and any zip tool
opens the file (`unzip -l model.tflite`). One member, `keras_seqcv.json`, holds the length and SHA-256 of the model,
because a damaged model can crash the interpreter instead of raising an error.
"""

import hashlib
import io
import json
import zipfile

from keras_seqcv.archive_checks import check_members

STAMP = "keras_seqcv.json"


def attach(content: bytes, files: dict[str, bytes | str], facts: dict) -> bytes:
    """Model and files as one.

    Args:
        content: the model.
        files: name -> content.
        facts: what else the stamp shall hold (JSON values).

    Raises:
        ValueError: for the file name that the stamp has.
    """
    if STAMP in files:
        raise ValueError(f"{STAMP!r} is the name of the stamp, and cannot be attached")
    stamp = {**facts, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    whole = io.BytesIO(content)
    whole.seek(0, io.SEEK_END)
    with zipfile.ZipFile(whole, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {**files, STAMP: json.dumps(stamp, indent=2)}.items():
            # A fixed date: the same model gives the same bytes.
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return whole.getvalue()


def detach(data: bytes, path) -> tuple[bytes, dict[str, bytes], dict | None]:
    """Model, files and stamp of what `attach` wrote; for a model from elsewhere the stamp is None.

    Args:
        data: the whole file.
        path: named in the error.

    Raises:
        ValueError: if the file is damaged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            check_members(archive, len(data))
            files = {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, OSError, zipfile.zlib.error) as error:
        if b"PK\x03\x04" in data and STAMP.encode() in data:
            raise ValueError(f"{path} is damaged: the files attached to the model cannot be read ({error})") from error
        return data, {}, None
    if STAMP not in files:
        return data, files, None
    try:
        stamp = json.loads(files.pop(STAMP))
        content = data[: stamp["bytes"]]
        expected = stamp["sha256"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: {STAMP} cannot be read ({error})") from error
    if hashlib.sha256(content).hexdigest() != expected:
        raise ValueError(f"{path} is damaged: the SHA-256 of the model is not the one that was written with it")
    return content, files, stamp
