"""Keras's own way to export, `model.export(path, format=...)`, with the files of this package."""

import keras

from keras_seqcv.export.report import Report
from keras_seqcv.export.to_saved_model import saved_model
from keras_seqcv.export.to_tflite import tflite


def export(model: keras.Model, path, format: str = "tf_saved_model", verbose: bool | None = None, **options) -> Report:
    """What `keras.Model.export` does, through `saved_model` and `tflite`. Our models call it from their `export`
    method.

    Args:
        model: a built `keras.Model`.
        path: folder, or file for "litert".
        format: "tf_saved_model" or "litert".
        verbose: print the report; None means yes.
        **options: of `saved_model` or `tflite`, such as `quantize="dynamic"`.

    Returns:
        The `Report`.

    Raises:
        ValueError: for another format, and whatever `saved_model` and `tflite` refuse.

    Example:
        >>> import tempfile
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     report = ks.export.export(model, f"{folder}/dense.tflite", format="litert", verbose=False)
        >>> report.signatures
        ['serving_default']
    """
    writers = {"tf_saved_model": saved_model, "litert": tflite}
    if format not in writers:
        raise ValueError(f"format must be one of {sorted(writers)}, received {format!r}")
    return writers[format](model, path, verbose=verbose is None or bool(verbose), **options)
