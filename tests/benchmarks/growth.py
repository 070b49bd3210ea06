"""What a process holds, sampled while it works, and whether that grows.

TensorFlow is imported when a sample is taken, not before: a process that measures another stays small.
"""

import collections
import ctypes
import gc
import math
import os
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

COUNTS = ("objects", "traces", "graphs", "tensors", "variables", "files", "threads")
BYTES = ("rss", "heap")


def sample(step: int) -> dict[str, int]:
    """What this process holds after `step` steps.

    Returns:
        rss, the bytes of it that are in memory; heap, the bytes that C code has and has not given back; blocks, the
        pieces of memory that Python objects have; objects, those that the garbage collector knows, without garbage;
        traces, the concrete functions of TensorFlow, and graphs, each with its operations; eager tensors and
        variables; open files; threads of Python.
    """
    import tensorflow as tf

    for _ in range(3):  # what a finaliser lets go is garbage for the next turn
        gc.collect()
    kinds = collections.Counter(map(type, gc.get_objects()))

    def of(kind):
        return sum(count for one, count in kinds.items() if issubclass(one, kind))

    return {
        "step": step,
        "rss": resident(),
        "heap": c_heap(),
        "blocks": sys.getallocatedblocks(),
        "objects": sum(kinds.values()),
        "traces": of(tf.types.experimental.ConcreteFunction),
        "graphs": of(tf.Graph),
        "tensors": of(tf.Tensor),
        "variables": of(tf.Variable),
        "files": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
    }


def resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class _MallInfo(ctypes.Structure):
    _names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in _names.split()]


def c_heap() -> int:
    """Bytes that `malloc` has handed out; 0 where the C library does not tell."""
    try:
        told = ctypes.CDLL(None).mallinfo2
    except (AttributeError, OSError):
        return 0
    told.restype = _MallInfo
    info = told()
    return info.uordblks + info.hblkhd


def every(steps: int, between: int, step: Callable[[int], object], take: Callable[[int], object]) -> None:
    """Call `step(0)`, `step(1)` ..., so many `steps`, and `take(their number)` before, between and behind them."""
    take(0)
    for k in range(steps):
        step(k)
        if (k + 1) % between == 0 or k + 1 == steps:
            take(k + 1)


@dataclass(frozen=True)
class Growth:
    """How a quantity went on after the first quarter of the steps, in which caches fill and what is met is traced.

    Attributes:
        first, last: its mean in the first and in the last quarter of the steps.
        slope: of a straight line through the last three quarters, per step.
        error: the slope's standard error. Samples that follow one another are alike; what they have in common makes
            them count for fewer.
    """

    first: float
    last: float
    slope: float
    error: float

    @property
    def grows(self) -> bool:
        """Whether it rose by more than chance would have it: three standard errors."""
        return self.slope > 3 * self.error


def growth(steps: Sequence[int], values: Sequence[float]) -> Growth:
    """`Growth` of `values` that were sampled after `steps`.

    Raises:
        ValueError: fewer than 4 samples behind the first quarter of the steps.
    """
    x, y = np.asarray(steps, "float64"), np.asarray(values, "float64")
    late = x >= x[-1] / 4
    if late.sum() < 4:
        raise ValueError(f"expected at least 4 samples behind the first quarter, received {late.sum()} of {len(x)}")
    quarter = lambda low, high: y[(x >= low * x[-1]) & (x <= high * x[-1])].mean()  # noqa: E731
    first, last = quarter(0, 0.25), quarter(0.75, 1)
    x, y = x[late] - x[late].mean(), y[late] - y[late].mean()
    slope = float(x @ y / (x @ x))
    rest = y - slope * x
    alike = max(0.0, float(rest[:-1] @ rest[1:]) / max(float(rest @ rest), 1e-30))
    alike = min(alike, 0.9)
    variance = float(rest @ rest) / max(len(x) - 2, 1) / float(x @ x)
    return Growth(float(first), float(last), slope, math.sqrt(variance * (1 + alike) / (1 - alike)))
