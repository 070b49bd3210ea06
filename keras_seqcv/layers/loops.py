"""What the loops over time share: when XLA compiles them, groups of rows, a time axis that is padded, buffers."""

import concurrent.futures
import contextlib
import contextvars
import functools
import os
from collections.abc import Callable

import tensorflow as tf

from keras_seqcv.layers.export_scope import current_export_format

_jit_enabled = contextvars.ContextVar("keras_seqcv_jit", default=True)
_stepwise = contextvars.ContextVar("keras_seqcv_stepwise", default=False)
_MAX_GROUPS = 4
_MIN_GROUP_ROWS = 8
# Numbers in a recurrent kernel. XLA's product packs it anew at every step: fine in a cache, slow where it has to come
# from memory (LSTM of 1,024 units: TensorFlow's own loop is 1.4 times as fast, with 512 units 0.9 times).
_MAX_JIT_KERNEL = 2**21


@contextlib.contextmanager
def jit_scope(enabled: bool):
    """Switch the XLA compilation of recurrent loops on or off inside a `with` block.

    XLA makes long trainings faster and the first step of each new shape slower by about a second. Models that are
    traced inside `jit_scope(False)` run their loops as plain TensorFlow graphs.

    Args:
        enabled: bool.

    Example:

    >>> with ks.layers.jit_scope(False):
    ...     y = ks.layers.LSTM(4)(np.zeros((1, 3, 2), "float32"))
    """
    token = _jit_enabled.set(bool(enabled))
    try:
        yield
    finally:
        _jit_enabled.reset(token)


@contextlib.contextmanager
def stepwise_scope():
    """Inside, layers go from step to step in Python, by their cells' own code: every step has tensors of its own."""
    token = _stepwise.set(True)
    try:
        yield
    finally:
        _stepwise.reset(token)


def stepwise() -> bool:
    """Whether a `stepwise_scope` is open."""
    return _stepwise.get()


def jit_serves(kernel, batch: int | None) -> bool:
    """Whether XLA compiles a loop that multiplies by `kernel`, of `batch` rows (None: not known)."""
    if not _jit_enabled.get() or tf.executing_eagerly() or current_export_format() is not None or has_gpu():
        return False
    few_rows = batch is not None and batch < _MIN_GROUP_ROWS  # for them XLA packs nothing
    return few_rows or kernel.shape.num_elements() <= _MAX_JIT_KERNEL


def traced_apart(function: Callable) -> Callable:
    """`function`, traced in a thread of its own.

    A compiled program keeps the Python stack of each of its operations, which below `Model.fit` is a hundred frames
    deep: most of the memory of a compiled loop. A new thread's stack is short.
    """

    def call(**tensors):
        specs = tf.nest.map_structure(lambda a: tf.TensorSpec(a.shape, a.dtype), tensors)
        with concurrent.futures.ThreadPoolExecutor(1) as thread:
            thread.submit(lambda: function.get_concrete_function(**specs)).result()
        return function(**tensors)

    return call


@functools.cache
def has_gpu() -> bool:
    """Whether TensorFlow sees a GPU."""
    return bool(tf.config.list_logical_devices("GPU"))


@functools.cache
def _cores() -> int:
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return tf.config.threading.get_intra_op_parallelism_threads() or available


def group_count(batch: int | None) -> int:
    """Into how many groups a batch is cut, so that each core has one, and none is too small for a fast product."""
    wanted = min(_cores(), _MAX_GROUPS)
    return wanted if batch is None else max(1, min(wanted, batch // _MIN_GROUP_ROWS))


def row_groups(a, groups: int) -> list[slice]:
    """The batch of `a` (B, ...) cut into `groups` slices."""
    if groups == 1:
        return [slice(None)]
    batch = a.shape[0] or tf.shape(a)[0]
    bounds = [batch * g // groups for g in range(groups + 1)]
    return [slice(a, b) for a, b in zip(bounds, bounds[1:], strict=False)]


def cut_rows(a, groups: int) -> list:
    """The batch of `a` (B, ...) in groups as `row_groups` has them, with a gradient that is put together, not summed.

    The gradient of a slice is as large as what it was cut from, zeros and all.
    """
    if groups == 1:
        return [a]
    bounds = [(a.shape[0] or tf.shape(a)[0]) * g // groups for g in range(groups + 1)]
    return tf.split(a, [end - begin for begin, end in zip(bounds, bounds[1:], strict=False)])


def swap_time(a):
    """(B, T, ...) <-> (T, B, ...)."""
    return tf.transpose(a, (1, 0, *range(2, a.shape.rank)))


def padded_length(length):
    """The least of 8, 12, 16, 24, 32, 48, ... that is not below `length`."""
    power = 8 * 2 ** tf.range(24)
    sizes = tf.reshape(tf.stack([power, power // 2 * 3], axis=1), (-1,))
    return sizes[tf.searchsorted(sizes, length[None])[0]]


def pad_time(a, padding):
    return tf.pad(a, [[0, padding], *[[0, 0]] * (a.shape.rank - 1)])


def unstack(a):
    return tf.TensorArray(a.dtype, size=tf.shape(a)[0], element_shape=a.shape[1:], clear_after_read=False).unstack(a)


def buffer(steps, like):
    # A padded loop leaves the buffer's tail unwritten; `like` gives it a shape, so that it reads as zeros.
    return tf.TensorArray(like.dtype, size=steps, element_shape=like.shape)


def join(parts):
    parts = list(parts)
    return parts[0] if len(parts) == 1 else tf.concat(parts, axis=0)
