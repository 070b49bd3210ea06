"""Draw the validation curves of two trainings, of streams and stateless, from the history.csv files of train.py."""

import argparse
import csv
import os
from pathlib import Path


def arguments(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stream", type=Path, help="history.csv of a training on streams")
    parser.add_argument("stateless", type=Path, help="history.csv of the same training with --stateless")
    parser.add_argument("--out", type=Path, default=Path("runs/curves.png"))
    return parser.parse_args(argv)


def main(argv=None):
    args = arguments(argv)
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('drawing needs matplotlib: pip install "keras_seqcv[plots]"') from error
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    curves = {"stateless": (validation(args.stateless), "tab:gray"), "stream": (validation(args.stream), "tab:blue")}
    for name, (losses, color) in curves.items():
        axes.plot(
            range(1, len(losses) + 1),
            losses,
            color=color,
            marker=".",
            label=f"{name}: {min(losses):.3f} in {len(losses)} epochs",
        )
    axes.set(xlabel="epoch", xlim=(0.5, None), ylabel="validation loss, nats per character", ylim=limits(curves))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    beside = args.out.with_name(args.out.name + ".tmp")
    figure.savefig(beside, format="png", dpi=120, metadata={"Software": None})
    os.replace(beside, args.out)
    for name, (losses, _) in curves.items():
        print(f"{name}: {len(losses)} epochs, best validation loss {min(losses):.4f}, last {losses[-1]:.4f}")
    print(args.out)


def validation(path: Path) -> list[float]:
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows or "val_loss" not in rows[0]:
        raise ValueError(f"{path} must be a history.csv of train.py, with the column 'val_loss' and at least one epoch")
    return [float(row["val_loss"]) for row in rows]


def limits(curves: dict) -> tuple[float, float]:
    """The first epochs fall steeply: leave out what lies far above, so that the difference at the end can be seen."""
    ends = [losses[-1] for losses, _ in curves.values()] + [min(losses) for losses, _ in curves.values()]
    lowest, highest = min(ends), max(max(losses) for losses, _ in curves.values())
    return lowest - 0.02, min(highest, lowest + 0.4) + 0.01


if __name__ == "__main__":
    main()
