"""Files of records, TFRecord and ArrayRecord: written one after the other, read at any place."""

import contextlib
import os
import struct
import threading
import zlib
from pathlib import Path

import numpy as np
import tensorflow as tf

FILE_FORMATS = {"tfrecord": "tfrecord", "array_record": "array_record"}  # name -> ending
_HEAD, _FRAME = 12, 16  # bytes before a TFRecord's data, and around it: length (8), its sum (4); sum of the data (4)
PLACE = np.dtype([("place", "<u8"), ("size", "<u4"), ("crc", "<u4"), ("first", "<u8")])


def checked_file_format(file_format: str) -> str:
    if file_format not in FILE_FORMATS:
        raise ValueError(f"`file_format` must be one of {list(FILE_FORMATS)}, received {file_format!r}")
    if file_format == "array_record":
        _array_record()
    return file_format


class RecordWriter:
    """Writes one file of records.

    Args:
        path: the file.
        file_format: "tfrecord" | "array_record".

    Example:
        >>> import pathlib, zlib
        >>> from keras_seqcv.data.shard_files import RecordReader, RecordWriter
        >>> with RecordWriter(pathlib.Path("a.tfrecord"), "tfrecord") as writer:
        ...     places = [writer.write(data) for data in (b"one", b"two")]
        >>> RecordReader([pathlib.Path("a.tfrecord")], "tfrecord").read(0, places[1], 3, zlib.crc32(b"two"))
        b'two'
    """

    def __init__(self, path: Path, file_format: str):
        self.records, self._end, self._frames = 0, 0, file_format == "tfrecord"
        if self._frames:
            self._writer = tf.io.TFRecordWriter(str(path))
        else:
            # A group is what is unpacked at once: of one record, since records are read in any order.
            self._writer = _array_record().ArrayRecordWriter(str(path), "group_size:1")

    def write(self, data: bytes) -> int:
        """Writes a record. Returns its place: the byte at which its frame begins, or its number."""
        place = self._end if self._frames else self.records
        self._writer.write(data)
        self.records, self._end = self.records + 1, self._end + len(data) + _FRAME
        return place

    def close(self) -> None:
        self._writer.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class RecordReader:
    """Reads records of many files by their places, from any thread. Files are opened when they are needed.

    Args:
        paths: of the files.
        file_format: of all of them.
    """

    def __init__(self, paths: list[Path], file_format: str):
        self.paths, self._frames = paths, file_format == "tfrecord"
        self._files, self._lock = {}, threading.Lock()

    def read(self, shard: int, place: int, size: int, crc: int) -> bytes:
        """Returns a record.

        Args:
            shard: number of the file.
            place: as `RecordWriter.write` returned it.
            size, crc: of the record, which are compared.

        Raises:
            ValueError: naming the file, which is gone or damaged.
        """
        path = self.paths[shard]
        try:
            file = self._opened(shard)
            data = self._framed(file, place, size, path) if self._frames else file.read([place])[0]
        except (OSError, RuntimeError, IndexError) as error:  # RuntimeError: what ArrayRecord raises of all kinds
            reason = getattr(error, "strerror", None) or error
            raise ValueError(f"{path}: record at {place} cannot be read: {reason}") from error
        if len(data) != size or zlib.crc32(data) != crc:
            raise ValueError(
                f"{path}: record at {place} is damaged: expected {size} bytes with the CRC-32 {crc:08x}, received "
                f"{len(data)} with {zlib.crc32(data):08x}"
            )
        return data

    @staticmethod
    def _framed(file: int, place: int, size: int, path: Path) -> bytes:
        frame = os.pread(file, size + _FRAME, place)
        length = struct.unpack("<Q", frame[:8])[0] if len(frame) >= _HEAD else None
        if length != size or len(frame) != size + _FRAME:
            received = "the end of the file" if length is None else f"a record of {length}, {len(frame)} bytes of it"
            raise ValueError(f"{path}: damaged: expected a record of {size} bytes at {place}, received {received}")
        return frame[_HEAD:-4]

    def _opened(self, shard: int):
        with self._lock:
            if shard not in self._files:
                path = self.paths[shard]
                if self._frames:
                    self._files[shard] = os.open(path, os.O_RDONLY)
                else:
                    path.stat()  # ArrayRecord opens later, and of a file that is not there says nothing by then
                    options = "readahead_buffer_size:0"  # records are read in any order
                    self._files[shard] = _array_record().ArrayRecordReader(str(path), options)
            return self._files[shard]

    def __del__(self):
        for file in getattr(self, "_files", {}).values():
            with contextlib.suppress(RuntimeError):  # ArrayRecord tells once more that a file is damaged
                os.close(file) if self._frames else file.close()


def _array_record():
    try:
        from array_record.python import array_record_module
    except ImportError as error:
        needs = 'needs array_record: pip install "keras_seqcv[shards]"'
        raise ImportError(f'`file_format`="array_record" {needs}') from error
    return array_record_module
