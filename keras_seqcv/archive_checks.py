"""What is asked of zip archives and NumPy's files before memory is taken for what they promise."""

import math
import os
import stat
import zipfile
from pathlib import PurePosixPath, PureWindowsPath
from typing import BinaryIO

import numpy as np

# A recording has a member for each state of each layer, a `.keras` file one for each asset.
_MOST_MEMBERS = 10_000
# All members together may be so much larger than the file: arrays of zeros shrink to a thousandth, weights hardly.
_FREE_BYTES = 2**28
_MOST_GROWTH = 100
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def check_members(archive: zipfile.ZipFile, size: int) -> None:
    """Raises ValueError for an archive that would fill the memory: a decompression bomb.

    Sizes are those that the archive declares. `zipfile` reads no more of a member than that, so they hold.

    Args:
        archive: open for reading.
        size: of its file, in bytes.

    Raises:
        ValueError: too many members, two of one name or in one place, one that is encrypted, a symbolic link or packed
            in an unusual way, or more bytes in all than 256 MB and a hundred times the file.

    Example:
        >>> import io, zipfile
        >>> from keras_seqcv.archive_checks import check_members
        >>> file = io.BytesIO()
        >>> with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        ...     archive.writestr("zeros", bytes(3 * 10**8))
        >>> try:
        ...     check_members(zipfile.ZipFile(file), len(file.getvalue()))
        ... except ValueError as error:
        ...     print(str(error)[:41])
        unpacked it would have 300000000 bytes, t
    """
    members = archive.infolist()
    if len(members) > _MOST_MEMBERS:
        raise ValueError(f"expected at most {_MOST_MEMBERS} members, it has {len(members)}")
    names, end = set(), 0
    for info in sorted(members, key=lambda info: info.header_offset):
        name = info.filename
        if name in names:
            raise ValueError(f"member {name!r} is there twice")
        names.add(name)
        if info.flag_bits & 1:
            raise ValueError(f"member {name!r} is encrypted")
        if info.compress_type not in _METHODS:
            raise ValueError(f"member {name!r} is packed by method {info.compress_type}, expected 0 or 8 (deflate)")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise ValueError(f"member {name!r} is a symbolic link")
        if info.header_offset < end or info.header_offset + info.compress_size > size:
            raise ValueError(f"member {name!r} lies in another one, or outside the file")
        end = info.header_offset + info.compress_size
    unpacked = sum(info.file_size for info in members)
    if unpacked > _FREE_BYTES + _MOST_GROWTH * size:
        raise ValueError(f"unpacked it would have {unpacked} bytes, the file has {size}: a decompression bomb")


def check_names(archive: zipfile.ZipFile) -> None:
    """Raises ValueError for a member that would be unpacked anywhere but in the folder that it is unpacked to.

    Example:
        >>> import io, zipfile
        >>> from keras_seqcv.archive_checks import check_names
        >>> file = io.BytesIO()
        >>> with zipfile.ZipFile(file, "w") as archive:
        ...     archive.writestr("../../x", "")
        >>> check_names(zipfile.ZipFile(file))
        Traceback (most recent call last):
        ...
        ValueError: member '../../x' leads out of the archive
    """
    for info in archive.infolist():
        name = info.orig_filename  # as it stands there: `filename` ends at a null character
        windows = PureWindowsPath(name)
        outside = windows.drive or windows.root or ".." in windows.parts or PurePosixPath(name).is_absolute()
        if outside or "\0" in name or "\\" in name or not name:
            raise ValueError(f"member {name!r} leads out of the archive")


def check_array(file, size: int) -> None:
    """Raises ValueError unless a `.npy` file, read from here on, has as many bytes as its header promises.

    NumPy takes the memory for an array before it looks whether there is one.

    Args:
        file: open for reading, at its beginning; it is read up to the end of the header.
        size: of the file.

    Example:
        >>> import io
        >>> from keras_seqcv.archive_checks import check_array
        >>> head = {"descr": "<f4", "fortran_order": False, "shape": (2**60,)}
        >>> file = io.BytesIO()
        >>> np.lib.format.write_array_header_1_0(file, head)
        >>> _ = file.seek(0)
        >>> check_array(file, len(file.getvalue()))
        Traceback (most recent call last):
        ...
        ValueError: expected 4611686018427387904 bytes for shape (1152921504606846976,) in float32, received 0
    """
    try:
        version = np.lib.format.read_magic(file)
        readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        if version not in readers:
            raise ValueError(f"expected version 1.0 or 2.0 of NumPy's format, received {version}")
        shape, _, dtype = readers[version](file)
    except ValueError:
        raise
    except Exception as error:  # the header is Python, which `ast` and `tokenize` read: SyntaxError, TokenError, ...
        raise ValueError(f"the header of an array is damaged ({type(error).__name__}: {error})") from error
    if dtype.hasobject:
        raise ValueError("it holds Python objects (pickle), which are not loaded")
    if not all(type(length) is int and length >= 0 for length in shape):
        raise ValueError(f"expected a shape, received {shape!r}")
    expected, received = math.prod(shape) * dtype.itemsize, size - file.tell()
    if expected != received:
        raise ValueError(f"expected {expected} bytes for shape {shape} in {dtype}, received {received}")


def check_arrays(file: str | os.PathLike | BinaryIO) -> None:
    """Raises ValueError, whatever is wrong, unless a `.npz` file can be loaded, in memory in proportion to its size.

    Example:
        >>> from keras_seqcv.archive_checks import check_arrays
        >>> np.savez("objects.npz", a=np.array([None]))
        >>> check_arrays("objects.npz")
        Traceback (most recent call last):
        ...
        ValueError: a.npy: it holds Python objects (pickle), which are not loaded
    """
    try:
        with zipfile.ZipFile(file) as archive:
            check_members(archive, archive.fp.seek(0, os.SEEK_END))
            members = [info for info in archive.infolist() if not info.is_dir()]
            for info in members:
                with archive.open(info) as member:
                    _check_member(member, info)
    except ValueError:
        raise
    except Exception as error:  # zipfile and zlib raise of many kinds
        raise ValueError(f"the archive is damaged ({type(error).__name__}: {error})") from error


def _check_member(file, info: zipfile.ZipInfo) -> None:
    # `np.load` gives the bytes of a member that is no array.
    if not info.filename.endswith(".npy"):
        raise ValueError(f"member {info.filename!r} is no array (.npy)")
    try:
        check_array(file, info.file_size)
    except ValueError as error:
        raise ValueError(f"{info.filename}: {error}") from error
