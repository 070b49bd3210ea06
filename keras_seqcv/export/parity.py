"""The parity check: do two models give the same answers on the same examples?"""

import dataclasses

import numpy as np


@dataclasses.dataclass
class Parity:
    """What `compare` has seen so far.

    Args:
        difference: largest absolute difference of a float output.
        relative: the largest `difference / max(1, largest output)`: what is held against the tolerance.
        changed: number of integers and strings that differ.
        compared: number of integers and strings compared.
    """

    difference: float = 0.0
    relative: float = 0.0
    changed: int = 0
    compared: int = 0

    @property
    def changed_share(self) -> float:
        return self.changed / self.compared if self.compared else 0.0

    def compare(self, signature: str, expected: dict, received: dict) -> None:
        """Take one more pair of outputs in.

        Raises:
            ValueError: if names or shapes differ.
        """
        if set(expected) != set(received):
            raise ValueError(f"signature {signature!r} gives outputs {sorted(received)}, expected {sorted(expected)}")
        for name in expected:
            wanted, given = np.asarray(expected[name]), np.asarray(received[name])
            if wanted.shape != given.shape:
                raise ValueError(f"output {name!r} of {signature!r} has shape {given.shape}, expected {wanted.shape}")
            # bfloat16 is a float as well, but not for NumPy's `issubdtype`.
            if wanted.dtype.kind in "biuOSU":
                self.changed += int(np.sum(wanted != given))
                self.compared += wanted.size
            elif wanted.size:
                self._compare_floats(wanted.astype("float64"), given.astype("float64"))

    def _compare_floats(self, wanted: np.ndarray, given: np.ndarray) -> None:
        alike = (wanted == given) | (np.isnan(wanted) & np.isnan(given))  # infinities of one sign are alike, too
        if alike.all():
            return
        difference = np.abs(wanted[~alike] - given[~alike])
        # NaN or infinity on one side only.
        largest = float(difference.max()) if np.isfinite(difference).all() else float("inf")
        finite = np.abs(wanted[np.isfinite(wanted)])
        scale = max(1.0, float(finite.max())) if finite.size else 1.0
        self.difference = max(self.difference, largest)
        self.relative = max(self.relative, largest / scale)

    def check(self, path, tolerance: float | None) -> None:
        """Refuse what is too different.

        Args:
            path: named in the error.
            tolerance: largest `relative` that is accepted, with all integers and strings equal. None accepts everything
                that is finite where the Keras model is.

        Raises:
            ValueError: if the outputs differ by more.
        """
        if not np.isfinite(self.difference):
            raise ValueError(
                f"{path} was not written: the exported model gives NaN or infinity where the model does not"
            )
        if tolerance is None:
            return
        if self.relative > tolerance:
            raise ValueError(
                f"{path} was not written: the exported model differs from the Keras model by {self.difference:.3g} "
                f"(relative {self.relative:.3g}), accepted is {tolerance:.3g}. An LSTM whose cell values leave "
                "[-10, 10] differs in LiteRT, which clips them there."
            )
        if self.changed:
            raise ValueError(
                f"{path} was not written: {self.changed} of {self.compared} integer or string outputs of the exported "
                "model differ from those of the Keras model"
            )
