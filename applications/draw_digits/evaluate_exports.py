"""Compare the exports of a model that draws: size, time for a picture, and how far canvases are from those of Keras."""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import tensorflow as tf

import keras_seqcv as ks

FORMS = ("float32", "float16", "dynamic", "int8")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="model.keras of a training")
    parser.add_argument("--count", type=int, default=20, help="how many pictures are drawn")
    parser.add_argument("--forms", nargs="+", default=FORMS, choices=FORMS)
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    args = parser.parse_args(argv)

    model = ks.models.load_model(args.model)
    label = None if model.labels is None else [model.labels[k % len(model.labels)] for k in range(args.count)]
    wanted = model.draw(args.count, seed=1, label=label).canvases
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        rows.append(row("SavedModel", *of_saved_model(model, Path(folder) / "saved", args.count, label), wanted))
        for form in args.forms:
            file = Path(folder) / f"{form}.tflite"
            ks.export.tflite(model, file, None if form == "float32" else form, verbose=False)
            lite, start = ks.export.load_tflite(file), time.perf_counter()
            found = lite.draw(args.count, seed=1, label=label).canvases
            taken = 1000 * (time.perf_counter() - start) / args.count
            rows.append(row(form, file.stat().st_size / 1e6, taken, found, wanted))
    print("| form | MB | ms a picture | largest difference of a pixel | mean |\n|---|---:|---:|---:|---:|")
    for r in rows:
        print(f"| {r['form']} | {r['MB']:.2f} | {r['ms']:.1f} | {r['largest']:.1e} | {r['mean']:.1e} |")
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1))


def row(form, size, milliseconds, found, wanted):
    """`found` and `wanted`: canvases (N, T, H, W, C), probabilities."""
    apart = np.abs(found - wanted)
    return {"form": form, "MB": size, "ms": milliseconds, "largest": float(apart.max()), "mean": float(apart.mean())}


def of_saved_model(model, folder, count, label):
    """Its size in MB, the time for a picture, and the canvases."""
    ks.export.saved_model(model, folder, verbose=False)
    draw = tf.saved_model.load(folder).signatures["draw"]
    inputs = {"n": tf.constant(count), "seed": tf.constant(1)}
    if label is not None:
        inputs["label"] = tf.constant([model.labels.index(name) for name in label])
    draw(**inputs)  # the first call compiles
    start = time.perf_counter()
    canvases = draw(**inputs)["canvas"].numpy()
    taken = 1000 * (time.perf_counter() - start) / count
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6, taken, canvases


if __name__ == "__main__":
    main()
