"""Compare the exports of a model that reads by glimpses: size, time, accuracy, and whether they say what Keras says."""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import tensorflow as tf
from pictures import pictures
from train import add_data, texts

import keras_seqcv as ks
from keras_seqcv.reading import reading_of

FORMS = ("float32", "float16", "dynamic", "int8")
TOGETHER = 50  # pictures that the SavedModel reads at once


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="model.keras of a training")
    add_data(parser)
    parser.add_argument("--pictures", type=int, default=1000, help="how many of the test are read")
    parser.add_argument("--draws", type=int, default=1, help="how many are averaged; 0: none")
    parser.add_argument("--forms", nargs="+", default=FORMS, choices=FORMS)
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    args = parser.parse_args(argv)

    model = ks.models.load_model(args.model)
    digits, test, _ = pictures(args)
    test = test[: args.pictures]
    true = texts(test)
    wanted = model.classify(test.images, args.draws, seed=1)
    rows = [row("Keras", None, None, wanted, wanted, true)]
    with tempfile.TemporaryDirectory() as folder:
        found, size = of_saved_model(model, Path(folder) / "saved", test.images, args.draws)
        rows.append(row("SavedModel", size, None, found, wanted, true))
        examples = model.export_examples("litert", digits.images[:100])
        for form in args.forms:
            file = Path(folder) / f"{form}.tflite"
            # From glimpse to glimpse a difference grows, by as much as a picture has edges: how far, the table says.
            options = {"examples": examples, "tolerance": 0.05, "verbose": False}
            ks.export.tflite(model, file, None if form == "float32" else form, **options)
            lite, start = ks.export.load_tflite(file), time.perf_counter()
            found = lite.classify(test.images, args.draws, seed=1)
            taken = 1000 * (time.perf_counter() - start) / len(test)
            rows.append(row(form, file.stat().st_size / 1e6, taken, found, wanted, true))
    print("| form | MB | ms a picture, 1 thread | right | says what Keras says | places differ by at most |")
    print("|---|---:|---:|---:|---:|---:|")
    for r in rows:
        size, taken = ("" if r[k] is None else f"{r[k]:.2f}" for k in ("MB", "ms"))
        same = f"{r['same']:,} of {r['pictures']:,}"
        print(f"| {r['form']} | {size} | {taken} | {r['right']:.2%} | {same} | {r['apart']:.1e} |")
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1))


def row(form, size, milliseconds, found, wanted, true):
    """`apart`: the largest difference of a row or column of all glimpses, in halves of the picture."""
    return {
        "form": form,
        "MB": size,
        "ms": milliseconds,
        "right": float(np.mean([one.labels == labels for one, labels in zip(found, true, strict=True)])),
        "same": sum(one.labels == other.labels for one, other in zip(found, wanted, strict=True)),
        "pictures": len(found),
        "apart": float(max(np.abs(one.paths - other.paths).max() for one, other in zip(found, wanted, strict=True))),
    }


def of_saved_model(model, folder, images, draws):
    """What the SavedModel says of all pictures, and its size in MB."""
    ks.export.saved_model(model, folder, verbose=False)
    classify, found = tf.saved_model.load(folder).signatures["classify"], []
    for k in range(0, len(images), TOGETHER):
        given = {"image": images[k : k + TOGETHER], "seed": np.int32(1), "samples": np.int32(draws)}
        parts = classify(**{name: tf.constant(value) for name, value in given.items()})
        pairs = zip(parts["probabilities"].numpy(), parts["path"].numpy(), strict=True)
        found += [reading_of(model.labels, *pair) for pair in pairs]
    return found, sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


if __name__ == "__main__":
    main()
