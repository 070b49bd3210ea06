"""Running a LiteRT file for the first time, in a process that may crash."""

import hashlib
import os
import signal
import subprocess
import sys

# Of the trial, beside what the interpreter itself takes: more is not what a model of this size needs.
_FREE_BYTES = 2**30
_MOST_GROWTH = 16
_CPU_SECONDS = 4
_WALL_SECONDS = 60
# What the interpreter says of a model that runs with no input at all.
_NEVER = ("custom op", "Select TensorFlow op", "lacks data", "Invalid tensor index", "inconsistent model")
_passed = set()  # SHA-256 of models that have run

_CHILD = """
import sys
sys.path[:] = {path!r}
import numpy as np
try:
    from ai_edge_litert.interpreter import Interpreter
except ImportError:
    from tensorflow.lite import Interpreter
content = sys.stdin.buffer.read()
try:
    import os, resource
    with open("/proc/self/statm") as file:
        taken = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (taken + {memory}, taken + {memory}))
    used = int(sum(resource.getrusage(resource.RUSAGE_SELF)[:2])) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (used + {seconds}, used + {seconds} + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
except (ImportError, OSError, ValueError):
    pass  # not on this system
try:
    interpreter = Interpreter(model_content=content, num_threads=1)
    for name in interpreter.get_signature_list():
        runner = interpreter.get_signature_runner(name)
        runner(**{{key: np.zeros(item["shape"], item["dtype"]) for key, item in runner.get_input_details().items()}})
except BaseException as error:
    print("", type(error).__name__, error, sep="\\n")
"""


def try_in_a_child(content: bytes) -> None:
    """Load a model and run each of its signatures with zeros, in a process that may crash, with little memory and time.

    The interpreter checks the structure of a file, but a wrong number inside (a shape, an index of an operator, the
    stride of a convolution) can still end the process, and a large shape fill its memory. A checksum tells accidents,
    and no hostile file, which brings its own.

    Args:
        content: the model, without attached files.

    Raises:
        ValueError: the child was killed, by the model or for its memory or time; or the model needs operators that the
            interpreter does not have. Without the name of the file.
    """
    digest = hashlib.sha256(content).digest()
    if digest in _passed:
        return
    memory = _FREE_BYTES + _MOST_GROWTH * len(content)
    code = _CHILD.format(path=sys.path, memory=memory, seconds=_CPU_SECONDS)
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        child = subprocess.run(
            [sys.executable, "-c", code], input=content, capture_output=True, timeout=_WALL_SECONDS, env=environment
        )
    except OSError:
        return  # no child to be had here
    except subprocess.TimeoutExpired:
        raise ValueError(f"running it with zeros took more than {_WALL_SECONDS} s") from None
    if child.returncode:
        raise ValueError(_why(child.returncode))
    error = child.stdout.decode("utf-8", "replace").strip()
    if "MemoryError" in error or "bad_alloc" in error:
        raise ValueError(f"running it takes more than {memory >> 20} MB of memory")
    if any(words in error for words in _NEVER):  # what zeros, or dimensions of one, are wrong for may run with others
        raise ValueError(" ".join(error.splitlines()[1:])[:500])
    _passed.add(digest)


def _why(code: int) -> str:
    if code == -getattr(signal, "SIGXCPU", 0):
        return f"running it with zeros takes more than {_CPU_SECONDS} s of computing"
    if code < 0:
        return f"running it crashes the LiteRT interpreter (signal {-code})"
    return f"running it ends the process of the LiteRT interpreter (exit status {code})"
