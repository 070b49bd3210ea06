"""What layers and models need to know of the replica that they are called on."""

import concurrent.futures
import contextvars
from collections.abc import Callable

import tensorflow as tf


def this_replica() -> tf.distribute.ReplicaContext | None:
    """The replica that is being run or traced, where there are others; else None."""
    context = tf.distribute.get_replica_context()
    return context if context is not None and context.num_replicas_in_sync > 1 else None


def own_seed(seed):
    """A seed for this replica alone, int32, of one that all replicas have."""
    context = this_replica()
    return (
        seed if context is None else tf.bitwise.bitwise_xor(seed, tf.cast(context.replica_id_in_sync_group, tf.int32))
    )


def meet() -> None:
    """Let the replicas of this process come to the same place before any goes on.

    Keras keeps what layers add to the loss in a list of the layer, which all replicas of a process share and which
    each empties when it calls the model. Behind this no replica empties it any more.
    """
    context = this_replica()
    if context is not None:
        context.merge_call(lambda strategy: None)


def of_replica(loss):
    """A loss for `Layer.add_loss`, marked as this replica's."""
    context = this_replica()
    if context is not None:
        loss._replica = context
    return loss


def own_losses(losses: list) -> list:
    """Of the losses of a model's layers, those that no other replica has added."""
    context = this_replica()
    return [loss for loss in losses if getattr(loss, "_replica", context) is context]


def with_a_row(function: Callable, inputs):
    """Call a function of a batch with one row at least, also on a replica that has none; the result has no more rows.

    TensorFlow's convolution on a CPU gives a wrong shape where there are no rows (2.21, with oneDNN).

    Args:
        function: from a tensor of rows to another.
        inputs: (B, ...).
    """
    if this_replica() is None:
        return function(inputs)
    rows = tf.shape(inputs)[0]
    missing = tf.pad([[0, tf.maximum(1 - rows, 0)]], [[0, len(inputs.shape) - 1], [0, 0]])
    return function(tf.pad(inputs, missing))[:rows]


def check_rows(inputs) -> None:
    """Raise `InvalidArgumentError` where a replica has no rows: a network with statistics of its batch needs some."""
    if this_replica() is not None:
        reason = "a batch has fewer rows than there are replicas; batch normalization needs one on each in training"
        tf.debugging.assert_positive(tf.shape(inputs)[0], reason)


def outside(function: Callable, *args):
    """Call a function as where no strategy is in use: the scope of one holds for the thread that has entered it.

    What is loaded inside a scope belongs to the strategy, and a loaded SavedModel then runs on its replicas alone.
    """
    if not tf.distribute.has_strategy():
        return function(*args)
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        return thread.submit(contextvars.copy_context().run, function, *args).result()
