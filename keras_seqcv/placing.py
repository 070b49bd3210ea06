"""Files and folders that are put in place whole or not at all."""

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf


@contextlib.contextmanager
def placed(path: Path, folder: bool) -> Iterator[Path]:
    """Give a temporary place beside `path`, and move what was written there to `path` when the block ends well.

    If the block raises, nothing is left: neither the temporary place nor folders that were made for it. An earlier file
    or folder at `path` stays until the new one is complete.

    Args:
        path: final place; folders above it are made.
        folder: make a folder (True) or an empty file.

    Raises:
        OSError: naming `path`, if it cannot be written (also when TensorFlow finds out).
    """
    made = [parent for parent in path.parents if not parent.exists()]  # from the inside to the outside
    temporary = path.with_name(f".{secrets.token_hex(4)}.{path.name}")  # Keras goes by the ending of a name
    done = False
    try:
        with _naming(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.mkdir() if folder else temporary.touch(exist_ok=False)
            yield temporary
            _move(temporary, path)
        done = True
    finally:
        if not done:
            _remove(temporary)
            for parent in made:
                with contextlib.suppress(OSError):
                    parent.rmdir()


def _move(temporary: Path, path: Path) -> None:
    if not (temporary.is_dir() and path.exists()):
        os.replace(temporary, path)
        return
    # A folder cannot replace one that is not empty: the old one steps aside, and comes back if that goes wrong.
    aside = temporary.with_name(f"{temporary.name}.old")
    os.replace(path, aside)
    try:
        os.replace(temporary, path)
    except OSError:
        os.replace(aside, path)
        raise
    _remove(aside)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Turn every failure to write into an OSError that names `path`."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, f"cannot write {path}: {error.strerror or error}") from error
    except tf.errors.OpError as error:
        # TensorFlow writes through a file system of its own and reports by its own errors.
        kinds = {"No space left": errno.ENOSPC, "File too large": errno.EFBIG, "Permission denied": errno.EACCES}
        number = next((number for text, number in kinds.items() if text in error.message), None)
        if number is None:
            raise
        raise OSError(number, f"cannot write {path}: {error.message}") from error
