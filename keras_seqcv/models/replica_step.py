"""A step of `fit` and `evaluate` on one of several replicas, which together do what one device does with all rows.

Keras takes the mean over the replicas of the means over their rows. That is the mean over all rows only where each
replica has as many rows, and where words are counted, as many words.
"""

import keras
import tensorflow as tf

from keras_seqcv.distribution import share


def several(model) -> bool:
    """Whether a model is trained by more than one replica."""
    return model.distribute_strategy.num_replicas_in_sync > 1


def rows_of(*data):
    """How many rows there are in a structure of tensors, of which some may be None."""
    return tf.shape(next(part for part in tf.nest.flatten(data) if part is not None))[0]


def part_of_loss(model, loss, y_pred, sample_weight):
    """This replica's part of the loss of a whole batch, from what `keras.Model.compute_loss` makes of its own rows.

    Of the compiled loss it goes by what that is a mean of: rows, or their weights. What layers add is a mean over rows.

    Args:
        model: a compiled model.
        loss: scalar; Keras has divided it by the number of replicas, where it is a mean.
        y_pred, sample_weight: as of `compute_loss`.
    """
    loss = tf.reduce_sum(loss)  # Keras leaves it as it is where eagerly there are no rows
    replicas = tf.cast(model.distribute_strategy.num_replicas_in_sync, loss.dtype)
    added = tf.add_n([tf.zeros_like(loss), *(tf.reduce_sum(tf.cast(a, loss.dtype)) for a in model.losses)])
    of_rows = tf.cast(share(rows_of(y_pred)), loss.dtype)
    reduction = getattr(model.loss, "reduction", None)
    if reduction == "sum":
        own = loss - added / replicas
    elif reduction == "mean_with_sample_weight" and sample_weight is not None:
        own = (loss * replicas - added) * tf.cast(share(tf.reduce_sum(sample_weight)), loss.dtype)
    else:
        own = (loss * replicas - added) * of_rows
    # A mean over no rows is no number, and no part of anything.
    return own + tf.math.multiply_no_nan(added, of_rows)


def measure_loss(model, part, rows):
    """Tell the metric "loss" of a step: over an epoch it is the mean over all rows, as on one device."""
    whole = tf.math.divide_no_nan(part, tf.cast(share(rows), part.dtype))  # the sum of the parts, as each weighs it
    for metric in model.metrics:
        if metric.name == "loss":
            metric.update_state(whole, sample_weight=rows)


def train_step(model, data):
    """`keras.Model.train_step` of a model whose `compute_loss` gives a part."""
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    with tf.GradientTape() as tape:
        y_pred = model(x, training=True)
        loss = model.compute_loss(x, y, y_pred, sample_weight, training=True)
        scaled = model.optimizer.scale_loss(loss)
    variables = model.trainable_variables
    model.optimizer.apply_gradients(zip(tape.gradient(scaled, variables), variables, strict=True))
    measure_loss(model, loss, rows_of(x))
    return model.compute_metrics(x, y, y_pred, sample_weight=sample_weight)


def test_step(model, data):
    """`keras.Model.test_step` of a model whose `compute_loss` gives a part."""
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    y_pred = model(x, training=False)
    loss = model.compute_loss(x, y, y_pred, sample_weight, training=False)
    measure_loss(model, loss, rows_of(x))
    return model.compute_metrics(x, y, y_pred, sample_weight=sample_weight)
