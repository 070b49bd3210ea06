"""`find_cells`: which units do what a probe does, on text that they were not chosen on."""

import dataclasses
import logging
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from keras_seqcv.inspection.cell_scores import SCORES, balanced_accuracy, best_threshold, is_binary
from keras_seqcv.inspection.recording import Recording

_logger = logging.getLogger("keras_seqcv")
_STATES = ("hidden", "cell")


@dataclasses.dataclass(frozen=True)
class Cell:
    """A unit, or all units of a layer, beside a probe.

    Args:
        probe, layer, state: names. unit: its number; None for all units of the layer, of a linear probe.
        score: on the text that it was chosen on, by which the list is ranked.
        held_out: the same score on the text that was held out; a correlation has a sign.
        control: on the held-out text, the largest score that any unit has with any of the shifted probes.
        accuracy: of a probe of 0 and 1, the mean of the shares of ones and of zeros that a threshold tells right on
            the held-out text, 1/2 without any knowledge; the threshold is the best one of the text before. Else None.

    Example:
        >>> ks.inspection.Cell("inside_quotes", "lstm_0", "hidden", 5, -0.91, -0.9, 0.2, 0.97).unit
        5
    """

    probe: str
    layer: str
    state: str
    unit: int | None
    score: float
    held_out: float
    control: float
    accuracy: float | None


def find_cells(
    recording: Recording,
    probes: Mapping[str, Callable | np.ndarray],
    score: str = "correlation",
    held_out: float = 0.3,
    controls: int = 20,
    top: int = 5,
    layers: Sequence[str] | None = None,
    states: Sequence[str] | None = None,
    seed: int = 0,
) -> list[Cell]:
    """Rank the units of all layers by what they have to do with each probe.

    A unit is chosen on the first part of the recording and scored again on the last part, which is held out. The best
    of many units has a good score by chance alone, more so with a probe that changes slowly. So the probe is also moved
    along the text by a tenth of it or more, what leaves its end coming in at its beginning, which keeps all about it
    but its place: the control is the largest score of any unit on the held-out text, over all these moves. (A linear
    probe is fitted to each of them anew.)

        correlation         Pearson's r of a unit and the probe
        mutual_information  of both in eight bins, in nats: any relation, not only a straight one
        linear              from all units of a layer by ridge regression: R^2, or the area under the ROC curve of a
                            probe of 0 and 1

    Args:
        recording: what `record` gives.
        probes: name -> function of the text (see `probes`), or an array (N,) with a number for each token.
        score: "correlation" | "mutual_information" | "linear".
        held_out: share of the recording, in (0, 1), at its end.
        controls: int >= 1, how many moves.
        top: int >= 1, how many units of each probe are in the list.
        layers: names of the layers that are looked at. Default: all.
        states: names of the states. Default: those of "hidden" and "cell" that a layer has.
        seed: int, of the moves.

    Returns:
        List of `Cell`, the largest score (its size) first. A probe that is the same all over one of the parts is left
        out, with a warning in the log.

    Raises:
        TypeError, ValueError: for an argument that is not as above, and if no probe is left.

    Example:

    >>> model = ks.models.LanguageModel(ks.data.Characters("ab c\\n"), layers=1, units=8)
    >>> recording = ks.inspection.record(model, "ab c\\n" * 20)
    >>> cells = ks.inspection.find_cells(recording, ks.inspection.probes.PROSE, top=1)
    >>> sorted(cell.probe for cell in cells)
    ['distance_to_newline', 'inside_word', 'line_position']
    >>> abs(cells[0].score) >= abs(cells[-1].score) and abs(cells[0].held_out) <= 1
    True

    Reference:
        Karpathy, Johnson, Fei-Fei, arXiv 1506.02078, 2015, found such units by looking. Linear probes: Alain, Bengio,
        arXiv 1610.01644, 2016. Controls: Hewitt, Liang, arXiv 1909.03368, 2019.
    """
    _check(score, held_out, controls, top)
    border = round(len(recording.tokens) * (1 - held_out))
    if min(border, len(recording.tokens) - border) < 2:
        raise ValueError(f"held_out: two parts of {len(recording.tokens)} steps are too short with {held_out}")
    named = _varying(probe_values(recording, probes), border)
    moves = np.random.default_rng(seed).uniform(0.1, 0.9, controls)
    found = []
    for layer, state in _pairs(recording, layers, states):
        values = recording.values(layer, state)
        for name, probe in named.items():
            cells = _ranked(SCORES[score](), values, probe, border, moves, top)
            found += [Cell(name, layer, state, *numbers) for numbers in cells]
    found.sort(key=lambda cell: -abs(cell.score))
    kept = {name: [cell for cell in found if cell.probe == name][:top] for name in named}
    return [cell for cell in found if cell in kept[cell.probe]]


