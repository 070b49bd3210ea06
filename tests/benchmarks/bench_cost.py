"""Time of a training step against sequence length and units, ours and Keras's: a picture and a table."""

from pathlib import Path

import keras

import keras_seqcv as ks
from tests.benchmarks import steps, timing

COLUMNS = {
    "steps": "{}",
    "units": "{}",
    "ours, ms": "{:.1f}",
    "Keras, ms": "{:.1f}",
    "Keras / ours": "{:.2f}",
}


def main(argv=None):
    args = timing.arguments(__doc__, argv, rounds=5, add=options)
    pyplot = import_pyplot()
    batch = 4 if args.quick else 32
    lengths, of_length = ([4, 8], 4) if args.quick else ([16, 32, 64, 128, 256, 512], 256)
    units, of_units = ([4, 8], 4) if args.quick else ([64, 128, 256, 512, 1024], 64)
    sizes = sorted({(t, of_length) for t in lengths} | {(of_units, u) for u in units}, key=lambda s: (s[1], s[0]))
    rows = []
    for length, u in sizes:
        timing.progress("cost:", length, "steps,", u, "units")
        x, y = steps.batch_of_characters(batch, length)
        modules = {"ours": ks.layers, "keras": keras.layers}
        functions = {n: steps.keras_step(steps.keras_model(m, args.kind, u), x, y) for n, m in modules.items()}
        result = timing.compare(functions, args.rounds)
        row = {"steps": length, "units": u, "ours, ms": 1e3 * result.median("ours")}
        rows.append(row | {"Keras, ms": 1e3 * result.median("keras"), "Keras / ours": result.ratio("keras")})
    timing.show(__file__, COLUMNS, rows, args, f"Training step of 2 {args.kind} layers, batch {batch}.")
    panels = [
        ("steps", f"{of_length} units", [row for row in rows if row["units"] == of_length]),
        ("units", f"{of_units} steps", [row for row in rows if row["steps"] == of_units]),
    ]
    picture(pyplot, panels, args.kind, batch, args.out)
    print(f"\nPicture: {args.out}")


def options(parser):
    parser.add_argument("--kind", default="LSTM", choices=["LSTM", "GRU", "SimpleRNN"])
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks/cost.png"), help="the picture (PNG)")


def import_pyplot():
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise SystemExit('The picture needs matplotlib: pip install "keras_seqcv[plots]"') from error
    pyplot.switch_backend("Agg")  # no window, whatever the machine
    return pyplot


def picture(pyplot, panels, kind, batch, path):
    figure, axes = pyplot.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
    for axis, (name, fixed, rows) in zip(axes, panels):
        values = [row[name] for row in rows]
        for title, color, marker in (("Keras", "tab:gray", "s"), ("ours", "tab:blue", "o")):
            axis.plot(values, [row[f"{title}, ms"] for row in rows], marker=marker, color=color, label=title)
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        axis.set_xticks(values, [str(v) for v in values])
        axis.set_xlabel(f"{name} ({fixed})")
        axis.grid(True, which="major", alpha=0.3)
    axes[0].set_ylabel("training step, ms")
    axes[0].legend(frameon=False)
    figure.suptitle(f"Cost of training 2 {kind} layers, batch {batch}")
    timing.write_whole(path, lambda file: figure.savefig(file, dpi=120))
    pyplot.close(figure)


if __name__ == "__main__":
    main()
