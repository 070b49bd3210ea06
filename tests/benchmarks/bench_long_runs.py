"""Memory over 10,000 steps of training, writing, LiteRT calls and reading data: a table and a picture.

Each kind of work runs in a process of its own, on small models: what leaks cannot hide behind what is large. After
every twentieth part of the steps it counts what it holds: `growth.sample` says what.
"""

import gc
import json
import os
import subprocess
import sys
from pathlib import Path

from tests.benchmarks import timing
from tests.benchmarks.bench_cost import import_pyplot

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = {
    "work": "{}",
    "steps": "{:,}",
    "first quarter, MB": "{:.1f}",
    "last quarter, MB": "{:.1f}",
    "bytes a step": "{:+,.1f}",
    "±": "{:,.1f}",
    "C heap, bytes a step": "{:+,.1f}",
    "Python objects": "{:+d}",
    "traces": "{:+d}",
    "tensors": "{:+d}",
    "files": "{:+d}",
}


def main(argv=None):
    args = timing.arguments(__doc__, argv, rounds=1, add=options)
    if args.child:
        child(args.child[0], int(args.child[1]), int(args.child[2]))
        return
    args.rounds = 1
    pyplot = import_pyplot()
    from tests.benchmarks.long_runs import RUNS

    chosen = {name: steps for name, (_, steps) in RUNS.items() if not args.only or args.only in name}
    if args.quick:
        chosen = dict.fromkeys(("LiteRT: step", "load_tflite"), 5)
    if not chosen:
        raise SystemExit(f"--only {args.only}: no work has that in its name. There are:\n" + "\n".join(RUNS))
    rows, samples = [], {}
    for name, steps in chosen.items():
        steps = min(steps, args.steps or steps)
        timing.progress("long runs:", name, f"({steps:,} steps)")
        watch = here if args.quick else elsewhere
        samples[name] = watch(name, steps, max(1, steps // 20))
        rows.append(row_of(name, samples[name]))
    note = (
        "Each in a process of its own, 20 samples. Slope and its standard error: memory of the process over the last "
        "three quarters of the steps. Counts: the last sample less that at a quarter of the steps."
    )
    timing.show(__file__, COLUMNS, rows, args, note)
    picture(pyplot, samples, args.out)
    print(f"\nPicture: {args.out}")


def options(parser):
    parser.add_argument("--only", metavar="TEXT", help="only the work that has TEXT in its name")
    parser.add_argument("--steps", type=int, help="at most so many steps of each")
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks/long_runs.png"), help="the picture (PNG)")
    parser.add_argument("--child", nargs=3, metavar=("NAME", "STEPS", "BETWEEN"), help="for internal use")


def elsewhere(name, steps, between) -> list[dict]:
    """The samples of a process that does nothing else."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, __file__, "--child", name, str(steps), str(between)]
    environment = {**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "2"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-5000:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"step"')]


def child(name, steps, between):
    def take(one):
        print(json.dumps(one), flush=True)
        if not one["step"]:
            gc.freeze()  # TensorFlow and Keras: later samples look through, and count, what came after them

    here(name, steps, between, take)


def here(name, steps, between, take=lambda one: None) -> list[dict]:
    """The samples of this process."""
    from tests.benchmarks.growth import sample
    from tests.benchmarks.long_runs import RUNS

    samples = []

    def one(step):
        samples.append(sample(step))
        take(samples[-1])

    RUNS[name][0](steps, between, one)
    return samples


def row_of(name, samples) -> dict:
    from tests.benchmarks.growth import growth

    steps = [one["step"] for one in samples]
    memory, heap = (growth(steps, [one[kind] for one in samples]) for kind in ("rss", "heap"))
    quarter = next(one for one in samples if one["step"] >= steps[-1] / 4)
    row = {"work": name, "steps": steps[-1]}
    row |= {"first quarter, MB": memory.first / 1e6, "last quarter, MB": memory.last / 1e6}
    row |= {"bytes a step": memory.slope, "±": memory.error, "C heap, bytes a step": heap.slope}
    counts = {"Python objects": "objects", "traces": "traces", "tensors": "tensors", "files": "files"}
    return row | {title: samples[-1][kind] - quarter[kind] for title, kind in counts.items()}


GROUPS = {"training": ("fit",), "LiteRT": ("LiteRT", "load_tflite"), "data": ("batches",)}
GROUPS |= {"files": ("save", "export", "SavedModel", "tf."), "models": ("",)}


def picture(pyplot, samples, path):
    """Memory of each process over its steps, in a panel for each kind of work."""
    panels = {title: [] for title in GROUPS}
    for name, rows in samples.items():
        panels[next(title for title, starts in GROUPS.items() if name.startswith(starts))].append(rows)
    panels = {title: lines for title, lines in panels.items() if lines}
    size = (3 * len(panels), 4)
    figure, axes = pyplot.subplots(1, len(panels), figsize=size, sharey=True, layout="constrained", squeeze=False)
    for axis, (title, lines) in zip(axes[0], panels.items(), strict=True):
        for rows in lines:
            axis.plot([100 * r["step"] / rows[-1]["step"] for r in rows], [r["rss"] / 1e6 for r in rows], linewidth=1)
        axis.set_title(title)
        axis.set_xlabel("% of the steps")
        axis.set_ylim(bottom=0)
        axis.grid(True, alpha=0.3)
    axes[0][0].set_ylabel("memory of the process, MB")
    timing.write_whole(path, lambda file: figure.savefig(file, dpi=120))
    pyplot.close(figure)


if __name__ == "__main__":
    main()
