"""Checks of what an exported function is given: they run in the graph, where no Python is."""

import functools
from collections.abc import Callable

import tensorflow as tf


def checked(tensors, *conditions):
    """Tensors that are there only where all conditions hold.

    Args:
        tensors: a tensor, or a structure of tensors: what is computed from the result is computed behind the checks.
        *conditions: tuples of a bool tensor, which must hold in all its entries, a text for the error, which names the
            input and says what is expected, and tensors that the error shows behind it.

    Returns:
        The same structure.

    Raises:
        tf.errors.InvalidArgumentError: where the graph runs.

    Example:

    >>> from keras_seqcv.request_checks import checked
    >>> double = tf.function(lambda n: 2 * checked(n, (n > 0, "n: expected a number from 1 on, received", n)))
    >>> int(double(tf.constant(3)))
    6
    >>> try:
    ...     double(tf.constant(-3))
    ... except tf.errors.InvalidArgumentError as error:
    ...     print("n: expected a number from 1 on, received] [-3]" in error.message)
    True
    """
    asserted = [tf.debugging.Assert(tf.reduce_all(holds), [text, *shown]) for holds, text, *shown in conditions]
    with tf.control_dependencies(asserted):
        return tf.nest.map_structure(tf.identity, tensors)


def within(ids, size: int, name: str):
    """Ids that must be those of a vocabulary of `size` pieces. An embedding or a table may take others in silence."""
    return checked(ids, ((ids >= 0) & (ids < size), f"{name}: expected ids from 0 to {size - 1}, received", ids))


def rows_checked(function: Callable, specs) -> Callable:
    """`function`, for inputs that have a row at least, and as many rows as one another, or one for all.

    Args:
        function: takes tensors.
        specs: the `tf.TensorSpec` of each, with its name; those with an open first axis have rows.
    """
    batched = [k for k, spec in enumerate(specs) if spec.shape.rank and spec.shape[0] is None]

    @functools.wraps(function)
    def behind_checks(*inputs):
        inputs = list(inputs)
        sizes = [tf.shape(inputs[k])[0] for k in batched]
        names = ", ".join(specs[k].name for k in batched)
        if sizes:
            most = functools.reduce(tf.maximum, sizes)
            conditions = [
                (size > 0, f"{specs[k].name}: expected one row at least, received none")
                for k, size in zip(batched, sizes, strict=True)
            ]
            if len(sizes) > 1:
                alike = tf.stack([(size == most) | (size == 1) for size in sizes])
                text = f"{names}: expected the same number of rows, or one for all, received"
                conditions.append((alike, text, tf.stack(sizes)))
            for k, tensor in zip(batched, checked([inputs[k] for k in batched], *conditions), strict=True):
                tensor.set_shape(specs[k].shape)
                inputs[k] = tensor
        return function(*inputs)

    return behind_checks