def probe_values(recording: Recording, probes) -> dict:
    """Name -> (N,) float64, what each probe is behind each token of a recording.

    Example:
        >>> from keras_seqcv.inspection.find_cells import probe_values
        >>> recording = ks.inspection.Recording(["to", " be"], {}, None)
        >>> probe_values(recording, {"line": ks.inspection.probes.line_position})["line"]
        array([2., 5.])
    """
    if not isinstance(probes, Mapping) or not probes:
        raise TypeError(f"probes: expected a dict of names and functions, received {type(probes).__name__}")
    text, found = recording.text, {}
    ends = np.cumsum([len(token) for token in recording.tokens]) - 1
    for name, probe in probes.items():
        values = np.asarray(probe(text) if callable(probe) else probe, "float64")
        wanted = (len(text),) if callable(probe) else (len(recording.tokens),)
        if values.shape != wanted or not np.isfinite(values).all():
            raise ValueError(f"probes: {name!r}: expected finite numbers {wanted}, received shape {values.shape}")
        found[name] = values[np.maximum(ends, 0)] if callable(probe) else values
    return found


def _ranked(score, values, probe, border, moves, top) -> list:
    """(unit, score, held out, control, accuracy) of the best units, values (N, U), with one probe (N,)."""
    first, last = values[:border], values[border:]
    begun, moved = _moved(probe[:border], moves), _moved(probe[border:], moves)
    score.fit(first, begun)
    chosen, (held, *controls) = score(first, begun[:, :1])[:, 0], score(last, moved).T
    if not score.by_unit:
        return [(None, float(chosen[0]), float(held[0]), float(np.max(controls)), None)]
    control = float(np.max(np.abs(controls)))
    best = np.argsort(-np.abs(chosen), kind="stable")[:top]
    accuracies = [_accuracy(first[:, u], last[:, u], probe, border) for u in best]
    return [(int(u), float(chosen[u]), float(held[u]), control, a) for u, a in zip(best, accuracies, strict=True)]


def _accuracy(first, last, probe, border) -> float | None:
    if not is_binary(probe):
        return None
    return balanced_accuracy(last, probe[border:], *best_threshold(first, probe[:border]))


def _moved(probe, moves) -> np.ndarray:
    """The probe (N,), and beside it the probe moved by these shares of its length, (N, 1 + controls)."""
    return np.stack([probe, *(np.roll(probe, max(1, round(move * len(probe)))) for move in moves)], axis=1)


def _varying(named, border) -> dict:
    kept = {}
    for name, probe in named.items():
        if min(np.ptp(probe[:border]), np.ptp(probe[border:])) > 0:
            kept[name] = probe
        else:
            _logger.warning("find_cells: %s is the same all over a part of the text, and is left out", name)
    if not kept:
        raise ValueError(f"probes: each of {list(named)} is the same all over a part of the text")
    return kept


def _pairs(recording, layers, states) -> list:
    """All (layer, state) that are looked at."""
    pairs = []
    for layer in recording.layers if layers is None else layers:
        known = list(recording.layers.get(layer, ()))
        wanted = [state for state in _STATES if state in known] if states is None else list(states)
        if not known or set(wanted) - set(known):
            known = {name: list(of) for name, of in recording.layers.items()}
            raise ValueError(f"layers, states: expected of {known}, received {layer!r}, {wanted}")
        pairs += [(layer, state) for state in wanted]
    return pairs


def _check(score, held_out, controls, top) -> None:
    if score not in SCORES:
        raise ValueError(f"score: expected one of {list(SCORES)}, received {score!r}")
    if isinstance(held_out, bool) or not isinstance(held_out, (int, float)) or not 0 < held_out < 1:
        raise ValueError(f"held_out: expected a number in (0, 1), received {held_out!r}")
    for name, value in (("controls", controls), ("top", top)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{name}: expected an int >= 1, received {value!r}")
