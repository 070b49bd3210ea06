"""What a `.keras` file has to be like before Keras opens it."""

import io
import json
import zipfile
from pathlib import Path

from keras_seqcv.archive_checks import check_arrays, check_members, check_names
from keras_seqcv.hdf5_checks import check_hdf5

_CONFIG = "config.json"
_MOST_JSON = 2**26  # bytes: JSON takes up to twenty times as much memory once it is read


def check_keras_archive(path: Path) -> int:
    """Raises ValueError for a `.keras` file that would leave its folder or fill the memory.

    Names, links, sizes, and the arrays of the weights are looked at, not what the config says: Keras reads that in
    safe mode, and `weights_up_to` holds what it makes within bounds.

    Args:
        path: of the file.

    Returns:
        Bytes of the members that hold weights.

    Raises:
        ValueError: without the name of the file.
        Exception: what `zipfile`, `json` and `h5py` raise of damaged files.
    """
    size, weights = path.stat().st_size, 0
    with zipfile.ZipFile(path) as archive:
        check_members(archive, size)
        check_names(archive)
        for info in archive.infolist():
            name = info.filename
            if name.endswith(".json") and info.file_size > _MOST_JSON:
                raise ValueError(f"{name} has {info.file_size} bytes, expected at most {_MOST_JSON}")
            if name.endswith((".h5", ".npz")):
                weights += info.file_size
                _check_weights(archive, info)
        if not isinstance(json.loads(archive.read(_CONFIG)), dict):
            raise ValueError(f"{_CONFIG} holds no JSON object")
    return weights


def _check_weights(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
    try:
        content = io.BytesIO(archive.read(info))
        if info.filename.endswith(".npz"):
            check_arrays(content)
            return
        import h5py  # Keras brings it

        with h5py.File(content, "r") as file:
            check_hdf5(file, info.file_size)
    except ValueError as error:
        raise ValueError(f"{info.filename}: {error}") from error
