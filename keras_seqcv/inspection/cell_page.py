"""A text coloured by what the units of a network do, as a page to play with."""

import base64
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from keras_seqcv.inspection.cell_page_script import SCRIPT, STYLE
from keras_seqcv.inspection.find_cells import Cell, probe_values
from keras_seqcv.inspection.page import make_page, write_page
from keras_seqcv.inspection.recording import Recording

_STATES = ("hidden", "cell")

_BODY = """<div class="bar">
<label>layer <select class="layer"></select></label>
<label>state <select class="state"></select></label>
<div class="field">unit <span class="unit"><button type="button" class="less" aria-label="unit before">◀</button><input
 class="number" type="number" min="0" value="0" aria-label="unit"><button type="button" class="more"
 aria-label="next unit">▶</button></span></div>
<label>underlined <select class="probe"></select></label>
<div class="legend" aria-hidden="true"><i></i><span><b>−1</b><b>0</b><b>+1</b></span></div>
<p class="told" aria-live="polite"></p>
</div>
<div class="both">
<div class="text"><canvas aria-hidden="true"></canvas><div class="words" tabindex="0" role="textbox"
 aria-readonly="true" aria-multiline="true" aria-label="the text that was read"></div></div>
<div class="side">
<section class="ranked"><h2></h2><p></p><ol></ol></section>
<section class="searched"><h2>Units by example</h2><p></p><ol></ol></section>
</div>
</div>
<p class="hint">[ and ] go from unit to unit. In the text the arrow keys move a mark, and with the shift key they
select. A unit is blue below zero and red above; one that goes beyond one is divided by its largest size.</p>"""


def cell_page(
    recording: Recording,
    path: str | os.PathLike,
    probes: Mapping | None = None,
    cells: Sequence[Cell] = (),
    states: Sequence[str] | None = None,
    first: int = 0,
    last: int | None = None,
    title: str = "What units do",
) -> Path:
    """Write a page that shows a text coloured by a unit's value, -1 blue to 1 red, for any unit of any layer.

    It is one HTML file that needs nothing else, neither a network nor this package. A probe can be underlined, and the
    units that go with it are listed; select a stretch of the text with the mouse or by keys, and the page lists the
    units that stay on over it and off around it.

    Values are kept in steps of 1/127; a unit that goes beyond -1 or 1, as an LSTM's cell does, is divided by its
    largest size. Of a cell the page also shows the tanh. 10,000 tokens of 512 units take 6.9 MB for each state.

    Args:
        recording: what `record` gives.
        path: where the HTML file goes.
        probes: name -> function of the text or array (N,), as in `find_cells`; the first is shown first.
        cells: what `find_cells` gives for these probes. Without, the page ranks units by correlation in its text.
        states: names of the states and gates to choose from. Default: those of "hidden" and "cell" that a layer has.
        first, last: the steps that are shown. Default: all.
        title: heading of the page.

    Returns:
        The path.

    Raises:
        TypeError, ValueError: for an argument that is not as above.
        OSError: the file cannot be written; it names the file.

    Example:

    >>> model = ks.models.LanguageModel(ks.data.Characters("to be"), layers=1, units=4)
    >>> recording = ks.inspection.record(model, "to be to be")
    >>> ks.inspection.cell_page(recording, "cells.html", {"word": ks.inspection.probes.inside_word}).name
    'cells.html'

    Reference:
        Karpathy, Johnson, Fei-Fei, arXiv 1506.02078, 2015. Selection: Strobelt et al., LSTMVis, arXiv 1606.07461, 2016.
    """
    if not isinstance(title, str):
        raise TypeError(f"title: expected a str, received {type(title).__name__}")
    count = len(recording.tokens)
    last = count if last is None else last
    if not (isinstance(first, int) and isinstance(last, int) and 0 <= first < last <= count):
        raise ValueError(f"first, last: expected 0 <= first < last <= {count}, received {first!r}, {last!r}")
    layers = _layers(recording, states, first, last)
    named = probe_values(recording, probes) if probes else {}
    _check_cells(cells, layers, named)
    chances = recording.probability
    data = {
        "tokens": recording.tokens[first:last],
        "layers": layers,
        "probes": [_probe(name, values[first:last], cells, layers) for name, values in named.items()],
        "probability": None if chances is None else _text(np.nan_to_num(chances[first:last]) * 255, "uint8"),
    }
    return write_page(path, make_page(title, _BODY, STYLE, SCRIPT, data))


def _layers(recording, states, first, last) -> list:
    found = []
    for layer, known in recording.layers.items():
        wanted = [state for state in _STATES if state in known] if states is None else list(states)
        if not wanted or set(wanted) - set(known):
            raise ValueError(f"states: expected some of {list(known)}, which {layer!r} has, received {states!r}")
        found.append({"name": layer, "states": [_state(known[state], state, first, last) for state in wanted]})
    return found


def _state(array, name, first, last) -> dict:
    values = np.asarray(array[first:last], "float32")
    scales = np.maximum(1, np.abs(values).max(0))  # (U,)
    return {
        "name": name,
        "units": values.shape[1],
        "scales": [round(float(scale), 4) for scale in scales],
        "values": _text((values / scales).T * 127, "int8"),  # all steps of a unit lie together
    }


def _probe(name, values, cells, layers) -> dict:
    low, high = values.min(), values.max()
    places = {layer["name"]: (k, [state["name"] for state in layer["states"]]) for k, layer in enumerate(layers)}
    own = [cell for cell in cells if cell.probe == name and cell.unit is not None]
    return {
        "name": name,
        "values": _text((values - low) / (high - low if high > low else 1) * 255, "uint8"),
        "cells": [
            {
                "layer": places[cell.layer][0],
                "state": places[cell.layer][1].index(cell.state),
                "unit": cell.unit,
                "held_out": cell.held_out,
                "control": cell.control,
            }
            for cell in own
        ],
    }


def _check_cells(cells, layers, named) -> None:
    known = {(layer["name"], state["name"]): state["units"] for layer in layers for state in layer["states"]}
    for cell in cells:
        if not isinstance(cell, Cell):
            raise TypeError(f"cells: expected what `find_cells` gives, received {type(cell).__name__}")
        units = known.get((cell.layer, cell.state), 0)
        if cell.unit is not None and not (cell.probe in named and 0 <= cell.unit < units):
            raise ValueError(f"cells: expected of the probes {list(named)} and of {list(known)}, received {cell}")


def _text(values, kind) -> str:
    return base64.b64encode(np.round(values).astype(kind).tobytes()).decode()
