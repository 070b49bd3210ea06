"""A Keras model as a LiteRT (TFLite) file that needs built-in operators only."""

import re
import tempfile
from collections import Counter
from pathlib import Path

import keras
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema

from keras_seqcv.export import signatures as signature_tools
from keras_seqcv.export.attached_files import attach
from keras_seqcv.export.calibrate import quantize_int8
from keras_seqcv.export.litert_model import load_tflite
from keras_seqcv.export.lstm_states import forget_first_states
from keras_seqcv.export.parity import Parity
from keras_seqcv.export.report import Report
from keras_seqcv.placing import placed

QUANTIZE = (None, "float16", "dynamic", "int8")


def tflite(
    model: keras.Model,
    path,
    quantize: str | None = None,
    *,
    examples=None,
    input_signature=None,
    batch_size: int = 1,
    tolerance: float = 1e-4,
    verbose: bool = True,
    **options,
) -> Report:
    """Write a model as a LiteRT file, after running it and comparing it with the Keras model.

    Signatures are those of the model (see its documentation), or "serving_default" with a fixed batch size. An `LSTM`
    of this package becomes one `UNIDIRECTIONAL_SEQUENCE_LSTM` where that operator can do its work: zero initial state,
    no mask, tanh and sigmoid, no state handed out. That operator clips cell values to [-10, 10]; the comparison finds
    out where this matters. Files of the model, such as `vocabulary.json`, are attached as a zip archive behind the
    model.

    A model of mixed precision computes in float32 here, and is compared with itself in float32.

    `quantize`:
        - None: float32.
        - "float16": weights in half the space, arithmetic in float32.
        - "dynamic": weights of matrix products in int8, a quarter of the space; the rest in float32.
        - "int8": weights and activations in int8, with ranges measured on the examples. Inputs and outputs stay
          float32. In a signature with a loop, what is computed from random numbers, from scalars such as the
          temperature, or from logarithms stays float32: the choice of a token would not survive eight bits.

    Args:
        model: a built `keras.Model`.
        path: file to write, with the folders above it.
        quantize: None, "float16", "dynamic" or "int8".
        examples: inputs for the comparison, and for measuring ranges ("int8" needs real ones from a plain model): a
            list of model inputs with batch axis `batch_size`, or a dict from signature to a list of dicts.
        input_signature: `tf.TensorSpec`s of the inputs, for a model that does not know them.
        batch_size: of "serving_default".
        tolerance: largest difference that is accepted without quantisation, absolute below 1 and relative to the
            largest output above. A quantised file is refused only when it gives NaN or infinity; its difference is
            reported.
        verbose: print the report.
        **options: for `model.export_signatures("litert", **options)`.

    Returns:
        The `Report`.

    Raises:
        ValueError: the model cannot be converted to built-in operators (they are named), the answers differ, or an
            argument is wrong.
        OSError: `path` cannot be written.

    Example:
        >>> import tempfile
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     report = ks.export.tflite(model, f"{folder}/dense.tflite", verbose=False)
        >>> report.operators
        Counter({'FULLY_CONNECTED': 1})
    """
    path = Path(path)
    if quantize not in QUANTIZE:
        raise ValueError(f"quantize must be one of {QUANTIZE}, received {quantize!r}")
    if path.is_dir():
        raise ValueError(f"{path} is a folder: it is left as it is. Give the path of a file.")
    if quantize == "int8" and examples is None and not hasattr(model, "export_signatures"):
        raise ValueError(
            "quantize='int8' measures the ranges of all activations: give examples=[...], real inputs of the model "
            "(a hundred is a good number). Random numbers would give wrong ranges."
        )
    with placed(path, folder=False) as temporary:
        signatures = signature_tools.collect(
            model, "litert", examples=examples, input_signature=input_signature, batch_size=batch_size, **options
        )
        with tempfile.TemporaryDirectory(prefix="keras_seqcv") as folder:
            signature_tools.save_module(model, signatures, folder)
            content = _convert(folder, signatures, quantize, path)
        operators = operators_of(content)
        foreign = sorted(name for name in operators if not hasattr(schema.BuiltinOperator, name))
        if foreign:
            raise ValueError(f"{path} was not written: it needs operators that are not built in: {', '.join(foreign)}")
        data = attach(content, signatures.metadata, {"quantize": quantize})
        temporary.write_bytes(data)
        parity = _compare(model, signatures, temporary)
        parity.check(path, tolerance if quantize is None else None)
        report = Report(
            path, len(data), operators, parity.difference, sorted(signatures.exported), changed=parity.changed_share
        )
    if verbose:
        print(report)
    return report


def operators_of(content: bytes) -> Counter:
    """How often each operator occurs in a LiteRT model, all subgraphs included; custom ones as `Custom(name)`."""
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    model = schema.Model.GetRootAs(content, 0)
    codes = []
    for i in range(model.OperatorCodesLength()):
        code = model.OperatorCodes(i)
        # Codes above 127 do not fit the older field.
        builtin = names[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        codes.append(f"Custom({code.CustomCode().decode()})" if builtin == "CUSTOM" else builtin)
    counts = Counter()
    for i in range(model.SubgraphsLength()):
        graph = model.Subgraphs(i)
        counts.update(codes[graph.Operators(j).OpcodeIndex()] for j in range(graph.OperatorsLength()))
    return counts


def _convert(folder: str, signatures, quantize: str | None, path: Path) -> bytes:
    if quantize == "int8":
        return quantize_int8(folder, {name: signatures.examples[name] for name in signatures.exported}, path)
    # From the SavedModel: from concrete functions the converter does not see the function to fuse.
    converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=sorted(signatures.exported))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if quantize is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantize == "float16":
        converter.target_spec.supported_types = [tf.float16]
    try:
        content = converter.convert()
    except Exception as error:  # the converter's own error class is not public
        raise ValueError(conversion_message(str(error), path)) from error
    return forget_first_states(content) if quantize == "float16" else content


def conversion_message(text: str, path) -> str:
    """The cause of a failed conversion in a line, taken from the converter's pages of text."""
    advice = ""
    if "TensorList" in text:
        advice = (
            " A TensorList, which some layers of Keras write, has no built-in operator when its size is open. "
            "Use the layer of the same name from keras_seqcv.layers (LSTM, GRU, SimpleRNN; `set_weights` takes the "
            "weights over), or fix the batch size."
        )
    needed = re.findall(r"(?:TF Select|Custom|Flex) ops?: *([^\n]+)", text)
    if needed:
        names = sorted({name.strip() for line in needed for name in line.split(",")})
        return f"{path} was not written: no built-in LiteRT operator for {', '.join(names)}.{advice}"
    first = next((line for line in text.splitlines() if "error:" in line), text.strip().split("\n")[0])
    return f"{path} was not written: the LiteRT converter failed: {first[-400:]}{advice}"


def _compare(model, signatures, file: Path) -> Parity:
    parity = Parity()
    lite = load_tflite(file)
    for name, expected in signature_tools.run_live(model, signatures).items():
        for example, outputs in zip(signatures.examples[name], expected):
            parity.compare(name, outputs, lite.run(name, **example))
    return parity
