"""Loading a SavedModel, with errors that name it, and without operators that reach beyond their inputs."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from keras_seqcv.distribution.replicas import outside

# Operators that run Python, that touch files (a print may go to one), networks or other devices, or that wait for
# somebody. All others compute: tensors come in and go out, or are kept in a variable or a table.
_REACHING = re.compile(
    "PyFunc|File|Reader|Dataset|Iterator|Rpc|Save|Restore|Checkpoint|Summary|Debug|Print|Send|Recv|Remote|Record|LMDB|Sql"
    "|TPU|Collective|Nccl|Snapshot|Remap|HostCompute|DTensor|Worker|Distributed|Custom|DumpTensor|ImportEvent|Sleep"
    "|Infeed|Outfeed|Queue|Session|Skipgram|NegTrain|FixedUnigram|Fdo|XlaCallModule|TaskId|DevicePlacement|Barrier|Mutex"
    "|Stage$|Unstage|Fingerprint|Assets|TestAttr"
)


def load_saved_model(path: str | os.PathLike):
    """Load a SavedModel: `tf.saved_model.load`, with words for what is wrong, and without what a model does not need.

    A SavedModel is a program. TensorFlow runs it as it is, some of it while it loads, and says of its own that models
    from elsewhere belong in a sandbox. This function refuses one that holds operators that run Python, or that read or
    write files, or that talk to other processes, but for those that save and restore weights, which nothing else may
    call. It does not make TensorFlow's kernels safe against numbers that are made to break them.

    Args:
        path: the folder, as `ks.export.saved_model` writes it.

    Returns:
        What `tf.saved_model.load` returns: its `signatures` are functions.

    Raises:
        ValueError: naming the folder, if there is none, if it is damaged, or if it holds such operators.

    Example:
        >>> import tempfile
        >>> model = keras.Sequential([keras.Input((3,), name="x"), keras.layers.Dense(2)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = ks.export.saved_model(model, f"{folder}/dense", verbose=False)
        ...     loaded = ks.export.load_saved_model(f"{folder}/dense")
        >>> loaded.signatures["serving_default"](x=tf.ones((1, 3)))["output_0"].shape
        TensorShape([1, 2])
    """
    path = Path(path)
    graph = path / "saved_model.pb"
    if not graph.is_file():
        raise ValueError(f"{path}: expected a folder with saved_model.pb, there is none")
    try:
        content = saved_model_pb2.SavedModel()
        content.ParseFromString(graph.read_bytes())
        reaching = sorted({op for one in content.meta_graphs for op in _operators(one) if _reaches(op)})
        if reaching:
            raise ValueError(f"it holds {', '.join(reaching)}, and such operators do more than compute")
        return outside(tf.saved_model.load, str(path))
    except Exception as error:  # TensorFlow's errors are no ValueErrors, and a damaged file breaks its Python anywhere
        raise ValueError(f"{path} cannot be loaded, it is damaged or no SavedModel to be used: {error}") from error


def _reaches(operator: str) -> bool:
    return _REACHING.search(operator) is not None


def _operators(meta_graph) -> Iterator[str]:
    """The operators of a graph and of all functions that can be called, but for those that only save and restore."""
    functions = {function.signature.name: function for function in meta_graph.graph_def.library.function}
    saver = meta_graph.saver_def
    saving = {name.partition(":")[0] for name in (saver.save_tensor_name, saver.restore_op_name)}
    waiting = set(meta_graph.object_graph_def.concrete_functions)
    for node in meta_graph.graph_def.node:
        if node.name not in saving:
            waiting |= set(_called(node))
            yield node.op
    done = set()
    while waiting:
        name = waiting.pop()
        if name in done or name not in functions:
            continue
        done.add(name)
        for node in functions[name].node_def:
            waiting |= set(_called(node))
            if node.op not in functions:
                yield node.op


def _called(node) -> Iterator[str]:
    """Names of the functions that a node may call."""
    yield node.op
    for value in node.attr.values():
        for function in (value.func, *value.list.func):
            if function.name:
                yield function.name
