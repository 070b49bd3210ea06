"""Which rows of shards come together: a plan that is a function of a seed, made a piece at a time."""

import threading
from collections.abc import Callable

import numpy as np

from keras_seqcv.data.length_batches import LengthBatches

_KEPT = 2  # pieces that are remembered: one ends while the next begins


class ShardPlan:
    """The batches of an epoch of one worker, by number.

    A piece of an epoch is planned at a time, as `LengthBatches` does it: rows of about one length come together. With
    a `buffer` a piece is that many rows, which follow one another in shards that come in a new order. Without, it is
    the whole epoch.

    Args:
        rows_of: function from the number of a shard to its rows, int, rising.
        steps_of: function from rows to their padded lengths.
        shards: for each worker the numbers of its shards.
        worker: whose batches these are.
        batch_size: B.
        buffer: rows of a piece, a multiple of B; or None.
        shuffle: whether every epoch has a new order.

    Attributes:
        batches: how many; of every worker the same number. A worker with fewer rows than others has more of its
            batches smaller than B.

    Example:
        >>> from keras_seqcv.data.shard_plan import ShardPlan
        >>> options = {"shards": [[0], [1]], "batch_size": 2, "shuffle": False}
        >>> plans = [
        ...     ShardPlan(lambda shard: np.arange(shard, 9, 2), lambda rows: rows * 0 + 4, worker=worker, **options)
        ...     for worker in range(2)
        ... ]
        >>> [[plan.batch(seed=5, number=k)[0].tolist() for k in range(plan.batches)] for plan in plans]
        [[[0, 2], [4, 6], [8]], [[1], [3], [5, 7]]]
    """

    def __init__(
        self,
        rows_of: Callable,
        steps_of: Callable,
        shards: list[list[int]],
        worker: int,
        batch_size: int,
        buffer: int | None = None,
        shuffle: bool = True,
    ):
        self._rows_of, self._steps_of, self._shuffle = rows_of, steps_of, shuffle
        self._shards, self.batch_size = shards[worker], batch_size
        counts = [{shard: len(rows_of(shard)) for shard in some} for some in shards]
        totals = [sum(some.values()) for some in counts]
        self.rows, self._counts = totals[worker], counts[worker]
        self.batches = max(-(-total // batch_size) for total in totals)
        if min(totals) < self.batches:
            raise ValueError(
                f"the rows of the workers, {totals}, are too different for {self.batches} batches each; expected "
                "shards of about equally many rows, a number of them that the workers divide, or a larger `batch_size`"
            )
        self._buffer = min(buffer or self.rows, self.rows)
        self._ends = self._split()  # batches before the end of each piece
        self._made, self._lock = {}, threading.Lock()

    def _split(self) -> np.ndarray:
        """How many batches there are up to the end of each piece: more than needed where others have more."""
        lengths = [min(self._buffer, self.rows - first) for first in range(0, self.rows, self._buffer)]
        batches = [-(-length // self.batch_size) for length in lengths]
        left = self.batches - sum(batches)
        for k, length in enumerate(lengths):
            more = min(left, length - batches[k])
            batches[k], left = batches[k] + more, left - more
        return np.cumsum(batches)

    def batch(self, seed: int, number: int) -> tuple[np.ndarray, int]:
        """Returns the rows (b,) int of a batch of the epoch of this seed, b <= B, and a seed of its own."""
        piece = int(np.searchsorted(self._ends, number, side="right"))
        with self._lock:
            if (seed, piece) not in self._made:
                while len(self._made) >= _KEPT:
                    self._made.pop(next(iter(self._made)))
                self._made[seed, piece] = self._piece(seed, piece)
            batches, seeds = self._made[seed, piece]
        place = number - (self._ends[piece - 1] if piece else 0)
        return batches[place], int(seeds[place])

    def _piece(self, seed: int, piece: int) -> tuple[list[np.ndarray], np.ndarray]:
        chance = np.random.default_rng([seed, piece])
        rows = self._rows(seed, piece * self._buffer)
        local, seeds = LengthBatches(
            self._steps_of(rows), self.batch_size, self._shuffle, int(chance.integers(2**62))
        ).plan()
        batches = [rows[some[some >= 0]] for some in local]
        wanted = self._ends[piece] - (self._ends[piece - 1] if piece else 0)
        while len(batches) < wanted:
            largest = max(range(len(batches)), key=lambda k: len(batches[k]))
            half = len(batches[largest]) // 2
            batches[largest : largest + 1] = [batches[largest][:half], batches[largest][half:]]
        return batches, np.concatenate([seeds, chance.integers(2**63 - 1, size=len(batches) - len(seeds))])

    def _rows(self, seed: int, first: int) -> np.ndarray:
        """The rows of the piece that begins there: of shards in the order of this epoch."""
        order = np.random.default_rng(seed).permutation(self._shards) if self._shuffle else self._shards
        begin, found, last = 0, [], min(first + self._buffer, self.rows)
        for shard in order:
            end = begin + self._counts[shard]
            if begin < last and end > first:
                found.append(self._rows_of(shard)[max(first - begin, 0) : last - begin])
            begin = end
        rows = np.concatenate(found)
        return np.sort(rows) if self._buffer >= self.rows else rows  # whole, they are in the order of the set
