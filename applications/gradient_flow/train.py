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
TEST = 10_000  # sequences that none was trained on


def arguments(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", default="adding", choices=TASKS)
    parser.add_argument("--lengths", type=int, nargs="+", default=[25, 50, 100, 200], help="numbers, or blanks")
    parser.add_argument("--cells", nargs="+", default=[*CELLS], choices=CELLS)
    parser.add_argument("--layers", type=int, nargs="+", default=[1], help="how many, one on the other")
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--steps", type=int, default=2000, help="of training, each with a fresh batch")
    parser.add_argument("--batch-size", type=int, default=50)
    parser.add_argument(
        "--learning-rates",
        type=float,
        nargs="+",
        default=[2e-3, 1e-2],
        help="of Adam, falling along a cosine; of several the one that ends with the smallest loss of training counts",
    )
    parser.add_argument("--clip", type=float, default=1.0, help="global_clipnorm; 0: none")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("runs/gradient_flow"), help="folder for all results")
    return parser.parse_args(argv)


def main(argv=None):
    args = arguments(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for length in args.lengths:
        test, found, histories = TASKS[args.task](TEST, length, np.random.default_rng(3)), {}, {}
        for cell, layers in ((cell, layers) for layers in args.layers for cell in args.cells):
            name = cell if layers == 1 else f"{cell}, {layers} layers"
            tried = [train(cell, layers, length, rate, args) for rate in args.learning_rates]
            model, row, found[name] = min(tried, key=lambda one: np.nan_to_num(one[1]["history"][-1], nan=np.inf))
            loss = model.evaluate(*test, batch_size=500, verbose=0)
            row = {"name": name, "length": length, "loss": loss, "baseline": baseline(args.task, test[1]), **row}
            print(f"{name}, length {length}: {loss:.4f}, nothing learned: {row['baseline']:.4f}", flush=True)
            rows.append(row)
            histories[name] = {"loss": row["history"]}
            (args.out / f"{args.task}.json").write_text(json.dumps(rows, indent=1))
        pictures(found, histories, f"{args.out / args.task}_{length}")
    print(table(rows, args))


def pictures(found, histories, path: str):
    """Of the networks of one length: curves of the training, gradients over the steps, eigenvalues."""
    ks.inspection.plot_curves(histories, f"{path}_curves.png")
    for when in ("start", "end"):
        flows = {name: flows[when] for name, flows in found.items()}
        ks.inspection.plot_gradient_flow(flows, f"{path}_{when}.png")
    for name, flows in found.items():
        ks.inspection.plot_spectrum(flows, f"{path}_spectrum_{name.replace(', ', '_').replace(' ', '_')}.png")


def train(cell, layers, length, rate, args):
    """Train one network: the model, its row of the results, and how the gradient flowed at the start and at the end."""
    model = network(cell, args.task, layers, args.units, args.seed)
    falling = keras.optimizers.schedules.CosineDecay(rate, args.steps, 0.01)
    compiled(model, args.task, keras.optimizers.Adam(falling, global_clipnorm=args.clip or None))
    some = last_alone(TASKS[args.task](100, length, np.random.default_rng(2)))
    flows = {"start": ks.inspection.gradient_flow(model, some)}
    monitor, began = ks.callbacks.GradientMonitor(), time.perf_counter()
    fresh = batches(args.task, length, args.batch_size, args.seed)
    steps = max(1, args.steps // EPOCHS)
    history = model.fit(fresh, epochs=EPOCHS, steps_per_epoch=steps, callbacks=[monitor], verbose=0).history
    seconds = time.perf_counter() - began
    flows["end"] = ks.inspection.gradient_flow(model, some)
    row = {
        "learning_rate": rate,
        "history": history["loss"],
        "clipped": float(np.mean(history["gradients_clipped"])),
        "reach": {when: reach(flow) for when, flow in flows.items()},
        "radius": {when: radii(flow) for when, flow in flows.items()},
        "seconds": seconds,
        "warnings": monitor.warnings,
    }
    return model, row, flows


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
