"""Which network learns over which distance, and what its gradients say of it; `train.py --help` says how."""

import argparse
import json
import time
from pathlib import Path

import keras
import numpy as np
from networks import CELLS, compiled, network
from tasks import TASKS, baseline, batches

import keras_seqcv as ks

EPOCHS = 10  # of the same number of steps


def arguments(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", default="adding", choices=TASKS)
    parser.add_argument("--lengths", type=int, nargs="+", default=(25, 50, 100, 200), help="numbers, or blanks")
    parser.add_argument("--cells", nargs="+", default=CELLS, choices=CELLS)
    parser.add_argument("--layers", type=int, nargs="+", default=(1,), help="how many, one on the other")
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--steps", type=int, default=3000, help="of training, each with a fresh batch")
    parser.add_argument("--batch-size", type=int, default=50)
    parser.add_argument("--learning-rate", type=float, default=2e-3, help="of Adam, falling along a cosine")
    parser.add_argument("--clip", type=float, default=1.0, help="global_clipnorm; 0: none")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("runs/gradient_flow"), help="folder for all results")
    return parser.parse_args(argv)


def main(argv=None):
    args = arguments(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for length in args.lengths:
        start, trained = {}, {}
        for cell, layers in ((cell, layers) for layers in args.layers for cell in args.cells):
            name = cell if layers == 1 else f"{cell}, {layers} layers"
            row, start[name], trained[name] = run(cell, layers, length, args)
            rows.append({"name": name, "length": length, **row})
            print(f"{name}, length {length}: {row}", flush=True)
            (args.out / f"{args.task}.json").write_text(json.dumps(rows, indent=1))
        for when, flows in (("start", start), ("trained", trained)):
            ks.inspection.plot_gradient_flow(flows, args.out / f"{args.task}_{length}_{when}.png")
    print(table(rows, args))


def run(cell, layers, length, args):
    """Train one network: its row of the table, and how the gradient flowed before and afterwards."""
    model = network(cell, args.task, layers, args.units, args.seed)
    rate = keras.optimizers.schedules.CosineDecay(args.learning_rate, args.steps, 0.01)
    compiled(model, args.task, keras.optimizers.Adam(rate, global_clipnorm=args.clip or None))
    some = last_alone(TASKS[args.task](100, length, np.random.default_rng(2)))
    before = ks.inspection.gradient_flow(model, some)
    monitor, began = ks.callbacks.GradientMonitor(), time.perf_counter()
    train = batches(args.task, length, args.batch_size, args.seed)
    steps = max(1, args.steps // EPOCHS)
    model.fit(train, epochs=EPOCHS, steps_per_epoch=steps, callbacks=[monitor], verbose=0)
    seconds = time.perf_counter() - began
    after = ks.inspection.gradient_flow(model, some)
    test = TASKS[args.task](2000, length, np.random.default_rng(3))
    row = {
        "loss": model.evaluate(*test, batch_size=500, verbose=0),
        "baseline": baseline(args.task, length),
        "clipped": float(np.mean([seen["clipped"] for seen in monitor.history])),
        "first over largest, at the start": reach(before),
        "radius": {"start": radii(before), "end": radii(after)},
        "seconds": seconds,
        "warnings": monitor.warnings,
    }
    return row, before, after


def last_alone(batch):
    """Of a loss at every step the last step's alone: how far back does it reach?"""
    x, y = batch
    weights = np.zeros(y.shape, "float32")
    weights[:, -1] = y.shape[1]
    return (x, y, weights[:, 0] if y.shape[1] == 1 else weights)


def reach(flow) -> float:
    """The norm of dL/dh at the first step over the largest, of the lowest layer."""
    norms = flow.norms(flow.layers[0])
    return float(norms[0] / norms.max())


def radii(flow) -> dict:
    """The largest modulus of an eigenvalue of each gate's kernel, of the lowest layer."""
    return {gate: spectrum.radius for gate, spectrum in flow.spectra[flow.layers[0]].items()}


def table(rows, args) -> str:
    """Loss over baseline: 1 is to have learned nothing."""
    names = list(dict.fromkeys(row["name"] for row in rows))
    lines = [f"| {args.task} | " + " | ".join(f"{length}" for length in args.lengths) + " |"]
    lines.append("|---|" + "---:|" * len(args.lengths))
    for name in names:
        cells = [f"{row['loss'] / row['baseline']:.3f}" for row in rows if row["name"] == name]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
