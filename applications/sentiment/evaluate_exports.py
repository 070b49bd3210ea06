"""Compare the exports of a classifier: size, time, accuracy, and whether they say what Keras says."""

import argparse
import json
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
import train

import keras_seqcv as ks

FORMS = (None, "float16", "dynamic", "int8")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="model.keras of a training")
    parser.add_argument("--data", type=Path, help="texts that are labelled: folder or table; without it drawn opinions")
    parser.add_argument(
        "--ranges", type=Path, help="texts by which int8 ranges are measured; without it those of --data"
    )
    parser.add_argument("--count", type=int, default=400, help="how many texts, by chance")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    args = parser.parse_args(argv)

    model = keras.saving.load_model(args.model, compile=False)
    texts = chosen(model, args.data, args.count, seed=0)
    ranges = chosen(model, args.ranges or args.data, 100, seed=1).texts
    wanted = model.classify(texts.texts)
    rows = [row("Keras", None, None, wanted, wanted, texts)]
    with tempfile.TemporaryDirectory() as folder:
        if not model.per_step:
            rows.append(of_saved_model(model, Path(folder) / "saved", texts, wanted))
        for form in FORMS:
            file = Path(folder) / f"{form}.tflite"
            examples = model.export_examples("litert", ranges)
            report = ks.export.tflite(model, file, form, examples=examples, verbose=False)
            found, milliseconds = timed(ks.export.load_tflite(file), texts.texts)
            rows.append(row(form or "float32", file.stat().st_size / 1e6, milliseconds, found, wanted, texts))
            rows[-1]["fused LSTMs"] = report.operators["UNIDIRECTIONAL_SEQUENCE_LSTM"]
    print("| form | MB | ms a text, 1 thread | accuracy | says what Keras says |")
    print("|---|---:|---:|---:|---:|")
    for r in rows:
        size, taken = ("" if r[k] is None else f"{r[k]:.{d}f}" for k, d in (("MB", 2), ("ms", 2)))
        print(f"| {r['form']} | {size} | {taken} | {r['accuracy']:.1%} | {r['same']} of {r['labels']} |")
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1))


def chosen(model, path, count, seed):
    """Some texts of a folder or a table; or opinions that no training has seen."""
    if path is None:
        return ks.data.opinions(count, model.per_step, seed=1000 + seed)
    texts = train.read(path, model.labels)
    return texts.chosen(np.random.default_rng(seed).permutation(len(texts))[:count])


def said(results):
    """The labels of all texts, or of all words."""
    return [name for one in results for name in (one.labels if hasattr(one, "labels") else [one.label])]


def row(form, size, milliseconds, found, wanted, texts):
    labels, true = said(found), [name for some in texts.labels for name in (some if texts.per_step else [some])]
    same = sum(a == b for a, b in zip(labels, said(wanted), strict=True))
    facts = {"accuracy": train.accuracy(labels, true), "same": same, "labels": len(labels)}
    return {"form": form, "MB": size, "ms": milliseconds, **facts}


def timed(lite, texts):
    """What a LiteRT model says, and the mean milliseconds it takes."""
    lite.classify(texts[0])
    start = time.perf_counter()
    found = lite.classify(texts)
    return found, 1000 * (time.perf_counter() - start) / len(texts)


def of_saved_model(model, folder, texts, wanted):
    ks.export.saved_model(model, folder, verbose=False)
    classify, found = tf.saved_model.load(folder).signatures["classify"], []
    for k in range(0, len(texts), 25):
        labels = classify(text=tf.constant(texts.texts[k : k + 25]))["label"].numpy()
        found += [ks.models.Classification(label.decode(), 1.0, {}) for label in labels]
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
    return row("SavedModel", size, None, found, wanted, texts)


if __name__ == "__main__":
    main()
