"""Size, speed and quality of a translator's exports: a table of Keras, SavedModel and LiteRT in four forms."""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import tensorflow as tf

import keras_seqcv as ks

FORMS = (None, "float16", "dynamic", "int8")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="model.keras of a training")
    parser.add_argument("--source", required=True, help="file with a sentence on each line, plain or .gz")
    parser.add_argument("--target", required=True, help="the translations, line by line")
    parser.add_argument("--ranges", required=True, help="other sentences of the source, to measure ranges for int8")
    parser.add_argument("--count", type=int, default=200, help="how many sentences are translated")
    parser.add_argument("--beam", type=int, default=3)
    parser.add_argument("--cased", action="store_true", help="whether capitals count")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    args = parser.parse_args(argv)

    model = ks.models.load_model(args.model, compile=False)
    pairs = ks.data.read_translations(args.source, args.target)
    texts, references = pairs.sources[: args.count], pairs.targets[: args.count]
    ranges = ks.data.read_translations(args.ranges, args.ranges).sources[:50]
    limits = {"beam": args.beam, "max_length": 48}

    wanted = [translation.text for translation in model.translate(texts, **limits)]

    def row(form, size, times, said):
        same = sum(a == b for a, b in zip(said, wanted, strict=True))
        bleu = ks.metrics.translation_scores(said, references, lowercase=not args.cased)["bleu"]
        numbers = {"BLEU": bleu, "same": same, "sentences": len(said)}
        return {"form": form, "MB": size, "ms, 1 thread": times[0], "ms, 2 threads": times[1], **numbers}

    rows = [row("Keras", None, [None, None], wanted)]
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder) / "saved"
        ks.export.saved_model(model, folder, verbose=False, **limits)
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
        rows.append(row("SavedModel", size, [None, None], said_by_saved_model(model, folder, texts)))
        for form in FORMS:
            file = folder / f"{form}.tflite"
            examples = model.export_examples("litert", ranges) if form == "int8" else None
            ks.export.tflite(model, file, form, examples=examples, verbose=False, **limits)
            times, said = [], None
            for threads in (1, 2):
                said, milliseconds = timed(ks.export.load_tflite(file, num_threads=threads), texts)
                times.append(milliseconds)
            rows.append(row(form or "float32", file.stat().st_size / 1e6, times, said))
    print("| form | MB | ms a sentence, 1 thread | 2 threads | BLEU | says what Keras says |")
    print("|---|---:|---:|---:|---:|---:|")
    for r in rows:
        shown = ["" if r[k] is None else f"{r[k]:.1f}" for k in ("MB", "ms, 1 thread", "ms, 2 threads")]
        print(f"| {r['form']} | {' | '.join(shown)} | {r['BLEU']:.2f} | {r['same']} of {r['sentences']} |")
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1))


def said_by_saved_model(model, folder, texts):
    """Strings go in, or, for pieces of words, ids."""
    translate, words, said = tf.saved_model.load(folder).signatures["translate"], model.source_vocabulary, []
    for k in range(0, len(texts), 20):
        some = texts[k : k + 20]
        if words.encodes_in_graph:
            found = translate(text=tf.constant(some))
        else:
            ids = tf.ragged.constant([words.encode(text).tolist() for text in some], tf.int32)
            found = translate(tokens=ids.to_tensor(words.pad_id))
        said += [row[0].decode() for row in found["text"].numpy()]
    return said


def timed(lite, texts):
    """What a LiteRT model says, and the median milliseconds it takes."""
    lite.translate(texts[0])
    said, times = [], []
    for text in texts:
        start = time.perf_counter()
        said.append(lite.translate(text).text)
        times.append(1000 * (time.perf_counter() - start))
    return said, float(np.median(times))


if __name__ == "__main__":
    main()
