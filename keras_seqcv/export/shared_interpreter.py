"""One LiteRT interpreter that many threads may call, one after the other."""

import os
import threading
import weakref

import numpy as np


class SharedInterpreter:
    """The signatures of a LiteRT model, run by one thread at a time.

    An interpreter has one set of tensors: a thread that set its inputs while another one runs would change what that
    one computes, or free the memory under it. So each run, from the inputs to the outputs, holds a lock. A process that
    was forked opens an interpreter of its own, because threads of the other one and a lock that one of them held would
    be missing there.

    Args:
        content: the model. It is kept, not copied, by every interpreter made of it.
        num_threads: threads for each run.

    Raises:
        ImportError: no interpreter is installed.
        RuntimeError, UnicodeDecodeError, ValueError: the model cannot be read, or has no signatures.
    """

    def __init__(self, content: bytes, num_threads: int = 1):
        self.content, self.num_threads = content, num_threads
        self._lock = threading.Lock()
        self._before_fork = []
        self._open()
        if not self._runners:
            raise ValueError("it has no signatures")
        self.signatures = {
            name: {"inputs": _specs(runner.get_input_details()), "outputs": _specs(runner.get_output_details())}
            for name, runner in self._runners.items()
        }
        _alive.add(self)

    def _open(self) -> None:
        self._interpreter = _interpreter_class()(model_content=self.content, num_threads=self.num_threads)
        names = self._interpreter.get_signature_list()
        self._runners = {name: self._interpreter.get_signature_runner(name) for name in names}

    def run(self, signature: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Outputs by name, copied out of the interpreter.

        Raises:
            RuntimeError: the run failed.
        """
        with self._lock:
            if self._runners is None:
                self._open()
            try:
                outputs = self._runners[signature](**arrays)
                self._reset()
            except RuntimeError:
                # The next run has another one: an interpreter keeps the text of every error it ever had, and tells all
                # of them with each new one.
                self._interpreter = self._runners = None
                raise
        return outputs

    def _reset(self) -> None:
        """Set what the interpreter keeps between runs to zero: a fused LSTM would go on from its last state."""
        try:
            self._interpreter.reset_all_variables()
        except RuntimeError:  # some signature has never run, and has no memory yet
            for runner in self._runners.values():
                runner(**_zeros(runner))
            self._interpreter.reset_all_variables()

    def forked(self) -> None:
        """What a new process does first."""
        self._lock = threading.Lock()
        # Kept, never to be used: freeing it would wait for threads that this process does not have.
        self._before_fork.append((self._interpreter, self._runners))
        self._interpreter = self._runners = None


_alive = weakref.WeakSet()


def _forked() -> None:
    for shared in list(_alive):
        shared.forked()


if hasattr(os, "register_at_fork"):  # systems that can fork
    os.register_at_fork(after_in_child=_forked)


def _interpreter_class():
    """The interpreter of `ai_edge_litert`, else TensorFlow's old one."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        try:
            from tensorflow.lite import Interpreter
        except ImportError as error:
            raise ImportError(
                'running a .tflite file needs ai_edge_litert: pip install "keras_seqcv[litert]"'
            ) from error
    return Interpreter


def _zeros(runner) -> dict[str, np.ndarray]:
    return {name: np.zeros(item["shape"], item["dtype"]) for name, item in runner.get_input_details().items()}


def _specs(details: dict) -> dict[str, tuple]:
    specs = {}
    for name, detail in details.items():
        signature = detail.get("shape_signature", detail["shape"])
        signature = detail["shape"] if len(signature) != len(detail["shape"]) else signature
        specs[name] = (tuple(None if size < 0 else int(size) for size in signature), np.dtype(detail["dtype"]))
    return specs
