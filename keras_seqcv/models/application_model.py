"""What all application models share: files that are whole or not there, exports, and compilation from a file."""

import keras
import tensorflow as tf

from keras_seqcv import export
from keras_seqcv.callbacks.optimizer_watch import check_every_slice
from keras_seqcv.distribution.replicas import own_losses
from keras_seqcv.models import replica_step, saving


class ApplicationModel(keras.Model):
    """A `keras.Model` whose files are written whole, and whose exports are those of `keras_seqcv.export`."""

    nested = ()  # which arguments are objects of their own, that a config holds serialised

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        for name in cls.nested:
            if isinstance(config[name], dict):
                config[name] = keras.saving.deserialize_keras_object(config[name])
        return cls(**config)

    def fit(self, x=None, y=None, *args, shuffle=None, **kwargs):
        """As `keras.Model.fit`; a dataset keeps its own order, of which Keras would warn."""
        if shuffle is None:
            shuffle = not isinstance(x, (tf.data.Dataset, tf.distribute.DistributedDataset))
        return super().fit(x, y, *args, shuffle=shuffle, **kwargs)

    def compile(self, *args, **kwargs):
        """As `keras.Model.compile`."""
        super().compile(*args, **kwargs)
        check_every_slice(self.optimizer)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """As `keras.Model.compute_loss`; of one of several replicas it is its part of the loss of the whole batch."""
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        return replica_step.part_of_loss(self, loss, y_pred, sample_weight) if replica_step.several(self) else loss

    @property
    def losses(self):
        """As of `keras.Model`; of one of several replicas what its own layers have added."""
        return own_losses(super().losses)

    def train_step(self, data):
        return replica_step.train_step(self, data) if replica_step.several(self) else super().train_step(data)

    def test_step(self, data):
        return replica_step.test_step(self, data) if replica_step.several(self) else super().test_step(data)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Make what training needs without reading data.

        A private method of Keras, and the only one that is replaced. Under a strategy Keras reads a batch before
        training begins, to see its shapes. A dataset that is planned anew for every epoch would then be one ahead.
        """
        with self.distribute_strategy.scope():
            reads = iterator is not None and tf.distribute.has_strategy()
        if reads:
            spec = iterator.data_adapter.get_tf_dataset().element_spec
            data_batch, iterator = tf.nest.map_structure(_of_one_replica, spec), None
        super()._maybe_symbolic_build(iterator=iterator, data_batch=data_batch)

    def compile_from_config(self, config):
        """Compile as the saved model was; Keras leaves this to models that have a `compile` of their own."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.built:
            self.optimizer.build(self.trainable_variables)

    def export(self, filepath, format="tf_saved_model", verbose=None, **kwargs):
        """As `keras.Model.export`; the files are those of `ks.export.saved_model` and `ks.export.tflite`."""
        return export.export(self, filepath, format, verbose=verbose, **kwargs)

    def save(self, filepath, overwrite=True, zipped=None, **kwargs):
        """As `keras.Model.save`; a `.keras` file is put in place when it is whole."""
        saving.save_whole(super().save, filepath, overwrite, zipped, **kwargs)


def _of_one_replica(spec):
    """What a dataset that is distributed already gives to a replica; the spec of another dataset as it is."""
    return spec if hasattr(spec, "shape") else tf.nest.flatten(spec, expand_composites=True)[0]
