"""What is wrong with some rows of much data: told all at once, or left out."""

import logging

_logger = logging.getLogger("keras_seqcv")
_SHOWN = 5


class WrongRows:
    """Collects what is wrong.

    Args:
        wrong: "raise": the first row that is wrong is an error. "skip": it is left out, and the log says so at the end.

    Raises:
        ValueError: for another choice.

    Example:
        >>> from keras_seqcv.data.wrong_rows import WrongRows
        >>> rows = WrongRows("skip")
        >>> rows.add("a.tsv, line 3", "expected a text, received an empty one")
        >>> rows.finish("a.tsv", 10)
    """

    def __init__(self, wrong: str):
        if wrong not in ("raise", "skip"):
            raise ValueError(f'`wrong` must be "raise" or "skip", received {wrong!r}')
        self.raises = wrong == "raise"
        self._problems = []

    def add(self, place: str, problem: str) -> None:
        """A row that is wrong; raises ValueError that names its place, or keeps it in mind."""
        self.add_error(ValueError(f"{place}: {problem}"))

    def add_error(self, error: ValueError) -> None:
        """Likewise, of an error that names the place."""
        if self.raises:
            raise error
        self._problems.append(str(error))

    def finish(self, name: str, left: int) -> None:
        """Tells what was left out; raises ValueError if nothing is left."""
        problems = len(self._problems)
        shown = "".join(f"\n  {problem}" for problem in self._problems[:_SHOWN])
        shown += "\n  ..." if problems > _SHOWN else ""
        if not left:
            raise ValueError(f"{name}: expected texts with labels, found none{shown}")
        if problems:
            _logger.warning("%s: %d are wrong and skipped, %d are left:%s", name, problems, left, shown)
