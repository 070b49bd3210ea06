"""What broke in a step of `fit`, and where: NaN or infinity in data, loss or gradients."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

_MOST = 5  # names or rows that are written out


@dataclasses.dataclass(frozen=True)
class NumericsReport:
    """A step whose numbers broke.

    Args:
        epoch, batch: from 1, as Keras's progress bar counts; of batches, in the epoch.
        step: of all batches since `fit` began, from 1.
        kind: "data" | "loss" | "gradient", the first of them that was not finite.
        data: name of an input -> rows of the batch, from 0, that hold NaN or infinity.
        loss: of the step; NaN if it could not be had.
        gradients: paths of the variables whose gradients were not finite.
        weights: paths of the variables that were not finite before the step already.
        layer: path of the layer where it began, None where none was found.
        began: "output" of `layer`, with finite inputs; "gradient" with respect to what `layer` reads, with a finite
            gradient of what it says; or None.
        note: why `layer` was not found.

    Example:

    >>> import warnings
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> guard, x = ks.callbacks.NumericsGuard("skip"), np.ones((4, 2), "float32")
    >>> x[1] = np.nan
    >>> with warnings.catch_warnings(action="ignore"):
    ...     history = model.fit(x, x[:, :1], batch_size=2, shuffle=False, verbose=0, callbacks=[guard])
    >>> [(report.batch, report.kind, report.data["x"]) for report in guard.reports]
    [(1, 'data', (1,))]
    """

    epoch: int
    batch: int
    step: int
    kind: str
    data: dict
    loss: float
    gradients: tuple
    weights: tuple
    layer: str | None
    began: str | None
    note: str = ""

    def __str__(self) -> str:
        parts = [f"Epoch {self.epoch}, batch {self.batch} (step {self.step}): {self._what()}"]
        if self.weights:
            parts.append(f"Before this step the weights were broken already: {_listed(self.weights)}.")
        if self.kind != "data" and self.data:
            parts.append(self._of_data().capitalize() + ".")
        if self.kind == "loss" and self.gradients:
            parts.append(f"Gradients that are not finite: {_listed(self.gradients)}.")
        if self.layer is not None and self.began == "output":
            parts.append(f"The first output that is not finite is that of {self.layer!r}.")
        elif self.layer is not None:
            parts.append(f"Going backwards, the gradient is finite until it goes through {self.layer!r}.")
        return " ".join([*parts, self.note]).rstrip()

    def _what(self):
        if self.kind == "data":
            return f"the data are not finite: {self._of_data()}."
        if self.kind == "loss":
            return f"the loss is {self.loss:.4g}." if not np.isfinite(self.loss) else "the loss is not finite."
        return f"gradients are not finite: {_listed(self.gradients)}, with a loss of {self.loss:.4g}."

    def _of_data(self):
        return "; ".join(f"{name} in {_rows(rows)}" for name, rows in self.data.items())


def _listed(names) -> str:
    rest = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(repr(name) for name in names[:_MOST]) + rest


def _rows(rows) -> str:
    rest = f" and {len(rows) - _MOST} more" if len(rows) > _MOST else ""
    return f"row{'s' * (len(rows) > 1)} {', '.join(str(row) for row in rows[:_MOST])}{rest}"


def broken_rows(data) -> dict:
    """Name of an input -> the rows, from 0, that hold NaN or infinity; only of inputs that have some.

    Args:
        data: a batch as `train_step` gets it: x, (x,), (x, y) or (x, y, sample_weight), each nested or not; dense,
            ragged or sparse tensors of any dtype, of which those with floating point numbers are looked at.
    """
    found = {}
    for part, value in zip(("x", "y", "sample_weight"), keras.utils.unpack_x_y_sample_weight(data), strict=True):
        for path, leaf in keras.tree.flatten_with_path(value):
            rows = [] if leaf is None else _broken_rows(leaf)
            if rows:
                found[part + "".join(f"[{key!r}]" for key in path)] = tuple(rows)
    return found


def _broken_rows(tensor) -> list[int]:
    if not tf.as_dtype(tensor.dtype).is_floating:
        return []
    if isinstance(tensor, tf.RaggedTensor):
        return [i for i in range(tensor.nrows()) if not all_finite(getattr(tensor[i], "flat_values", tensor[i]))]
    if isinstance(tensor, tf.SparseTensor):
        rows = tensor.indices.numpy()[~tf.math.is_finite(tensor.values).numpy(), 0]
        return sorted({int(row) for row in rows})
    finite = tf.math.is_finite(tf.convert_to_tensor(tensor)).numpy()
    return [int(i) for i in np.flatnonzero(~finite.reshape(len(finite), -1).all(axis=1))] if finite.ndim else []


def all_finite(tensor) -> bool:
    return bool(tf.reduce_all(tf.math.is_finite(tensor)))
