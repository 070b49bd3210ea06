"""Strategies of `tf.distribute` under which Keras trains on shares of each batch's rows."""

import tensorflow as tf

from keras_seqcv.distribution.cluster import worker_of
from keras_seqcv.distribution.rows import split_rows

NAMES = ("none", "mirrored", "multiworker")


class _SharesRows:
    """For a `tf.distribute.Strategy`: what is distributed are the rows of each batch, not the batches."""

    def experimental_distribute_dataset(self, dataset, options=None):
        """As TensorFlow's; Keras calls it with all data. Each replica gets its part of each batch, see `split_rows`."""

        def own(context):
            each = context.num_replicas_in_sync // context.num_input_pipelines
            first = context.input_pipeline_id * each
            return split_rows(dataset, context.num_replicas_in_sync, range(first, first + each))

        return self.distribute_datasets_from_function(own, options)


class MirroredStrategy(_SharesRows, tf.distribute.MirroredStrategy):
    """`tf.distribute.MirroredStrategy`: one process, several devices; each has its rows of every batch.

    Args:
        devices, cross_device_ops: of the class of the same name.

    Example:

    >>> strategy = ks.distribution.MirroredStrategy(["CPU:0"])
    >>> with strategy.scope():
    ...     model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> strategy.num_replicas_in_sync
    1
    """


class MultiWorkerMirroredStrategy(_SharesRows, tf.distribute.MultiWorkerMirroredStrategy):
    """`tf.distribute.MultiWorkerMirroredStrategy`: several processes; each has its rows of every batch.

    All workers must make the same batches in the same order, of which each keeps its own rows: datasets of `ks.data`
    do, since they are shuffled by a seed. `Model.fit` of Keras works under this class; under TensorFlow's own it stops
    with an error (Keras 3.15).

    Args:
        cluster_resolver, communication_options: of the class of the same name.
    """

    def reduce(self, reduce_op, value, axis=None):
        """As TensorFlow's, of structures and of numbers too.

        Keras reduces a whole element of a dataset at once, before training begins, and the numbers of `fit`'s steps
        along an axis that they do not have.
        """
        flat = tf.nest.flatten(value)
        single = [super(MultiWorkerMirroredStrategy, self).reduce(reduce_op, v, _axis_of(v, axis)) for v in flat]
        return tf.nest.pack_sequence_as(value, single)


def _axis_of(value, axis):
    local = value.values[0] if isinstance(value, tf.distribute.DistributedValues) else tf.convert_to_tensor(value)
    return None if local.shape.rank == 0 else axis


def strategy(name: str = "none", devices: int | None = None) -> tf.distribute.Strategy:
    """A strategy to make a model under, in whose `scope()` `fit` and `evaluate` then work as ever.

    It is to be made before anything else of TensorFlow is used. Batch sizes are those of the whole batch, for all
    devices and workers together.

    Args:
        name: "none": one device. "mirrored": all GPUs of this machine. "multiworker": the processes that `TF_CONFIG`
            names, one of which this is.
        devices: of "mirrored", how many; None: all GPUs, or the CPU. On a machine without a GPU the CPU is divided
            into so many logical devices, which is for trying it out and not faster.

    Returns:
        A `tf.distribute.Strategy`.

    Raises:
        ValueError: for another name, for devices that are not there, for `devices` with another name, and for a
            `TF_CONFIG` that is missing or wrong.

    Example:

    >>> with ks.distribution.strategy("none").scope():
    ...     model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    """
    if name not in NAMES:
        raise ValueError(f"name: expected one of {NAMES}, received {name!r}")
    if devices is not None and name != "mirrored":
        raise ValueError(f'devices: expected None with {name!r}, it is for "mirrored"; received {devices!r}')
    if name == "mirrored":
        return MirroredStrategy(_devices(devices))
    if name == "multiworker":
        if worker_of().count == 1:
            raise ValueError(
                'TF_CONFIG: expected two workers at least, such as {"cluster": {"worker": ["10.0.0.1:2222", '
                '"10.0.0.2:2222"]}, "task": {"type": "worker", "index": 0}}; the environment names none or one'
            )
        return MultiWorkerMirroredStrategy()
    return tf.distribute.get_strategy()


def _devices(count):
    """Names of devices."""
    gpus = tf.config.list_physical_devices("GPU")
    if count is None:
        return [f"GPU:{k}" for k in range(len(gpus))] or ["CPU:0"]
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ValueError(f"devices: expected an int >= 1, received {count!r}")
    if gpus and count > len(gpus):
        raise ValueError(f"devices: {count} asked for, this machine has {len(gpus)} GPUs")
    if gpus:
        return [f"GPU:{k}" for k in range(count)]
    cpu = tf.config.list_physical_devices("CPU")[0]
    try:
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
    except RuntimeError as error:
        if len(tf.config.list_logical_devices("CPU")) < count:
            reason = "the CPU can be divided only before TensorFlow is used"
            raise ValueError(f"devices: {count} asked for, but {reason}") from error
    return [f"CPU:{k}" for k in range(count)]
