"""A training step, forward to optimiser, of two recurrent layers: ours, Keras, Keras + XLA, PyTorch."""

import keras

import keras_seqcv as ks
from tests.benchmarks import steps, timing

COLUMNS = {
    "layer": "{}",
    "units": "{}",
    "ours, tokens/s": "{:,.0f}",
    "Keras / ours": "{:.2f}",
    "Keras + XLA / ours": "{:.2f}",
    "PyTorch / ours": "{:.2f}",
}


def main(argv=None):
    args = timing.arguments(__doc__, argv, rounds=7, add=options)
    batch, length = (4, 8) if args.quick else (32, 64)
    units, kinds = ([8], args.kinds[:1]) if args.quick else (args.units, args.kinds)
    with_torch = timing.has_torch()
    x, y = steps.batch_of_characters(batch, length)
    rows = []
    for kind in kinds:
        for u in units:
            timing.progress("training", kind, u)
            result = timing.compare(candidates(kind, u, x, y, with_torch), args.rounds)
            row = {"layer": kind, "units": u, "ours, tokens/s": batch * length / result.median("ours")}
            for column, name in (("Keras", "keras"), ("Keras + XLA", "keras xla"), ("PyTorch", "torch")):
                row[f"{column} / ours"] = result.ratio(name)
            rows.append(row)
    note = (
        f"2 layers, one-hot {steps.WORDS} in, Dense {steps.WORDS} out, batch {batch}, {length} steps, Adam, clipping "
        "by the global norm. A ratio is their time / our time. Keras: as `compile` decides, which is XLA for SimpleRNN."
    )
    timing.show(__file__, COLUMNS, rows, args, note)


def options(parser):
    parser.add_argument("--units", type=int, nargs="+", default=[128, 256, 512, 1024])
    parser.add_argument(
        "--kinds", nargs="+", default=["LSTM", "GRU", "SimpleRNN"], choices=["LSTM", "GRU", "SimpleRNN"]
    )


def candidates(kind, units, x, y, with_torch):
    functions = {
        "ours": steps.keras_step(steps.keras_model(ks.layers, kind, units), x, y),
        "keras": steps.keras_step(steps.keras_model(keras.layers, kind, units), x, y),
        "keras xla": steps.keras_step(steps.keras_model(keras.layers, kind, units, jit_compile=True), x, y),
    }
    if with_torch:
        functions["torch"] = steps.torch_step(kind, units, x, y)
    return functions


if __name__ == "__main__":
    main()
