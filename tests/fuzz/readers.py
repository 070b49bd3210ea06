"""All readers of the package, by name."""

import tensorflow as tf

from tests.fuzz import model_readers, picture_readers, record_readers, text_readers

tf.config.threading.set_intra_op_parallelism_threads(1)  # more workers are more use than more threads
tf.config.threading.set_inter_op_parallelism_threads(1)

READERS = {
    reader.name: reader
    for part in (model_readers, text_readers, picture_readers, record_readers)
    for reader in part.READERS
}
