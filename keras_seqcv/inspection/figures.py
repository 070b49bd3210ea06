"""Figures without pyplot: in a notebook, in a thread or without a screen, and gone when nobody holds them."""

import os
from pathlib import Path

from keras_seqcv.placing import placed


def new_figure(caller: str, width: float, height: float):
    """Returns an empty matplotlib Figure of so many inches, which a notebook shows by itself.

    Args:
        caller: name of the function that needs it, for the hint on what to install.
        width: in inches.
        height: in inches.

    Raises:
        ImportError: matplotlib is not installed.

    Example:
        >>> from keras_seqcv.inspection.figures import new_figure
        >>> new_figure("plot_curves", 4, 3).axes
        []
    """
    try:
        from keras_seqcv.inspection.notebook_figure import NotebookFigure
    except ImportError as error:
        raise ImportError(f'{caller} needs matplotlib: pip install "keras_seqcv[plots]"') from error
    return NotebookFigure(figsize=(width, height), dpi=150, layout="constrained", facecolor="white")


def check_png(path: str | os.PathLike | None) -> None:
    """Raises ValueError if a path does not end in .png."""
    if path is not None and Path(path).suffix.lower() != ".png":
        raise ValueError(f"`path` must end in .png, received {os.fspath(path)!r}")


def save_png(figure, path: str | os.PathLike) -> None:
    """Writes a figure, whole or not at all.

    Raises:
        OSError: naming `path`, if it cannot be written.
    """
    data = figure._repr_png_()
    with placed(Path(path), folder=False) as temporary:
        temporary.write_bytes(data)
