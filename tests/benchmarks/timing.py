"""Timing of several functions in turn, and the Markdown table that shows what came out.

TensorFlow and PyTorch are not imported here: a process that measures memory must start without them.
"""

import argparse
import gc
import importlib.util
import json
import os
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from time import perf_counter

_TURN_SECONDS = 0.2
_MOST_CALLS = 1000


@dataclass(frozen=True)
class Comparison:
    """Seconds per unit of work: for every name one value a round."""

    seconds: dict[str, list[float]]

    def median(self, name: str) -> float:
        return statistics.median(self.seconds[name])

    def ratio(self, name: str, to: str = "ours") -> float | None:
        """How many times as long `name` takes as `to`: the median of the rounds' ratios. None for what was not timed.

        Machines get faster and slower within minutes; what runs in the same round has the same weather.
        """
        if name not in self.seconds or to not in self.seconds:
            return None
        return statistics.median(a / b for a, b in zip(self.seconds[name], self.seconds[to], strict=True))


def compare(
    functions: Mapping[str, Callable[[], object]],
    rounds: int = 7,
    inner: int | None = None,
    warmup: int = 2,
    work: Mapping[str, float] | None = None,
) -> Comparison:
    """Time functions in turn: a round is a turn of each, and every second round goes backwards.

    Args:
        functions: name -> function without arguments, which returns when its work is done.
        rounds: how many turns each function has, >= 1.
        inner: calls in a turn, of which the mean counts. None: as many as take a fifth of a second.
        warmup: calls before the first round, >= 1: what is traced and compiled does not count.
        work: name -> units of work (tokens, say) in a call. Default: 1, a call.

    Returns:
        The `Comparison`.

    Raises:
        ValueError: rounds, inner or warmup below 1.
    """
    for name, value in (("rounds", rounds), ("inner", inner), ("warmup", warmup)):
        if value is not None and value < 1:
            raise ValueError(f"{name}: expected an int >= 1, received {value!r}")
    calls = {}
    for name, function in functions.items():
        for _ in range(warmup):
            function()
        calls[name] = inner or _calls_in_a_turn(function)
    seconds = {name: [] for name in functions}
    for k in range(rounds):
        gc.collect()
        for name, function in list(functions.items())[:: -1 if k % 2 else 1]:
            if calls[name] > 1:
                function()  # the turn before left other data in the caches, and its threads may still be spinning
            each = _seconds(function, calls[name])
            seconds[name].append(each / (work or {}).get(name, 1))
    return Comparison(seconds)


def _calls_in_a_turn(function: Callable) -> int:
    return max(1, min(_MOST_CALLS, round(_TURN_SECONDS / max(_seconds(function, 1), 1e-9))))


def _seconds(function: Callable, calls: int) -> float:
    start = perf_counter()
    for _ in range(calls):
        function()
    return (perf_counter() - start) / calls


def arguments(description: str, argv: Sequence[str] | None, rounds: int, add: Callable | None = None):
    """The options of all scripts, with those that `add(parser)` adds -> namespace."""
    parser = argparse.ArgumentParser(description=description.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="tiny sizes: shows that the script runs, nothing else")
    parser.add_argument("--rounds", type=int, help=f"turns of each candidate (default {rounds}; 2 with --quick)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="add the rows to this file, under the script's name")
    if add:
        add(parser)
    args = parser.parse_args(argv)
    args.rounds = args.rounds or (2 if args.quick else rounds)
    return args


def has_torch() -> bool:
    """Whether PyTorch is installed; if it is not, says how to get its column."""
    if importlib.util.find_spec("torch"):
        return True
    print('PyTorch is not installed, its column is left out: pip install "keras_seqcv[bench]"', file=sys.stderr)
    return False


def progress(*what) -> None:
    """What is being measured, on the error stream: the table alone goes to standard output."""
    print("...", *what, file=sys.stderr, flush=True)


def show(script: str, columns: Mapping[str, str], rows: Sequence[Mapping], args, note: str = "") -> None:
    """Print a Markdown table, and a line that says on what it was measured.

    Args:
        script: `__file__` of the script.
        columns: heading -> format, such as "{:.2f}". A column without a value in any row is left out.
        rows: heading -> value; a value may be missing or None.
        args: from `arguments`; with `--json` the rows are put in that file.
        note: a sentence for the line below the table.
    """
    print(markdown(columns, rows))
    line = f"{_versions()}; {os.cpu_count()} cores; medians of {args.rounds} rounds in turn."
    print(f"\n{line} {note}".rstrip(), flush=True)
    if args.json:
        _merge(args.json, Path(script).stem, {"measured": line, "rows": [dict(row) for row in rows]})


def markdown(columns: Mapping[str, str], rows: Sequence[Mapping]) -> str:
    used = [c for c in columns if any(row.get(c) is not None for row in rows)]
    lines = [f"| {' | '.join(used)} |", f"|{'|'.join('---' if columns[c] == '{}' else '---:' for c in used)}|"]
    for row in rows:
        cells = ["–" if row.get(c) is None else columns[c].format(row[c]) for c in used]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _versions() -> str:
    found = []
    for name, package in (("TensorFlow", "tensorflow"), ("Keras", "keras"), ("PyTorch", "torch")):
        try:
            found.append(f"{name} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            continue
    return ", ".join(found)


def _merge(path: Path, key: str, value) -> None:
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        content = {}
    except ValueError as error:
        raise ValueError(f"--json: {path} exists and is not JSON: {error}") from error
    write_whole(path, lambda file: file.write_text(json.dumps({**content, key: value}, indent=1) + "\n"))


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` write a file beside `path`, with the same ending, and put it in place when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
