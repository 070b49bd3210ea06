"""int8: measure the ranges of activations on examples, and quantise what can bear it.

The measuring runs in a process of its own (this file as a script): TensorFlow's calibrator ends the process on some
graphs instead of raising an error. What `TFLiteConverter` alone does not do:

- EMBEDDING_LOOKUP copies int8 rows of a table whatever the scale of its output, which multiplies them by the ratio of
  the two: GATHER, which keeps the scale, takes its place;
- a float value that a loop only passes through crashes the calibrator (tensorflow/tensorflow#75140): such values get an
  operator of their own while ranges are measured;
- in a signature with a loop, values computed from random numbers, scalars (temperature) and logarithms (scores) stay
  float32: in int8 a uniform number has 256 values and a temperature of 1.5 is cut to the largest one measured;
- so do values that were infinite when they were measured, as the score of a hypothesis that does not exist: such a
  range ends the process of the interpreter;
- the int8 LSTM operator computes nonsense when all cell values lie within 0.5, for then their scale is below 2**-15:
  the measured range is widened to 1;
- before it measures a signature the calibrator sets the variables of all of them to zero, and fails where one, that of
  a fused LSTM whose signature has not run yet, has no memory: signatures are measured one by one, without the others'
  variables;
- a crash becomes an error.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

CELL_STATE = 19  # which input of UNIDIRECTIONAL_SEQUENCE_LSTM
LARGEST = 1e30
LOGARITHMS = ("LOG", "LOG_SOFTMAX", "CUMSUM")


def quantize_int8(saved_model: str, examples: dict[str, list[dict[str, np.ndarray]]], path) -> bytes:
    """Convert a SavedModel to LiteRT with int8 weights and activations, float32 inputs and outputs.

    Args:
        saved_model: folder.
        examples: signature -> list of inputs by name; every signature that is to be converted.
        path: named in errors.

    Returns:
        The model.

    Raises:
        ValueError: if an example is not finite, or the conversion fails or crashes.
    """
    arrays, index = {}, []
    for signature, rows in examples.items():
        for row in rows:
            for name, value in row.items():
                value = np.asarray(value)
                if value.dtype.kind == "f" and not np.isfinite(value).all():
                    raise ValueError(
                        f"{path} was not written: the example for {signature!r} has NaN or infinity in {name!r}"
                    )
                arrays[f"{len(index)}/{name}"] = value
            index.append(signature)
    with tempfile.TemporaryDirectory(prefix="keras_seqcv") as folder:
        np.savez(Path(folder) / "examples.npz", **arrays)
        (Path(folder) / "examples.json").write_text(json.dumps(index), encoding="utf-8")
        child = subprocess.run(
            [sys.executable, "-P", os.path.abspath(__file__), saved_model, folder],
            capture_output=True,
            text=True,
            env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"},
        )
        result = Path(folder) / "model.tflite"
        if child.returncode == 0 and result.exists():
            return result.read_bytes()
    if child.returncode < 0:
        raise ValueError(f"{path} was not written: measuring the ranges for int8 crashed (signal {-child.returncode})")
    from keras_seqcv.export.to_tflite import conversion_message  # not at the top: this file also runs as a script

    raise ValueError(conversion_message(child.stderr[-20000:], path))


def main(saved_model: str, folder: str) -> None:
    """The child process: read the SavedModel and the examples, write `model.tflite`."""
    import tensorflow as tf
    from tensorflow.lite.python import convert
    from tensorflow.lite.python.optimize import calibrator
    from tensorflow.lite.tools import flatbuffer_utils

    index = json.loads((Path(folder) / "examples.json").read_text(encoding="utf-8"))
    with np.load(Path(folder) / "examples.npz", allow_pickle=False) as arrays:
        examples = [(signature, {}) for signature in index]
        for key in arrays:
            row, name = key.split("/", 1)
            examples[int(row)][1][name] = arrays[key]

    converter = tf.lite.TFLiteConverter.from_saved_model(saved_model, signature_keys=sorted(set(index)))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(converter.convert()))
    gather_rows(model)
    copies = add_copies(model)
    content = calibrator.add_intermediate_tensors(bytes(flatbuffer_utils.convert_object_to_bytearray(model)))
    model = measured(content, examples)
    remove_copies(model, copies)
    forget_ranges(model)
    widen_cell_ranges(model)
    content = bytes(flatbuffer_utils.convert_object_to_bytearray(model))
    content = convert.mlir_quantize(content, input_data_type=tf.float32, output_data_type=tf.float32)
    (Path(folder) / "model.tflite").write_bytes(content)


def measured(content: bytes, examples: list[tuple[str, dict]]):
    """A model with the ranges of its values on the examples, each signature measured by itself."""
    from tensorflow.lite.python.optimize import calibrator
    from tensorflow.lite.tools import flatbuffer_utils

    result = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    signatures = {one.signatureKey.decode(): one.subgraphIndex for one in result.signatureDefs}
    for signature in dict.fromkeys(name for name, _ in examples):
        model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
        own = _reached(model, signatures[signature])
        for g in set(range(len(model.subgraphs))) - own:
            for tensor in model.subgraphs[g].tensors:
                tensor.isVariable = False
        part = calibrator.Calibrator(bytes(flatbuffer_utils.convert_object_to_bytearray(model)))
        ranges = part.calibrate(lambda: ((name, row) for name, row in examples if name == signature))  # noqa: B023
        ranges = flatbuffer_utils.convert_bytearray_to_object(bytearray(ranges))
        for g in own:
            for tensor, found in zip(result.subgraphs[g].tensors, ranges.subgraphs[g].tensors, strict=True):
                tensor.quantization = found.quantization
    return result


def _reached(model, g: int) -> set[int]:
    """The subgraphs of a signature: its own, and those of its loops."""
    found, new = set(), {g}
    while new:
        found |= new
        options = [step.builtinOptions for k in new for step in model.subgraphs[k].operators]
        names = ("bodySubgraphIndex", "condSubgraphIndex", "thenSubgraphIndex", "elseSubgraphIndex", "subgraph")
        new = {getattr(o, name) for o in options for name in names if isinstance(getattr(o, name, None), int)} - found
    return found


def gather_rows(model) -> None:
    """Turn each EMBEDDING_LOOKUP (ids, table) into GATHER (table, ids)."""
    from tensorflow.lite.python import schema_py_generated as schema

    for i, code in enumerate(model.operatorCodes):
        if code.builtinCode != schema.BuiltinOperator.EMBEDDING_LOOKUP:
            continue
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.GATHER
        code.version = 2  # the first one with int8
        for step in (step for graph in model.subgraphs for step in graph.operators if step.opcodeIndex == i):
            step.inputs = [step.inputs[1], step.inputs[0]]
            step.builtinOptionsType = schema.BuiltinOptions.GatherOptions
            step.builtinOptions = schema.GatherOptionsT()
            step.builtinOptions.axis = step.builtinOptions.batchDims = 0


def add_copies(model) -> list[tuple[int, int]]:
    """Let no loop body hand out a float input as it is. Returns (subgraph, output) of each change."""
    from tensorflow.lite.python import schema_py_generated as schema

    changed, code = [], None
    for body in sorted(_loop_bodies(model)):
        graph = model.subgraphs[body]
        for i, (given, result) in enumerate(zip(graph.inputs, graph.outputs)):
            if given != result or graph.tensors[given].type != schema.TensorType.FLOAT32:
                continue
            if code is None:
                code = len(model.operatorCodes)
                model.operatorCodes.append(schema.OperatorCodeT())
                model.operatorCodes[code].builtinCode = schema.BuiltinOperator.MAXIMUM
                model.operatorCodes[code].deprecatedBuiltinCode = schema.BuiltinOperator.MAXIMUM
                model.operatorCodes[code].version = 1
            source = graph.tensors[given]
            copy = schema.TensorT()
            copy.name, copy.type, copy.shape = b"copy_%d" % i, source.type, source.shape
            copy.shapeSignature, copy.hasRank = source.shapeSignature, source.hasRank
            graph.tensors.append(copy)
            step = schema.OperatorT()
            step.opcodeIndex, step.inputs, step.outputs = code, [given, given], [len(graph.tensors) - 1]
            step.builtinOptionsType = schema.BuiltinOptions.MaximumMinimumOptions
            step.builtinOptions = schema.MaximumMinimumOptionsT()
            graph.operators = [*graph.operators, step]
            graph.outputs = [*graph.outputs[:i], len(graph.tensors) - 1, *graph.outputs[i + 1 :]]
            changed.append((body, i))
    return changed


def remove_copies(model, copies: list[tuple[int, int]]) -> None:
    """Undo `add_copies`; the tensors stay, unused."""
    for body, i in copies:
        graph = model.subgraphs[body]
        copy = graph.outputs[i]
        graph.operators = [step for step in graph.operators if list(step.outputs) != [copy]]
        graph.outputs = [*graph.outputs[:i], graph.inputs[i], *graph.outputs[i + 1 :]]


def forget_ranges(model) -> None:
    """Drop the measured ranges of all that must stay float32 in signatures with a loop: no range, no quantisation."""
    from tensorflow.lite.python import schema_py_generated as schema

    floats = schema.TensorType.FLOAT32
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    bodies = _loop_bodies(model)
    with_loop = {g for g in range(len(model.subgraphs)) if g in bodies or any(_loops(model, g))}
    kept = {g: _float_scalars(model, model.subgraphs[g], floats) | _unbounded(model.subgraphs[g]) for g in with_loop}
    before = -1
    while before != (
        before := sum(map(len, kept.values()))
    ):  # until nothing more is found, through loops and out again
        for g in with_loop:
            graph = model.subgraphs[g]
            for step in graph.operators:
                body = getattr(step.builtinOptions, "bodySubgraphIndex", None)
                if body is not None:
                    inside = model.subgraphs[body]
                    for outer in zip(step.inputs, step.outputs, inside.inputs, inside.outputs):
                        if graph.tensors[outer[0]].type != floats:
                            continue
                        if {outer[0], outer[1]} & kept[g] or {outer[2], outer[3]} & kept[body]:
                            kept[g].update(outer[:2])
                            kept[body].update(outer[2:])
                    continue
                name = names[model.operatorCodes[step.opcodeIndex].builtinCode]
                if name == "EXP":  # of a softmax over words: its argument decides between hypotheses
                    kept[g].update(tensor for tensor in step.inputs if graph.tensors[tensor].type == floats)
                random = name == "CAST" and graph.tensors[step.inputs[0]].type == schema.TensorType.INT32
                if name in LOGARITHMS or random or kept[g].intersection(step.inputs):
                    kept[g].update(tensor for tensor in step.outputs if graph.tensors[tensor].type == floats)
    for g, tensors in kept.items():
        for tensor in tensors:
            model.subgraphs[g].tensors[tensor].quantization = None


def widen_cell_ranges(model) -> None:
    """Give the cell values of fused LSTMs a range of at least [-1, 1]."""
    from tensorflow.lite.python import schema_py_generated as schema

    for graph in model.subgraphs:
        for step in graph.operators:
            if model.operatorCodes[step.opcodeIndex].builtinCode == schema.BuiltinOperator.UNIDIRECTIONAL_SEQUENCE_LSTM:
                measured = graph.tensors[step.inputs[CELL_STATE]].quantization
                if measured is not None and measured.min is not None and measured.max is not None:
                    measured.min = np.minimum(measured.min, np.float32(-1.0))
                    measured.max = np.maximum(measured.max, np.float32(1.0))


def _unbounded(graph) -> set[int]:
    """Tensors whose measured range is that of infinity, or nearly."""
    found = set()
    for i, tensor in enumerate(graph.tensors):
        measured = tensor.quantization
        ends = [] if measured is None else [end for end in (measured.min, measured.max) if end is not None]
        if any(np.any(np.abs(end) > LARGEST) or not np.all(np.isfinite(end)) for end in ends):
            found.add(i)
    return found


def _loops(model, g: int):
    return [step for step in model.subgraphs[g].operators if hasattr(step.builtinOptions, "bodySubgraphIndex")]


def _loop_bodies(model) -> set[int]:
    return {step.builtinOptions.bodySubgraphIndex for g in range(len(model.subgraphs)) for step in _loops(model, g)}


def _float_scalars(model, graph, floats) -> set[int]:
    """Float tensors of rank 0 that are not constants."""
    found = set()
    for i, tensor in enumerate(graph.tensors):
        data = model.buffers[tensor.buffer].data
        scalar = tensor.shape is None or len(tensor.shape) == 0
        if tensor.type == floats and scalar and (data is None or len(data) == 0):
            found.add(i)
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
