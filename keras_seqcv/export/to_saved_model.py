"""A Keras model as a SavedModel that runs where neither Keras nor this package is installed."""

from collections import Counter
from pathlib import Path

import keras
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from keras_seqcv.distribution.replicas import outside
from keras_seqcv.export import signatures as signature_tools
from keras_seqcv.export.parity import Parity
from keras_seqcv.export.report import Report
from keras_seqcv.placing import placed

FORBIDDEN = "CudnnRNN"  # runs on a GPU only


def saved_model(
    model: keras.Model,
    path,
    *,
    examples=None,
    input_signature=None,
    tolerance: float = 1e-4,
    verbose: bool = True,
    **options,
) -> Report:
    """Write a model as a SavedModel folder, after comparing it with the Keras model.

    An application model has signatures of its own (its documentation names them), and its task's verb, such as
    "generate", also as "serving_default". Any other model has that one alone, with the inputs by their names and the
    outputs "output_0", "output_1" ... (a dict keeps its names). Files of the model, such as `vocabulary.json`, lie in
    `assets.extra/`.

    The folder appears whole or not at all; an earlier SavedModel at `path` is replaced.

    Args:
        model: a built `keras.Model`.
        path: folder to make, with the folders above it.
        examples: inputs for the comparison: a list of model inputs (with batch axis), or a dict from signature to a
            list of dicts. Default: the model's own, or random numbers.
        input_signature: `tf.TensorSpec`s of the inputs, for a model that does not know them.
        tolerance: largest difference that is accepted, absolute below 1 and relative to the largest output above.
        verbose: print the report.
        **options: for `model.export_signatures("saved_model", **options)`.

    Returns:
        The `Report`.

    Raises:
        ValueError: the graph holds cuDNN operators, the answers differ, or `path` is something other than a SavedModel.
        OSError: `path` cannot be written.

    Example:
        >>> import tempfile
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     report = ks.export.saved_model(model, f"{folder}/dense", verbose=False)
        ...     loaded = tf.saved_model.load(f"{folder}/dense")
        >>> report.signatures, report.difference < 1e-6
        (['serving_default'], True)
    """
    path = Path(path)
    _check_place(path)
    with placed(path, folder=True) as temporary:
        signatures = signature_tools.collect(
            model, "saved_model", examples=examples, input_signature=input_signature, **options
        )
        signature_tools.save_module(model, signatures, temporary)
        _write_metadata(temporary, signatures.metadata)
        operators = operators_of(temporary)
        forbidden = sorted(name for name in operators if name.startswith(FORBIDDEN))
        if forbidden:
            raise ValueError(f"{path} was not written: the graph holds {forbidden}, which run on a GPU only")
        parity = _compare(model, signatures, temporary)
        parity.check(path, tolerance)
        size = sum(file.stat().st_size for file in temporary.rglob("*") if file.is_file())
        report = Report(path, size, operators, parity.difference, sorted(signatures.exported))
    if verbose:
        print(report)
    return report


def operators_of(folder: Path) -> Counter:
    """How often each operator occurs in the graph of a SavedModel, functions included."""
    content = saved_model_pb2.SavedModel()
    content.ParseFromString((folder / "saved_model.pb").read_bytes())
    counts = Counter()
    for meta_graph in content.meta_graphs:
        counts.update(node.op for node in meta_graph.graph_def.node)
        for function in meta_graph.graph_def.library.function:
            counts.update(node.op for node in function.node_def)
    return counts


def _check_place(path: Path) -> None:
    if not path.exists() or (path / "saved_model.pb").exists():
        return
    if not path.is_dir() or any(path.iterdir()):
        raise ValueError(f"{path} exists and is not a SavedModel: it is left as it is. Give another path.")


def _write_metadata(folder: Path, metadata: dict[str, bytes | str]) -> None:
    for name, content in metadata.items():
        file = folder / "assets.extra" / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


def _compare(model, signatures, folder: Path) -> Parity:
    parity = Parity()
    loaded = outside(tf.saved_model.load, str(folder))
    for name, expected in signature_tools.run_live(model, signatures).items():
        for example, outputs in zip(signatures.examples[name], expected):
            parity.compare(name, outputs, signature_tools.call(loaded.signatures[name], example))
    return parity
