"""The options of a training script that say on what it trains."""

import argparse
import contextlib
from pathlib import Path

import tensorflow as tf

from keras_seqcv.distribution.cluster import is_chief
from keras_seqcv.distribution.strategies import NAMES, strategy


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give a script the options `--strategy` and `--devices`, for `scope_of`.

    Args:
        parser: of the script.

    Example:

    >>> import argparse
    >>> parser = argparse.ArgumentParser()
    >>> ks.distribution.add_arguments(parser)
    >>> parser.parse_args(["--strategy", "mirrored", "--devices", "2"])
    Namespace(strategy='mirrored', devices=2)
    """
    several = "mirrored: all GPUs of this machine; multiworker: the processes that TF_CONFIG names"
    parser.add_argument("--strategy", default="none", choices=NAMES, help=several)
    parser.add_argument(
        "--devices", type=int, help="of mirrored, how many; without GPUs the CPU is divided into so many"
    )


def scope_of(args: argparse.Namespace) -> contextlib.AbstractContextManager:
    """The scope in which a script does its work, by its options; it is entered before any model is made.

    Every worker does the same work. The chief writes to the folder `args.out`; what is written by another worker goes
    to a folder of its own in it, to which `args.out` is set.

    Args:
        args: with `strategy`, `devices`, and, if files are written, `out`, a path.

    Returns:
        A context manager; `with` gives the strategy.

    Raises:
        ValueError: as `strategy`.

    Example:

    >>> import argparse
    >>> args = argparse.Namespace(strategy="none", devices=None, out="runs")
    >>> with ks.distribution.scope_of(args) as strategy:
    ...     model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> strategy.num_replicas_in_sync, args.out
    (1, 'runs')
    """
    chosen = strategy(args.strategy, args.devices)
    if getattr(args, "out", None) is not None:
        args.out = own_folder(args.out, chosen)
    return _scope(chosen)


@contextlib.contextmanager
def _scope(chosen):
    with chosen.scope():
        yield chosen


def own_folder(folder, strategy: tf.distribute.Strategy | None = None):
    """Where this process writes: the folder itself for the chief, `worker_1`, `worker_2` ... in it for the others.

    Args:
        folder: str or path. strategy: a strategy; None: the one in whose scope this is called.

    Returns:
        The folder as it was given, or a `pathlib.Path`.

    Example:

    >>> ks.distribution.own_folder("runs/translation")
    'runs/translation'
    """
    if is_chief(strategy):
        return folder
    resolver = (strategy or tf.distribute.get_strategy()).cluster_resolver
    return Path(folder) / f"{resolver.task_type}_{resolver.task_id}"
