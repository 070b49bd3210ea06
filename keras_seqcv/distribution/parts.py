"""What a replica adds to the results of a whole batch.

TensorFlow sums the gradients of the replicas. So what a replica derives its gradient from must be its part of the loss
of the whole batch, of which the parts are the sum. A mean over its own rows is not that: there may be fewer of them, or
fewer words in them, than another replica has.
"""

from collections.abc import Callable

import tensorflow as tf

from keras_seqcv.distribution.replicas import this_replica


def total(value):
    """The sum of a value over all replicas, inside a step that they run; elsewhere the value itself.

    No gradient goes through it.

    Args:
        value: tensor of any shape, the same on all replicas.

    Example:

    >>> float(ks.distribution.total(3.0))
    3.0
    """
    value = tf.stop_gradient(tf.convert_to_tensor(value))
    context = this_replica()
    return value if context is None else context.all_reduce(tf.distribute.ReduceOp.SUM, value)


def share(count):
    """What part of a whole batch this replica has, by a count of its rows, its words, or of what else there is.

    share = count / sum over replicas of count

    The mean over this replica's rows, times its share of the rows, is its part of the mean over all rows.

    Args:
        count: number or scalar tensor.

    Returns:
        float32 scalar tensor; 1 where there is one replica. 0 where all counts are.

    Example:

    >>> float(ks.distribution.share(5))
    1.0
    """
    if this_replica() is None:
        return tf.ones(())
    count = tf.cast(count, tf.float32)
    return tf.math.divide_no_nan(count, total(count))


def rows_of_batch(draw: Callable, rows):
    """Noise for this replica's rows: drawn for the whole batch and cut, it is what one device would draw for them.

    Args:
        draw: function from a number of rows to a tensor that has so many; with the same seed on all replicas.
        rows: int or int32 scalar tensor, of this replica.

    Returns:
        Tensor of `rows` rows.

    Example:

    >>> noise = ks.distribution.rows_of_batch(lambda rows: tf.random.stateless_normal((rows, 2), (1, 2)), 3)
    >>> noise.shape
    TensorShape([3, 2])
    """
    context = this_replica()
    if context is None:
        return draw(rows)
    replicas = context.num_replicas_in_sync
    counts = total(tf.one_hot(context.replica_id_in_sync_group, replicas, tf.cast(rows, tf.int32), 0, dtype=tf.int32))
    first = tf.reduce_sum(counts[: context.replica_id_in_sync_group])
    return draw(tf.reduce_sum(counts))[first : first + rows]
