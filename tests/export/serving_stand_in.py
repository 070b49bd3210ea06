"""What TensorFlow Serving does with a SavedModel and a REST request, in a process with TensorFlow alone.

Like the server it reads the signatures of `saved_model.pb`, opens a session, runs the initialiser, and answers every
request by `Session.run`, many at a time. Requests and answers follow the server's page "RESTful API"
(tensorflow.org/tfx/serving/api_rest): rows ("instances" -> "predictions") or columns ("inputs" -> "outputs"), bytes as
{"b64": ...}, those of outputs where the name ends in `_bytes`, and one output alone without its name.

It is run as a script: JSON on standard input {"models": {name: folder}, "requests": [[name, body], ...], "threads": n},
and on standard output {"alone": [answers one by one], "together": [answers from n threads], "modules": [...]}.
"""

import base64
import json
import sys
import threading

if __name__ == "__main__":
    sys.modules["keras"] = sys.modules["keras_seqcv"] = None  # an import of either raises ImportError

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

DEFAULT = "serving_default"


class Served:
    """A model as the server has it."""

    def __init__(self, folder: str):
        graph = tf.Graph()
        self.session = tf.compat.v1.Session(graph=graph)
        with graph.as_default():
            self.table = tf.compat.v1.saved_model.load(self.session, ["serve"], folder).signature_def

    def predict(self, body: str) -> dict:
        """The answer to the body of a POST to `.../v1/models/NAME:predict`."""
        try:
            request = json.loads(body)
            name = request.get("signature_name", DEFAULT)
            if name not in self.table:
                raise ValueError(f'Serving signature name: "{name}" not found in signature def')
            signature = self.table[name]
            if signature.method_name != "tensorflow/serving/predict":
                raise ValueError(f"Expected prediction signature method_name, got {signature.method_name}")
            by_rows = "instances" in request
            feed = (_of_rows if by_rows else _of_columns)(request, signature.inputs)
            fetches = {key: info.name for key, info in sorted(signature.outputs.items())}
            found = self.session.run(fetches, {signature.inputs[key].name: value for key, value in feed.items()})
            return _rows(found) if by_rows else _columns(found)
        except (ValueError, TypeError, tf.errors.OpError) as error:
            return {"error": getattr(error, "message", None) or str(error)}


def _of_columns(request, inputs) -> dict:
    if "inputs" not in request:
        raise ValueError("Missing 'inputs' or 'instances' key")
    given = request["inputs"]
    if not isinstance(given, dict) or _is_bytes(given):
        if len(inputs) > 1:
            raise ValueError("inputs is a plain value/list, but expecting an object as multiple input tensors required")
        given = {next(iter(inputs)): given}
    missing = sorted(inputs.keys() - given.keys())
    if missing:
        raise ValueError(f"Missing named input: {missing[0]} in 'inputs' object.")
    return {name: _tensor(given[name], inputs[name]) for name in inputs}


def _of_rows(request, inputs) -> dict:
    rows = request["instances"]
    if not isinstance(rows, list) or not rows:
        raise ValueError("No values in 'instances' array")
    if not isinstance(rows[0], dict) or _is_bytes(rows[0]):
        if len(inputs) > 1:
            raise ValueError(
                "instances is a plain list, but expecting list of objects as multiple input tensors required"
            )
        rows = [{next(iter(inputs)): row} for row in rows]
    for k, row in enumerate(rows):
        if row.keys() != inputs.keys():
            raise ValueError(
                f"Failed to process element: {k} of 'instances' list. keys must be equal to: {sorted(inputs)}"
            )
    return {name: _tensor([row[name] for row in rows], inputs[name]) for name in inputs}


def _is_bytes(value) -> bool:
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def _tensor(value, info) -> np.ndarray:
    """Nested lists as a tensor of the signature's type; a list has as many entries as its first neighbour."""
    shape, level = [], value
    while isinstance(level, list):
        shape.append(len(level))
        level = level[0] if level else None
    kind, flat = tf.as_dtype(info.dtype), []

    def collect(one, rank):
        if isinstance(one, list):
            if rank == len(shape) or len(one) != shape[rank]:
                raise ValueError(f"Encountered list at unexpected size: {len(one)} at level: {rank}")
            for part in one:
                collect(part, rank + 1)
        elif rank != len(shape):
            raise ValueError(f"JSON Value: {one} found at incorrect level: {rank + 1}")
        else:
            flat.append(_value(one, kind))

    collect(value, 0)
    return np.array(flat, object if kind == tf.string else kind.as_numpy_dtype).reshape(shape)


def _value(one, kind):
    wrong = TypeError(f"JSON Value: {json.dumps(one)} Type: {type(one).__name__} is not of expected type: {kind.name}")
    if kind == tf.string:
        if _is_bytes(one):
            return base64.b64decode(one["b64"])
        if not isinstance(one, str):
            raise wrong
        return one.encode("utf-8")
    if kind == tf.bool:
        if not isinstance(one, bool):
            raise wrong
    elif isinstance(one, bool) or not isinstance(one, int if kind.is_integer else (int, float)):
        raise wrong
    return one


def _plain(name: str, value: np.ndarray):
    if value.dtype.kind in "OS":
        as_text = {True: lambda b: {"b64": base64.b64encode(b).decode()}, False: lambda b: b.decode("utf-8")}
        write = as_text[name.endswith("_bytes")]
        return _map(write, value.tolist())
    if value.dtype.name not in ("float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint32", "bool"):
        raise ValueError(f"Failed to write JSON value for tensor type: {value.dtype.name}")
    return value.tolist()


def _map(write, value):
    return [_map(write, one) for one in value] if isinstance(value, list) else write(value)


def _columns(found) -> dict:
    plain = {name: _plain(name, np.asarray(value)) for name, value in found.items()}
    return {"outputs": plain if len(plain) > 1 else next(iter(plain.values()))}


def _rows(found) -> dict:
    sizes = {name: np.shape(value)[:1] for name, value in found.items()}
    if () in sizes.values() or len(set(sizes.values())) > 1:
        raise ValueError(f"outputs have inconsistent batch sizes: {sizes}")
    plain = {name: _plain(name, np.asarray(value)) for name, value in found.items()}
    rows = [dict(zip(plain, row, strict=True)) for row in zip(*plain.values(), strict=True)]
    return {"predictions": rows if len(plain) > 1 else [next(iter(row.values())) for row in rows]}


def main() -> None:
    told = json.load(sys.stdin)
    models = {name: Served(folder) for name, folder in told["models"].items()}
    requests, together = told["requests"], [None] * len(told["requests"])
    alone = [models[name].predict(body) for name, body in requests]
    start = threading.Barrier(told["threads"])

    def work(first):
        start.wait()
        for k in range(first, len(requests), told["threads"]):
            name, body = requests[k]
            together[k] = models[name].predict(body)

    workers = [threading.Thread(target=work, args=(k,)) for k in range(told["threads"])]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    modules = sorted({name.split(".")[0] for name, module in sys.modules.items() if module})
    json.dump({"alone": alone, "together": together, "modules": modules}, sys.stdout)


if __name__ == "__main__":
    main()
