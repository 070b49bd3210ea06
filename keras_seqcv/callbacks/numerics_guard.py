"""`NumericsGuard`: says where NaN or infinity came from, and keeps it out of the weights."""

import warnings

import keras
import tensorflow as tf

from keras_seqcv.callbacks.guarded_step import GuardedStep
from keras_seqcv.callbacks.numerics_replay import Origin, origin_of
from keras_seqcv.callbacks.numerics_report import NumericsReport, all_finite, broken_rows

_ACTIONS = ("raise", "stop", "skip")


class NumericsGuard(keras.callbacks.Callback):
    """Watches data, loss and gradients in each step of `fit`, and says where one is not finite first.

    A step that broke leaves no trace, whatever `action` is: the optimizer is not asked, and metrics, moving averages,
    seeds and the states of streams are what they were before it; a stream goes on as if its text lacked the chunk. The
    step is then run again outside of the graph, layer by layer, to find the layer where it began.

    In float16 a gradient under a loss scale of more than 1 may be infinite: Keras halves the scale and leaves the step
    out, and that is not reported. Loss and data are.

    Each batch is taken from the iterator outside of the graph, so that a broken one is at hand: with
    `steps_per_execution` the steps of an execution run one by one. It works with `jit_compile`, accumulation of
    gradients, loss scales, and, of several replicas on one machine, `tf.distribute.MirroredStrategy`.

    Args:
        action: "raise" | "stop", which warns and ends the training | "skip", which warns and goes on with the batch
            behind it.
        max_skipped: int >= 1, with "skip": one more in a row raises the error.
        check_data: whether the floating point inputs of each batch are looked at before the step. False for those that
            hold NaN on purpose, behind a mask.

    Attributes:
        reports: list of a `NumericsReport` for each step that broke, since `fit` began.

    Raises:
        ValueError: for an argument that is not as above; in `fit`, for a second guard.
        FloatingPointError: in `fit`, with the text of the report.

    Example:

    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="first"), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> x, y = np.ones((6, 2), "float32"), np.ones((6, 1), "float32")
    >>> x[3, 0] = np.inf
    >>> try:
    ...     history = model.fit(x, y, batch_size=2, shuffle=False, verbose=0, callbacks=[ks.callbacks.NumericsGuard()])
    ... except FloatingPointError as error:
    ...     print(error)
    Epoch 1, batch 2 (step 2): the data are not finite: x in row 1.
    """

    def __init__(self, action="raise", max_skipped=10, check_data=True):
        super().__init__()
        if action not in _ACTIONS:
            raise ValueError(f"action: expected one of {_ACTIONS}, received {action!r}")
        if isinstance(max_skipped, bool) or not isinstance(max_skipped, int) or max_skipped < 1:
            raise ValueError(f"max_skipped: expected an int >= 1, received {max_skipped!r}")
        if not isinstance(check_data, bool):
            raise ValueError(f"check_data: expected True or False, received {check_data!r}")
        self.action, self.max_skipped, self.check_data = action, max_skipped, check_data
        self.reports, self._guarded = [], None

    def on_train_begin(self, logs=None):
        if self._guarded is not None:  # the last `fit` ended with an error outside of its steps
            self._guarded.close()
        self.reports, self._epoch, self._batch, self._steps_before = [], 0, 0, 0
        self._guarded = GuardedStep(self.model, self.check_data, self._look)

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch, self._batch = epoch, -1

    def on_train_batch_begin(self, batch, logs=None):
        self._batch = batch

    def on_train_batch_end(self, batch, logs=None):
        self._batch = batch

    def on_epoch_end(self, epoch, logs=None):
        self._steps_before += self._batch + 1

    def on_train_end(self, logs=None):
        self._guarded.close()
        self._guarded = None

    def _look(self, data, place: int) -> bool:
        """After a step that broke: whether to go on."""
        report = self._report(data, self._batch + place)
        self.reports.append(report)
        if self.action == "skip" and not self._too_many():
            warnings.warn(f"{report} The batch is left out.", stacklevel=2)
            return True
        if self.action == "stop":
            warnings.warn(f"{report} The training ends.", stacklevel=2)
            self.model.stop_training = True
            return False
        rest = f" More than {self.max_skipped} batches in a row were left out." if self.action == "skip" else ""
        raise FloatingPointError(f"{report}{rest}")

    def _too_many(self) -> bool:
        last = [report.step for report in self.reports[-self.max_skipped - 1 :]]
        return len(last) > self.max_skipped and last[-1] - last[0] == self.max_skipped

    def _report(self, data, batch: int) -> NumericsReport:
        model, guarded = self.model, self._guarded
        shares = _of_replicas(model.distribute_strategy, data)
        in_data, origin = {}, Origin()
        for i, share in enumerate(shares):
            of = f" of replica {i}" if len(shares) > 1 else ""
            in_data |= {name + of: rows for name, rows in broken_rows(share).items()}
        is_data = bool(in_data) and self.check_data
        for share in shares if not is_data else ():
            origin = origin_of(model, guarded.train_step, share, guarded.side_variables())
            if origin.layer is not None:
                break
        names = [v.path for v in model.trainable_variables]
        gradients = tuple(names[i] for i in guarded.broken_gradients)
        return NumericsReport(
            epoch=self._epoch + 1,
            batch=batch + 1,
            step=self._steps_before + batch + 1,
            kind="data" if is_data else "loss" if guarded.broken_loss else "gradient",
            data=in_data,
            loss=origin.loss,
            gradients=gradients,
            weights=tuple(v.path for v in model.weights if _is_broken(v)),
            layer=origin.layer,
            began=origin.began,
            note=origin.note,
        )


def _of_replicas(strategy, data) -> list:
    """The batch of each replica."""
    # Keras gives what a dataset may leave out, a `tf.experimental.Optional`, to the step as None.
    leaves = [None if isinstance(a, tf.experimental.Optional) else a for a in tf.nest.flatten(data)]
    results = [strategy.experimental_local_results(leaf) for leaf in leaves]
    return [tf.nest.pack_sequence_as(data, share) for share in zip(*results, strict=True)]


def _is_broken(variable) -> bool:
    value = tf.convert_to_tensor(variable)
    return value.dtype.is_floating and not all_finite(value)
