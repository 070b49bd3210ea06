"""`tf.data` of batches that are planned an epoch at a time and made by Python."""

import weakref
from collections.abc import Callable, Sequence

import tensorflow as tf

from keras_seqcv.data.epoch_seeds import epoch_seeds


def planned_dataset(
    part, count: int, batch_size: int, signature: Sequence[tf.TensorSpec], arrange: Callable, readers: int = 1
) -> tf.data.Dataset:
    """A dataset of `count` batches, planned anew every epoch.

    Args:
        part: has `plan(number)` -> rows (count, batch_size) int32 and seeds (count,) int64, the same whenever it is
            asked for that number, and `batch(rows, seed)` -> tuple of arrays as in `signature`. It lives as long as
            the dataset, or what is made of it.
        signature: of what `batch` returns.
        arrange: function from these tensors to an element.
        readers: how many batches are made at once.
    """
    weak = weakref.ref(part)  # TensorFlow never lets go of a Python function that was used in a graph

    def plan(number):
        return weak().plan(number)

    def batch(rows, seed):
        return weak().batch(rows, seed)

    @tf.autograph.experimental.do_not_convert
    def epoch(number):
        rows, seeds = tf.numpy_function(plan, [number], (tf.int32, tf.int64), stateful=False)
        rows = tf.ensure_shape(rows, (count, batch_size))
        return tf.data.Dataset.from_tensor_slices((rows, tf.ensure_shape(seeds, (count,))))

    @tf.autograph.experimental.do_not_convert
    def element(rows, seed):
        kinds = [spec.dtype for spec in signature]
        values = tf.numpy_function(batch, [rows, seed], kinds, stateful=False)
        return arrange(*(tf.ensure_shape(value, spec.shape) for value, spec in zip(values, signature, strict=True)))

    dataset = epoch_seeds(0).flat_map(epoch)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(count))
    return finished(dataset.map(element, num_parallel_calls=readers), part)


def finished(dataset: tf.data.Dataset, part) -> tf.data.Dataset:
    """The dataset with a batch ahead, as it is handed out; it holds `part`."""
    # An iterator that is tuned waits, when it goes, for a thread that sleeps longer and longer (TensorFlow 2.21).
    options = tf.data.Options()
    options.autotune.enabled = False
    dataset = dataset.prefetch(2).with_options(options)
    dataset._part = part  # iterators and derived datasets hold their dataset, which holds this
    return dataset
