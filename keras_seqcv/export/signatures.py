"""The functions that are exported, traced, with the examples on which they are checked."""

import contextlib
import dataclasses
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from keras_seqcv.layers.export_scope import export_scope
from keras_seqcv.layers.inner_layers import inner_layers
from keras_seqcv.layers.loops import jit_scope
from keras_seqcv.layers.stream_state import stream_scope
from keras_seqcv.request_checks import rows_checked


@dataclasses.dataclass
class Signatures:
    """What one export needs.

    Args:
        exported: name -> function traced for the format.
        live: name -> the same function traced as the model runs otherwise: the reference of the parity check.
        examples: name -> list of inputs by name.
        metadata: name -> content of the files that travel with the model.
    """

    exported: dict
    live: dict
    examples: dict[str, list[dict[str, np.ndarray]]]
    metadata: dict[str, bytes | str]


def collect(
    model: keras.Model, format: str, *, batch_size=None, examples=None, input_signature=None, **options
) -> Signatures:
    """Trace the signatures of a model.

    An application model names its own through `export_signatures(format, **options)`, `export_examples(format)` and
    `export_metadata()`; the first is its task's verb, and a SavedModel has it as "serving_default", too: the name that
    TensorFlow Serving takes where a request gives none. Any other `keras.Model` has that one alone, which is
    `model(inputs, training=False)`.

    Args:
        model: a built Keras model.
        format: "saved_model" or "litert".
        batch_size: fixed batch size of "serving_default"; None leaves it as the model has it.
        examples: inputs for the check: for "serving_default" a list of inputs as the model takes them (array, list or
            dict of arrays, with batch axis); otherwise name of the signature -> list of dicts. Default: the model's
            own, or random numbers.
        input_signature: `tf.TensorSpec` or `keras.InputSpec` (or a list or dict of them) for a model that does not know
            its inputs.
        **options: for `export_signatures`.

    Raises:
        TypeError: for something that is not a Keras model, and for options that a plain model does not have.
        ValueError: if the inputs of the model are not known.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(f"model must be a keras.Model, received {type(model).__name__}")
    if format == "litert":
        with _in_float32(model):
            return _collect(model, format, batch_size, examples, input_signature, options)
    return _collect(model, format, batch_size, examples, input_signature, options)


def _collect(model, format, batch_size, examples, input_signature, options) -> Signatures:
    if hasattr(model, "export_signatures"):
        if input_signature is not None or batch_size not in (None, 1):
            raise TypeError(f"{type(model).__name__} has signatures of its own: no input_signature, no batch_size")
        functions = model.export_signatures(format, **options)
        examples = model.export_examples(format) if examples is None else examples
        metadata = model.export_metadata() if hasattr(model, "export_metadata") else {}
    else:
        if options:
            raise TypeError(f"unknown options for {type(model).__name__}: {sorted(options)}")
        functions, examples = _plain(model, batch_size, examples, input_signature)
        metadata = {}
    missing = [name for name in functions if not examples.get(name)]
    if missing:
        raise ValueError(f"no examples for the signatures {missing}: nothing to compare the export with")
    # A file keeps no state from call to call. And in half precision XLA's loops round otherwise than the plain ones of
    # a file: the choice of a token would not survive the comparison.
    # Whoever asks a SavedModel from afar is told what was wrong; LiteRT has no operator for that.
    asked = format == "saved_model" and hasattr(model, "export_signatures")
    with stream_scope(None), jit_scope(not _half_precision(model)):
        live = {name: _traced(function) for name, function in functions.items()}
        with export_scope(format):
            exported = {name: _traced(function, rows=asked) for name, function in functions.items()}
    if format == "saved_model":
        exported.setdefault("serving_default", next(iter(exported.values())))
    return Signatures(exported, live, examples, metadata)


def run_live(model: keras.Model, signatures: Signatures) -> dict[str, list[dict[str, np.ndarray]]]:
    """Outputs of the live functions on all examples; states that the model keeps are as before."""
    with _states_kept(model):
        return {
            name: [call(signatures.live[name], example) for example in examples]
            for name, examples in signatures.examples.items()
            if name in signatures.live
        }


def call(function, example: dict) -> dict[str, np.ndarray]:
    """One call of a traced function, or of a signature of a loaded SavedModel, with arrays in and out."""
    specs = function.structured_input_signature[1] or {
        spec.name: spec for spec in function.structured_input_signature[0]
    }
    outputs = function(**{name: tf.constant(value, specs[name].dtype) for name, value in example.items()})
    return {name: value.numpy() for name, value in outputs.items()}


def save_module(model: keras.Model, signatures: Signatures, folder) -> None:
    """Write the exported functions and the variables they use as a SavedModel.

    Raises:
        ValueError: if a function uses a resource that the model does not know.
    """
    module = tf.Module()
    variables = [variable.value for variable in model.variables]
    for function in signatures.exported.values():
        variables.extend(function.variables)
    module.captured_variables = list({id(variable): variable for variable in variables}.values())
    module.captured_tables = _tables(model, signatures)
    for name, function in signatures.exported.items():
        if not hasattr(module, name):
            setattr(module, name, function)  # `loaded.generate(...)` as well as `loaded.signatures["generate"]`
    # Gradients would double the graph, and nobody trains an export.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    try:
        tf.saved_model.save(module, str(folder), signatures=signatures.exported, options=options)
    except AssertionError as error:  # "Tried to export a function which references an 'untracked' resource"
        raise ValueError(
            f"a signature of {type(model).__name__} uses a variable or table that is no attribute of the model: {error}"
        ) from error


def _traced(function, rows: bool = False):
    # A new tf.function: one that has been traced already would give its old graph, whatever the scope.
    autograph = getattr(function, "_autograph", True)
    python = function.python_function
    if rows:
        # AutoGraph rewrites what was written for it, and not the checks around it.
        python = tf.function(python, autograph=True) if autograph else python
        python, autograph = rows_checked(python, function.input_signature), False
    fresh = tf.function(python, input_signature=function.input_signature, autograph=autograph)
    return fresh.get_concrete_function()


def _tables(model: keras.Model, signatures: Signatures) -> list:
    """Lookup tables of the model that the functions use. (LiteRT has no operator for a table, used or not.)"""
    kind = tf.saved_model.experimental.TrackableResource
    used = {id(tensor) for function in signatures.exported.values() for tensor in function.captured_inputs}
    held = [item for item in tf.train.TrackableView(model).descendants() if isinstance(item, kind)]
    return [table for table in held if id(table.resource_handle) in used]


@contextlib.contextmanager
def _states_kept(model: keras.Model) -> Iterator[None]:
    before = [(variable, variable.numpy()) for variable in model.non_trainable_variables]
    try:
        yield
    finally:
        for variable, value in before:
            variable.assign(value)


def _half_precision(model: keras.Model) -> list:
    """The layers that compute in bfloat16 or float16."""
    return [layer for layer in inner_layers(model) if layer.compute_dtype in ("bfloat16", "float16")]


@contextlib.contextmanager
def _in_float32(model: keras.Model) -> Iterator[None]:
    """Let a model of mixed precision compute in float32: LiteRT has no arithmetic in bfloat16, little in float16."""
    mixed = _half_precision(model)
    policies = [layer.dtype_policy for layer in mixed]
    try:
        for layer in mixed:
            layer.dtype_policy = "float32"
        yield
    finally:
        for layer, policy in zip(mixed, policies):
            layer.dtype_policy = policy


def _plain(model, batch_size, examples, input_signature):
    """The one signature of a model that knows nothing of exports."""
    structure = _input_structure(model) if input_signature is None else input_signature
    flat = keras.tree.flatten(structure)
    names = _names(flat)
    specs = []
    for name, item in zip(names, flat):
        shape = list(item.shape)
        if batch_size is not None and shape:
            shape[0] = batch_size
        specs.append(tf.TensorSpec(shape, item.dtype or keras.config.floatx(), name))

    def serving_default(*arrays):
        inputs = keras.tree.pack_sequence_as(structure, list(arrays))
        outputs = model(inputs, training=False)
        if isinstance(outputs, dict):
            return outputs
        return {f"output_{i}": output for i, output in enumerate(keras.tree.flatten(outputs))}

    if examples is None:
        random = np.random.default_rng(0)
        examples = [{spec.name: _random_input(model, spec, length, random) for spec in specs} for length in (12, 7)]
    else:
        if isinstance(examples, dict) and "serving_default" in examples:
            examples = examples["serving_default"]
        examples = [dict(zip(names, keras.tree.flatten(example))) for example in examples]
    return {"serving_default": tf.function(serving_default, input_signature=specs)}, {"serving_default": examples}


def _input_structure(model):
    try:
        structure = model._inputs_struct if hasattr(model, "_inputs_struct") else model.inputs
    except (AttributeError, ValueError):
        structure = None
    if structure is None or keras.tree.flatten(structure) == []:
        raise ValueError(
            f"the inputs of {type(model).__name__} are not known. Give input_signature, for example "
            "[tf.TensorSpec([None, 50, 8])], or build the model from keras.Input."
        )
    # A list of one input is what Sequential has, and what `model(x)` does not need.
    return structure[0] if isinstance(structure, (list, tuple)) and len(structure) == 1 else structure


def _names(items) -> list[str]:
    names = []
    for i, item in enumerate(items):
        name = (getattr(item, "name", None) or f"input_{i}").split(":")[0].replace("/", "_")
        names.append(name if name not in names else f"{name}_{i}")
    return names


def _random_input(model, spec: tf.TensorSpec, length: int, random) -> np.ndarray:
    shape = [length if size is None else size for size in spec.shape]
    if spec.shape and spec.shape[0] is None:
        shape[0] = 2
    if spec.dtype.is_floating:
        return random.standard_normal(shape).astype(spec.dtype.as_numpy_dtype)
    if spec.dtype.is_bool:
        return random.random(shape) < 0.5
    # Integers are nearly always tokens: they must fit the smallest embedding.
    sizes = [layer.input_dim for layer in inner_layers(model) if isinstance(layer, keras.layers.Embedding)]
    return random.integers(0, min(sizes, default=2), shape).astype(spec.dtype.as_numpy_dtype)
