"""Reading models back, with errors that name the file."""

import os
import zipfile
from pathlib import Path

import keras

from keras_seqcv.models.keras_archive import check_keras_archive
from keras_seqcv.models.weight_budget import weights_up_to


def load_model(path: str | os.PathLike, compile: bool = True) -> keras.Model:
    """Load a `.keras` file: `keras.saving.load_model` in safe mode, which says of a damaged file only what broke in it.

    A file from elsewhere runs no code of its own: Python functions in it are refused, and classes are those of Keras,
    of this package, and of `keras.saving.register_keras_serializable`. Before Keras opens it, names, links and sizes in
    it are looked at, and while it makes the model, weights get no more memory than the size of the file explains.

    Args:
        path: file that `model.save` wrote.
        compile: whether to compile the model as it was.

    Returns:
        The model.

    Raises:
        ValueError: naming the file, if there is none, if it is damaged, or if it holds something that cannot be loaded.

    Example:

    >>> import tempfile
    >>> model = ks.models.LanguageModel(ks.data.Characters("abc"), layers=1, units=4)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     text = model.generate("a", length=5, seed=1)
    ...     model.save(f"{folder}/abc.keras")
    ...     ks.models.load_model(f"{folder}/abc.keras").generate("a", length=5, seed=1) == text
    True
    """
    path = Path(path)
    if not path.is_file():
        problem = "is not a file" if os.path.lexists(path) else "does not exist"
        raise ValueError(f"{path} {problem}: expected a .keras file")
    if path.suffix != ".keras":  # Keras goes by the ending, and reads older formats without its safe mode
        raise ValueError(f"{path} cannot be loaded: expected a name that ends in .keras")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is damaged, or no .keras file: it is not a whole zip archive")
    try:
        with weights_up_to(check_keras_archive(path)):
            return keras.saving.load_model(path, compile=compile, safe_mode=True)
    except Exception as error:  # zip, JSON, HDF5 and Keras have errors of many kinds
        raise ValueError(f"{path} cannot be loaded, it is damaged or not of this version: {error}") from error
