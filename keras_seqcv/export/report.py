"""What an export tells: size, signatures, operators, difference from the Keras model."""

import dataclasses
from collections import Counter
from pathlib import Path

SHOWN = 12  # operators printed


@dataclasses.dataclass(frozen=True)
class Report:
    """The facts about one exported model. `print(report)` shows them on three lines.

    Args:
        path: where the model lies.
        bytes: size of the file, or of all files of the folder.
        operators: how often each operator occurs, subgraphs and loop bodies included.
        difference: largest absolute difference of a float output from the Keras model, over all examples.
        signatures: names of the signatures.
        changed: share of integer and string outputs that are not those of the Keras model. Above 0 only in a quantised
            file: elsewhere the export is refused.

    Example:
        >>> from collections import Counter
        >>> print(ks.export.Report("m.tflite", 2048, Counter(ADD=2, WHILE=1), 1.5e-7, ["step"]))
        m.tflite: 2.0 kB, signatures: step
          3 operators: ADD 2, WHILE 1
          largest difference from the Keras model: 1.5e-07
    """

    path: Path
    bytes: int
    operators: Counter
    difference: float
    signatures: list[str]
    changed: float = 0.0

    def __str__(self) -> str:
        size = f"{self.bytes / 1e6:.2f} MB" if self.bytes >= 1e6 else f"{self.bytes / 1e3:.1f} kB"
        common = self.operators.most_common(SHOWN)
        counts = ", ".join(f"{name} {count}" for name, count in common) + (
            " ..." if len(self.operators) > SHOWN else ""
        )
        lines = [
            f"{self.path}: {size}, signatures: {', '.join(self.signatures)}",
            f"  {self.operators.total()} operators: {counts}",
            f"  largest difference from the Keras model: {self.difference:.2g}",
        ]
        if self.changed:
            lines[-1] += f"; {self.changed:.1%} of integer outputs differ"
        return "\n".join(lines)
