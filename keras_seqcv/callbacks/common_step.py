"""Which checkpoint several workers go on from."""

from collections.abc import Iterable

import tensorflow as tf


def newest_of_all(candidates: Iterable[dict], most: int, strategy: tf.distribute.Strategy) -> dict | None:
    """The newest checkpoint that every worker has, or None.

    A worker that is killed while it writes lacks the checkpoint that the others have.

    Args:
        candidates: of this worker, the newest first; "total" is the number of its steps, "ended" whether it is the end.
        most: how many there can be.
        strategy: of the training.
    """
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.cluster_spec() or resolver.task_type is None:
        return next(iter(candidates), None)
    own = {2 * found["total"] + found["ended"]: found for found in candidates}
    keys = sorted(own, reverse=True)[:most]
    padded = tf.constant([keys + [-1] * (most - len(keys))], tf.int64)
    everywhere = strategy.gather(padded, axis=0).numpy()  # (workers, most)
    common = set(keys).intersection(*map(set, everywhere.tolist())) - {-1}
    return own[max(common)] if common else None
