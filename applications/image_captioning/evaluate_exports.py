"""Compare the exports of a captioner: size, time, CIDEr-D, and whether they say what Keras says."""

import argparse
import json
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import keras_seqcv as ks

FORMS = (None, "float16", "dynamic", "int8")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="model.keras of a training")
    parser.add_argument("--images", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--captions", required=True, help="their captions")
    parser.add_argument("--valid", type=Path, help="file with the names of the pictures that are described")
    parser.add_argument("--train", type=Path, help="file with the names of pictures by which int8 ranges are measured")
    parser.add_argument("--count", type=int, default=200, help="how many pictures are described")
    parser.add_argument("--beam", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    args = parser.parse_args(argv)

    model = keras.saving.load_model(args.model, compile=False)
    texts = ks.data.read_captions(args.captions)
    references = dict(zip(texts.names, texts.captions, strict=True))
    names = (args.valid.read_text().split() if args.valid else texts.names)[: args.count]
    seen = (args.train.read_text().split() if args.train else texts.names)[:50]
    pictures, ranges = (
        np.stack([ks.data.load_image(args.images / name, model.encoder.image_size) for name in some])
        for some in (names, seen)
    )
    references = [references[name] for name in names]

    wanted = [caption.text for caption in model.caption(pictures, beam=args.beam)]
    rows = [row("Keras", None, [None, None], wanted, wanted, references)]
    with tempfile.TemporaryDirectory() as folder:
        rows.append(of_saved_model(model, Path(folder) / "saved", args, names, references))
        for form in FORMS:
            file = Path(folder) / f"{form}.tflite"
            examples = model.export_examples("litert", ranges) if form == "int8" else None
            ks.export.tflite(model, file, form, examples=examples, beam=args.beam, max_length=20, verbose=False)
            times, said = [], None
            for threads in (1, 2):
                lite = ks.export.load_tflite(file, num_threads=threads)
                said, milliseconds = timed(lite, pictures)
                times.append(milliseconds)
            rows.append(row(form or "float32", file.stat().st_size / 1e6, times, said, wanted, references))
    print("| form | MB | ms a picture, 1 thread | 2 threads | CIDEr-D | says what Keras says |")
    print("|---|---:|---:|---:|---:|---:|")
    for r in rows:
        shown = ["" if r[k] is None else f"{r[k]:.1f}" for k in ("MB", "ms, 1 thread", "ms, 2 threads")]
        print(f"| {r['form']} | {' | '.join(shown)} | {r['CIDEr-D']:.3f} | {r['same']} of {r['pictures']} |")
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1))


def row(form, size, times, said, wanted, references):
    same = sum(a == b for a, b in zip(said, wanted, strict=True))
    scores = {"CIDEr-D": ks.metrics.cider_d(said, references), "same": same, "pictures": len(said)}
    return {"form": form, "MB": size, "ms, 1 thread": times[0], "ms, 2 threads": times[1], **scores}


def timed(lite, pictures):
    """What a LiteRT model says, and the median milliseconds it takes."""
    lite.caption(pictures[0])
    said, times = [], []
    for picture in pictures:
        start = time.perf_counter()
        said.append(lite.caption(picture).text)
        times.append(1000 * (time.perf_counter() - start))
    return said, float(np.median(times))


def of_saved_model(model, folder, args, names, references):
    """The SavedModel gets the files themselves, and is held against what Keras says of the files."""
    ks.export.saved_model(model, folder, beam=args.beam, max_length=20, verbose=False)
    caption = tf.saved_model.load(folder).signatures["caption"]
    files = [args.images / name for name in names]
    said = []
    for k in range(0, len(files), 20):
        contents = tf.constant([file.read_bytes() for file in files[k : k + 20]])
        said += [texts[0].decode() for texts in caption(image=contents)["text"].numpy()]
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
    wanted = [one.text for one in model.caption(files, beam=args.beam)]
    return row("SavedModel", size, [None, None], said, wanted, references)


if __name__ == "__main__":
    main()
