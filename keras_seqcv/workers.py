"""Several workers on one machine: each a process with its `TF_CONFIG`, and all started again when one dies.

`python -m keras_seqcv.workers --count 2 train.py --strategy multiworker ...`
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

_PATIENCE = 10.0  # seconds that a worker has to end by itself after another one has died
_LOOK = 0.1  # seconds between two looks at the workers


def run_workers(command: Sequence[str], count: int = 2, restarts: int = 0) -> int:
    """Run a program as several workers on this machine, and start all of them again when one dies.

    A worker of `tf.distribute.MultiWorkerMirroredStrategy` cannot go on without the others. When one dies, the others
    are ended, and all begin anew: with `ks.callbacks.ExactResume` they go on where they were.

    Args:
        command: of the program, such as `[sys.executable, "train.py"]`. Its output comes out with the number of the
            worker before each line.
        count: int >= 1, of workers.
        restarts: int >= 0, how often to begin anew.

    Returns:
        0 if all workers ended well; else the exit status of the first one that did not, in the last of all attempts.

    Raises:
        ValueError: for a number that is not as above.

    Example:

    >>> import sys
    >>> from keras_seqcv.workers import run_workers
    >>> program = "import json, os; print(json.loads(os.environ['TF_CONFIG'])['task']['index'])"
    >>> run_workers([sys.executable, "-c", program], count=1)
    [0] 0
    0
    """
    for name, value, least in (("count", count, 1), ("restarts", restarts, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"{name}: expected an int >= {least}, received {value!r}")
    for attempt in range(restarts + 1):
        status = _attempt(list(command), count)
        if not status or attempt == restarts:
            return status
        print(f"a worker ended with {status}: all begin anew ({attempt + 1} of {restarts})", flush=True)


def _attempt(command: list[str], count: int) -> int:
    """Exit status of the first worker that failed, or 0."""
    workers, readers = [], []
    try:
        for index, config in enumerate(_configs(count)):
            environment = {**os.environ, "TF_CONFIG": json.dumps(config)}
            worker = subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
            )
            workers.append(worker)
            readers.append(threading.Thread(target=_show, args=(index, worker.stdout)))
            readers[-1].start()
        while True:
            states = [worker.poll() for worker in workers]
            if any(states) or None not in states:
                return next(filter(None, states), 0)
            time.sleep(_LOOK)
    finally:
        _end(workers)
        for reader in readers:
            reader.join()


def _configs(count: int) -> list[dict]:
    """`TF_CONFIG` of each worker, on free ports of this machine."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    addresses = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    cluster = {"worker": addresses}
    return [{"cluster": cluster, "task": {"type": "worker", "index": index}} for index in range(count)]


def _show(index: int, lines) -> None:
    for line in lines:
        print(f"[{index}] {line}", end="", flush=True)


def _end(workers) -> None:
    """Let no worker be left: by request, and then by force."""
    for worker in workers:
        if worker.poll() is None:
            worker.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + _PATIENCE
    for worker in workers:
        try:
            worker.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="python -m keras_seqcv.workers", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=2, help="of workers")
    parser.add_argument("--restarts", type=int, default=3, help="how often to begin anew when a worker dies")
    parser.add_argument("program", help="a Python program that trains with the strategy of several workers")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="of the program")
    args = parser.parse_args(argv)
    return run_workers([sys.executable, args.program, *args.arguments], args.count, args.restarts)


if __name__ == "__main__":
    sys.exit(main())
