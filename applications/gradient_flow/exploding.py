"""The same training with and without clipping, where gradients explode: `exploding.py --help` says how."""

import argparse
import json
from pathlib import Path

import keras
import numpy as np
from networks import CELLS, compiled, network
from tasks import TASKS, baseline, batches

import keras_seqcv as ks


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", default="adding", choices=TASKS)
    parser.add_argument("--length", type=int, default=25)
    parser.add_argument("--cell", default="SimpleRNN, orthogonal", choices=CELLS)
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=0.03, help="of gradient descent with momentum 0.9")
    parser.add_argument("--clips", type=float, nargs="+", default=[0.0, 1.0], help="global_clipnorm; 0: none")
    parser.add_argument("--epochs", type=int, default=150)
    parser.add_argument("--steps", type=int, default=20, help="in an epoch, each with a fresh batch")
    parser.add_argument("--batch-size", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("runs/gradient_flow"), help="folder for all results")
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    test, histories, found = TASKS[args.task](10_000, args.length, np.random.default_rng(3)), {}, {}
    for clip in args.clips:
        name = f"global_clipnorm={clip:g}" if clip else "not clipped"
        model = network(args.cell, args.task, 1, args.units, args.seed)
        optimizer = keras.optimizers.SGD(args.learning_rate, momentum=0.9, global_clipnorm=clip or None)
        compiled(model, args.task, optimizer)
        monitor, fresh = ks.callbacks.GradientMonitor(), batches(args.task, args.length, args.batch_size, args.seed)
        fit = {"epochs": args.epochs, "steps_per_epoch": args.steps, "verbose": 0}
        histories[name] = model.fit(fresh, callbacks=[monitor], **fit).history
        loss = model.evaluate(*test, batch_size=500, verbose=0)
        print(f"{name}: {loss:.4f}, nothing learned: {baseline(args.task, test[1]):.4f}", *monitor.warnings, sep="\n  ")
        found[name] = {"loss": loss, "warnings": monitor.warnings, "history": histories[name]}
        (args.out / "exploding.json").write_text(json.dumps(found, indent=1))
    plot(histories, args.out / "exploding.png")


def plot(histories, path):
    """Losses and norms lie orders of magnitude apart; where there is no number a curve has no point."""
    curves = {}
    for name, history in histories.items():
        logs = {f"log10 of the {key}": np.log10(history[key]) for key in ("loss", "gradient_norm")}
        curves[name] = {**logs, "gradients_clipped": history["gradients_clipped"]}
    ks.inspection.plot_curves(curves, path)


if __name__ == "__main__":
    main()
