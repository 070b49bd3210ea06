"""Compare the exports of a model of clips or of frames: size, time, accuracy, and whether they say what Keras says."""

import argparse
import functools
import json
import tempfile
import time
from pathlib import Path

import clips as sources
import keras
import numpy as np
import tensorflow as tf

import keras_seqcv as ks

FORMS = ("float32", "float16", "dynamic", "int8")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="clips.keras or frames.keras of a training")
    parser.add_argument("--grid", type=Path, help="folder with the clips of a GRID speaker; without it moving scenes")
    parser.add_argument("--count", type=int, default=200, help="how many of the clips held out")
    parser.add_argument("--forms", nargs="+", default=FORMS, choices=FORMS)
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    args = parser.parse_args(argv)

    model = keras.saving.load_model(args.model, compile=False)
    data = sources.grid(args.grid) if args.grid else sources.moving(200, args.count)
    train, test = data.frames if model.per_step else data.whole
    test = test.chosen(range(min(args.count, len(test))))
    films = [ks.data.load_video(clip, model.encoder.image_size) for clip in test.clips]
    true = truth(model, test, films)
    wanted = model.classify(films)
    rows = [row("Keras", None, None, wanted, wanted, true)]
    with tempfile.TemporaryDirectory() as folder:
        found, size = of_saved_model(model, Path(folder) / "saved", films)
        rows.append(row("SavedModel", size, None, found, wanted, true))
        examples = model.export_examples("litert", train.clips[:100])
        for form in args.forms:
            file = Path(folder) / f"{form}.tflite"
            quantize = None if form == "float32" else form
            report = ks.export.tflite(model, file, quantize, examples=examples, verbose=False)
            lite, size = ks.export.load_tflite(file), file.stat().st_size / 1e6
            found, milliseconds = timed(lite.classify, films)
            rows.append(row(form, size, milliseconds, found, wanted, true))
            rows[-1]["fused LSTMs"] = report.operators["UNIDIRECTIONAL_SEQUENCE_LSTM"]
            if "step" in lite.signatures:
                found, milliseconds = timed(functools.partial(streamed, lite), films)
                rows.append(row(f"{form}, frame by frame", size, milliseconds, found, wanted, true))
    if "step" in model.export_signatures("litert"):
        rows.append(row("Keras, frame by frame", None, None, streamed(model, films), wanted, true))
    print("| form | MB | ms a frame, 1 thread | accuracy | says what Keras says |")
    print("|---|---:|---:|---:|---:|")
    for r in rows:
        size, taken = ("" if r[k] is None else f"{r[k]:.{d}f}" for k, d in (("MB", 2), ("ms", 2)))
        print(f"| {r['form']} | {size} | {taken} | {r['accuracy']:.1%} | {r['same']} of {r['labels']} |")
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1))


def truth(model, test, films):
    """The true labels of all clips, or of all their frames."""
    if not model.per_step:
        return list(test.labels)
    return [label for k, film in enumerate(films) for label in test.frame_labels(k, len(film))]


def said(results):
    """The labels that were found, of clips or of frames."""
    return [name for one in results for name in (one.labels if hasattr(one, "labels") else [one.label])]


def row(form, size, milliseconds, found, wanted, true):
    labels = said(found)
    same = sum(a == b for a, b in zip(labels, said(wanted), strict=True))
    right = float(np.mean([a == b for a, b in zip(labels, true, strict=True)]))
    return {"form": form, "MB": size, "ms": milliseconds, "accuracy": right, "same": same, "labels": len(labels)}


def timed(function, films):
    """What a function gives of the clips, and the milliseconds it takes for each frame."""
    start = time.perf_counter()
    found = function(films)
    return found, 1000 * (time.perf_counter() - start) / sum(map(len, films))


def streamed(model, films):
    """What a model says of clips whose frames come one by one; a LiteRT model has the same words."""
    per_step = json.loads(model.files["labels.json"])["per_step"] if hasattr(model, "files") else model.per_step
    found = []
    for film in films:
        every = list(model.stream(film))
        whole = ks.models.StepClassification([one.label for one in every], None, None)
        found.append(whole if per_step else every[-1])
    return found


def of_saved_model(model, folder, films):
    """What the SavedModel says of all clips, a few at a time, and its size in MB."""
    ks.export.saved_model(model, folder, verbose=False)
    classify, found = tf.saved_model.load(folder).signatures["classify"], []
    for k in range(0, len(films), 20):
        some = films[k : k + 20]
        lengths = np.array([len(film) for film in some], "int32")
        video = np.stack([np.pad(film, [(0, lengths.max() - len(film)), (0, 0), (0, 0), (0, 0)]) for film in some])
        labels = classify(video=tf.constant(video), lengths=tf.constant(lengths))["label"].numpy()
        for label, length in zip(labels, lengths):
            if model.per_step:
                found.append(ks.models.StepClassification([name.decode() for name in label[:length]], None, None))
            else:
                found.append(ks.models.Classification(label.decode(), 1.0, {}))
    return found, sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


if __name__ == "__main__":
    main()
