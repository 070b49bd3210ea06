"""Writes the parts of a set as shards, one record at a time."""

import contextlib
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from keras_seqcv.data.shard_files import PLACE, RecordWriter, checked_file_format
from keras_seqcv.data.shard_index import Index, Part, file_entry
from keras_seqcv.placing import placed

_MOST_SHARDS = 99999  # their names have five digits
_LARGEST = 2**32 - 1  # of a record, in bytes


class ShardWriter:
    """Writes the parts of one set, then their index. A record at a time is in memory.

    Args:
        folder: where everything goes.
        shards: S, how many files each part has.
        file_format: "tfrecord" | "array_record".
        verbose: 1 for a progress bar, 0 for none.
    """

    def __init__(self, folder: Path, shards: int, file_format: str, verbose: int):
        self.folder, self.shards, self.file_format, self._verbose = folder, shards, file_format, verbose
        self.parts: dict[str, Part] = {}

    def write(
        self,
        name: str,
        examples: Iterable[tuple[bytes, np.ndarray]],
        columns: list[str],
        total: int,
        shard_of: Callable[[int], int] | None = None,
    ) -> None:
        """Writes one part.

        Args:
            name: "train" | "valid".
            examples: of each record its bytes, and the lengths of its rows, (rows, columns).
            columns: names of these lengths.
            total: how many records there will be.
            shard_of: the shard of record k, not falling. None: k % S, so that all have equally many.

        Raises:
            ValueError: there are fewer records than shards.
        """
        if total < self.shards:
            raise ValueError(
                f"`shards` must be at most {total}, the records of the {name} part; received {self.shards}"
            )
        names = [f"{name}-{k:05d}-of-{self.shards:05d}.{self.file_format}" for k in range(self.shards)]
        records = rows = 0
        with contextlib.ExitStack() as stack:
            writers = [stack.enter_context(RecordWriter(self.folder / one, self.file_format)) for one in names]
            places, lengths = (
                stack.enter_context((self.folder / f"{name}.{kind}").open("wb")) for kind in ("places", "rows")
            )
            for data, its_rows in self._shown(examples, name, total):
                if len(data) > _LARGEST:
                    raise ValueError(f"record {records} of the {name} part has {len(data)} bytes, more than {_LARGEST}")
                place = writers[records % self.shards if shard_of is None else shard_of(records)].write(data)
                places.write(np.array((place, len(data), zlib.crc32(data), rows), PLACE).tobytes())
                lengths.write(np.asarray(its_rows, "<i4").reshape(-1, len(columns)).tobytes())
                records, rows = records + 1, rows + len(its_rows)
        if records != total:
            raise ValueError(f"the {name} part has {records} records, where {total} were found before: it has changed")
        files = [file_entry(self.folder / one, records=writer.records) for one, writer in zip(names, writers)]
        tables = {kind: file_entry(self.folder / f"{name}.{kind}") for kind in ("places", "rows")}
        self.parts[name] = Part(records, rows, list(columns), files, tables)

    def _shown(self, examples: Iterable, name: str, total: int) -> Iterator:
        if not self._verbose:
            return iter(examples)
        try:
            import tqdm
        except ImportError as error:
            raise ImportError('a progress bar needs tqdm: pip install "keras_seqcv[shards]"; or `verbose`=0') from error
        return iter(tqdm.tqdm(examples, desc=name, total=total, unit=" records"))

    def finish(self, kind: str, about: dict, features: dict) -> None:
        """Writes the index, which is `Index`."""
        Index(kind, self.file_format, about, features, self.parts).write(self.folder)


@contextlib.contextmanager
def shard_writer(out, shards: int, file_format: str, verbose: int) -> Iterator[ShardWriter]:
    """A writer of a new folder, which is there when the block ends well and not at all if not.

    Raises:
        TypeError, ValueError: for an argument that is not as it should be; a folder that is there and not empty.
        OSError: naming the folder, if it cannot be written.
    """
    if not isinstance(out, (str, os.PathLike)):
        raise TypeError(f"`out` must be a folder, received {type(out).__name__}")
    if isinstance(shards, bool) or not isinstance(shards, (int, np.integer)):
        raise TypeError(f"`shards` must be an int, received {type(shards).__name__}")
    if not 1 <= shards <= _MOST_SHARDS:
        raise ValueError(f"`shards` must lie in [1, {_MOST_SHARDS}], received {shards}")
    if verbose not in (0, 1):
        raise ValueError(f"`verbose` must be 0 or 1, received {verbose!r}")
    checked_file_format(file_format)
    folder = Path(os.path.abspath(out))
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"`out` must be a new folder, or an empty one; {folder} is neither")
    with placed(folder, folder=True) as temporary:
        yield ShardWriter(temporary, int(shards), file_format, verbose)
