"""How well units say what a probe says.

Legend: N steps, U units, K probes.
"""

import numpy as np

_BINS = 8


class Correlation:
    """Pearson's r of each unit with each probe."""

    by_unit = True

    def fit(self, units, probes) -> None:
        pass

    def __call__(self, units, probes) -> np.ndarray:
        """Units (N, U), probes (N, K) -> (U, K), 0 for a unit or a probe that does not change."""
        return _standard(units).T @ _standard(probes) / np.float32(len(units))


class MutualInformation:
    """I(a; b) = sum p(a, b) log p(a, b) / (p(a) p(b)) in nats, of a unit and a probe in eight bins each.

    The edges of the bins are quantiles of what it is fitted to; a probe of fewer values has a bin for each. An estimate
    of N steps is too large by about (bins of a - 1)(bins of b - 1) / 2N; that of a control is so as well.
    """

    by_unit = True

    def fit(self, units, probes) -> None:
        """Units (N, U), a probe and its controls (N, K)."""
        self.edges = np.quantile(units, np.arange(1, _BINS) / _BINS, axis=0)  # (7, U)
        self.probe_edges = _edges(probes[:, 0])  # the others have the same values, elsewhere

    def __call__(self, units, probes) -> np.ndarray:
        """Units (N, U), probes (N, K) -> (U, K)."""
        bins = np.arange(len(self.probe_edges) + 1)
        hot = (np.digitize(probes, self.probe_edges)[..., None] == bins).reshape(len(probes), -1).astype("float32")
        above = np.stack([(units > edge).astype("float32").T @ hot for edge in self.edges])  # (7, U, bins)
        everything = np.broadcast_to(hot.sum(0), (1, *above.shape[1:]))
        joint = -np.diff(np.concatenate([everything, above, 0 * everything]), axis=0)  # (8, U, bins)
        joint = joint.transpose(1, 2, 0) / len(units)
        return np.stack([_information(part) for part in np.split(joint, probes.shape[1], axis=1)], axis=1)


class LinearProbe:
    """A ridge regression from all units to each probe: R^2 on what it is held against; of a probe of 0 and 1 the AUC.

    w = argmin |X w - y|^2 + ridge N |w|^2 with units and probes standardised as the fitted ones are.
    """

    by_unit = False
    ridge = 1e-3

    def fit(self, units, probes) -> None:
        self.mean, self.scale = units.mean(0), _scale(units)
        x = (units - self.mean) / self.scale
        gram = (x.T @ x / len(x)).astype("float64") + self.ridge * np.eye(x.shape[1])
        self.offset = probes.mean(0)
        self.weights = np.linalg.solve(gram, x.T @ (probes - self.offset) / len(x))  # (U, K)

    def __call__(self, units, probes) -> np.ndarray:
        """Units (N, U), the first K of the probes that it was fitted to (N, K) -> (1, K)."""
        k = probes.shape[1]
        said = ((units - self.mean) / self.scale) @ self.weights[:, :k] + self.offset[:k]
        pairs = zip(said.T, probes.T, strict=True)
        return np.array([[area_under_curve(a, b) if is_binary(b) else _explained(a, b) for a, b in pairs]])


SCORES = {"correlation": Correlation, "mutual_information": MutualInformation, "linear": LinearProbe}


def is_binary(probe) -> bool:
    """Whether a probe is 0 and 1 alone."""
    return bool(np.isin(probe, (0, 1)).all())


def area_under_curve(values, truth) -> float:
    """The share of pairs, one step with 1 and one with 0, of which the first has the larger value; 1/2 for a tie.

    Example:
        >>> from keras_seqcv.inspection.cell_scores import area_under_curve
        >>> area_under_curve(np.array([0.1, 0.4, 0.4, 0.8]), np.array([0, 0, 1, 1]))
        0.875
    """
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]  # from one, the mean of equal ones
    ones = truth > 0
    positive, negative = int(ones.sum()), int((~ones).sum())
    return float((rank[ones].sum() - positive * (positive + 1) / 2) / (positive * negative))


def best_threshold(values, truth) -> tuple[float, int]:
    """The threshold, and the direction 1 | -1, by which values (N,) tell 0 from 1 best: see `balanced_accuracy`."""
    order = np.argsort(values, kind="stable")
    ones = truth[order] > 0
    below = np.cumsum(ones) / ones.sum() - np.cumsum(~ones) / (~ones).sum()  # of the ones, less of the zeros, so far
    ends = np.flatnonzero(np.diff(values[order], append=np.inf))  # equal values lie on one side
    best = ends[np.argmax(np.abs(below[ends]))]
    return float(values[order[best]]), 1 if below[best] < 0 else -1


def balanced_accuracy(values, truth, threshold: float, direction: int) -> float:
    """The mean of the shares of ones and of zeros that are told right: 1/2 without any knowledge."""
    said = (values > threshold) == (direction > 0)
    ones = truth > 0
    return float((said[ones].mean() + (~said[~ones]).mean()) / 2)


def _standard(a) -> np.ndarray:
    return ((a - a.mean(0)) / _scale(a)).astype("float32")


def _scale(a) -> np.ndarray:
    scale = a.std(0, dtype="float64").astype(a.dtype)
    return np.where(scale > 1e-7, scale, np.inf)  # one that does not change says nothing


def _edges(column) -> np.ndarray:
    found = np.unique(column)
    return np.unique(np.quantile(column, np.arange(1, _BINS) / _BINS)) if len(found) > _BINS else found[1:]


def _information(joint) -> np.ndarray:
    """Shares (U, Q, B) -> nats (U,)."""
    apart = joint.sum(1, keepdims=True) * joint.sum(2, keepdims=True)
    ratio = np.divide(joint, apart, out=np.ones_like(joint), where=joint > 0)
    return (joint * np.log(ratio)).sum((1, 2))


def _explained(said, truth) -> float:
    return float(1 - ((truth - said) ** 2).mean() / truth.var())
