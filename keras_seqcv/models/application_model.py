"""What all application models share: files that are whole or not there, exports, and compilation from a file."""

import keras
import tensorflow as tf

from keras_seqcv import export
from keras_seqcv.models import saving


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
        shuffle = not isinstance(x, tf.data.Dataset) if shuffle is None else shuffle
        return super().fit(x, y, *args, shuffle=shuffle, **kwargs)

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
