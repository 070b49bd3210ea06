"""The export format that is being traced: how a layer learns that it must write a portable graph.

`keras_seqcv.export` opens the scope around the tracing of its signatures. Layers ask `current_export_format()` and
choose their way: no cuDNN in any export, the fused LiteRT operator (`fused_lstm`) where a LiteRT file is being made.
"""

import contextlib
import contextvars
from collections.abc import Iterator

FORMATS = ("saved_model", "litert")

_current = contextvars.ContextVar("keras_seqcv_export_format", default=None)


@contextlib.contextmanager
def export_scope(format: str) -> Iterator[None]:
    """Trace everything inside for an export in `format`, "saved_model" or "litert".

    Scopes may be nested; the innermost counts. The scope belongs to the thread (or task) that opened it.

    Raises:
        ValueError: for another format.

    Example:
        >>> from keras_seqcv.layers.export_scope import current_export_format, export_scope
        >>> with export_scope("litert"):
        ...     print(current_export_format())
        litert
        >>> print(current_export_format())
        None
    """
    if format not in FORMATS:
        raise ValueError(f"format must be one of {FORMATS}, received {format!r}")
    token = _current.set(format)
    try:
        yield
    finally:
        _current.reset(token)


def current_export_format() -> str | None:
    """The format of the innermost `export_scope`, or None outside of an export.

    Example:
        >>> from keras_seqcv.layers.export_scope import current_export_format, export_scope
        >>> with export_scope("saved_model"):
        ...     print(current_export_format())
        saved_model
    """
    return _current.get()
