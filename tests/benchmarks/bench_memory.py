"""Peak memory of a training step, each candidate in a process of its own: ours, Keras, PyTorch.

A process builds model and optimiser state, makes a step with a tiny model so that the framework's own buffers and
threads are there, and notes its memory. What it needs above that, at most, is counted twice: over the first step,
where graphs are traced and compiled, and over later ones.
"""

import ctypes
import gc
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from tests.benchmarks import timing

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = {
    "layer": "{}",
    "units": "{}",
    "steps": "{}",
    "ours, MB": "{:.0f}",
    "Keras, MB": "{:.0f}",
    "PyTorch, MB": "{:.0f}",
    "Keras / ours": "{:.2f}",
    "PyTorch / ours": "{:.2f}",
    "ours, first step, MB": "{:.0f}",
    "Keras, first step, MB": "{:.0f}",
    "PyTorch, first step, MB": "{:.0f}",
}


def main(argv=None):
    args = timing.arguments(__doc__, argv, rounds=1, add=options)
    if args.child:
        print(json.dumps(child(*args.child[:2], *map(int, args.child[2:]))))
        return
    args.rounds = 1 if args.quick else args.rounds
    batch = 4 if args.quick else 32
    sizes = [("LSTM", 16, 8)] if args.quick else [(k, u, t) for k in args.kinds for u in (256, 512) for t in (64, 256)]
    names = {"Keras": "keras", "PyTorch": "torch"} if timing.has_torch() else {"Keras": "keras"}
    rows = []
    for kind, units, length in sizes:
        row = {"layer": kind, "units": units, "steps": length}
        for title, name in {"ours": "ours", **names}.items():
            timing.progress("memory", kind, units, length, title)
            first, later = measure(name, kind, units, length, batch, args.rounds)
            row |= {f"{title}, MB": later, f"{title}, first step, MB": first}
        for title in names:
            row[f"{title} / ours"] = row[f"{title}, MB"] / max(row["ours, MB"], 1e-9)
        rows.append(row)
    note = f"Batch {batch}. Peak above a built model with its optimiser; first step: with tracing and compiling."
    timing.show(__file__, COLUMNS, rows, args, note)


def options(parser):
    parser.add_argument(
        "--kinds", nargs="+", default=["LSTM", "GRU", "SimpleRNN"], choices=["LSTM", "GRU", "SimpleRNN"]
    )
    parser.add_argument(
        "--child", nargs=5, metavar=("NAME", "KIND", "UNITS", "STEPS", "BATCH"), help="for internal use"
    )


def measure(name, kind, units, length, batch, rounds):
    """Megabytes at the first step, and at later ones: medians over `rounds` processes."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, __file__, "--child", name, kind, str(units), str(length), str(batch)]
    results = []
    for _ in range(rounds):
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path})
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
        results.append(json.loads(done.stdout.splitlines()[-1]))
    return [statistics.median(values) for values in zip(*results)]


def child(name, kind, units, length, batch):
    step = prepare(name, kind, units, length, batch)
    before = memory("VmRSS")
    step()
    first = memory("VmHWM") - before
    release()
    reset_peak()
    for _ in range(3):
        step()
    return [max(first, 0), max(memory("VmHWM") - before, 0)]


def prepare(name, kind, units, length, batch):
    """A training step of the asked size that has not run yet, after a tiny one of the same kind."""
    from tests.benchmarks import steps  # imports TensorFlow, which the parent process does without

    x, y = steps.batch_of_characters(batch, length)
    tiny = steps.batch_of_characters(2, 4)
    if name == "torch":
        import torch

        step = steps.torch_step(kind, units, x, y)
        step(*map(torch.tensor, tiny))  # makes the optimiser's state too
    else:
        import keras

        import keras_seqcv as ks

        layers = {"ours": ks.layers, "keras": keras.layers}[name]
        # A model of its own: Keras would trace the second size of one model with open dimensions.
        steps.keras_step(steps.keras_model(layers, kind, 4), *tiny)()
        step = steps.keras_step(steps.keras_model(layers, kind, units), x, y)
    release()
    reset_peak()
    return step


def memory(field: str) -> float:
    """Megabytes (10^6 bytes) of this process: "VmRSS" now, "VmHWM" at most."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        import resource

        # Peak only, as near as other systems come; macOS counts bytes, others kilobytes.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(f"{field}:"))


def reset_peak():
    """Let the peak begin anew at what is in use now. Where the system cannot, later steps show the first one's peak."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass


def release():
    """Give freed memory back to the system, so that it does not count as in use."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):  # another C library
        pass


if __name__ == "__main__":
    main()
