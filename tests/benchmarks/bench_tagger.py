"""A tagger of LSTM layers in LiteRT, one thread: ours, fused, and Keras's unrolled, by Keras's export and by ours."""

import tempfile
from pathlib import Path

import keras
import numpy as np

import keras_seqcv as ks
from keras_seqcv.export.to_tflite import operators_of
from tests.benchmarks import timing

FUSED = "UNIDIRECTIONAL_SEQUENCE_LSTM"
FEATURES, TAGS = 64, 16
COLUMNS = {
    "layers": "{}",
    "units": "{}",
    "tagger": "{}",
    "ms": "{:.2f}",
    "time / ours": "{:.2f}",
    FUSED: "{}",
    "operators": "{}",
    "file, MB": "{:.2f}",
    "largest difference": "{:.1e}",
}


TITLES = {
    "ours": "`ks.layers.LSTM`",
    "keras": "`keras.layers.LSTM(unroll=True)`, `model.export`",
    "keras, our export": "the same, `ks.export.tflite`",
}


def main(argv=None):
    args = timing.arguments(__doc__, argv, rounds=15, add=options)
    length = 6 if args.quick else 50
    sizes = [(2, 8)] if args.quick else [tuple(map(int, size.split("x"))) for size in args.sizes]
    rows = []
    for layers, units in sizes:
        timing.progress("tagger:", layers, "layers,", units, "units")
        rows += rows_of(layers, units, length, args.rounds)
    note = f"{length} steps of {FEATURES} features, batch 1, one thread, float32. Difference: to Keras's model."
    timing.show(__file__, COLUMNS, rows, args, note)


def options(parser):
    parser.add_argument("--sizes", nargs="+", default=["1x128", "1x256", "2x256", "1x512"], help="layers x units")


def rows_of(layers, units, length, rounds):
    theirs = tagger(keras.layers.LSTM, layers, units, length, unroll=True)
    ours = tagger(ks.layers.LSTM, layers, units, length)
    ours.set_weights(theirs.get_weights())
    x = np.random.default_rng(0).standard_normal((1, length, FEATURES)).astype("float32")
    expected = theirs(x)
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / f"{k}.tflite" for k, name in enumerate(TITLES)}
        ks.export.tflite(ours, paths["ours"], verbose=False)
        theirs.export(paths["keras"], format="litert", verbose=False)
        ks.export.tflite(theirs, paths["keras, our export"], verbose=False)
        contents = {name: path.read_bytes() for name, path in paths.items()}
        runs = {name: interpreter_run(path, x) for name, path in paths.items()}
        result = timing.compare(runs, rounds)
    rows = []
    for name, title in TITLES.items():
        operators = operators_of(contents[name])
        row = {"layers": layers, "units": units, "tagger": title, "ms": 1e3 * result.median(name)}
        row |= {"time / ours": result.ratio(name), FUSED: operators[FUSED], "operators": sum(operators.values())}
        row |= {
            "file, MB": len(contents[name]) / 1e6,
            "largest difference": float(np.abs(runs[name]() - expected).max()),
        }
        rows.append(row)
    return rows


def tagger(layer, layers, units, length, **options):
    stack = [layer(units, return_sequences=True, **options) for _ in range(layers)]
    return keras.Sequential([keras.Input((length, FEATURES), batch_size=1), *stack, keras.layers.Dense(TAGS)])


def interpreter_run(path, x):
    """The interpreter alone, without what `load_tflite` does around it."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise SystemExit('Running a .tflite file needs ai_edge_litert: pip install "keras_seqcv[litert]"') from error
    interpreter = Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def run():
        interpreter.reset_all_variables()  # the fused operator would go on from the state of the run before
        interpreter.set_tensor(source, x)
        interpreter.invoke()
        return interpreter.get_tensor(target)

    return run


if __name__ == "__main__":
    main()
