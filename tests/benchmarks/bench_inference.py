"""The forward pass of one recurrent layer, all outputs, as `predict` runs it: ours, Keras, PyTorch."""

import keras
import numpy as np
import tensorflow as tf

import keras_seqcv as ks
from tests.benchmarks import steps, timing

COLUMNS = {
    "layer": "{}",
    "batch": "{}",
    "units": "{}",
    "ours, ms": "{:.2f}",
    "ours, tokens/s": "{:,.0f}",
    "Keras / ours": "{:.2f}",
    "PyTorch / ours": "{:.2f}",
}


def main(argv=None):
    args = timing.arguments(__doc__, argv, rounds=7, add=options)
    length = 8 if args.quick else 64
    units, batches = ([8], [2]) if args.quick else (args.units, args.batch)
    with_torch = timing.has_torch()
    rows = []
    for kind in args.kinds:
        for batch in batches:
            for u in units:
                timing.progress("inference", kind, "batch", batch, "units", u)
                result = timing.compare(candidates(kind, u, batch, length, with_torch), args.rounds)
                row = {"layer": kind, "batch": batch, "units": u, "ours, ms": 1e3 * result.median("ours")}
                row["ours, tokens/s"] = batch * length / result.median("ours")
                row |= {"Keras / ours": result.ratio("keras"), "PyTorch / ours": result.ratio("torch")}
                rows.append(row)
    note = (
        f"{length} steps, as many features as units. A ratio is their time / our time. "
        "As `predict` decides, a model of SimpleRNN is compiled by XLA, one of LSTM or GRU is not."
    )
    timing.show(__file__, COLUMNS, rows, args, note)


def options(parser):
    parser.add_argument("--units", type=int, nargs="+", default=[128, 256, 512, 1024])
    parser.add_argument("--batch", type=int, nargs="+", default=[32, 1])
    parser.add_argument(
        "--kinds", nargs="+", default=["LSTM", "GRU", "SimpleRNN"], choices=["LSTM", "GRU", "SimpleRNN"]
    )


def candidates(kind, units, batch, length, with_torch):
    x = np.random.default_rng(0).standard_normal((batch, length, units)).astype("float32")
    functions = {"ours": keras_forward(ks.layers, kind, units, x), "keras": keras_forward(keras.layers, kind, units, x)}
    if with_torch:
        functions["torch"] = torch_forward(kind, units, x)
    return functions


def keras_forward(layers, kind, units, x):
    model = keras.Sequential([keras.Input((None, units)), getattr(layers, kind)(units, return_sequences=True)])
    forward = tf.function(lambda x: model(x, training=False), jit_compile=model.jit_compile)
    x = tf.constant(x)
    return lambda: forward(x).numpy()


def torch_forward(kind, units, x):
    import torch

    layer = steps.torch_layers(kind, units, units, 1)
    x = torch.tensor(x)

    def forward():
        with torch.no_grad():
            return layer(x)[0].numpy()

    return forward


if __name__ == "__main__":
    main()
