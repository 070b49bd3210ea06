"""More devices and more workers: strategies of `tf.distribute` that share the rows of each batch, not the batches."""

from keras_seqcv.distribution.cluster import Worker, is_chief, worker_of
from keras_seqcv.distribution.command_line import add_arguments, own_folder, scope_of
from keras_seqcv.distribution.parts import rows_of_batch, share, total
from keras_seqcv.distribution.rows import split_rows
from keras_seqcv.distribution.strategies import MirroredStrategy, MultiWorkerMirroredStrategy, strategy

__all__ = [
    "MirroredStrategy",
    "MultiWorkerMirroredStrategy",
    "Worker",
    "add_arguments",
    "is_chief",
    "own_folder",
    "rows_of_batch",
    "scope_of",
    "share",
    "split_rows",
    "strategy",
    "total",
    "worker_of",
]
