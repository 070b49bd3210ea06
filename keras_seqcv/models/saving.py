"""Writing models so that a file is there whole or not at all."""

import os
from collections.abc import Callable
from pathlib import Path

from keras_seqcv.placing import placed


def save_whole(save: Callable, filepath, overwrite: bool = True, zipped: bool | None = None, **kwargs) -> None:
    """Call `save`, a `keras.Model.save`, so that a `.keras` file replaces an earlier one only when it is complete.

    Other kinds of files, and the question whether to overwrite one, are left to Keras.

    Args:
        save: `keras.Model.save` of a model.
        filepath, overwrite, zipped, **kwargs: its arguments.

    Raises:
        OSError: naming the file, if it cannot be written.
    """
    asks = not overwrite and os.path.exists(filepath)
    if asks or zipped is False or not os.fspath(filepath).endswith(".keras"):
        save(filepath, overwrite=overwrite, zipped=zipped, **kwargs)
        return
    with placed(Path(filepath), folder=False) as temporary:
        save(temporary, zipped=zipped, **kwargs)
