"""The rows of each batch, shared by replicas.

`tf.data` shares whole files or every n-th element. Elements here are batches, and row i of a stream must come back to
the replica that keeps the state of row i, so each replica is given its part of every batch.
"""

import tensorflow as tf


def split_rows(dataset: tf.data.Dataset, parts: int, own: range | None = None) -> tf.data.Dataset:
    """Cut every batch into `parts` parts that are as equal as can be, one after the other.

    Of a batch of n rows, part i has those from ceil(i n / parts) to ceil((i + 1) n / parts), which may be none.

    Args:
        dataset: of batches: of tensors, or structures of them, that have the rows in front.
        parts: int >= 1, of each batch.
        own: which of them are kept; None: all.

    Returns:
        A dataset with `len(own)` elements for each batch.

    Raises:
        ValueError: for parts that are not there, and for elements without rows.

    Example:

    >>> whole = tf.data.Dataset.range(7).batch(5)
    >>> [rows.numpy().tolist() for rows in ks.distribution.split_rows(whole, 2)]
    [[0, 1, 2], [3, 4], [5], [6]]
    >>> [rows.numpy().tolist() for rows in ks.distribution.split_rows(whole, 2, range(1, 2))]
    [[3, 4], [6]]
    """
    own = range(parts) if own is None else own
    if not own or own[0] < 0 or own[-1] >= parts:
        raise ValueError(f"own: expected some of the parts 0 ... {parts - 1}, received {own}")
    for spec in tf.nest.flatten(dataset.element_spec):
        if spec.shape.rank == 0:
            raise ValueError(f"dataset: expected batches, whose rows can be shared; received elements with {spec}")
    if parts == 1:
        return dataset
    if len(own) == 1:
        return dataset.map(lambda *batch: _part(batch, own[0], parts), num_parallel_calls=1)

    def pieces(*batch):
        return tf.data.Dataset.range(own[0], own[-1] + 1).map(lambda i: _part(batch, tf.cast(i, tf.int32), parts))

    split, count = dataset.flat_map(pieces), dataset.cardinality()
    if count >= 0:
        split = split.apply(tf.data.experimental.assert_cardinality(count * len(own)))
    return split


def _part(batch, i, parts):
    """Part i of a batch, the arguments of a function that a dataset is mapped with."""
    rows = _count(tf.nest.flatten(batch)[0])
    first, last = -(-i * rows // parts), -(-(i + 1) * rows // parts)
    cut = tf.nest.map_structure(lambda whole: _cut(whole, first, last, parts), batch)
    return cut[0] if len(cut) == 1 else cut


def _count(whole):
    return whole.nrows(tf.int32) if isinstance(whole, tf.RaggedTensor) else tf.shape(whole, tf.int32)[0]


def _cut(whole, first, last, parts):
    if isinstance(whole, tf.SparseTensor):
        shape = tf.cast(tf.shape(whole), tf.int64)
        start = tf.concat([[tf.cast(first, tf.int64)], tf.zeros_like(shape[1:])], 0)
        return tf.sparse.slice(whole, start, tf.concat([[tf.cast(last - first, tf.int64)], shape[1:]], 0))
    cut = whole[first:last]
    if not isinstance(whole, tf.RaggedTensor) and whole.shape[0] is not None and whole.shape[0] % parts == 0:
        cut = tf.ensure_shape(cut, (whole.shape[0] // parts, *whole.shape[1:]))
    return cut
