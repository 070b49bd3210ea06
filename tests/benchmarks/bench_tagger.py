"""A tagger of two LSTM layers in LiteRT, one thread: ours, fused, and Keras's LSTM, unrolled."""

import tempfile
from pathlib import Path

import keras
import numpy as np

import keras_seqcv as ks
from tests.benchmarks import timing

FUSED = "UNIDIRECTIONAL_SEQUENCE_LSTM"
FEATURES, TAGS = 64, 16
COLUMNS = {
    "tagger": "{}",
    "ms": "{:.3f}",
    "time / ours": "{:.2f}",
    FUSED: "{}",
    "operators": "{}",
    "file, MB": "{:.2f}",
    "largest difference": "{:.1e}",
}


def main(argv=None):
    args = timing.arguments(__doc__, argv, rounds=15)
    units, length = (8, 6) if args.quick else (256, 50)
    theirs = tagger(keras.layers.LSTM, units, length, unroll=True)
    ours = tagger(ks.layers.LSTM, units, length)
    ours.set_weights(theirs.get_weights())
    x = np.random.default_rng(0).standard_normal((1, length, FEATURES)).astype("float32")
    expected = theirs(x)
    reports, runs = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        # The same converter and settings, float32 and built-in operators only: the layers make the difference.
        for name, model in {"ours": ours, "keras": theirs}.items():
            timing.progress("tagger: converting", name)
            path = Path(folder) / f"{name}.tflite"
            reports[name] = ks.export.tflite(model, path, verbose=False)
            runs[name] = interpreter_run(path, x)
        result = timing.compare(runs, args.rounds)
        rows = [
            {
                "tagger": title,
                "ms": 1e3 * result.median(name),
                "time / ours": result.ratio(name),
                FUSED: reports[name].operators[FUSED],
                "operators": sum(reports[name].operators.values()),
                "file, MB": reports[name].bytes / 1e6,
                "largest difference": float(np.abs(runs[name]() - expected).max()),
            }
            for name, title in {"ours": "keras_seqcv.layers.LSTM", "keras": "keras.layers.LSTM(unroll=True)"}.items()
        ]
    note = (
        f"2 x {units} units, {length} steps of {FEATURES} features, batch 1, one thread. Difference: to Keras's model."
    )
    timing.show(__file__, COLUMNS, rows, args, note)


def tagger(layer, units, length, **options):
    layers = [layer(units, return_sequences=True, **options) for _ in range(2)]
    return keras.Sequential([keras.Input((length, FEATURES), batch_size=1), *layers, keras.layers.Dense(TAGS)])


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
