"""Calls from many threads at the same time."""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator, Sequence


def at_once(calls: Sequence[Callable], threads: int = 8) -> list:
    """Run `calls`, each thread every `threads`-th of them, all threads beginning together.

    Returns:
        What each call gave, or the exception it raised, in the order of `calls`.
    """
    results, start = [None] * len(calls), threading.Barrier(threads)

    def run(first):
        start.wait()
        for k in range(first, len(calls), threads):
            try:
                results[k] = calls[k]()
            except Exception as error:
                results[k] = error

    workers = [threading.Thread(target=run, args=(first,), daemon=True) for first in range(threads)]
    with fast_switches():
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(timeout=120)
    hanging = sum(worker.is_alive() for worker in workers)
    if hanging:
        raise TimeoutError(f"{hanging} of {threads} threads are still waiting")
    return results


@contextlib.contextmanager
def fast_switches() -> Iterator[None]:
    """Let Python go from thread to thread so often that what is not protected goes wrong."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
