"""`GradientFlowLogger`: gradients by states, weights and epochs, for TensorBoard."""

import os

import tensorflow as tf

from keras_seqcv.callbacks.gradient_norms import GradientNorms
from keras_seqcv.inspection import gradient_flow
from keras_seqcv.scalars import scalar

# As TensorBoard's own `tf.summary.scalar` writes it; that needs the package `tensorboard`, and reading it does, too.
_SCALAR = tf.compat.v1.SummaryMetadata(
    plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars"), data_class=1
)


class GradientFlowLogger(GradientNorms):
    """Writes, for TensorBoard, how the gradient flows through a model's recurrent layers, epoch by epoch.

    By epochs: "gradient/norm" (geometric mean over the steps of `fit`, before clipping), "gradient/largest",
    "gradient/clipped" (share of steps); of each layer "flow/LAYER/hidden per step" (the factor by which the norm of
    dL/dh_t changes with a step back, of an LSTM also "cell"), and "spectrum/LAYER/GATE" (the largest modulus of an
    eigenvalue of the recurrent kernel's part). By the steps of a sequence, a curve for an epoch: "flow/LAYER/hidden,
    epoch N", the norm of dL/dh_t.

    Args:
        log_dir: folder, made if it is not there.
        batch: (x, y) or (x, y, sample_weight), as for `ks.inspection.gradient_flow`.
        every: int >= 1, epochs from one to the next that is looked at.

    Raises:
        ValueError: for an `every` that is not as above; in `fit`, for a batch that `gradient_flow` does not take.

    Example:

    >>> model = keras.Sequential([keras.Input((9, 2)), keras.layers.GRU(8), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> x, y = np.ones((8, 9, 2), "float32"), np.ones((8, 1), "float32")
    >>> logger = ks.callbacks.GradientFlowLogger("logs", (x, y))
    >>> _ = model.fit(x, y, verbose=0, callbacks=[logger])
    """

    def __init__(self, log_dir: str | os.PathLike, batch, every=1):
        if not isinstance(every, int) or isinstance(every, bool) or every < 1:
            raise ValueError(f"every: expected an int >= 1, received {every!r}")
        super().__init__()
        self.log_dir, self.batch, self.every = os.fspath(log_dir), batch, every
        self._writer = None

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self._writer = tf.summary.create_file_writer(self.log_dir)

    def on_epoch_end(self, epoch, logs=None):
        seen = self.take()
        if epoch % self.every:
            return
        flow = gradient_flow(self.model, self.batch)
        with self._writer.as_default():
            for name in ("norm", "largest", "clipped"):
                _write(f"gradient/{name}", seen[name], epoch)
            for layer in flow.layers:
                for state in flow.rows[layer]:
                    _write(f"flow/{layer}/{state} per step", flow.per_step(layer, state), epoch)
                    for t, norm in enumerate(flow.norms(layer, state)):
                        _write(f"flow/{layer}/{state}, epoch {epoch + 1}", norm, t)
                for gate, spectrum in flow.spectra[layer].items():
                    _write(f"spectrum/{layer}/{gate}", spectrum.radius, epoch)
        self._writer.flush()

    def on_train_end(self, logs=None):
        super().on_train_end(logs)
        self._writer.close()


def _write(tag: str, value, step: int) -> None:
    tf.summary.write(tag, scalar(value, "float32"), step=step, metadata=_SCALAR)
